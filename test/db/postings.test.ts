/**
 * Every statement that writes postings, executed on rows that hold as much as their state allows: each leaves a row that
 * its state allows, written by its transitions and by nothing else. What a state allows stands below, in one table.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewPosting } from '../../src/collect/ports.js';
import type { PastDismissal, Preparation, PreparedTransaction } from '../../src/core/posting/posting.js';
import { claimAttempted, claimDismissed, claimNew } from '../../src/db/postings/claim.js';
import { correctDismissed, correctPending, correctStored } from '../../src/db/postings/correct-times.js';
import { deleteAll } from '../../src/db/postings/delete-all.js';
import { dismiss } from '../../src/db/postings/dismiss.js';
import { insertFound } from '../../src/db/postings/insert-found.js';
import { insertRebuilt } from '../../src/db/postings/insert-rebuilt.js';
import { markAttempt, renewClaim, takeClaims } from '../../src/db/postings/keep-claim.js';
import { markLooked } from '../../src/db/postings/mark-looked.js';
import { markPosted } from '../../src/db/postings/mark-posted.js';
import { park } from '../../src/db/postings/park.js';
import { postpone } from '../../src/db/postings/postpone.js';
import { putOffUnready } from '../../src/db/postings/put-off-unready.js';
import { refuseAgain, retryMapped, retryPrepared } from '../../src/db/postings/retry.js';
import { settle } from '../../src/db/postings/settle.js';
import { dismissInstead, storeOwed } from '../../src/db/postings/store-owed.js';
import { dismissed, mapped, NULL, parked, pending, posted, STAYS } from '../../src/db/postings/transitions.js';
import { type PostingRow, postings } from '../../src/db/schema/postings.js';
import type { Judged } from '../../src/prove/rebuild-ports.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { sourceFiles } from '../support/source-files.js';

let database: OwnDatabase;
beforeAll(async () => {
  database = await openMigratedDatabase();
});
afterAll(() => database.remove());

const REFERENCE = 'pi_1';
const RUN = randomUUID();
const TOKEN = randomUUID();
const EPOCH = { epoch: 0, accountsMode: 'indicators' } as const;
const LANE = { source: '@stripe', currency: 'USD' };
const LEASE = { leaseMs: 30_000 };
const AHEAD = { ahead: '5 minutes', dueAhead: '2 hours' };
const HOUR_MS = 3_600_000;
const at = (ms: number) => new Date(Date.now() + ms);

/** Everything that is not so of a row, by its state. */
type Rules = Readonly<Record<string, (row: PostingRow) => boolean>>;

const isAll = (...values: unknown[]) => values.every((value) => value !== null);
const isNone = (...values: unknown[]) => values.every((value) => value === null);
const isAllOrNone = (...values: unknown[]) => isAll(...values) || isNone(...values);

const ALWAYS: Rules = {
  'has the times of its attempts': ({ attempts, firstAttemptAt, lastAttemptAt }) =>
    attempts > 0 ? isAll(firstAttemptAt, lastAttemptAt) : isNone(firstAttemptAt, lastAttemptAt),
  'has a claim with an end': ({ claim, claimedUntil }) => isAllOrNone(claim, claimedUntil),
  'has a reason with its detail': ({ reason, reasonDetail }) => isAllOrNone(reason, reasonDetail),
  'was dismissed by somebody, who said why': ({ dismissedAt, dismissedBy, dismissedWhy }) =>
    isAllOrNone(dismissedAt, dismissedBy, dismissedWhy),
  'is what is owed': ({ objectId, firstRun }) => objectId === REFERENCE && firstRun === RUN,
};

const IN_LEDGER: Rules = {
  'has its transaction': ({ transactionId, postedAt, settledHow }) => isAll(transactionId, postedAt, settledHow),
};

const NOT_IN_LEDGER: Rules = {
  'has no transaction': ({ transactionId, postedAt, settledHow, exception }) =>
    isNone(transactionId, postedAt, settledHow, exception),
};

const CAN_BE_POSTED: Rules = {
  'can be posted': ({ source, destination, currency, amount, precision, prepared: body, payment }) =>
    isAll(source, destination, currency, amount, precision, body) && payment === null,
};

const HELD: Rules = {
  ...NOT_IN_LEDGER,
  'has a reason': ({ reason }) => reason !== null,
  'is in no doubt': ({ doubtSince }) => doubtSince === null,
  'has what it can be retried with, once': ({ prepared: body, payment }) => isNone(body) !== isNone(payment),
};

const STATES: Readonly<Record<'pending' | 'posted' | 'parked' | 'dismissed', Rules>> = {
  pending: {
    ...ALWAYS,
    ...NOT_IN_LEDGER,
    ...CAN_BE_POSTED,
    'is not dismissed': ({ dismissedAt, dismissedLooks }) => dismissedAt === null && dismissedLooks === 0,
    'is in doubt, claimed or given a verdict only after an attempt': ({ attempts, doubtSince, claim, reason }) =>
      attempts > 0 || isNone(doubtSince, claim, reason),
  },
  posted: {
    ...ALWAYS,
    ...IN_LEDGER,
    'holds nothing to be posted, and nothing to be told of it': (row) =>
      isNone(row.prepared, row.payment, row.reason, row.lastError, row.doubtSince, row.claim),
    'says so when it was dismissed': ({ dismissedBy, exception }) =>
      dismissedBy === null || exception?.includes(`was dismissed by ${dismissedBy}`) === true,
  },
  parked: {
    ...ALWAYS,
    ...HELD,
    'is in nobodys hands': ({ claim }) => claim === null,
    'is not looked for': ({ dismissedLooks }) => dismissedLooks === 0,
  },
  dismissed: { ...ALWAYS, ...HELD },
};

type State = keyof typeof STATES;

function stateOf({ state, dismissedAt }: PostingRow): State {
  return state === 'parked' && dismissedAt !== null ? 'dismissed' : state;
}

function broken(row: PostingRow): string[] {
  const rules = Object.entries(STATES[stateOf(row)]);
  return rules.flatMap(([rule, holds]) => (holds(row) ? [] : [`${stateOf(row)}: ${rule}`]));
}

const OWED = { source: '@stripe', destination: '@cus_1', currency: 'USD', amount: 1_000n, precision: 100 };
const ATTEMPTED = { attempts: 3, firstAttemptAt: at(-2 * HOUR_MS), lastAttemptAt: at(-HOUR_MS) };
const CLAIMED = { claim: TOKEN, claimedUntil: at(60_000) };
const WAITED = { lookUps: 5, lastError: 'no answer', dueAt: at(-60_000) };
const DECIDED = { dismissedAt: at(-HOUR_MS), dismissedBy: 'ada', dismissedWhy: 'no', dismissedLooks: 1 };
const PAST: PastDismissal = { at: 'then', by: 'bob', why: 'no', reason: 'conflict', endedAt: 'later' };
const EVERY = { effectiveAt: at(-48 * HOUR_MS), pastDismissals: [PAST] };
const TRIED = { ...EVERY, ...OWED, ...ATTEMPTED, ...WAITED, prepared: '{}' };
const REFUSED = { reason: 'refused_by_blnk', reasonDetail: 'no' } as const;

type Row = Partial<PostingRow> & Pick<PostingRow, 'state' | 'effectiveAt'>;

/** As full as each may be. */
const ROWS = {
  untried: { ...EVERY, ...OWED, prepared: '{}', state: 'pending', dueAt: at(-60_000) },
  waiting: { ...TRIED, ...REFUSED, state: 'pending', doubtSince: at(-HOUR_MS) },
  claimed: { ...TRIED, ...REFUSED, ...CLAIMED, state: 'pending', doubtSince: at(-HOUR_MS) },
  posted: {
    ...{ ...EVERY, ...OWED, ...ATTEMPTED, ...DECIDED, state: 'posted', lookUps: 5, transactionId: 'txn_0' },
    ...{ postedAt: at(-HOUR_MS), settledHow: 'posted', exception: 'was dismissed by ada, but the ledger holds it' },
  },
  parked: { ...TRIED, ...REFUSED, state: 'parked' },
  unmapped: {
    ...{ ...EVERY, state: 'parked', reason: 'unknown_currency', reasonDetail: 'xts', payment: '{}' },
    ...{ currency: 'XTS', amount: 1n, lookUps: 0 },
  },
  unreadable: { ...EVERY, state: 'parked', reason: 'unreadable_payment', reasonDetail: 'no amount', payment: '{}' },
  dismissed: { ...TRIED, ...REFUSED, ...DECIDED, state: 'parked' },
  lookedFor: { ...TRIED, ...REFUSED, ...DECIDED, ...CLAIMED, state: 'parked' },
  ahead: { ...TRIED, ...CLAIMED, state: 'pending', claimedUntil: at(24 * HOUR_MS), dueAt: at(24 * HOUR_MS) },
  dismissedAhead: { ...TRIED, ...REFUSED, ...DECIDED, state: 'parked', dismissedAt: at(24 * HOUR_MS) },
  storedAhead: { ...EVERY, ...OWED, prepared: '{}', state: 'pending', storedAt: at(24 * HOUR_MS) },
} satisfies Record<string, Row>;

const TRANSACTION: PreparedTransaction = {
  ...{ object: 'payment', role: 'original', lane: { source: OWED.source, currency: OWED.currency } },
  ...{ ...OWED, reference: REFERENCE, amount: 77n, destination: '@cus_9', body: '{"precise_amount":77}' },
  effectiveDate: at(-24 * HOUR_MS),
};
const SEEN = { reference: REFERENCE, transactionId: 'txn_1', how: 'already_there', exception: 'another date' } as const;
const VERDICT = { reason: 'conflict', detail: 'another amount' } as const;
const REPLACED = { transaction: TRANSACTION, reason: 'burnt_reference', why: 'replaced' } as const;
const BY_NAME = { selection: { references: [REFERENCE] }, reference: REFERENCE };
const MAPPED: Preparation = { kind: 'prepared', transaction: TRANSACTION };
const UNMAPPABLE: Preparation = { kind: 'rejected', reason: 'amount_not_positive', detail: 'it is 0' };

const found = (preparation: Preparation): NewPosting => ({
  payment: { kind: 'unreadable', id: REFERENCE, created: null, problem: 'no amount' },
  seenAt: new Date(),
  object: 'payment',
  preparation,
});
const opened = (isKnown: boolean) => ({
  ...{ paymentId: REFERENCE, runId: RUN, by: 'repair plan, applied by ada' },
  known: new Set(isKnown ? [REFERENCE] : []),
});
const collected = (preparation: Preparation) => () =>
  database.db.transaction((transaction) => insertFound(transaction, { id: RUN, feed: 'events' }, [found(preparation)]));
const rebuilt = (preparation: Preparation, verdict: Judged<NewPosting>['verdict']) => () =>
  insertRebuilt(database.db, { id: RUN, feed: 'payment_intents' }, [
    { found: found(preparation), verdict, repairs: [] },
  ]);
const later = { reference: REFERENCE, dueInMs: 60_000, error: 'no answer', inDoubt: false };

interface Statement {
  readonly from: ReadonlyArray<keyof typeof ROWS | 'nothing'>;
  readonly to: State;
  /** What writes its columns; left out where the state stays as it is, or where the row is new. */
  readonly by?: ReadonlyArray<Partial<Readonly<Record<keyof PostingRow, string>>>>;
  execute(): Promise<unknown>;
}

const STATEMENTS: Readonly<Record<string, Statement>> = {
  claimNew: {
    ...{ from: ['untried'], to: 'pending' },
    execute: () => claimNew(database.sql, LANE, { ...EPOCH, ...LEASE, limit: 1, first: 'newest' }),
  },
  claimAttempted: {
    ...{ from: ['waiting'], to: 'pending' },
    execute: () => claimAttempted(database.sql, LANE, { ...EPOCH, ...LEASE, limit: 1 }),
  },
  claimDismissed: {
    ...{ from: ['dismissed'], to: 'dismissed' },
    execute: () => claimDismissed(database.sql, { ...EPOCH, ...LEASE, limit: 1, looksAfterMs: [0, 0] }),
  },
  markAttempt: {
    ...{ from: ['claimed'], to: 'pending' },
    execute: () => markAttempt(database.sql, TOKEN, { ...EPOCH, ...LEASE, references: [REFERENCE] }),
  },
  renewClaim: {
    ...{ from: ['claimed'], to: 'pending' },
    execute: () => renewClaim(database.sql, TOKEN, { ...LEASE, references: [REFERENCE] }),
  },
  'takeClaims, of a pending one': {
    ...{ from: ['claimed'], to: 'pending' },
    execute: () => database.sql.begin((transaction) => takeClaims(transaction)),
  },
  'takeClaims, of a dismissed one': {
    ...{ from: ['lookedFor'], to: 'dismissed' },
    execute: () => database.sql.begin((transaction) => takeClaims(transaction)),
  },
  postpone: {
    ...{ from: ['claimed'], to: 'pending' },
    execute: () => postpone(database.sql, TOKEN, [{ ...later, reason: 'conflict', reasonDetail: 'another amount' }]),
  },
  putOffUnready: {
    ...{ from: ['untried'], to: 'pending' },
    execute: async () => {
      await database.sql`
        insert into stripe_blnk_sync.account_balances (name, currency, balance_id, missing_since)
        values (${OWED.destination}, ${OWED.currency}, 'bln_gone', now()) on conflict do nothing`;
      const isNew = database.sql`state = 'pending' and attempts = 0 and due_at <= now()`;
      await putOffUnready(database.sql, isNew, 'waiting');
    },
  },
  settle: { from: ['claimed'], to: 'posted', by: [posted], execute: () => settle(database.sql, TOKEN, [SEEN]) },
  park: {
    ...{ from: ['claimed'], to: 'parked', by: [parked] },
    execute: () => park(database.sql, TOKEN, [{ ...VERDICT, reference: REFERENCE }]),
  },
  'markLooked, of what is there': {
    ...{ from: ['lookedFor'], to: 'posted', by: [posted] },
    execute: () => markLooked(database.sql, TOKEN, [SEEN]),
  },
  'markLooked, of what is not': {
    ...{ from: ['lookedFor'], to: 'dismissed' },
    execute: () => markLooked(database.sql, TOKEN, []),
  },
  markPosted: {
    ...{ from: ['parked', 'dismissed', 'lookedFor'], to: 'posted', by: [posted] },
    execute: () => markPosted(database.db, SEEN),
  },
  retryPrepared: {
    ...{ from: ['parked', 'dismissed', 'lookedFor'], to: 'pending', by: [pending] },
    execute: () => retryPrepared(database.db, { references: [REFERENCE] }),
  },
  retryMapped: {
    ...{ from: ['unmapped', 'unreadable'], to: 'pending', by: [pending, mapped] },
    execute: () => retryMapped(database.db, BY_NAME, TRANSACTION),
  },
  refuseAgain: {
    ...{ from: ['unmapped', 'unreadable'], to: 'parked', by: [parked] },
    execute: () => refuseAgain(database.db, BY_NAME, VERDICT),
  },
  dismiss: {
    ...{ from: ['parked', 'unmapped', 'unreadable'], to: 'dismissed', by: [dismissed] },
    execute: () => dismiss(database.db, { reference: REFERENCE, by: 'eve', why: 'a test' }),
  },
  storeOwed: {
    ...{ from: ['posted', 'dismissed', 'lookedFor'], to: 'pending', by: [pending, mapped] },
    execute: () => storeOwed(database.db, TRANSACTION, opened(true)),
  },
  'storeOwed, of nothing': {
    ...{ from: ['nothing'], to: 'pending' },
    execute: () => storeOwed(database.db, TRANSACTION, opened(false)),
  },
  dismissInstead: {
    ...{ from: ['posted', 'parked', 'dismissed'], to: 'dismissed', by: [parked, dismissed, mapped] },
    execute: () => dismissInstead(database.db, REPLACED, opened(true)),
  },
  'dismissInstead, of nothing': {
    ...{ from: ['nothing'], to: 'dismissed' },
    execute: () => dismissInstead(database.db, REPLACED, opened(false)),
  },
  'insertFound, mapped': { from: ['nothing'], to: 'pending', execute: collected(MAPPED) },
  'insertFound, not to be mapped': { from: ['nothing'], to: 'parked', execute: collected(UNMAPPABLE) },
  'insertFound, readable now': {
    ...{ from: ['unreadable'], to: 'pending', by: [pending, mapped] },
    execute: collected(MAPPED),
  },
  'insertRebuilt, posted': {
    ...{ from: ['nothing'], to: 'posted' },
    execute: rebuilt(MAPPED, { kind: 'posted', transactionId: 'txn_1', how: 'posted', exception: null }),
  },
  'insertRebuilt, parked': {
    ...{ from: ['nothing'], to: 'parked' },
    execute: rebuilt(MAPPED, { kind: 'parked', reason: 'rebuild', detail: 'not there', dismissedWhy: null }),
  },
  'insertRebuilt, dismissed': {
    ...{ from: ['nothing'], to: 'dismissed' },
    execute: rebuilt(MAPPED, { kind: 'parked', reason: 'conflict', detail: 'x', dismissedWhy: 'replaced' }),
  },
  'insertRebuilt, not to be mapped': {
    ...{ from: ['nothing'], to: 'parked' },
    execute: rebuilt(UNMAPPABLE, { kind: 'unmappable' }),
  },
  correctPending: { from: ['ahead'], to: 'pending', execute: () => correctPending(database.sql, AHEAD) },
  correctDismissed: { from: ['dismissedAhead'], to: 'dismissed', execute: () => correctDismissed(database.sql, AHEAD) },
  correctStored: { from: ['storedAhead'], to: 'pending', execute: () => correctStored(database.sql, [RUN], AHEAD) },
};

async function put(from: keyof typeof ROWS | 'nothing'): Promise<PostingRow | null> {
  await deleteAll(database.db);
  if (from === 'nothing') return null;
  const identity = { reference: REFERENCE, objectId: REFERENCE, kind: 'payment', firstRun: RUN } as const;
  await database.db.insert(postings).values({ ...identity, ...ROWS[from] });
  return readOne();
}

async function readOne(): Promise<PostingRow> {
  const [row, ...more] = await database.db.select().from(postings);
  if (row === undefined || more.length > 0) throw new Error(`there are ${more.length} rows beside ${row?.reference}`);
  return row;
}

describe('a row that holds all that its state allows', () => {
  it.each(Object.keys(ROWS) as Array<keyof typeof ROWS>)('is allowed: %s', async (from) => {
    const row = await put(from);
    expect(row && broken(row)).toEqual([]);
  });
});

describe.each(Object.entries(STATEMENTS))('%s', (_, { from, to, by, execute }) => {
  it.each(from)(`leaves what is allowed of ${to}: %s`, async (start) => {
    const before = await put(start);
    await execute();
    const after = await readOne();
    expect({ state: stateOf(after), broken: broken(after) }).toEqual({ state: to, broken: [] });
    expect(after, 'nothing was written').not.toEqual(before);
    if (before === null) return;
    if (by === undefined) {
      expect(stateOf(before), 'a state changes by its transition').toBe(to);
      return;
    }
    const written = Object.assign(
      {},
      ...by.map((transition) => Object.fromEntries(Object.entries(transition).filter(([, value]) => value !== STAYS))),
    ) as Readonly<Record<string, string>>;
    const names = Object.keys(after) as Array<keyof PostingRow>;
    const cleared = names.filter((name) => written[name] === NULL);
    expect(cleared.filter((name) => after[name] !== null)).toEqual([]);
    const left = names.filter((name) => written[name] === undefined);
    expect(Object.fromEntries(left.map((name) => [name, after[name]]))).toEqual(
      Object.fromEntries(left.map((name) => [name, before[name]])),
    );
  });
});

describe('a dismissal', () => {
  const ended = { by: 'ada', why: 'no', reason: 'refused_by_blnk' };

  it.each(['retryPrepared', 'storeOwed', 'dismissInstead'])(
    'that %s ends is kept with those before it',
    async (name) => {
      await put('dismissed');
      await STATEMENTS[name]?.execute();
      expect((await readOne()).pastDismissals).toMatchObject([PAST, ended]);
    },
  );

  it.each(['markPosted', 'markLooked, of what is there'])('that %s overrules is told of', async (name) => {
    await put('lookedFor');
    await STATEMENTS[name]?.execute();
    const { exception } = await readOne();
    expect(exception).toBe('another date; was dismissed by ada, but the ledger holds it');
  });
});

describe('the table above', () => {
  it('has every statement of the room', () => {
    // Pauses of lanes lie in a table of their own.
    const writing = sourceFiles('src/db/postings').filter(
      ({ text }) => /\bupdate\b|\binsert\b|\bdelete\b/i.test(text) && /schema\/postings\.js|\.postings\b/.test(text),
    );
    const exported = writing.flatMap(({ text }) =>
      [...text.matchAll(/^export async function (\w+)/gm)].map(([, name]) => name),
    );
    const reads = ['selectStoodFor', 'selectUnprepared', 'lockNamed'];
    // Executed before each of them.
    const tried = [...Object.keys(STATEMENTS).map((name) => name.replace(/,.*/, '')), 'deleteAll'];
    expect(exported.filter((name) => !reads.includes(name ?? '')).sort()).toEqual([...new Set(tried)].sort());
  });
});
