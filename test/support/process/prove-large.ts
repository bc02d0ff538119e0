/**
 * A process with a small heap that proves a day of so many payments, equal on both sides, while as much of its memory is in
 * use as a worker's. Both sides are made page by page and nothing is asked of a server. Prints the code of the refusal, or
 * the state of the day.
 */
import { heapUse } from '../../../src/app/heap-use.js';
import { SyncError } from '../../../src/core/base/errors.js';
import { dayWindow } from '../../../src/core/base/window.js';
import type { LedgerRecord } from '../../../src/core/ledger/row.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import type { FoundPayment } from '../../../src/core/posting/payment.js';
import { proveDay } from '../../../src/prove/prove-day.js';

const [payments = '0', megabytesInUse = '0'] = process.argv.slice(2);
const DAY = '2026-11-18';
const PAGE = 100;
const window = dayWindow(DAY);
const startsAt = new Date('2026-11-01T00:00:00Z');

const MIRROR: Mirror = {
  ...{ mirrorId: 'mirror-1', mappingVersion: 1, livemode: false, source: '@source', guestDestination: '@guests' },
  ...{ stripeAccount: 'acct_1', blnkInstance: 'core', sourceShards: 1, accountsMode: 'indicators', startsAt },
  ...{ cutoverAt: startsAt, firstPostAt: startsAt, lagMs: 0, rebuildingSince: null },
  ...{ eventsRefusedSince: null, chargesRefusedSince: null, balancesRefusedSince: null, ledgerEpoch: 0 },
};

const inUse = Array.from({ length: Number(megabytesInUse) }, () =>
  Array.from({ length: 131_072 }, (_, index) => index / 2),
);

const idOf = (number: number) => `pi_3${String(number).padStart(23, '0')}`;
const createdOf = (number: number) => new Date(window.from.getTime() + number * 1_000);

async function* pages<T>(make: (number: number) => T): AsyncGenerator<T[]> {
  for (let from = 0; from < Number(payments); from += PAGE) {
    yield Array.from({ length: Math.min(PAGE, Number(payments) - from) }, (_, index) => make(from + index));
  }
}

const toPayment = (number: number): FoundPayment => ({
  kind: 'payment',
  id: idOf(number),
  created: createdOf(number),
  amountReceived: 1_000n,
  currency: 'usd',
  livemode: false,
  customerId: `cus_${number}`,
  chargeId: `ch_${number}`,
  description: null,
  metadata: [],
});

const toRow = (number: number): LedgerRecord => ({
  reference: idOf(number),
  transactionId: `txn_${number}_0123456789abcdef0123456789abcdef`,
  status: 'APPLIED',
  amount: 1_000n,
  currency: 'USD',
  source: 'bln_source',
  destination: `bln_@cus_${number}`,
  effectiveDate: createdOf(number),
  rejectionReason: null,
  mirrorId: 'mirror-1',
  paymentId: idOf(number),
  day: DAY,
  createdAt: createdOf(number),
});

async function* stripePages() {
  for await (const page of pages(toPayment))
    yield { payments: page, vendorNow: new Date('2026-11-20T00:00:00Z'), requests: 1 };
}

try {
  const { certificates } = await proveDay(
    {
      stripe: {
        listSucceeded: stripePages,
        succeededSince: async () => ({ ids: new Set(), requests: 0 }),
        readIntent: async () => ({ kind: 'missing' }),
      },
      ledger: {
        listDay: () => pages(toRow),
        listForeign: async function* () {},
        findByReference: async () => [],
        findChildren: async () => [],
        listOfPayment: async () => [],
        findBalances: async ({ indicators }) => new Map(indicators.map((name) => [name, `bln_${name}`])),
        balancesOf: async () => new Map([['USD', 'bln_source']]),
        balanceBefore: async () => 0n,
        requestCount: () => 0,
      },
      own: { countPostings: async () => Number(payments), listPostings: async () => [] },
      accepted: { inForce: async () => [] },
      memory: { heap: heapUse, attempts: { begin: async () => async () => {} } },
      hash: (lines) => String([...lines].length),
    },
    {
      day: DAY,
      facts: {
        mirror: MIRROR,
        coveredUpTo: new Date('2026-11-20T00:00:00Z'),
        lagMs: 0,
        earlierCurrencies: [],
      },
    },
  );
  console.log(certificates.map(({ state, stripe }) => `${state} ${stripe.count}`).join());
} catch (error) {
  console.log(error instanceof SyncError ? error.code : error);
}
// Held to the end.
if (inUse.length !== Number(megabytesInUse)) throw new RangeError('what was in use is gone');
