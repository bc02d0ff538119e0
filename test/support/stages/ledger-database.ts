/** A database for tests of the post stage: on the server that was found, else the embedded one. */

import { openEmbeddedPostgres } from '../../../src/db/embedded/open.js';
import { type Database, type DatabaseAddress, openDatabase } from '../../../src/db/open.js';
import { createDatabase, homes } from '../homes.js';

export interface StageDatabase extends Database {
  /** Another pool on the same database, as another process has. */
  openAnother(): Promise<Database>;
  /** Closes the pool and removes the database. */
  remove(): Promise<void>;
}

/** Empty unless asked for otherwise; an embedded one is always empty. */
export async function openTestDatabase(
  homeName?: 'embedded' | 'postgres',
  options?: Parameters<typeof createDatabase>[0],
): Promise<StageDatabase> {
  const created = homeName === 'embedded' ? null : await createDatabase(options);
  if (created !== null) return open({ kind: 'url', url: created.url }, () => created.drop());
  if (homeName === 'postgres') throw new Error('no PostgreSQL server was found');
  const home = await homes()[0]?.create();
  const dataDir = home?.environment.DATA_DIR;
  if (home === undefined || dataDir === undefined) throw new Error('the first home is not the embedded one');
  const server = await openEmbeddedPostgres({ dataDir, whenUnreachable: 'temporary' });
  return open({ kind: 'socket', ...server.connection }, async () => {
    await server.close();
    await home.destroy();
  });
}

async function open(address: DatabaseAddress, removeIt: () => Promise<void>): Promise<StageDatabase> {
  const openAnother = () => openDatabase(address, { connectionsMax: 4, applicationName: 'test of posting' });
  const database = await openAnother();
  return {
    ...database,
    openAnother,
    async remove() {
      await database.close();
      await removeIt();
    },
  };
}
