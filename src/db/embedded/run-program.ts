// Runs one program to its end and hands back what it said. It passes on no environment of ours: that holds secrets, and
// the server may run as a user who must not see them. Programs run in a session of their own, out of Ctrl-C's reach.

import { spawn } from 'node:child_process';
import { EmbeddedPostgresError, errorCode, OTHER_WAY_OUT } from './errors.js';

/** The operating system's user that a program runs as. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

export interface RunOptions {
  account: Account | undefined;
  cwd: string;
  env: Record<string, string>;
}

/** `code` is null when a signal ended it. `output` is stdout and stderr, trimmed. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...spawnOptions(options), stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('error', (error) => reject(spawnError(program, options.account, error)));
    child.on('close', (code) => resolve({ code, output: Buffer.concat(said).toString('utf8').trim() }));
  });
}

/** The part of spawn's options that is equal for every program of the server. */
export function spawnOptions({ account, cwd, env }: RunOptions): {
  cwd: string;
  detached: true;
  env: Record<string, string>;
  uid?: number;
  gid?: number;
} {
  // A fixed locale: messages are read by `server.ts`. PATH is for the shell that initdb starts.
  const fixed = { LC_ALL: 'C', PATH: '/usr/bin:/bin', ...env };
  // spawn takes signed 32-bit ids.
  return { cwd, detached: true, env: fixed, ...(account && { uid: account.uid | 0, gid: account.gid | 0 }) };
}

/** Says what a failure to start `program` means. */
export function spawnError(program: string, account: Account | undefined, cause: Error): EmbeddedPostgresError {
  const code = errorCode(cause);
  if (account && (code === 'EPERM' || code === 'EINVAL')) {
    return new EmbeddedPostgresError(
      'account_unavailable',
      `PostgreSQL refuses to run as root, and this root may not become ${account.name} (${code}). Run as an ordinary user. ${OTHER_WAY_OUT}`,
      { cause },
    );
  }
  const why =
    code === 'ENOENT'
      ? 'Its program loader is missing: the packages are built for glibc, not for musl (Alpine).'
      : code === 'EACCES'
        ? 'It may not be executed: its file lacks the permission, or its file system is mounted with noexec.'
        : cause.message;
  return new EmbeddedPostgresError('unsupported_platform', `Cannot run ${program} (${code}). ${why} ${OTHER_WAY_OUT}`, {
    cause,
  });
}
