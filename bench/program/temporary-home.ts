/** A home for one measurement: a private PostgreSQL in a temporary folder, or an empty database that the caller names. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Home } from '../../test/support/homes.js';

/** @param databaseUrl null: a private server. A named database is left as it is in the end. */
export function temporaryHome(databaseUrl: string | null): Home {
  if (databaseUrl !== null) {
    return {
      name: 'postgres',
      create: async () => ({ environment: { DATABASE_URL: databaseUrl }, destroy: async () => {} }),
    };
  }
  return {
    name: 'embedded',
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-soak-'));
      // Root runs the private server as nobody, who has to pass.
      await chmod(folder, 0o755);
      return {
        environment: { DATA_DIR: folder },
        destroy: () => rm(folder, { recursive: true, force: true }),
      };
    },
  };
}
