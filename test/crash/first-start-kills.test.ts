/**
 * A first start that is killed at any of its moments keeps nobody from the next one. Six moments of the home that does most in
 * it here; forty of each home, of `migrate` and of an upgrade in first-start-kills.full.test.ts.
 */
import { describe } from 'vitest';
import { homes } from '../support/homes.js';
import { itComesUpAfterKills } from '../support/process/comes-up.js';
import { firstStart } from '../support/process/first-start.js';

const MOMENTS = 6;

describe.each(homes().slice(0, 1))('on $name', (home) => {
  itComesUpAfterKills(firstStart(home), MOMENTS);
});
