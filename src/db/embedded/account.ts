// As which operating system user the server runs, and what that user can reach.
// PostgreSQL refuses to run as root, so root runs it as the owner of the data, or as `nobody` for new data.
// Reach is asked of the kernel, as that user: modes alone do not tell (access lists, mounts, name spaces).

import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { EmbeddedPostgresError, errorCode, OTHER_WAY_OUT } from './errors.js';
import { type Account, runProgram } from './run-program.js';

/** The user to run the server as; `undefined` means as ourselves. `dataFolder` need not exist yet. */
export async function serverAccount(dataFolder: string): Promise<Account | undefined> {
  const owner = await ownerOf(dataFolder);
  if (process.getuid?.() !== 0) {
    // Only making a database needs the name; one that is there is served by any user that owns it.
    if (owner === undefined && !hasName()) throw withoutName();
    return undefined;
  }
  if (owner && owner.uid !== 0) return { name: `user ${owner.uid}`, ...owner };
  return nobody();
}

/**
 * The first of `paths` that `account` cannot use, in the given order. A folder must let it pass (`x`), a file must let
 * it read (`r`).
 */
export async function firstOutOfReach(
  account: Account,
  paths: ReadonlyArray<{ path: string; need: 'x' | 'r' }>,
): Promise<string | undefined> {
  const script = 'while [ $# -gt 0 ]; do [ "-$1" "$2" ] || { printf %s "$2"; exit 0; }; shift 2; done';
  const args = ['-c', script, 'sh', ...paths.flatMap(({ path, need }) => [need, path])];
  const { output, code } = await runProgram('/bin/sh', args, { account, cwd: '/', env: {} });
  if (code !== 0) {
    throw new EmbeddedPostgresError(
      'account_unavailable',
      `Cannot find out what ${account.name} may read: /bin/sh ended with ${code}: ${output}\n${OTHER_WAY_OUT}`,
    );
  }
  return output === '' ? undefined : output;
}

/** `/`, …, `path`: every folder that has to let a user pass on the way. */
export function wayTo(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...wayTo(parent), path];
}

/** A container may run under a number that its /etc/passwd does not know. */
function hasName(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

function withoutName(): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'account_unavailable',
    `PostgreSQL makes no database for a user without a name, and no user has the number ${process.getuid?.()} here. ` +
      `Run as a user that /etc/passwd has (in a container: --user node, or a line for this number). ${OTHER_WAY_OUT}`,
  );
}

/** Nothing there, a file on the way, or a folder that lets nobody look. */
const NO_WAY = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'];

async function ownerOf(folder: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(folder);
    return { uid, gid };
  } catch (error) {
    // Whatever is wrong with the way there is said by whoever makes the folder.
    if (NO_WAY.includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

async function nobody(): Promise<Account> {
  const users = await readFile('/etc/passwd', 'utf8').catch((cause: unknown) => {
    throw new EmbeddedPostgresError(
      'account_unavailable',
      `PostgreSQL refuses to run as root, and /etc/passwd cannot be read. Run as an ordinary user. ${OTHER_WAY_OUT}`,
      { cause },
    );
  });
  const fields = users
    .split('\n')
    .map((line) => line.split(':'))
    .find((line) => line[0] === 'nobody');
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) {
    throw new EmbeddedPostgresError(
      'account_unavailable',
      `PostgreSQL refuses to run as root, and /etc/passwd knows no user "nobody". Run as an ordinary user. ${OTHER_WAY_OUT}`,
    );
  }
  // macOS writes nobody as -2.
  return { name: 'nobody', uid: uid >>> 0, gid: gid >>> 0 };
}
