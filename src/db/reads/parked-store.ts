/**
 * What a person does with parked postings: back to pending, or out for good. Only rows that are parked are touched, in
 * one compare-and-set statement each, so that a worker that settles one at the same time wins.
 */
import { and, asc, eq, gt, inArray, isNotNull, isNull, not, type SQL, sql } from 'drizzle-orm';
import { type Lane, laneName, type ParkingReason, type Preparation } from '../../core/posting.js';
import type { Drizzle } from '../open.js';
import { postings } from '../schema/postings.js';
import { stoodFor } from './outbox-status.js';

/** References that a person named, or all of one reason but the dismissed ones. */
type RetrySelection = { readonly references: readonly string[] } | { readonly reason: ParkingReason };

export interface RetryOutcome {
  /** Postings that are pending now. */
  readonly retried: number;
  /** Lanes to wake. */
  readonly lanes: readonly Lane[];
  /** Mapped again, refused again. */
  readonly stillParked: ReadonlyArray<{
    readonly reference: string;
    readonly reason: ParkingReason;
    readonly detail: string;
  }>;
  /** Named, but not parked or not there at all. */
  readonly notParked: readonly string[];
}

type DismissOutcome = 'dismissed' | 'already_dismissed' | 'not_parked' | 'unknown';

interface Dismissal {
  readonly reference: string;
  readonly by: string;
  readonly why: string;
}

export interface ParkedStore {
  retry(selection: RetrySelection): Promise<RetryOutcome>;
  dismiss(dismissal: Dismissal): Promise<DismissOutcome>;
}

/** Maps a payment again, from the text it was first stored as. */
export type Prepare = (paymentText: string) => Preparation;

/** Rows that are mapped again per statement; bounds memory. */
const MAPPED_AGAIN_MAX = 200;

export function createParkedStore(db: Drizzle, prepare: Prepare): ParkedStore {
  return {
    async retry(selection) {
      const outcome: OpenOutcome = { retried: 0, lanes: new Map(), stillParked: [], known: new Set() };
      if ('references' in selection) await noteStoodFor(db, selection.references, outcome);
      await retryPrepared(db, selection, outcome);
      await retryUnprepared(db, { selection, prepare, outcome });
      const named = 'references' in selection ? [...new Set(selection.references)] : [];
      return {
        retried: outcome.retried,
        lanes: [...outcome.lanes.values()],
        stillParked: outcome.stillParked,
        notParked: named.filter((reference) => !outcome.known.has(reference)),
      };
    },

    async dismiss({ reference, by, why }) {
      const dismissed = await db
        .update(postings)
        .set({
          dismissedAt: sql`now()`,
          dismissedBy: by,
          dismissedWhy: why,
          dismissedLooks: 0,
        })
        .where(and(eq(postings.reference, reference), parked, isNull(postings.dismissedAt)))
        .returning({ reference: postings.reference });
      if (dismissed.length > 0) return 'dismissed';
      const [row] = await db.select({ state: postings.state }).from(postings).where(eq(postings.reference, reference));
      if (row === undefined) return 'unknown';
      return row.state === 'parked' ? 'already_dismissed' : 'not_parked';
    },
  };
}

interface OpenOutcome {
  retried: number;
  readonly lanes: Map<string, Lane>;
  readonly stillParked: Array<{ reference: string; reason: ParkingReason; detail: string }>;
  /** References of the selection that were found parked. */
  readonly known: Set<string>;
}

const parked = eq(postings.state, 'parked');

/** Attempts and their times stay: what was ever attempted is looked up before it is posted again. */
const pendingAgain = {
  state: 'pending' as const,
  reason: null,
  reasonDetail: null,
  claim: null,
  claimedUntil: null,
  lookUps: 0,
  dueAt: sql`now()`,
  dismissedAt: null,
  dismissedBy: null,
  dismissedWhy: null,
};

/** Retried, the original could be posted beside the posting that a repair put in its place. */
async function noteStoodFor(db: Drizzle, references: readonly string[], outcome: OpenOutcome): Promise<void> {
  const rows = await db
    .select({ reference: postings.reference, reason: postings.reason, detail: postings.dismissedWhy })
    .from(postings)
    .where(and(parked, inArray(postings.reference, [...references]), stoodFor));
  for (const { reference, reason, detail } of rows) {
    outcome.known.add(reference);
    outcome.stillParked.push({ reference, reason: reason ?? 'conflict', detail: detail ?? 'dismissed by a repair' });
  }
}

async function retryPrepared(db: Drizzle, selection: RetrySelection, outcome: OpenOutcome): Promise<void> {
  const rows = await db
    .update(postings)
    .set(pendingAgain)
    .where(and(selected(selection), isNotNull(postings.prepared)))
    .returning({ reference: postings.reference, source: postings.source, currency: postings.currency });
  for (const row of rows) noteRetried(outcome, row);
}

interface UnpreparedRetry {
  readonly selection: RetrySelection;
  readonly prepare: Prepare;
  readonly outcome: OpenOutcome;
}

/** Walks by reference, so that refused rows do not come back. A transaction a page: a commit costs more than its rows. */
async function retryUnprepared(db: Drizzle, { selection, prepare, outcome }: UnpreparedRetry): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await db
      .select({ reference: postings.reference, payment: postings.payment, reason: postings.reason })
      .from(postings)
      .where(and(selected(selection), isNull(postings.prepared), gt(postings.reference, after)))
      .orderBy(asc(postings.reference))
      .limit(MAPPED_AGAIN_MAX);
    await db.transaction(async (transaction) => {
      for (const row of rows) await mapAgain(transaction, { row, prepare, outcome });
    });
    const last = rows.at(-1);
    if (last === undefined || rows.length < MAPPED_AGAIN_MAX) return;
    after = last.reference;
  }
}

interface MappedRow {
  readonly row: {
    readonly reference: string;
    readonly payment: string | null;
    readonly reason: ParkingReason | null;
  };
  readonly prepare: Prepare;
  readonly outcome: OpenOutcome;
}

async function mapAgain(db: Pick<Drizzle, 'update'>, { row, prepare, outcome }: MappedRow): Promise<void> {
  const { reference, payment } = row;
  outcome.known.add(reference);
  if (payment === null) {
    const detail = 'nothing is kept from which its transaction could be prepared';
    outcome.stillParked.push({ reference, reason: row.reason ?? 'unreadable_payment', detail });
    return;
  }
  const preparation = prepare(payment);
  const stillParked = and(eq(postings.reference, reference), parked);
  if (preparation.kind === 'rejected') {
    const { reason, detail } = preparation;
    outcome.stillParked.push({ reference, reason, detail });
    await db.update(postings).set({ reason, reasonDetail: detail }).where(stillParked);
    return;
  }
  const { source, destination, currency, amount, precision, effectiveDate, body } = preparation.transaction;
  const prepared = { source, destination, currency, amount, precision, effectiveAt: effectiveDate, prepared: body };
  const changed = await db
    .update(postings)
    .set({ ...pendingAgain, ...prepared, payment: null })
    .where(stillParked)
    .returning({ reference: postings.reference, source: postings.source, currency: postings.currency });
  for (const retried of changed) noteRetried(outcome, retried);
}

function selected(selection: RetrySelection): SQL | undefined {
  if ('reason' in selection) {
    return and(parked, eq(postings.reason, selection.reason), isNull(postings.dismissedAt));
  }
  return and(parked, inArray(postings.reference, [...selection.references]), not(stoodFor));
}

function noteRetried(
  outcome: OpenOutcome,
  row: { readonly reference: string; readonly source: string | null; readonly currency: string | null },
): void {
  outcome.retried += 1;
  outcome.known.add(row.reference);
  if (row.source === null || row.currency === null) return;
  const lane = { source: row.source, currency: row.currency };
  outcome.lanes.set(laneName(lane), lane);
}
