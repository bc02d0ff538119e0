/**
 * Every server that stands in for a Blnk ledger, behind one shape: where it is, and the faults that they all have. Suites about
 * all of them post the payments of one population, because the compact ledger of the soaks takes nothing else.
 */

import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startCompactLedger } from '../../bench/soak/compact-ledger.js';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { SandboxClock } from '../../sandbox/clock.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { type BlnkLedger, createLedger, type LedgerOptions } from '../../src/blnk/ledger.js';
import { createLedgerSide } from '../../src/blnk/listings.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { PreparedTransaction } from '../../src/core/posting/posting.js';

type PlaceFault = 'answer_lost' | 'repeated' | 'reset' | 'unavailable' | 'rate_limited' | 'locked';

interface LedgerPlace {
  readonly options: LedgerOptions;
  /** Null unless it takes anything. */
  readonly sandbox: BlnkSandbox | null;
  /** The next requests to post, or to look up, meet it. */
  meet(fault: PlaceFault, of: { readonly route: 'posts' | 'lookups'; readonly times: number }): void;
  endFaults(): void;
  close(): Promise<void>;
}

interface LedgerKind {
  readonly name: string;
  /** False: it takes the payments of the population, as they are, and nothing else. */
  readonly takesAnything: boolean;
  open(stripe: StripeSandbox): Promise<LedgerPlace>;
}

export const LEDGER_KINDS: readonly LedgerKind[] = [
  { name: 'the stand-in as Cloud', takesAnything: true, open: () => openStandIn('cloud') },
  { name: 'the stand-in as Core', takesAnything: true, open: () => openStandIn('core') },
  { name: 'the compact ledger of the soaks', takesAnything: false, open: openCompact },
];

const STAND_IN_FAULTS = {
  answer_lost: { effect: 'answer_lost' },
  repeated: { effect: 'repeated' },
  reset: { effect: 'reset' },
  unavailable: { effect: 'status', status: 503 },
  rate_limited: { effect: 'status', status: 429 },
  locked: { effect: 'locked' },
} as const;

async function openStandIn(style: 'cloud' | 'core'): Promise<LedgerPlace> {
  const sandbox = await startBlnkSandbox({ lockWaitMs: 100 });
  return {
    sandbox,
    options: {
      style,
      baseUrl: sandbox.url,
      instanceId: style === 'cloud' ? sandbox.instanceId : null,
      readKey: async () => (style === 'cloud' ? sandbox.cloudToken : sandbox.coreKey),
    },
    meet: (fault, of) => void sandbox.faults.add({ ...STAND_IN_FAULTS[fault], ...of }),
    endFaults: () => sandbox.faults.clear(),
    close: () => sandbox.close(),
  };
}

const COMPACT_FAULTS = {
  answer_lost: 'answer_lost',
  repeated: 'repeated',
  reset: 'reset',
  unavailable: '503',
  rate_limited: '429',
  locked: 'locked',
} as const;

async function openCompact({ world }: StripeSandbox): Promise<LedgerPlace> {
  const ledger = await startCompactLedger(world, { faults: 0, seed: 1 });
  return {
    sandbox: null,
    options: { style: 'core', baseUrl: ledger.url, instanceId: null, readKey: async () => ledger.key },
    meet: (fault, { times }) => ledger.next.push(...Array.from({ length: times }, () => COMPACT_FAULTS[fault])),
    endFaults: () => void ledger.next.splice(0),
    close: () => ledger.close(),
  };
}

/** An account with a history of payments of every kind, all of them in the past. */
function startPopulation(size: number): Promise<StripeSandbox> {
  const now = new Date('2026-11-20T12:00:00Z');
  return startStripeSandbox({
    clock: SandboxClock.frozen(now),
    population: { size, from: new Date(now.getTime() - 20 * 86_400_000), to: now },
  });
}

/** The transactions of all payments of the population that are to be posted. */
function transactionsOf(stripe: StripeSandbox, mirrorId: string): PreparedTransaction[] {
  const rules = {
    ...{ mappingVersion: 1, sourceShards: 1, mirrorId, livemode: false },
    ...{ source: '@stripe', guestDestination: '@stripe_guests' },
  };
  return [...stripe.expected()].flatMap(({ id, created, expected, destination, description }) => {
    if (expected.outcome !== 'posted') return [];
    const preparation = preparePayment(
      {
        ...({ kind: 'payment', id, created, description, livemode: false, chargeId: null, metadata: [] } as const),
        ...{ amountReceived: expected.amount, currency: expected.currency.toLowerCase() },
        customerId: destination === rules.guestDestination ? null : (destination ?? '').slice(1),
      },
      rules,
    );
    return preparation.kind === 'prepared' ? [preparation.transaction] : [];
  });
}

export const MIRROR_ID = 'mirror-1';

export type OpenPlace = ReturnType<ReturnType<typeof ledgerPlaces>['openPlace']>;

/** Places of one population, for a file. */
export function ledgerPlaces() {
  let stripe: StripeSandbox | undefined;
  const population = (): StripeSandbox => {
    if (stripe === undefined) throw new Error('the population is there within tests');
    return stripe;
  };
  beforeAll(async () => {
    stripe = await startPopulation(4_000);
  });
  afterAll(() => stripe?.close());
  return {
    transactions: () => transactionsOf(population(), MIRROR_ID),
    openPlace: (kind: LedgerKind) => openPlace(kind, population),
  };
}

/** A place that is open while a suite runs. What is connected ends with its test, and so do faults. */
function openPlace(kind: LedgerKind, population: () => StripeSandbox) {
  const open: { close(): Promise<void> }[] = [];
  let place: LedgerPlace | undefined;
  let transactions: PreparedTransaction[] = [];
  const current = (): LedgerPlace => {
    if (place === undefined) throw new Error('the place is there within tests');
    return place;
  };
  const optionsOf = (more: Partial<LedgerOptions>) => ({ ...current().options, lookUpFirstWaitMs: 1, ...more });
  beforeAll(async () => {
    place = await kind.open(population());
    transactions = transactionsOf(population(), MIRROR_ID);
  });
  afterEach(async () => {
    current().endFaults();
    await Promise.all(open.splice(0).map((connected) => connected.close()));
  });
  afterAll(() => place?.close());
  return {
    place: current,
    /** To be closed by the test. */
    connectUnowned: () => createLedger(optionsOf({})),
    connect(more: Partial<LedgerOptions> = {}): BlnkLedger {
      const ledger = createLedger(optionsOf(more));
      open.push(ledger);
      return ledger;
    },
    connectSide() {
      const side = createLedgerSide(optionsOf({}));
      open.push(side);
      return side;
    },
    /** Transactions that nothing was done with yet. */
    take(count: number): PreparedTransaction[] {
      const taken = transactions.splice(0, count);
      if (taken.length < count) throw new Error('the population is too small');
      return taken;
    },
    takeOne(): PreparedTransaction {
      const [taken] = transactions.splice(0, 1);
      if (taken === undefined) throw new Error('the population is too small');
      return taken;
    },
  };
}

/** In bulks of 100. */
export async function postAll(ledger: BlnkLedger, transactions: readonly PreparedTransaction[]): Promise<void> {
  for (let start = 0; start < transactions.length; start += 100) {
    const answer = await ledger.postBulk(transactions.slice(start, start + 100).map(({ body }) => body));
    expect(answer).toEqual({ kind: 'applied', row: null });
  }
}
