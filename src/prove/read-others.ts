/** Asks Stripe about payments that rows of a day name although its listing of the day does not have them. */
import { type DayRow, isApplied, paymentOfRow } from '../core/day-row.js';
import { isClaimed, type OtherPayment } from '../core/judge-others.js';
import type { Mirror } from '../core/mirror.js';
import { dayWindow, utcDay } from '../core/window.js';
import type { StripeSide } from './ports.js';
import { addPayment, type StripeDay } from './read-stripe.js';

/** One request each. An import of years that took effect on one day must not cost a million; the rest is not seen. */
const INTENTS_READ_MAX = 1_000;

export interface ReadOthers {
  readonly others: ReadonlyMap<string, OtherPayment>;
  /** Payments of this very day, which succeeded after the listing; added to it. */
  readonly late: readonly string[];
  readonly requests: number;
}

export async function readOthers(
  stripe: StripeSide,
  {
    day,
    rows,
    listed,
    mirror,
  }: {
    readonly day: string;
    readonly rows: readonly DayRow[];
    readonly listed: StripeDay;
    readonly mirror: Mirror;
  },
): Promise<ReadOthers> {
  const isListed = (id: string) => listed.payments.has(id) || listed.unreadable.has(id);
  const asked = new Set<string>();
  for (const row of rows) {
    if (!isApplied(row) || !isClaimed(row, mirror)) continue;
    const id = paymentOfRow(row, isListed) ?? row.reference;
    if (!isListed(id) && asked.size < INTENTS_READ_MAX) asked.add(id);
  }
  const window = dayWindow(day);
  const others = new Map<string, OtherPayment>();
  const late: string[] = [];
  for (const id of asked) {
    const found = await stripe.readIntent(id);
    if (found.kind === 'missing' || found.kind === 'not_succeeded') others.set(id, { kind: found.kind });
    else if (found.created !== null && (found.created < window.from || found.created >= window.to)) {
      others.set(id, { kind: 'created_on', day: utcDay(found.created) });
    } else {
      addPayment(listed, found, mirror);
      late.push(id);
    }
  }
  return { others, late, requests: asked.size };
}
