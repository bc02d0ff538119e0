/** Whether reading is later than it should be, whatever the reason. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../base/window.js';
import type { Feed } from '../coverage/sync-run.js';
import type { FailureFacts, VerdictFacts } from './facts.js';

/** Completeness moves once a minute; when it stood still for this long beyond the lag, something holds it. */
const STANDSTILL_MS = 10 * MINUTE_MS;

/** Beyond twice the interval: a sync begins a little late and takes a moment. */
const SYNC_SPARE_MS = 5 * SECOND_MS;

/** In place of events a full sweep is asked for once a day, and a long one takes its time. */
const STANDSTILL_WITHOUT_EVENTS_MS = DAY_MS + 2 * HOUR_MS;

/** No sync was read to its end for longer than twice the interval: what was paid since then is not known. */
export function isSyncLate({ workers, mirror, tailReadAt, intervalMs, now }: VerdictFacts): boolean {
  if (mirror === null) return false;
  const since = tailReadAt ?? workers[0]?.startedAt ?? null;
  return since === null || now.getTime() - since.getTime() > 2 * intervalMs + SYNC_SPARE_MS;
}

/** Known holes explain themselves; this is for the case that nothing else explains. */
export function standsStill({ behindMs, lagMs, intervalMs, holes, mirror }: VerdictFacts): boolean {
  if (behindMs === null) return false;
  if (mirror !== null && mirror.eventsRefusedSince !== null) {
    return mirror.chargesRefusedSince === null && behindMs > lagMs + STANDSTILL_WITHOUT_EVENTS_MS;
  }
  return holes.length === 0 && behindMs > lagMs + Math.max(STANDSTILL_MS, 3 * intervalMs);
}

/** The newest reading failed, and none of its feed succeeded since; a refusal that is told as a permission is left out. */
export function lastingFailure({ mirror, lastFailure }: VerdictFacts): FailureFacts | null {
  if (lastFailure === null || lastFailure.recovered) return null;
  if (mirror === null || lastFailure.code !== 'stripe_permission_missing') return lastFailure;
  const refusedSince: Partial<Record<Feed, Date | null>> = {
    events: mirror.eventsRefusedSince,
    charges: mirror.chargesRefusedSince,
  };
  return (refusedSince[lastFailure.feed] ?? null) === null ? lastFailure : null;
}
