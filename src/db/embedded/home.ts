// The folder that the caller gave us (DATA_DIR) and what lies in it, before any server runs:
//   postgres/            the data, owned by the server's user          postgres.log        what the server said
//   postgres-libraries/  links that the package lacks                  start.lock          see start-lock.ts
//   postgres-programs-*  a copy of the package, when it is out of reach
// Everything but postgres/ belongs to us, so that the server's user can plant nothing for root to follow.

import { createHash } from 'node:crypto';
import { access, chmod, constants, lstat, mkdir, readdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { firstOutOfReach, serverAccount, wayTo } from './account.js';
import { EmbeddedPostgresError, errorCode, OTHER_WAY_OUT } from './errors.js';
import { isFolder, makeFolders } from './make-folders.js';
import type { Account } from './run-program.js';

export interface EmbeddedHome {
  /** The folder in use, absolute, links resolved. */
  dataDir: string;
  /** PGDATA. It exists only after the first start. */
  dataFolder: string;
  logFile: string;
  /** As whom the server runs; `undefined` is ourselves. */
  account: Account | undefined;
}

/**
 * Makes the folder and checks that the server's user gets there.
 *
 * `whenUnreachable: 'temporary'` takes a folder under the system's temporary one instead, always the same for the same
 * `dataDir` and user; it is for the demo and for tests.
 */
export async function prepareHome(options: {
  dataDir: string;
  whenUnreachable: 'fail' | 'temporary';
  log: (message: string) => void;
}): Promise<EmbeddedHome> {
  const dataDir = resolve(options.dataDir);
  try {
    return await homeIn(dataDir);
  } catch (error) {
    const isReach = error instanceof EmbeddedPostgresError && error.code === 'folder_unreachable';
    if (!isReach || options.whenUnreachable === 'fail') throw error;
    const temporary = await temporaryDataDir(dataDir);
    options.log(`The user that runs PostgreSQL cannot reach ${dataDir}: using ${temporary} instead`);
    return homeIn(temporary);
  }
}

async function homeIn(wanted: string): Promise<EmbeddedHome> {
  const account = await serverAccount(join(wanted, 'postgres'));
  // Before making anything: a folder below a closed one would only be litter.
  if (account) await refuseClosedWay(account, wanted);
  const made = await makeFolders(wanted).catch((cause: unknown) => notWritable(wanted, cause));
  const dataDir = await realpath(wanted);
  if (account && (made !== undefined || (await readdir(dataDir)).length === 0)) {
    // Ours alone and empty (mkdtemp and a strict umask make it closed): the server's user has to pass.
    const ours = made === undefined ? [dataDir] : wayTo(wanted).slice(wayTo(made).length - 1);
    for (const folder of ours) await chmod(folder, 0o711);
  }
  if (account) await refuseClosedWay(account, dataDir);
  await access(dataDir, constants.W_OK | constants.X_OK).catch((cause: unknown) => notWritable(dataDir, cause));
  await refuseForeignData(join(dataDir, 'postgres'));
  return { dataDir, dataFolder: join(dataDir, 'postgres'), logFile: join(dataDir, 'postgres.log'), account };
}

export async function refuseClosedWay(account: Account, path: string): Promise<void> {
  const existing: string[] = [];
  for (const folder of wayTo(path)) {
    if (!(await isFolder(folder))) break;
    existing.push(folder);
  }
  const empty = existing.at(-1) === path && (await readdir(path)).length === 0;
  if (empty) existing.pop();
  const blocked = await firstOutOfReach(
    account,
    existing.map((folder) => ({ path: folder, need: 'x' as const })),
  );
  if (blocked === undefined) return;
  throw new EmbeddedPostgresError(
    'folder_unreachable',
    `PostgreSQL refuses to run as root, so it runs as ${account.name}, who may not enter ${blocked}. Set DATA_DIR to a folder elsewhere (now ${path}), run as an ordinary user, or allow it with: chmod o+x '${blocked}'. ${OTHER_WAY_OUT}`,
  );
}

export async function notWritable(path: string, cause: unknown): Promise<never> {
  let inTheWay = '/';
  for (const folder of wayTo(path)) {
    const { usable, present } = await look(folder);
    if (present) inTheWay = folder;
    if (!present || !usable) break;
  }
  // mkdir reports ENOENT for some read-only file systems.
  const refusal = await access(inTheWay, constants.W_OK).catch((error: unknown) => error);
  const why = (await isFolder(inTheWay)) ? `cannot be written (${errorCode(refusal ?? cause)})` : 'is not a folder';
  throw new EmbeddedPostgresError(
    'folder_not_writable',
    `The embedded PostgreSQL cannot keep its data in ${path}: ${inTheWay} ${why}. Set DATA_DIR to a folder that this user may write. ${OTHER_WAY_OUT}`,
    { cause },
  );
}

async function look(folder: string): Promise<{ present: boolean; usable: boolean }> {
  const present = await exists(folder);
  const usable = await access(folder, constants.X_OK).then(
    () => true,
    () => false,
  );
  return { present, usable };
}

/** Data that root's `nobody` or another user owns cannot be served by us. */
export async function refuseForeignData(dataFolder: string): Promise<void> {
  const found = await lstat(dataFolder).catch(() => undefined);
  const own = process.getuid?.();
  if (!found || own === 0) return;
  if (found.uid === own && found.isDirectory()) return;
  throw new EmbeddedPostgresError(
    'foreign_folder',
    `${dataFolder} belongs to user ${found.uid} and we are user ${own}: it was probably made by root. Run as the same user as before, give it away with: chown -R ${own} '${dataFolder}', or set DATA_DIR to another folder. ${OTHER_WAY_OUT}`,
  );
}

async function temporaryDataDir(wanted: string): Promise<string> {
  const own = process.getuid?.() ?? 0;
  const key = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `stripe-blnk-sync-${own}-${key}`);
  await mkdir(folder, { mode: 0o711 }).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  // Anybody may make names in the temporary folder: a link or a folder of somebody else is not followed.
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== own || (found.mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(
      'foreign_folder',
      `${folder} is not a folder of user ${own} that only this user may write. Remove it or set TMPDIR to another folder. ${OTHER_WAY_OUT}`,
    );
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
