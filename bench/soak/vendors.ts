/**
 * Both stand-ins of a simulated soak on one clock, which moves when told; and the judge, who alone knows both sides. They
 * live in a process of their own, so that what the mirror takes is measured apart.
 */
import { SandboxClock } from '../../sandbox/clock.js';
import { expectedPayments } from '../../sandbox/stripe/expectation.js';
import type { Kind } from '../../sandbox/stripe/kind.js';
import { KINDS } from '../../sandbox/stripe/kinds.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { type CompactLedger, startCompactLedger } from './compact-ledger.js';
import { addStripeFaults } from './stripe-faults.js';

export interface VendorOrder {
  /** Payments are created in [from, to), in milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly payments: number;
  readonly customers: number;
  /** Events become visible late by up to this. */
  readonly lateByMs: number;
  /** Share of requests that meet a fault. */
  readonly faults: number;
  readonly seed: number;
}

export interface VendorAddresses {
  readonly stripeUrl: string;
  readonly stripeKey: string;
  readonly account: string;
  readonly ledgerUrl: string;
  readonly ledgerKey: string;
}

/**
 * Both sides compared, payment by payment. Sums as decimal text by currency. At Stripe those count that succeeded before
 * the end of completeness, and later ones that are in the ledger already.
 */
export interface Judgement {
  readonly succeeded: number;
  readonly inLedger: number;
  readonly missing: number;
  readonly firstMissing: readonly string[];
  readonly duplicates: number;
  readonly violations: number;
  readonly firstViolations: readonly string[];
  readonly stripeSums: Readonly<Record<string, string>>;
  readonly ledgerSums: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, number>>;
  readonly stripeRequests: number;
  /** By status; 0: none was sent. */
  readonly stripeAnswers: Readonly<Record<string, number>>;
  readonly ledgerRequests: number;
  readonly faulted: Readonly<Record<string, number>>;
  readonly residentMb: number;
}

export type VendorCall =
  | { readonly call: 'moveTo'; readonly ms: number }
  | { readonly call: 'endFaults' }
  | { readonly call: 'judge'; readonly completeTo: number };

const MINUTES_SECONDS = 120;

/** Rarer kinds would be half of all requests: a lane of one payment a minute is a request a minute. */
const WEIGHT_MIN = 5;

/**
 * Common kinds of payments that succeed within minutes and can be posted, so that in the end nothing may be left. Without
 * those of old API versions, which are read one by one: an account has one version.
 */
export function soakKinds(): Kind[] {
  return KINDS.filter(
    ({ expected, life, eventVersion, weight }) =>
      expected.outcome === 'posted' &&
      (life.at(-1)?.after ?? 0) <= MINUTES_SECONDS &&
      eventVersion === null &&
      weight >= WEIGHT_MIN,
  );
}

export interface Vendors {
  readonly addresses: VendorAddresses;
  answer(asked: VendorCall): unknown;
}

export async function openVendors(order: VendorOrder): Promise<Vendors> {
  const clock = SandboxClock.frozen(new Date(order.from));
  const stripe = await startStripeSandbox({
    clock,
    seed: order.seed,
    eventVisibilityDelayMs: { upToMs: order.lateByMs },
    population: {
      size: order.payments,
      from: new Date(order.from),
      to: new Date(order.to),
      customers: order.customers,
      kinds: soakKinds(),
    },
  });
  const ledger = await startCompactLedger(stripe.world, { faults: order.faults, seed: order.seed });
  addStripeFaults(stripe.faults, order.faults);
  return {
    addresses: {
      stripeUrl: stripe.url,
      stripeKey: stripe.apiKey,
      account: stripe.account,
      ledgerUrl: ledger.url,
      ledgerKey: ledger.key,
    },
    answer(asked) {
      switch (asked.call) {
        case 'moveTo':
          return clock.set(new Date(asked.ms));
        case 'endFaults':
          stripe.faults.clear();
          ledger.faults = 0;
          return null;
        case 'judge':
          return judge(stripe, ledger, asked.completeTo);
        default:
          return asked satisfies never;
      }
    },
  };
}

function judge(stripe: StripeSandbox, ledger: CompactLedger, completeTo: number): Judgement {
  const sums = new Map<string, bigint>();
  const firstMissing: string[] = [];
  const counts = { succeeded: 0, missing: 0 };
  for (const { id, rank, succeeded, expected } of expectedPayments(stripe.world)) {
    if (succeeded === null || expected.outcome !== 'posted') continue;
    if (succeeded.getTime() >= completeTo && !ledger.holds(rank)) continue;
    counts.succeeded += 1;
    sums.set(expected.currency, (sums.get(expected.currency) ?? 0n) + expected.amount);
    if (ledger.holds(rank)) continue;
    counts.missing += 1;
    if (firstMissing.length < 20) firstMissing.push(id);
  }
  const { rows, duplicates, violations, firstViolations, debits, requests, faulted } = ledger.facts;
  return {
    ...counts,
    inLedger: rows,
    firstMissing,
    duplicates,
    violations,
    firstViolations,
    stripeSums: inText(sums),
    ledgerSums: inText(debits),
    requests: stripe.journal.requests,
    stripeRequests: Object.values(stripe.journal.requests).reduce((sum, n) => sum + n, 0),
    stripeAnswers: stripe.journal.answers,
    ledgerRequests: requests,
    faulted,
    residentMb: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

function inText(sums: ReadonlyMap<string, bigint>): Record<string, string> {
  return Object.fromEntries([...sums].sort().map(([currency, sum]) => [currency, String(sum)]));
}
