/**
 * Forty moments of every start that makes or changes tables: on each home the first start, `migrate`, and the way from the oldest
 * tables that are kept in test/upgrade. The short form is first-start-kills.test.ts.
 */
import { describe } from 'vitest';
import { homes } from '../support/homes.js';
import { itComesUpAfterKills } from '../support/process/comes-up.js';
import { firstMigrate, firstStart, upgradeFromOldest } from '../support/process/first-start.js';

const MOMENTS = 40;

describe.each(homes())('on $name', (home) => {
  itComesUpAfterKills(firstStart(home), MOMENTS);
  itComesUpAfterKills(firstMigrate(home), MOMENTS);
  itComesUpAfterKills(upgradeFromOldest(home), MOMENTS);
});
