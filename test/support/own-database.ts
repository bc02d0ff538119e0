/**
 * A database of a test's own, with a pool on it: in the home that is asked for, else on the PostgreSQL server that was
 * found, else in the embedded one.
 */

import type { DatabaseAddress } from '../../src/core/settings/database-address.js';
import { type Database, openDatabase } from '../../src/db/connection/open.js';
import { openEmbeddedPostgres } from '../../src/db/embedded/open.js';
import { migrateDatabase } from '../../src/db/migrations/migrate.js';
import { type Home, homes } from './homes.js';

export interface OwnDatabase extends Database {
  readonly address: DatabaseAddress;
  /** Another pool on it, as another process has. */
  openAnother(): Promise<Database>;
  /** Closes the pool and removes the database. */
  remove(): Promise<void>;
}

/** With the tables of today. */
export async function openMigratedDatabase(home: Home = someHome()): Promise<OwnDatabase> {
  const database = await openOn(await createAddress(home, { migrated: true }));
  // An embedded one comes without tables.
  await migrateDatabase(database);
  return database;
}

/** @param prepare what is done with it before the pool is opened */
export async function openEmptyDatabase(
  home: Home = someHome(),
  prepare: (address: DatabaseAddress) => Promise<void> = async () => {},
): Promise<OwnDatabase> {
  const place = await createAddress(home, { migrated: false });
  await prepare(place.address);
  return openOn(place);
}

interface Place {
  readonly address: DatabaseAddress;
  remove(): Promise<void>;
}

function someHome(): Home {
  const all = homes();
  const found = all.find(({ name }) => name === 'postgres') ?? all[0];
  if (found === undefined) throw new Error('there is no home to test on');
  return found;
}

async function createAddress(home: Home, options: { readonly migrated: boolean }): Promise<Place> {
  const place = await home.create(options);
  const { DATABASE_URL: url, DATA_DIR: dataDir } = place.environment;
  if (url !== undefined) return { address: { kind: 'url', url }, remove: () => place.destroy() };
  if (dataDir === undefined) throw new Error(`the home ${home.name} has neither a URL nor a folder`);
  const server = await openEmbeddedPostgres({ dataDir, whenUnreachable: 'temporary' });
  return {
    address: { kind: 'socket', ...server.connection },
    async remove() {
      await server.close();
      await place.destroy();
    },
  };
}

async function openOn({ address, remove }: Place): Promise<OwnDatabase> {
  const openAnother = () => openDatabase(address, { connectionsMax: 4, applicationName: 'test' });
  const database = await openAnother();
  return {
    ...database,
    address,
    openAnother,
    async remove() {
      await database.close();
      await remove();
    },
  };
}
