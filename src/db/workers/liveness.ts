/** Since when a worker counts as gone that gives no sign of life. */

/** A worker says that it lives this often. */
export const HEARTBEAT_EVERY_MS = 10_000;

/** Seen within this time a worker is shown as running, and may be asked: it will answer. */
export const ANSWERS_WITHIN_MS = 30_000;

/**
 * Seen within this time a worker may still hold a claim or collect a run: so long nothing is done that must not be done beside one.
 * It is longer than the time after which it is no longer shown, because doing it too early costs more than waiting.
 */
export const MAY_WORK_WITHIN_MS = 60_000;
