/**
 * What a person does with parked postings: back to pending, or out for good. Only rows that are parked are touched, in
 * one compare-and-set statement each, so that a worker that settles one at the same time wins.
 */
import { eq } from 'drizzle-orm';
import type { Lane, Parking, Preparation } from '../../core/posting/posting.js';
import type { Drizzle } from '../connection/open.js';
import { postings } from '../schema/postings.js';
import { type Dismissal, dismiss } from './dismiss.js';
import { lanesOf } from './lanes.js';
import {
  lockNamed,
  type RetriedPosting,
  type RetrySelection,
  refuseAgain,
  retryMapped,
  retryPrepared,
  selectStoodFor,
  selectUnprepared,
  type UnpreparedPosting,
} from './retry.js';

export interface RetryOutcome {
  /** Postings that are pending now. */
  readonly retried: number;
  /** Lanes to wake. */
  readonly lanes: readonly Lane[];
  /** Mapped again, refused again. */
  readonly stillParked: readonly Parking[];
  /** Named, but not parked or not there at all. */
  readonly notParked: readonly string[];
}

export type DismissOutcome = 'dismissed' | 'already_dismissed' | 'not_parked' | 'unknown';

export interface ParkedStore {
  retry(selection: RetrySelection): Promise<RetryOutcome>;
  dismiss(dismissal: Dismissal): Promise<DismissOutcome>;
}

/** Maps a payment again, from the text it was first stored as. */
type Prepare = (paymentText: string) => Preparation;

/** Rows that are mapped again per statement; bounds memory. */
const MAPPED_AGAIN_MAX = 200;

export function createParkedStore(db: Drizzle, prepare: Prepare): ParkedStore {
  return {
    async retry(selection) {
      const outcome: OpenOutcome = { retried: 0, lanes: new Set(), stillParked: [], known: new Set() };
      for (const row of await retryPrepared(db, selection)) noteRetried(outcome, row);
      await retryUnprepared(db, { selection, prepare, outcome });
      if ('references' in selection) await noteStoodFor(db, selection.references, outcome);
      const named = 'references' in selection ? [...new Set(selection.references)] : [];
      return {
        retried: outcome.retried,
        lanes: lanesOf(outcome.lanes),
        stillParked: outcome.stillParked,
        notParked: named.filter((reference) => !outcome.known.has(reference)),
      };
    },

    async dismiss(dismissal) {
      if (await dismiss(db, dismissal)) return 'dismissed';
      const ofReference = eq(postings.reference, dismissal.reference);
      const [row] = await db.select({ state: postings.state }).from(postings).where(ofReference);
      if (row === undefined) return 'unknown';
      return row.state === 'parked' ? 'already_dismissed' : 'not_parked';
    },
  };
}

interface OpenOutcome {
  retried: number;
  /** Their names. */
  readonly lanes: Set<string>;
  readonly stillParked: Parking[];
  /** References of the selection that were found parked. */
  readonly known: Set<string>;
}

async function noteStoodFor(db: Drizzle, references: readonly string[], outcome: OpenOutcome): Promise<void> {
  for (const { reference, reason, detail } of await selectStoodFor(db, references)) {
    outcome.known.add(reference);
    outcome.stillParked.push({ reference, reason: reason ?? 'conflict', detail: detail ?? 'dismissed by a repair' });
  }
}

interface UnpreparedRetry {
  readonly selection: RetrySelection;
  readonly prepare: Prepare;
  readonly outcome: OpenOutcome;
}

/** Walks by reference, so that refused rows do not come back. A transaction a page: a commit costs more than its rows. */
async function retryUnprepared(db: Drizzle, retry: UnpreparedRetry): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await selectUnprepared(db, retry.selection, { after, limit: MAPPED_AGAIN_MAX });
    await db.transaction(async (transaction) => {
      await lockNamed(
        transaction,
        rows.map(({ reference }) => reference),
      );
      for (const row of rows) await mapAgain(transaction, row, retry);
    });
    const last = rows.at(-1);
    if (last === undefined || rows.length < MAPPED_AGAIN_MAX) return;
    after = last.reference;
  }
}

async function mapAgain(
  db: Pick<Drizzle, 'update'>,
  { reference, payment, reason }: UnpreparedPosting,
  { selection, prepare, outcome }: UnpreparedRetry,
): Promise<void> {
  outcome.known.add(reference);
  if (payment === null) {
    const detail = 'nothing is kept from which its transaction could be prepared';
    outcome.stillParked.push({ reference, reason: reason ?? 'unreadable_payment', detail });
    return;
  }
  const preparation = prepare(payment);
  if (preparation.kind === 'rejected') {
    const refused = await refuseAgain(db, { selection, reference }, preparation);
    for (const again of refused) {
      outcome.stillParked.push({ ...again, reason: preparation.reason, detail: preparation.detail });
    }
    return;
  }
  const retried = await retryMapped(db, { selection, reference }, preparation.transaction);
  for (const row of retried) noteRetried(outcome, row);
}

function noteRetried(outcome: OpenOutcome, { reference, lane }: RetriedPosting): void {
  outcome.retried += 1;
  outcome.known.add(reference);
  if (lane !== null) outcome.lanes.add(lane);
}
