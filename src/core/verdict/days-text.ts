/** Days in a sentence. Pure. */
import { formatCount } from '../base/time-text.js';

/** More days than a line holds are counted; `certificates list` has them all. */
const DAYS_NAMED_MAX = 3;

export function daysText(days: readonly string[]): string {
  const named = days.slice(0, DAYS_NAMED_MAX);
  const more = days.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
}

export function countedDays(count: number): string {
  return count === 1 ? '1 day' : `${formatCount(count)} days`;
}
