/** The times of a history, in milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const LAG = 10 * MINUTE;
/** Where every history begins. */
export const BEGINNING = new Date('2026-06-01T12:00:00Z');
