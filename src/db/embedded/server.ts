// Starts the server process and reads what it prints while it starts. It runs in a session of its own, so that Ctrl-C and
// a closed terminal end the worker and not the server under it. It listens on one Unix socket in its data folder, which
// nobody but its user and root may enter.

import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, open, stat, truncate } from 'node:fs/promises';
import type { Binaries } from './binaries.js';
import { errorCode } from './errors.js';
import type { EmbeddedHome } from './home.js';
import { spawnError, spawnOptions } from './run-program.js';

/** It only names the socket's file; nothing listens on the network. */
export const PORT = 5432;

const LOG_MAX_BYTES = 8 * 1024 * 1024;
const LOG_TAIL_LINES = 20;

/**
 * Given at each start, so that a new release changes them for old data too. Everything not named here is PostgreSQL's
 * default; above all `fsync` and `synchronous_commit` stay on.
 */
const SETTINGS = {
  listen_addresses: '',
  // Relative to the data folder, whose path may be longer than a socket address may be.
  unix_socket_directories: '.',
  unix_socket_permissions: '0700',
  // Several processes with a pool for each queue, worker and listener; an unused one costs a few kilobytes.
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '512MB',
  // There are no replicas. Yet with `minimal` a sequence that was made and first used in one transaction starts from its
  // beginning after a crash: the queue's job ids came again, and its keys pointed at jobs that had ended long ago.
  wal_level: 'replica',
  max_wal_senders: '0',
  // Containers often have 64 MB of /dev/shm, which parallel queries use.
  max_parallel_workers_per_gather: '0',
  io_method: 'sync',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Errors of statements go to the client, who decides; here they would fill the disk, and statements hold payments.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
} as const;

export interface StartedServer {
  pid: number | undefined;
  /** False once the process has ended. */
  isRunning(): boolean;
  /** The end of what the server wrote since this start. */
  said(): Promise<string>;
}

/** Starts the server; it is not ready yet. Another server on the same data makes it end by itself, see `said`. */
export async function startServer(home: EmbeddedHome, binaries: Binaries): Promise<StartedServer> {
  await boundLog(home.logFile);
  const log = await open(home.logFile, 'a', 0o600);
  try {
    const from = (await log.stat()).size;
    const child = await spawnServer(home, binaries, log.fd);
    return {
      pid: child.pid,
      isRunning: () => child.exitCode === null && child.signalCode === null,
      said: () => tailOf(home.logFile, from),
    };
  } finally {
    await log.close();
  }
}

/** Whether `said` means that another server holds the data: one that runs, starts or is just ending. */
export function saysHeldByAnother(said: string): boolean {
  return /lock file ".*" already exists|could not remove old lock file ".*": No such file/.test(said);
}

/**
 * Keeps the log below twice 8 MB. The server appends to an open file, so that emptying it is safe at any time; lines
 * written between copying and emptying are lost.
 */
export async function boundLog(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= LOG_MAX_BYTES) return;
  await copyFile(logFile, `${logFile}.old`);
  await truncate(logFile, 0);
}

function spawnServer(home: EmbeddedHome, binaries: Binaries, logDescriptor: number): Promise<ChildProcess> {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', home.dataFolder, '-p', String(PORT), ...settings], {
    ...spawnOptions({ account: home.account, cwd: home.dataDir, env: binaries.env }),
    stdio: ['ignore', logDescriptor, logDescriptor],
  });
  child.unref();
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (error) => reject(spawnError(binaries.postgres, home.account, error)));
  });
}

async function tailOf(logFile: string, from: number): Promise<string> {
  try {
    const file = await open(logFile, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(size < from ? 0 : from, size - 64 * 1024);
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
      return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
    } finally {
      await file.close();
    }
  } catch (error) {
    return `(${logFile} cannot be read: ${errorCode(error)})`;
  }
}
