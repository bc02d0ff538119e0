// What a start of the embedded PostgreSQL would find, without making or starting anything.

import { existsSync } from 'node:fs';
import { access, constants, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { serverAccount, wayTo } from './account.js';
import { findNativeFolder } from './binaries.js';
import { readVersion, SUPERUSER } from './data-folder.js';
import { notWritable, refuseClosedWay, refuseForeignData } from './home.js';
import { isFolder } from './make-folders.js';
import type { ServerAddress } from './presence.js';
import { PORT } from './server.js';
import { hasSocket, socketFolder } from './socket.js';

export interface EmbeddedReport {
  /** The major version that wrote the data; null where there is none yet. */
  readonly version: string | null;
  /** Of a server that seems to run; one that was killed leaves its socket behind. */
  readonly address: ServerAddress | null;
}

/** Throws EmbeddedPostgresError where a start would: no programs for this system, a folder that cannot be used. */
export async function examineEmbedded(dataDir: string): Promise<EmbeddedReport> {
  findNativeFolder(process);
  const account = await serverAccount(join(dataDir, 'postgres'));
  if (account) await refuseClosedWay(account, dataDir);
  const folder = await nearestFolder(dataDir);
  const next = wayTo(dataDir)[wayTo(folder).length];
  if (next !== undefined && existsSync(next)) await notWritable(dataDir, new Error('there is a file'));
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => notWritable(dataDir, cause));
  const dataFolder = join(folder === dataDir ? await realpath(dataDir) : dataDir, 'postgres');
  await refuseForeignData(dataFolder);
  const version = (await readVersion(dataFolder)) ?? null;
  const isRunning = version !== null && hasSocket(dataFolder);
  return {
    version,
    address: isRunning
      ? { host: await socketFolder(dataFolder), port: PORT, user: SUPERUSER, database: 'postgres' }
      : null,
  };
}

/** The folder itself, or the last on the way to it that is there. */
export async function nearestFolder(path: string): Promise<string> {
  for (const folder of wayTo(path).reverse()) if (await isFolder(folder)) return folder;
  return '/';
}
