/**
 * The API version that this software uses, and which versions of a frozen event snapshot it can read.
 * Stripe writes an event in the version of its time and never converts it, whatever version we ask with
 * (https://docs.stripe.com/api/events).
 */

/** Pinned, so that a new SDK never changes the objects by itself: raising it is a reviewed change. */
export const API_VERSION = '2026-10-28.endive';

/** Brought `latest_charge` in place of `charges` (https://docs.stripe.com/changelog#2022-11-15). */
const OLDEST_READABLE_DAY = '2022-11-15';

/**
 * Whether a PaymentIntent of this version can be read as it stands. Older ones have another shape, newer ones may have;
 * previews promise nothing. All of these are read again by id.
 */
export function isReadableVersion(version: unknown): boolean {
  if (typeof version !== 'string') return false;
  const match = /^(\d{4}-\d{2}-\d{2})(?:\.([a-z]+))?$/.exec(version);
  const day = match?.[1];
  if (day === undefined || match?.[2] === 'preview') return false;
  return day >= OLDEST_READABLE_DAY && day <= API_VERSION.slice(0, OLDEST_READABLE_DAY.length);
}
