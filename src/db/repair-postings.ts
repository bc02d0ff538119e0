/** What a repair writes to `postings`. Within the transaction of its item, which holds the payment's postings. */
import { eq, sql } from 'drizzle-orm';
import type { MarkedPosting, OwedPosting, ReplacedPosting } from '../core/mending.js';
import type { Drizzle } from './open.js';
import { postings } from './schema/postings.js';

export interface Opened {
  readonly paymentId: string;
  /** The run of what is stored first. */
  readonly runId: string;
  /** Kept with what is dismissed. */
  readonly by: string;
  /** References that have a posting. */
  readonly known: ReadonlySet<string>;
}

/** `taken`: somebody stored this reference meanwhile. */
export type Written = 'inserted' | 'updated' | 'taken';

type Writer = Pick<Drizzle, 'insert' | 'update'>;

/** Attempts and their times stay: what was ever attempted is looked up before it is posted again. */
const unsettled = {
  claim: null,
  claimedUntil: null,
  doubtSince: null,
  lastError: null,
  lookUps: 0,
  payment: null,
  transactionId: null,
  postedAt: null,
  settledHow: null,
  exception: null,
};

/** Pending: stored, or made so again. */
export async function storeOwed(db: Writer, owed: OwedPosting, opened: Opened): Promise<Written> {
  const values = {
    ...unsettled,
    ...columnsOf(owed),
    prepared: owed.transaction.body,
    state: 'pending' as const,
    reason: null,
    reasonDetail: null,
    dueAt: sql`now()`,
    dismissedAt: null,
    dismissedBy: null,
    dismissedWhy: null,
    dismissedLooks: 0,
  };
  return write(db, { reference: owed.transaction.reference, kind: owed.kind, values }, opened);
}

/** Parked and dismissed: another posting stands for it from now on. */
export async function dismissInstead(db: Writer, replaced: ReplacedPosting, opened: Opened): Promise<Written> {
  const { transaction, kind, reason, why } = replaced;
  const values = {
    ...unsettled,
    ...columnsOf(replaced),
    prepared: transaction.body,
    state: 'parked' as const,
    reason,
    reasonDetail: why,
    dismissedAt: sql`now()`,
    dismissedBy: opened.by,
    dismissedWhy: why,
    dismissedLooks: 0,
  };
  return write(db, { reference: transaction.reference, kind, values }, opened);
}

/** In the ledger and equal, though it was parked or dismissed here. */
export async function markPosted(db: Writer, marked: MarkedPosting): Promise<void> {
  const { reference, transactionId, how, exception } = marked;
  await db
    .update(postings)
    .set({
      ...unsettled,
      state: 'posted',
      prepared: null,
      reason: null,
      reasonDetail: null,
      transactionId,
      settledHow: how,
      postedAt: sql`now()`,
      exception: sql`nullif(concat_ws('; ', ${exception}::text,
        case when ${postings.dismissedAt} is not null
          then 'was dismissed by ' || ${postings.dismissedBy} || ', but the ledger holds it' end), '')`,
    })
    .where(eq(postings.reference, reference));
}

interface Row {
  readonly reference: string;
  readonly kind: OwedPosting['kind'];
  readonly values: ReturnType<typeof columnsOf> & Record<string, unknown> & { readonly state: 'pending' | 'parked' };
}

async function write(db: Writer, { reference, kind, values }: Row, opened: Opened): Promise<Written> {
  if (opened.known.has(reference)) {
    await db.update(postings).set(values).where(eq(postings.reference, reference));
    return 'updated';
  }
  const { paymentId: objectId, runId: firstRun } = opened;
  const inserted = await db
    .insert(postings)
    .values({ ...values, reference, kind, objectId, firstRun })
    .onConflictDoNothing()
    .returning({ reference: postings.reference });
  return inserted.length > 0 ? 'inserted' : 'taken';
}

function columnsOf({ transaction }: OwedPosting) {
  const { source, destination, currency, amount, precision, effectiveDate } = transaction;
  return { source, destination, currency, amount, precision, effectiveAt: effectiveDate };
}
