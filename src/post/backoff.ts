/** How long until a posting is looked at again. Pure: the number of looks so far in, milliseconds out. */
import type { Random } from '../core/base/clock.js';
import { HOUR_MS } from '../core/base/window.js';

export interface BackoffOptions {
  readonly baseMs: number;
  /** Doubt is never given up: the pauses grow up to this and stay there. */
  readonly maxMs: number;
}

export const BACKOFF_DEFAULT: BackoffOptions = { baseMs: 1_000, maxMs: HOUR_MS };

/** Doubles per look, with half of it random so that a thousand postings do not come back at the same moment. */
export function backoffMs(looks: number, random: Random, { baseMs, maxMs }: BackoffOptions): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(looks, 30));
  return full / 2 + (full / 2) * random();
}
