/**
 * A PgBouncer before the tests' PostgreSQL, started from the program on the PATH: a pooler refuses what it does not know of
 * a session, and in transaction mode hands a connection's next statement to another session.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';

export type PoolMode = 'session' | 'transaction';

export interface PgBouncer {
  /** The URL with the pooler in the place of the server. */
  urlOf(serverUrl: string): string;
  close(): Promise<void>;
}

export interface PgBouncerOptions {
  readonly mode: PoolMode;
  readonly serverUrl: string;
  /** Connections to the server for each login and database. */
  readonly poolSize?: number;
  /** Where the server is looked for instead: a proxy, or nothing at all. */
  readonly serverPort?: number;
  /** Names and passwords of logins besides that of `serverUrl`. */
  readonly logins?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 10_000;
/** It refuses to run as root. */
const NOBODY = 65_534;
/** Debian has it where a user's PATH need not lead. */
const PROGRAMS = ['pgbouncer', '/usr/sbin/pgbouncer'];

/** Null where there is none. */
export function findPgBouncer(): string | null {
  return PROGRAMS.find((program) => spawnSync(program, ['--version']).status === 0) ?? null;
}

export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const server = new URL(options.serverUrl);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
  const logins = { [server.username]: decodeURIComponent(server.password), ...options.logins };
  const settings = [
    '[databases]',
    `* = host=${server.hostname} port=${options.serverPort ?? (server.port || 5432)}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${join(folder, 'logins')}`,
    `pool_mode = ${options.mode}`,
    `default_pool_size = ${options.poolSize ?? 30}`,
    'max_client_conn = 200',
    'server_login_retry = 1',
  ];
  const lines = Object.entries(logins).map(([name, password]) => `"${name}" "${password}"`);
  await writeFile(join(folder, 'logins'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'pgbouncer.ini'), `${settings.join('\n')}\n`);
  await chmod(folder, 0o755);
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const program = findPgBouncer();
  if (program === null) throw new Error('There is no pgbouncer on the PATH');
  const child = spawn(program, ['-q', join(folder, 'pgbouncer.ini')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...asNobody,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'exit');
  await untilListening(port, () => said);
  return {
    urlOf(url) {
      const address = new URL(url);
      address.hostname = '127.0.0.1';
      address.port = String(port);
      return address.href;
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, said: () => string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await listens(port))) {
    if (performance.now() > deadline) throw new Error(`PgBouncer does not start: ${said()}`);
    await delay(20);
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
