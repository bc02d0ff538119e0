/**
 * `SYNC_START` counts at the first start alone. What a later one asks for is compared with the start that the mirror has, so that
 * nobody waits for payments that will not come. Pure.
 */

import { commandLine } from '../base/own-command.js';
import type { Moment } from '../base/time-text.js';
import { MINUTE_MS } from '../base/window.js';
import { STRIPE_EPOCH } from '../posting/mirror.js';
import { isoSeconds } from '../proof/day-row.js';

/** What `SYNC_START` states. `ago`: that long before the first start. `all`: everything that Stripe has. */
export type SyncStart = Moment | { readonly kind: 'all' };

/** Clocks differ, and a start is cut to its second. */
const SLACK_MS = MINUTE_MS;

export interface IgnoredStart {
  /** `warn`: payments were asked for that are not mirrored. */
  readonly level: 'warn' | 'info';
  readonly text: string;
}

/**
 * @returns what to say of a start that is not the mirror's; null when nothing is. A duration back from now moves on with time, so
 * one that was not changed never asks for more; a later date may be the one of before a backfill.
 */
export function ignoredStart(
  asked: SyncStart,
  { startsAt, now }: { readonly startsAt: Date; readonly now: Date },
): IgnoredStart | null {
  const wanted = new Date(Math.max(timeOf(asked, now), STRIPE_EPOCH.getTime()));
  const laterMs = wanted.getTime() - startsAt.getTime();
  const what = `this mirror begins at ${isoSeconds(startsAt)}: SYNC_START counts at the first start alone`;
  if (laterMs < -SLACK_MS) {
    const from = isoSeconds(wanted);
    return {
      level: 'warn',
      text: `SYNC_START asks for payments from ${from} on, and ${what}. To move the beginning back: ${commandLine(`backfill --from ${from}`)}`,
    };
  }
  if (asked.kind !== 'time' || laterMs <= SLACK_MS) return null;
  return { level: 'info', text: `SYNC_START is ${isoSeconds(wanted)}, and ${what}. What is mirrored stays` };
}

function timeOf(asked: SyncStart, now: Date): number {
  if (asked.kind === 'all') return STRIPE_EPOCH.getTime();
  return asked.kind === 'ago' ? now.getTime() - asked.durationMs : asked.time.getTime();
}
