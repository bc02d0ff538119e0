/**
 * What the database sessions of this software are called (`application_name`): people find them in pg_stat_activity, and
 * `stalled-sessions.ts` ends those of processes that stand still.
 */

const OURS = 'stripe-blnk-sync';

/** A pattern of LIKE that all of them match. */
export const SESSION_NAMES = `${OURS} %`;

/** Of sessions that migrate, which may wait for locks as long as it takes. */
export const MIGRATING_SESSION = sessionName('migrate');

/** @param purpose what its process does with it, in a word or two */
export function sessionName(purpose: string): string {
  return `${OURS} ${purpose}`;
}
