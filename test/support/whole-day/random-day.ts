/**
 * Days by chance, damaged in every way that the comparison knows: both sides and our postings, and ports that answer from them as
 * the vendors would. The ids are such that one is the beginning of another, or looks like a part of it.
 */
import fc from 'fast-check';
import type { LedgerRecord } from '../../../src/core/ledger/row.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import type { FoundPayment, IntentNow } from '../../../src/core/posting/payment.js';
import type { Acceptance } from '../../../src/core/proof/acceptance.js';
import type { DayPosting } from '../../../src/core/proof/day-payment.js';
import type { ProvePorts } from '../../../src/prove/prove-day.js';

export const DAY = '2026-05-29';
const START = Date.parse(`${DAY}T00:00:00Z`);
const DAY_MS = 86_400_000;

export const MIRROR: Mirror = {
  ...{ mirrorId: 'mirror-1', mappingVersion: 1, livemode: false, source: '@source', guestDestination: '@guests' },
  ...{ stripeAccount: 'acct_1', blnkInstance: 'core', sourceShards: 1, accountsMode: 'indicators' },
  startsAt: new Date(START + 600_000),
  ...{ cutoverAt: new Date(START), firstPostAt: new Date(START), lagMs: 0, rebuildingSince: null },
  ...{ eventsRefusedSince: null, chargesRefusedSince: null, balancesRefusedSince: null, ledgerEpoch: 0 },
};

const CURRENCIES = ['USD', 'EUR', 'JPY'];
const DAMAGES = [
  ...[
    'none',
    'none',
    'none',
    'none',
    'missing',
    'amount',
    'currency',
    'unknown_amount',
    'destination',
    'doubled',
    'copies',
  ],
  ...[
    'named_by_other',
    'leg',
    'legs',
    'queued',
    'queued_child',
    'rejected',
    'replaced',
    'correction',
    'undone',
    'refunded',
  ],
  ...[
    'inflight',
    'committed',
    'voided',
    'imported',
    'import_dateless',
    'date',
    'day_key',
    'unreadable',
    'unreadable_rows',
  ],
  ...[
    'no_currency',
    'late',
    'of_another_day',
    'not_succeeded',
    'unknown',
    'other_mirror',
    'dismissed',
    'pending',
    'parked',
  ],
  ...['own_only', 'before_start', 'fresh', 'bar', 'refund_of_refund', 'refused'],
] as const;

type Damage = (typeof DAMAGES)[number];

export interface RandomDay {
  readonly payments: readonly FoundPayment[];
  readonly rows: readonly LedgerRecord[];
  readonly own: readonly DayPosting[];
  readonly intents: ReadonlyMap<string, IntentNow>;
  readonly fresh: ReadonlySet<string>;
  readonly acceptances: readonly Acceptance[];
}

const drawn = fc.record({
  damage: fc.constantFrom(...DAMAGES),
  currency: fc.nat(2),
  amount: fc.integer({ min: 1, max: 999 }),
  second: fc.integer({ min: 0, max: 86_399 }),
  /** How the id is spelt. */
  spelling: fc.nat(5),
  sort: fc.nat(1_000),
  isPosted: fc.boolean(),
});

type Drawn = typeof drawn extends fc.Arbitrary<infer One> ? One : never;

/** @param size payments at most */
export function randomDays(size: number): fc.Arbitrary<RandomDay> {
  return fc
    .tuple(fc.array(drawn, { maxLength: size, size: 'max' }), fc.nat(5), fc.array(fc.nat(size), { maxLength: 5 }))
    .map(([all, shuffle, accepted]) => makeDay(all, { shuffle, accepted }));
}

function idOf(spelling: number, index: number): string {
  const spellings = [
    `pi_3A${index}z`,
    `pi_${index}`,
    `pi_1_${index}`,
    `pi_3A${index}z_q`,
    `pi_é${index}`,
    `pi_${index}-${index}`,
  ];
  return spellings[spelling] ?? `pi_${index}`;
}

function makeDay(
  all: readonly Drawn[],
  { shuffle, accepted }: { readonly shuffle: number; readonly accepted: readonly number[] },
): RandomDay {
  const made = all.map((one, index) => makePayment(one, index, all.length));
  const order = <T>(items: T[]) =>
    items
      .map((item, at) => ({ item, at: (at * (shuffle * 2 + 1)) % 7 }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  const payments = order(made.flatMap((one) => one.payments));
  return {
    payments: [...new Map(payments.map((one) => [one.id, one])).values()],
    rows: [...new Map(order(made.flatMap((one) => one.rows)).map((row) => [row.reference, row])).values()],
    own: made.flatMap((one) => one.own),
    intents: new Map(made.flatMap((one) => one.intents)),
    fresh: new Set(made.flatMap((one) => (one.damage === 'fresh' ? one.payments.map(({ id }) => id) : []))),
    acceptances: accepted.flatMap((at) => made[at]?.acceptance ?? []),
  };
}

interface Made {
  readonly damage: Damage;
  readonly payments: FoundPayment[];
  readonly rows: LedgerRecord[];
  readonly own: DayPosting[];
  readonly intents: [string, IntentNow][];
  readonly acceptance: Acceptance[];
}

function makePayment(one: Drawn, index: number, count: number): Made {
  const { damage, amount } = one;
  const id = idOf(one.spelling, index);
  const other = idOf(one.sort % 6, one.sort % Math.max(1, count));
  const created = new Date(START + (damage === 'before_start' ? 5 : one.second) * 1_000);
  const currency = CURRENCIES[one.currency] ?? 'USD';
  const payment: FoundPayment = {
    ...{
      kind: 'payment',
      id,
      created,
      amountReceived: BigInt(amount),
      currency: currency.toLowerCase(),
      livemode: damage === 'refused',
    },
    ...{ customerId: `cus_${index % 7}`, chargeId: null, description: null, metadata: [] },
  };
  const row = (changes: Partial<LedgerRecord> = {}): LedgerRecord => ({
    ...{
      transactionId: `txn_${changes.reference ?? id}`,
      reference: id,
      status: 'APPLIED',
      amount: BigInt(amount),
      currency,
    },
    ...{ source: `bln_@source_${currency}`, destination: `bln_@cus_${index % 7}_${currency}`, effectiveDate: created },
    ...{ mirrorId: MIRROR.mirrorId, rejectionReason: null, paymentId: id, day: DAY, createdAt: created },
    ...changes,
  });
  const foreign = { mirrorId: null, paymentId: null, day: null };
  const back = (changes: Partial<LedgerRecord>): LedgerRecord => {
    const made = row(changes);
    return { ...made, source: made.destination, destination: made.source };
  };
  const state = (kept: Partial<DayPosting> = {}): DayPosting => ({
    ...{
      reference: id,
      paymentId: id,
      role: 'original',
      state: 'posted',
      reason: null,
      dismissed: false,
      amount: BigInt(amount),
    },
    ...{ currency, source: '@source', destination: `@cus_${index % 7}`, effectiveDate: created, ...kept },
  });
  const rows = rowsOf(damage, { id, other, index, row, back, foreign, amount: BigInt(amount) });
  const isListed = !['late', 'of_another_day', 'not_succeeded', 'unknown', 'own_only', 'other_mirror', 'bar'].includes(
    damage,
  );
  const unreadable = damage === 'unreadable' || damage === 'unreadable_rows' || damage === 'no_currency';
  const known = damage === 'no_currency' ? null : { currency: currency.toLowerCase() };
  const found = unreadable
    ? ({ kind: 'unreadable', id, created, problem: 'no amount', known } as unknown as FoundPayment)
    : payment;
  const parked = { state: 'parked', reason: 'conflict', dismissed: damage === 'dismissed' } as const;
  const kept =
    damage === 'pending' ? { state: 'pending' as const } : damage === 'dismissed' || damage === 'parked' ? parked : {};
  const difference = { kind: 'missing' as const, stripe: { amount: String(amount), currency }, ledger: [] };
  return {
    damage,
    payments: isListed ? [found] : [],
    rows,
    own:
      damage === 'fresh' || (damage === 'missing' && one.isPosted)
        ? []
        : [state(kept), ...(damage === 'correction' ? [state({ reference: `${id}:adj:1`, role: 'correction' })] : [])],
    intents: [[id, intentOf(damage, payment)]],
    acceptance: [
      {
        id: `accepted-${index}`,
        day: DAY,
        paymentId: id,
        differences: [difference],
        by: 'somebody',
        at: new Date(START),
        why: 'meant',
      },
    ],
  };
}

function intentOf(damage: Damage, payment: FoundPayment): IntentNow {
  if (damage === 'late') return payment;
  if (damage === 'of_another_day') return { ...payment, created: new Date(START - DAY_MS) } as FoundPayment;
  if (damage === 'not_succeeded') return { kind: 'not_succeeded' } as IntentNow;
  return { kind: 'missing' } as IntentNow;
}

interface RowMaker {
  readonly id: string;
  readonly other: string;
  readonly index: number;
  readonly amount: bigint;
  readonly foreign: Partial<LedgerRecord>;
  row(changes?: Partial<LedgerRecord>): LedgerRecord;
  back(changes: Partial<LedgerRecord>): LedgerRecord;
}

function rowsOf(damage: Damage, { id, other, index, amount, foreign, row, back }: RowMaker): LedgerRecord[] {
  const child = { parentId: `txn_${id}`, reference: `child-${index}`, paymentId: null };
  switch (damage) {
    case 'missing':
    case 'no_currency':
    case 'unreadable':
    case 'dismissed':
    case 'pending':
    case 'own_only':
    case 'fresh':
      return [];
    case 'amount':
      return [row({ amount: amount + 1n })];
    case 'currency':
      return [row({ currency: 'CHF' })];
    case 'unknown_amount':
      return [row({ amount: null })];
    case 'destination':
      return [row({ destination: 'bln_other' })];
    case 'doubled':
      return [row(), row({ reference: `zz-${index}` })];
    case 'copies':
      return [
        row(),
        row({ reference: `aa-${index}` }),
        row({ reference: `pi_zz_${index}:x` }),
        row({ reference: `${other}|${index}` }),
      ];
    case 'named_by_other':
      return [row({ paymentId: other })];
    case 'leg':
      return [row({ ...foreign, reference: `${id}-1` })];
    case 'legs':
      return [row(), row({ ...foreign, reference: `${id}_1` }), row({ ...foreign, reference: `${id}_2` })];
    case 'queued':
      return [row({ ...foreign, status: 'QUEUED' })];
    case 'queued_child':
      return [row({ ...foreign, status: 'QUEUED' }), row({ ...foreign, reference: `${id}_q`, parentId: `txn_${id}` })];
    case 'rejected':
      return [row({ status: 'REJECTED', rejectionReason: 'no money' })];
    case 'replaced':
      return [row({ status: 'REJECTED' }), row({ reference: `${id}:r1` })];
    case 'correction':
      return [row({ amount: amount + 3n }), back({ reference: `${id}:adj:1`, amount: 3n })];
    case 'undone':
      return [row(), back({ ...foreign, reference: `${id}:undo` })];
    case 'refunded':
      return [row({ ...foreign }), back({ ...foreign, reference: `txn_${id}_refund` })];
    case 'refund_of_refund':
      return [
        row({ ...foreign }),
        back({ ...foreign, reference: `txn_${id}_refund` }),
        row({ ...foreign, reference: `txn_txn_${id}_refund_refund` }),
      ];
    case 'inflight':
      return [row({ ...foreign, status: 'INFLIGHT' })];
    case 'committed':
      return [row({ ...foreign, status: 'INFLIGHT' }), row({ ...foreign, ...child })];
    case 'voided':
      return [row({ ...foreign, status: 'INFLIGHT' }), row({ ...foreign, ...child, status: 'VOID' })];
    case 'imported':
      return [row(foreign)];
    case 'import_dateless':
      return [row({ ...foreign, effectiveDate: null })];
    case 'date':
      return [row({ effectiveDate: new Date(START + DAY_MS + 7) })];
    case 'day_key':
      return [row({ day: '2026-05-28' })];
    case 'other_mirror':
      return [row({ mirrorId: 'mirror-2', paymentId: other })];
    case 'unreadable_rows':
      return [row(), row({ reference: `yy-${index}` })];
    case 'of_another_day':
    case 'not_succeeded':
    case 'unknown':
      return [row(index % 2 === 0 ? foreign : {}), row({ reference: `b-${index}`, amount: 5n })];
    case 'bar':
      return [row({ reference: `${other}|0|${index}`, paymentId: null })];
    default:
      return [row()];
  }
}

/** A payment that is missing, or every third with another date in the ledger; ids in another order than the payments. */
export function missingPayment(index: number): {
  readonly payment: FoundPayment;
  readonly rows: readonly LedgerRecord[];
} {
  const drawnOf = { currency: 0, amount: 7, second: 1_000, spelling: 0, sort: 0, isPosted: true };
  const made = makePayment({ ...drawnOf, damage: index % 3 === 0 ? 'date' : 'missing' }, (index * 7_919) % 100_003, 1);
  const [payment] = made.payments;
  if (payment === undefined) throw new RangeError('no payment was made');
  return { payment, rows: made.rows };
}

/** Ports that answer from the day. */
export function portsOf(day: RandomDay): Omit<ProvePorts, 'stores' | 'openHash'> {
  const listed = (rows: readonly LedgerRecord[]) => pages(rows).map((page) => ({ rows: page, next: 'next' }));
  return {
    stripe: {
      async *listSucceeded({ from }) {
        const isWalk = from.getTime() === 0;
        const walked = [...day.intents.values()].filter((one): one is FoundPayment => one.kind === 'payment');
        for (const payments of pages(isWalk ? walked : day.payments)) {
          yield { payments, vendorNow: new Date(START + 3 * DAY_MS), requests: 1, next: null };
        }
      },
      async succeededSince(_, ids) {
        return { ids: new Set([...day.fresh].filter((id) => ids.has(id))), requests: 1 };
      },
      readIntent: async (id) => day.intents.get(id) ?? ({ kind: 'missing' } as IntentNow),
    },
    ledger: {
      async *listDay(name) {
        yield* listed(day.rows.filter((row) => row.day === name));
      },
      async *listForeign({ from, to }) {
        const within = (time: Date | null) => time !== null && time >= from && time < to;
        yield* listed(
          day.rows.filter(
            (row) =>
              row.mirrorId === null && row.reference.startsWith('pi_') && within(row.effectiveDate ?? row.createdAt),
          ),
        );
      },
      findByReference: async (references) => day.rows.filter(({ reference }) => references.includes(reference)),
      findChildren: async (ids) =>
        day.rows.filter(({ parentId }) => parentId !== undefined && parentId !== null && ids.includes(parentId)),
      listOfPayment: async (id) => day.rows.filter(({ paymentId }) => paymentId === id),
      findBalances: async ({ indicators, currency }) =>
        new Map(indicators.filter((name) => name !== '@cus_6').map((name) => [name, `bln_${name}_${currency}`])),
      balancesOf: async (name) =>
        new Map([...CURRENCIES, 'SEK'].map((currency) => [currency, `bln_${name}_${currency}`])),
      balanceBefore: async (id, at) => BigInt(id.length * at.getUTCDate()),
      requestCount: () => 0,
    },
    own: {
      countPostings: async () => day.own.length,
      async *listPostings() {
        for (const postings of pages(day.own)) yield { postings, next: 'next' };
      },
      postingsOf: async (ids) => day.own.filter(({ paymentId }) => ids.includes(paymentId)),
    },
    accepted: { inForce: async () => [...day.acceptances] },
    monotonicMs: () => 0,
  };
}

function pages<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.max(1, Math.ceil(items.length / 10)) }, (_, at) =>
    items.slice(at * 10, at * 10 + 10),
  );
}
