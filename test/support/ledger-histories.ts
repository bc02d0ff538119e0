/**
 * Seeded histories of one payment in a ledger, in the forms that every version of this software has read alike: plain, queued,
 * replaced, corrected, copied, taken back by hand. And what each of the four judges says of one, in one line.
 */

import type { LedgerRecord } from '../../src/core/ledger/row.js';
import { judge } from '../../src/core/ledger/settlement.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import type { ParkingReason, PostingState } from '../../src/core/posting/posting.js';
import type { DayPosting } from '../../src/core/proof/day-payment.js';
import { judgePayment } from '../../src/core/proof/judge-payment.js';
import { decideRepair } from '../../src/core/repair/decide-repair.js';
import type { OwnRow } from '../../src/core/repair/repair-facts.js';
import { judgePage } from '../../src/prove/rebuild.js';
import { rowsInMemory } from './rows-in-memory.js';

const ID = 'pi_3H';
const AMOUNT = 1_999n;
const CREATED = new Date('2026-11-05T10:11:12Z');
const RULES = {
  ...{ mappingVersion: 1, sourceShards: 1, mirrorId: 'mirror-1', livemode: false },
  ...{ source: '@stripe', guestDestination: '@stripe_guests' },
};
const PAYMENT: Payment = {
  ...{ kind: 'payment', id: ID, amountReceived: AMOUNT, currency: 'usd', created: CREATED, customerId: 'cus_1' },
  ...{ chargeId: null, livemode: false, description: null, metadata: [] },
};
const BALANCES: Readonly<Record<string, string>> = { '@stripe': 'bln_s', '@cus_1': 'bln_d' };
const resolve = (name: string) => BALANCES[name];

interface History {
  readonly rows: readonly LedgerRecord[];
  readonly own: readonly (DayPosting & OwnRow)[];
}

/** Mulberry32: the same numbers on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function historyOf(seed: number): History {
  const random = randomOf(seed);
  const chance = (share: number) => random() < share;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const rows: LedgerRecord[] = [];
  const add = (reference: string, changes: Partial<LedgerRecord> = {}): LedgerRecord => {
    const row: LedgerRecord = {
      ...{ transactionId: `txn_${rows.length + 1}`, reference, status: 'APPLIED', amount: AMOUNT, currency: 'USD' },
      ...{ source: 'bln_s', destination: 'bln_d', effectiveDate: CREATED, createdAt: CREATED },
      ...{ mirrorId: 'mirror-1', paymentId: ID, day: '2026-11-05', rejectionReason: null },
      ...changes,
    };
    rows.push(row);
    return row;
  };
  const oddity = (): Partial<LedgerRecord> =>
    pick<Partial<LedgerRecord>>([
      ...[{}, {}, {}, {}, { amount: 500n }, { amount: null }, { destination: 'bln_x' }, { source: 'bln_x' }],
      ...[{ effectiveDate: null }, { day: '2026-11-06' }, { mirrorId: null, paymentId: null, day: null }],
    ]);
  const bring = (reference: string) => {
    const changes = oddity();
    if (chance(0.2)) {
      add(reference, { ...changes, status: 'QUEUED', mirrorId: null });
      const decided = pick(['APPLIED', 'REJECTED', null] as const);
      if (decided !== null) add(`${reference}_q`, { ...changes, status: decided, mirrorId: null });
    } else
      add(reference, { ...changes, status: pick(['APPLIED', 'APPLIED', 'APPLIED', 'APPLIED', 'VOID', 'REJECTED']) });
  };
  if (chance(0.8)) bring(ID);
  if (chance(0.2)) bring(`${ID}:r1`);
  if (chance(0.2)) add(`${ID}:adj:1`, { amount: pick([1_499n, 1n, AMOUNT]) });
  if (chance(0.1)) add('shop-1', { mirrorId: null, amount: pick([AMOUNT, 7n]) });
  const [first] = rows;
  if (first !== undefined && chance(0.2)) {
    const { source, destination, amount } = first;
    add(`${first.reference}:undo`, { source: destination, destination: source, amount, mirrorId: null });
  }
  return { rows, own: ownOf(rows, { chance, pick }) };
}

function ownOf(
  rows: readonly LedgerRecord[],
  { chance, pick }: { chance(share: number): boolean; pick<T>(items: readonly T[]): T },
): History['own'] {
  const names = [ID, ...rows.map(({ reference }) => reference).filter((name) => /:(r|adj:)\d+$/.test(name))];
  return names.flatMap((reference) => {
    if (chance(0.25)) return [];
    const state = pick<PostingState>(['posted', 'posted', 'pending', 'parked']);
    const dismissed = state === 'parked' && chance(0.3);
    const role = reference === ID ? 'original' : reference.includes(':r') ? 'replacement' : 'correction';
    const reason = state === 'parked' ? pick<ParkingReason>(['conflict', 'burnt_reference', 'rebuild']) : null;
    return [
      {
        ...({ reference, role, state, reason, dismissed, dismissedByPlan: false, paymentId: ID } as const),
        ...{ amount: AMOUNT, currency: 'USD', source: '@stripe', destination: '@cus_1', effectiveDate: CREATED },
      },
    ];
  });
}

/** One line: settlement | proof | repair | rebuild. */
export async function verdictsOf({ rows, own }: History): Promise<string> {
  const expected = {
    ...{ reference: ID, amount: AMOUNT, currency: 'USD', source: '@stripe', destination: '@cus_1' },
    ...{ effectiveDate: CREATED, mirrorId: 'mirror-1' },
  };
  const asked = rows.filter(({ reference }) => reference === ID || reference === `${ID}_q`);
  const settled = judge(expected, asked, resolve);
  const balances = { source: '@stripe', destination: '@cus_1' };
  const payment = { id: ID, amount: AMOUNT, currency: 'USD', created: CREATED, balances, refused: null };
  const rules = { day: '2026-11-05', mirrorId: 'mirror-1', balanceId: resolve, isCollected: () => true };
  const proven = judgePayment(payment, { rows, own }, rules);
  const decision = decideRepair({ paymentId: ID, intent: PAYMENT, rows, own, rules: RULES, resolve });
  const [rebuilt] = await judgePage([{ preparation: preparePayment(PAYMENT, RULES) }], portsOf(rows), RULES);
  return [
    settled.kind === ('queued' as string) ? 'undecided' : settled.kind,
    [...proven.findings.map(({ kind }) => kind), ...proven.lines.map(({ id, amount }) => `${id}=${amount}`)].join(','),
    decision.kind === 'act' ? `${decision.action} ${decision.reference} ${decision.amount}` : decision.kind,
    rebuilt?.verdict.kind === 'parked' ? `parked ${rebuilt.verdict.reason}` : rebuilt?.verdict.kind,
  ].join(' | ');
}

function portsOf(rows: readonly LedgerRecord[]): Parameters<typeof judgePage>[1] {
  return {
    ledger: {
      ...rowsInMemory(rows),
      listOfPayment: async () => rows.filter(({ paymentId }) => paymentId === ID),
    },
    balances: { resolve: async () => {}, refresh: async () => {}, resolver: () => resolve },
    confirmSource: async () => {},
  };
}
