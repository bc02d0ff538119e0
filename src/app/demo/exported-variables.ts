/** What the other terminal has to set, and to blank, so that every command works on what the demonstration made and on nothing else. Pure. */
import { NAMES_READ } from '../../config/config.js';
import type { Bag } from '../../config/environment.js';

/** Where the database, the queue and both ends are, and what a mirror is made with. */
const OF_PLACES = /^(?:DATABASE|REDIS|QUEUE|STRIPE_API|BLNK|SYNC_START)(?:_|$)/;

/**
 * Blanked whether or not it is set here: an `.env` that is written later leads to the real database, and does not replace what
 * is set to nothing. The rest only where it is set here, as it is likely to be set in the other terminal as well.
 */
export function exportedVariables(own: Readonly<Record<string, string>>, given: Bag): Readonly<Record<string, string>> {
  const blank = NAMES_READ.filter((name) => !(name in own) && (OF_PLACES.test(name) || (given[name] ?? '') !== ''));
  return { ...own, ...Object.fromEntries(blank.map((name) => [name, ''])) };
}
