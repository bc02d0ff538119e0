/** What `migrate` prints: which tables there are now, and which software they serve. */

import type { MigrationReport } from '../operations/migrate.js';

/** @param version of the running software */
export function migrationLines({ from, to, applied, served }: MigrationReport, version: string): string[] {
  const done =
    applied.length === 0
      ? `The tables are up to date: ${to}. Nothing was applied.`
      : `The tables are up to date: ${from === null ? 'from nothing' : `from ${from}`} to ${to}.`;
  const serving =
    served === null
      ? []
      : [
          `They serve version ${served.oldestVersion} (generation ${served.oldestGeneration}) and later; this is ${version}.`,
        ];
  return [done, ...applied.map((name) => `  applied ${name}`), ...serving];
}
