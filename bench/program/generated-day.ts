/**
 * A day of any number of payments, equal on both sides, made page by page as it is asked for: no server, no request, no limit.
 * One payment may be damaged. Counts the pages that were asked for.
 */
import { dayWindow } from '../../src/core/base/window.js';
import type { LedgerRecord } from '../../src/core/ledger/row.js';
import type { Mirror } from '../../src/core/posting/mirror.js';
import type { FoundPayment } from '../../src/core/posting/payment.js';
import type { DayPosting } from '../../src/core/proof/day-payment.js';
import type { DayPart } from '../../src/prove/ports.js';
import type { ProvePorts } from '../../src/prove/prove-day.js';

export const GENERATED_DAY = '2026-11-18';
const DAY_MS = 86_400_000;
const VENDORS_PAGE = 100;
const POSTINGS_PAGE = 2_000;
const CUSTOMERS = 500_000;
const AFTERWARDS = new Date('2026-11-21T00:00:00Z');
const startsAt = new Date('2026-11-01T00:00:00Z');
const window = dayWindow(GENERATED_DAY);

export const GENERATED_MIRROR: Mirror = {
  ...{ mirrorId: 'mirror-1', mappingVersion: 1, livemode: false, source: '@source', guestDestination: '@guests' },
  ...{ stripeAccount: 'acct_1', blnkInstance: 'core', sourceShards: 1, accountsMode: 'indicators', startsAt },
  ...{ cutoverAt: startsAt, firstPostAt: startsAt, lagMs: 0, rebuildingSince: null, ledgerEpoch: 0 },
  ...{ eventsRefusedSince: null, chargesRefusedSince: null, balancesRefusedSince: null },
};

export interface PageCounts {
  stripe: number;
  ledger: number;
  postings: number;
}

export interface GeneratedDay {
  readonly ports: Omit<ProvePorts, 'stores' | 'openHash' | 'accepted'>;
  readonly pages: PageCounts;
}

/** @param damaged the number of a payment whose amount is another one in the ledger; null for none */
export function generateDay(count: number, damaged: number | null, onPage: () => void): GeneratedDay {
  const counts: PageCounts = { stripe: 0, ledger: 0, postings: 0 };
  const total = Array.from({ length: 1_000 }).reduce<bigint>((sum, _, at) => sum + amountOf(at), 0n);
  const moved = (total * BigInt(count)) / 1_000n + (damaged === null ? 0n : 1n);
  const createdOf = (number: number) => new Date(window.from.getTime() + Math.floor((number / count) * 86_400) * 1_000);
  async function* pages<Item>(
    of: keyof PageCounts,
    { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
    make: (number: number) => Item,
  ): AsyncGenerator<{ readonly items: Item[]; readonly next: string }> {
    for (let start = from; start < to || start === from; start += size) {
      counts[of] += 1;
      onPage();
      const end = Math.min(to, start + size);
      yield { items: Array.from({ length: Math.max(0, end - start) }, (_, at) => make(start + at)), next: String(end) };
      if (end >= to) return;
    }
  }
  /** Numbers of those that took effect in a part: payments are in the order of their creation. */
  const rangeOf = (part: DayPart | null): readonly [number, number] => {
    if (part === null) return [0, count];
    if (part === 'undated') return [0, 0];
    const numberAt = (time: Date) => Math.ceil(((time.getTime() - window.from.getTime()) / DAY_MS) * count);
    const within = (number: number) => Math.min(count, Math.max(0, number));
    return [part.from === null ? 0 : within(numberAt(part.from)), part.to === null ? count : within(numberAt(part.to))];
  };
  const toRow = (number: number): LedgerRecord => ({
    ...{
      reference: idOf(number),
      transactionId: `txn_${idOf(number).slice(4)}-89ab-cdef-0123-456789abcdef`,
      status: 'APPLIED',
    },
    ...{ amount: amountOf(number) + (number === damaged ? 1n : 0n), currency: 'USD', source: 'bln_@source' },
    ...{ destination: `bln_${customerOf(number)}`, effectiveDate: createdOf(number), rejectionReason: null },
    ...{ mirrorId: 'mirror-1', paymentId: idOf(number), day: GENERATED_DAY, createdAt: createdOf(number) },
  });
  const toPayment = (number: number): FoundPayment => ({
    ...{
      kind: 'payment',
      id: idOf(number),
      created: createdOf(number),
      amountReceived: amountOf(number),
      currency: 'usd',
    },
    ...{ livemode: false, customerId: customerOf(number).slice(1), chargeId: null, description: null, metadata: [] },
  });
  const toPosting = (number: number): DayPosting => ({
    ...{
      reference: idOf(number),
      paymentId: idOf(number),
      role: 'original',
      state: 'posted',
      reason: null,
      dismissed: false,
    },
    ...{ amount: amountOf(number), currency: 'USD', source: '@source', destination: customerOf(number) },
    effectiveDate: createdOf(number),
  });
  const ports: GeneratedDay['ports'] = {
    stripe: {
      async *listSucceeded(_, after) {
        const from = Number(after ?? 0);
        for await (const { items, next } of pages('stripe', { from, to: count, size: VENDORS_PAGE }, toPayment)) {
          yield { payments: items, vendorNow: AFTERWARDS, requests: 1, next: Number(next) < count ? next : null };
        }
      },
      succeededSince: async () => ({ ids: new Set(), requests: 0 }),
      readIntent: async () => ({ kind: 'missing' }),
    },
    ledger: {
      async *listDay(_, part = null, after = null) {
        const [first, to] = rangeOf(part);
        const from = after === null ? first : Number(after);
        for await (const { items, next } of pages('ledger', { from, to, size: VENDORS_PAGE }, toRow)) {
          yield { rows: items, next };
        }
      },
      async *listForeign() {},
      findByReference: async () => [],
      findChildren: async () => [],
      listOfPayment: async () => [],
      findBalances: async ({ indicators }) => new Map(indicators.map((name) => [name, `bln_${name}`])),
      balancesOf: async (name) => new Map([['USD', `bln_${name}`]]),
      balanceBefore: async (_, at) => (at.getTime() === window.from.getTime() ? moved : 0n),
      requestCount: () => 0,
    },
    own: {
      countPostings: async () => count,
      async *listPostings(_, after) {
        const from = Number(after ?? 0);
        for await (const { items, next } of pages('postings', { from, to: count, size: POSTINGS_PAGE }, toPosting)) {
          yield { postings: items, next };
        }
      },
      postingsOf: async () => [],
    },
    monotonicMs: () => performance.now(),
  };
  return { ports, pages: counts };
}

/** In the order of creation as Stripe's ids are, and by chance behind that. */
export function idOf(number: number): string {
  const chance = (Math.imul(number, 0x9e3779b1) >>> 0).toString(36).padStart(7, '0');
  return `pi_3S${number.toString(36).padStart(8, '0')}${chance}${chance}`;
}

function amountOf(number: number): bigint {
  return BigInt(100 + (number % 1_000));
}

function customerOf(number: number): string {
  return `@cus_${(Math.imul(number, 0x9e3779b1) >>> 0) % CUSTOMERS}`;
}
