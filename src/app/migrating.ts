/** Composition: `migrate`. Brings the schema of the configured database up to this version and says what it did. */
import { readHomeConfig } from '../config.js';
import type { MigrationReport } from '../db/migrate.js';
import { packageVersion } from '../package-root.js';
import type { AppEnvironment } from './command-environment.js';
import { openHome } from './home.js';

/** Throws SyncError when it could not be done; then what was applied before stays, and running it again goes on. */
export async function runMigrate(environment: AppEnvironment): Promise<void> {
  const config = readHomeConfig(environment.variables());
  const home = await openHome(config, { log: environment.log('warn'), role: 'worker' });
  try {
    for (const line of migrationLines(await home.migrate())) environment.output.print(line);
  } finally {
    await home.close();
  }
}

function migrationLines({ from, to, applied, served }: MigrationReport): string[] {
  const done =
    applied.length === 0
      ? `The tables are up to date: ${to}. Nothing was applied.`
      : `The tables are up to date: ${from === null ? 'from nothing' : `from ${from}`} to ${to}.`;
  const serving =
    served === null
      ? []
      : [
          `They serve version ${served.oldestVersion} (generation ${served.oldestGeneration}) and later; this is ${packageVersion()}.`,
        ];
  return [done, ...applied.map((name) => `  applied ${name}`), ...serving];
}
