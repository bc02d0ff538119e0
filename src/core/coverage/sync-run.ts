/**
 * The life cycle of a sync run. Only `collecting` and `failed` are stored by collect; everything after derives from the
 * run's postings, so that a retry brings a run back to `posting` without anybody having to remember it.
 */

/** Lists that Stripe has. Coverage is kept for each by itself: what was read of one proves nothing of another. */
export const FEEDS = ['events', 'payment_intents', 'charges'] as const;
export type Feed = (typeof FEEDS)[number];

/** Those that show payments themselves; a charge only names one. */
export type PaymentFeed = Extract<Feed, 'events' | 'payment_intents'>;

/** Who asked. Shown, never branched on. */
export const TRIGGERS = ['schedule', 'startup', 'manual', 'webhook'] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** What collect itself knows. */
export type CollectingState = 'collecting' | 'collected' | 'failed';

/** `stopped`: a worker that was stopped in order left the rest to the next run. */
export type RunStatus = 'collecting' | 'posting' | 'succeeded' | 'attention' | 'stopped' | 'failed';

/** The error code of a run that a worker closed because it was stopped in order. */
export const STOPPED = 'stopped';

/** `found = knownBefore + stored`, and `stored = posted + alreadyThere + parked + pending`, in every state. */
export interface RunCounts {
  readonly found: number;
  readonly knownBefore: number;
  readonly stored: number;
  readonly posted: number;
  readonly alreadyThere: number;
  /** Includes the dismissed ones. */
  readonly parked: number;
  readonly dismissed: number;
  readonly pending: number;
}

/** The status that a run shows. The same rule stands in SQL in the view `sync_history`; a test holds the two together. */
export function runStatus(
  { state, errorCode }: { readonly state: CollectingState; readonly errorCode: string | null },
  counts: Pick<RunCounts, 'pending' | 'parked' | 'dismissed'>,
): RunStatus {
  if (state === 'failed' && errorCode === STOPPED) return 'stopped';
  if (state !== 'collected') return state;
  if (counts.pending > 0) return 'posting';
  return counts.parked > counts.dismissed ? 'attention' : 'succeeded';
}
