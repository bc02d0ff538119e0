/** What a look-up in the ledger is taken for, and what a run's counts are taken for: every finding and every status. */
import { describe, expect, it } from 'vitest';
import { type CollectingState, type RunStatus, runStatus } from '../../src/core/coverage/sync-run.js';
import { queuedChildOf } from '../../src/core/ledger/reference.js';
import { distinctRows, type LedgerRow } from '../../src/core/ledger/row.js';
import { type ExpectedRow, judge } from '../../src/core/ledger/settlement.js';

const DAY = new Date('2026-05-31T12:00:00Z');

const WANTED: ExpectedRow = {
  reference: 'pi_1',
  amount: 1_999n,
  currency: 'USD',
  source: '@stripe',
  destination: '@cus_1',
  effectiveDate: DAY,
  mirrorId: 'mirror-1',
};

function row(differs: Partial<LedgerRow> = {}): LedgerRow {
  return {
    transactionId: 'txn_1',
    reference: 'pi_1',
    status: 'APPLIED',
    amount: 1_999n,
    currency: 'USD',
    source: 'bln_stripe',
    destination: 'bln_cus',
    effectiveDate: DAY,
    mirrorId: 'mirror-1',
    rejectionReason: null,
    ...differs,
  };
}

const IDS = new Map([
  ['@stripe', 'bln_stripe'],
  ['@cus_1', 'bln_cus'],
]);
const find = (...rows: LedgerRow[]) => judge(WANTED, rows, (name) => IDS.get(name));
const queued = row({ status: 'QUEUED', source: '@stripe', destination: '@cus_1' });
const child = (differs: Partial<LedgerRow> = {}) => row({ transactionId: 'txn_2', reference: 'pi_1_q', ...differs });

it('tells rows apart by their reference where no id could be read', () => {
  const rows = ['pi_1:r1', 'pi_1:adj:1', 'pi_1:r1'].map((reference) => row({ transactionId: 'unknown', reference }));
  expect(distinctRows(rows).map(({ reference }) => reference)).toEqual(['pi_1:r1', 'pi_1:adj:1']);
});

describe('a look-up', () => {
  it('finds our transaction', () => {
    expect(find(row())).toEqual({ kind: 'applied', transactionId: 'txn_1', ours: true, exception: null });
  });

  it.each(['mirror-2', null])("finds somebody else's equal transaction (mirror %s)", (mirrorId) => {
    expect(find(row({ mirrorId }))).toMatchObject({ kind: 'applied', ours: false, exception: null });
  });

  it('finds nothing, which proves nothing', () => {
    expect(find()).toEqual({ kind: 'absent' });
    expect(find(row({ reference: 'pi_2' }), row({ reference: 'PI_1' }), row({ reference: 'pi_1_q_q' }))).toEqual({
      kind: 'absent',
    });
  });

  it.each<[string, Partial<LedgerRow>, string]>([
    ['amount', { amount: 2_000n }, 'amount is 20.00 USD in the ledger, 19.99 USD is expected'],
    ['unknown amount', { amount: null }, 'amount is unknown USD in the ledger, 19.99 USD is expected'],
    ['currency', { currency: 'EUR' }, 'amount is 19.99 EUR in the ledger, 19.99 USD is expected'],
    ['source', { source: 'bln_other' }, 'source is bln_other in the ledger, @stripe (bln_stripe) is expected'],
    [
      'destination',
      { destination: 'bln_other' },
      'destination is bln_other in the ledger, @cus_1 (bln_cus) is expected',
    ],
    ['void', { status: 'VOID' }, 'status is VOID in the ledger, APPLIED is expected'],
    ['rejected', { status: 'REJECTED' }, 'status is REJECTED in the ledger, APPLIED is expected'],
  ])('takes another %s for a conflict', (_what, differs, difference) => {
    expect(find(row(differs))).toEqual({ kind: 'conflict', detail: `txn_1: ${difference}` });
  });

  it('names all differences at once', () => {
    const finding = find(row({ amount: 1n, status: 'VOID', source: 'bln_destination' }));
    expect(finding).toMatchObject({ kind: 'conflict', detail: expect.stringMatching(/status.*; amount.*; source/) });
  });

  it.each([
    [
      'another',
      new Date('2026-05-30T12:00:00Z'),
      /^effective date is 2026-05-30T12:00:00.000Z in the ledger, 2026-05-31/,
    ],
    ['no', null, /^effective date is missing in the ledger$/],
    ['a slightly other', new Date(DAY.getTime() + 1), /^effective date is /],
  ])('takes %s effective date for an exception, not for a conflict', (_what, effectiveDate, words) => {
    expect(find(row({ effectiveDate }))).toMatchObject({
      kind: 'applied',
      exception: expect.stringMatching(words),
    });
  });

  it('cannot judge while the ledger does not show a balance', () => {
    expect(judge(WANTED, [row()], (name) => (name === '@stripe' ? 'bln_stripe' : undefined))).toEqual({
      kind: 'unresolved',
      detail: 'txn_1: destination is bln_cus in the ledger, which shows no balance @cus_1 in USD',
    });
    expect(judge(WANTED, [row()], () => undefined)).toMatchObject({
      detail: expect.stringMatching(/source .* no balance @stripe in USD; destination .* no balance @cus_1 in USD/),
    });
  });

  it('is a conflict all the same when something else differs', () => {
    expect(judge(WANTED, [row({ amount: 1n })], () => undefined).kind).toBe('conflict');
  });

  it('accepts names where the ledger shows names', () => {
    const named = row({ source: '@stripe', destination: '@cus_1' });
    expect(judge(WANTED, [named], () => undefined).kind).toBe('applied');
    // But not once the names are known to be balances with other ids.
    expect(find(named).kind).toBe('conflict');
  });
});

describe('a reference that somebody queued', () => {
  it('is waited for while Core has not decided', () => {
    expect(find(queued).kind).toBe('undecided');
    expect(find(queued, child({ status: 'QUEUED' })).kind).toBe('undecided');
    expect(find(row({ status: 'SCHEDULED' }))).toMatchObject({
      kind: 'undecided',
      detail: expect.stringMatching(/scheduled pi_1/),
    });
  });

  it('is adopted when its copy was applied with equal content', () => {
    expect(find(queued, child({ mirrorId: null }))).toMatchObject({
      kind: 'applied',
      transactionId: 'txn_2',
      ours: false,
    });
    expect(find(child())).toMatchObject({ kind: 'applied', transactionId: 'txn_2' });
    expect(find(child(), queued)).toMatchObject({ kind: 'applied', transactionId: 'txn_2' });
  });

  it('is a conflict when its copy was applied with other content', () => {
    expect(find(queued, child({ amount: 5n }))).toMatchObject({
      kind: 'conflict',
      detail: expect.stringContaining('txn_2'),
    });
    expect(find(queued, child({ status: 'INFLIGHT' })).kind).toBe('undecided');
  });

  it('is burnt when its copy was rejected', () => {
    const rejected = child({ status: 'REJECTED', rejectionReason: 'insufficient funds' });
    expect(find(queued, rejected)).toEqual({ kind: 'burnt', detail: 'txn_2 was rejected: insufficient funds' });
    expect(find(child({ status: 'REJECTED' }))).toEqual({
      kind: 'burnt',
      detail: 'txn_2 was rejected: no reason given',
    });
  });

  it('does not matter beside one that was posted', () => {
    expect(find(row(), child({ status: 'REJECTED' })).kind).toBe('applied');
  });

  it('has a copy of this name', () => {
    expect(queuedChildOf('pi_1')).toBe('pi_1_q');
  });
});

describe('the status of a run', () => {
  it.each<[CollectingState, number, number, number, RunStatus]>([
    ['collecting', 5, 5, 0, 'collecting'],
    ['failed', 5, 5, 0, 'failed'],
    ['collected', 0, 0, 0, 'succeeded'],
    ['collected', 1, 0, 0, 'posting'],
    ['collected', 1, 3, 0, 'posting'],
    ['collected', 0, 3, 2, 'attention'],
    ['collected', 0, 3, 3, 'succeeded'],
  ])('%s with %d pending, %d parked, %d of them dismissed is %s', (state, pending, parked, dismissed, status) => {
    expect(runStatus({ state, errorCode: null }, { pending, parked, dismissed })).toBe(status);
  });

  it('is no failure where a worker was stopped in order', () => {
    const counts = { pending: 1, parked: 1, dismissed: 0 };
    expect(runStatus({ state: 'failed', errorCode: 'stopped' }, counts)).toBe('stopped');
    expect(runStatus({ state: 'failed', errorCode: 'worker_lost' }, counts)).toBe('failed');
  });
});
