/**
 * The states of a posting: what a posting that becomes pending, posted, parked or dismissed is written, what of it is
 * cleared, what stays, and what has to hold of its row for that. Every statement that changes a state is made of this, so
 * that no two of them leave different rows behind. Nothing is decided here.
 *
 * What is written is SQL. In it `postings` is the row as it was, so statements give it no other name, and `given` is what
 * they bring for each row.
 */
import { and, eq, isNull } from 'drizzle-orm';
import type postgres from 'postgres';
import { type PostingRow, postings } from '../schema/postings.js';

type Column = keyof PostingRow;

/** From when the posting is stored on. */
type Lasting = 'reference' | 'objectId' | 'kind' | 'object' | 'role' | 'firstRun' | 'storedAt';

/** The transaction that is owed; it changes with what is prepared, never with a state. */
type Owed = 'lane' | 'source' | 'destination' | 'currency' | 'amount' | 'precision' | 'effectiveAt';

/** Each other column is decided about in each transition: a new one does not compile before it is. */
type Transition = Readonly<Record<Exclude<Column, Lasting | Owed>, string>>;

/** The column is left as it is. */
export const STAYS = 'stays';
/** The statement decides, for each row. */
export const GIVEN = 'given';
/** The column is cleared. */
export const NULL = 'null';
const NOW = 'now()';
const NONE = '0';

/** What was ever attempted is looked up before it is posted again, whatever became of it meanwhile. */
const ATTEMPTS_STAY = { attempts: STAYS, firstAttemptAt: STAYS, lastAttemptAt: STAYS } as const;
/** Whoever holds a claim marks nothing any more: it was decided by the claim, or without it. */
const NO_CLAIM = { claim: NULL, claimedUntil: NULL } as const;
const NO_REASON = { reason: NULL, reasonDetail: NULL } as const;
const NOT_POSTED = { transactionId: NULL, postedAt: NULL, settledHow: NULL, exception: NULL } as const;
const TEXTS_STAY = { prepared: STAYS, payment: STAYS } as const;
const DISMISSAL_STAYS = {
  ...{ dismissedAt: STAYS, dismissedBy: STAYS, dismissedWhy: STAYS, dismissedLooks: STAYS, pastDismissals: STAYS },
} as const;

/** Who decided what is kept: a dismissal that ends, by a retry or a repair, goes from its columns into a list. */
const PAST_DISMISSALS = `case when postings.dismissed_at is null then postings.past_dismissals
  else coalesce(postings.past_dismissals, '[]'::jsonb) || jsonb_build_array(jsonb_build_object(
    'at', ${instantText('postings.dismissed_at')}, 'by', postings.dismissed_by, 'why', postings.dismissed_why,
    'reason', postings.reason, 'endedAt', ${instantText(NOW)})) end`;

/** To be posted, again: by a retry, or because a repair owes it. Due at once, with the pauses of one that was never put off. */
export const pending = {
  state: "'pending'",
  ...NO_REASON,
  ...TEXTS_STAY,
  ...ATTEMPTS_STAY,
  ...NO_CLAIM,
  ...{ dueAt: NOW, doubtSince: NULL, lookUps: NONE, lastError: NULL },
  ...NOT_POSTED,
  ...{
    dismissedAt: NULL,
    dismissedBy: NULL,
    dismissedWhy: NULL,
    dismissedLooks: NONE,
    pastDismissals: PAST_DISMISSALS,
  },
} as const satisfies Transition;

/**
 * Seen in the ledger. What was kept to be posted goes. A dismissal stays, and the exception records it: the ledger
 * overruled whoever left it out.
 */
export const posted = {
  state: "'posted'",
  ...NO_REASON,
  ...{ prepared: NULL, payment: NULL },
  ...ATTEMPTS_STAY,
  ...NO_CLAIM,
  ...{ dueAt: STAYS, doubtSince: NULL, lookUps: STAYS, lastError: NULL },
  ...{ transactionId: GIVEN, postedAt: NOW, settledHow: GIVEN },
  exception: `nullif(concat_ws('; ', given.exception, case when postings.dismissed_at is not null
    then 'was dismissed by ' || postings.dismissed_by || ', but the ledger holds it' end), '')`,
  ...DISMISSAL_STAYS,
} as const satisfies Transition;

/** Held for a person, who is shown the reason, what is owed, and the error of the last try. */
export const parked = {
  state: "'parked'",
  ...{ reason: GIVEN, reasonDetail: GIVEN },
  ...TEXTS_STAY,
  ...ATTEMPTS_STAY,
  ...NO_CLAIM,
  ...{ dueAt: STAYS, doubtSince: NULL, lookUps: STAYS, lastError: STAYS },
  ...NOT_POSTED,
  ...DISMISSAL_STAYS,
} as const satisfies Transition;

/** Out for good, and parked like before. What was attempted is looked up as often as after any other dismissal. */
export const dismissed = {
  state: STAYS,
  ...{ reason: STAYS, reasonDetail: STAYS },
  ...TEXTS_STAY,
  ...ATTEMPTS_STAY,
  ...{ claim: STAYS, claimedUntil: STAYS },
  ...{ dueAt: STAYS, doubtSince: STAYS, lookUps: STAYS, lastError: STAYS },
  ...{ transactionId: STAYS, postedAt: STAYS, settledHow: STAYS, exception: STAYS },
  ...{
    dismissedAt: NOW,
    dismissedBy: GIVEN,
    dismissedWhy: GIVEN,
    dismissedLooks: NONE,
    pastDismissals: PAST_DISMISSALS,
  },
} as const satisfies Transition;

/** No state, but what is owed, mapped now or anew. The payment was kept only for as long as there was no transaction. */
export const mapped = {
  ...{
    lane: GIVEN,
    source: GIVEN,
    destination: GIVEN,
    currency: GIVEN,
    amount: GIVEN,
    precision: GIVEN,
    effectiveAt: GIVEN,
  },
  ...{ prepared: GIVEN, payment: NULL },
} as const satisfies Partial<Record<Column, string>>;

/**
 * For whoever claimed it to post it: pending to posted, parked, or put off. A lease that ran out is enough to lose the
 * posting, but only once somebody took it, and then the token is another one; a retry or a repair takes the token away.
 *
 * A case, so that no index of what is pending fits: with statistics from before a backlog the planner would read all that is
 * pending, for each chunk, where the references find the few rows that are meant.
 */
export const isHeldPending = (sql: postgres.Sql, token: string) =>
  sql`case when postings.state = 'pending' then postings.claim end = ${token}`;

/** For whoever claimed it to look for it after its dismissal: dismissed to posted. It ends as the claim of a pending one does. */
export const isHeldParked = (sql: postgres.Sql, token: string) =>
  sql`postings.claim = ${token} and postings.state = 'parked'`;

/** For every claim and every further attempt: true until the mirror is moved, and false for a worker that slept meanwhile. */
export const isOfEpoch = (sql: postgres.Sql, epoch: number) =>
  sql`not exists (select 1 from stripe_blnk_sync.mirror where ledger_epoch <> ${epoch})`;

/** For what a person does: parked to pending. A worker or a repair that settles it at the same time wins. */
export const isParked = eq(postings.state, 'parked');

/** Parked to dismissed, and what is retried without being named: what somebody decided is not decided again. */
export const isUndecided = and(isParked, isNull(postings.dismissedAt));

/** For collect, which can read now what it could not read before: nothing of it was ever posted. */
export const isUnreadable = and(isUndecided, eq(postings.reason, 'unreadable_payment'));

/**
 * For a repair, from whatever state: the transaction of its item holds all postings of the payment, and has compared them
 * with what was decided on.
 */
export const isHeldByItem = (reference: string) => eq(postings.reference, reference);

function instantText(value: string): string {
  return `to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
