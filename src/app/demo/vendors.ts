/**
 * The two ends of the demonstration: a stand-in for Stripe with the payments of a shop, one for Blnk with an empty ledger, three
 * payments that have to be parked, and the comparison of both ends. The only part of the software that knows the stand-ins.
 */

import { DAY_MS } from '../../core/base/window.js';
import type { LedgerCheck } from '../../views/demo-text.js';

export type DemoVendors = Awaited<ReturnType<typeof startDemoVendors>>;

const DAYS = 14;
/** Days ago, at noon: over whatever the time of day is, and not the day that is damaged later. */
const IMPOSSIBLE_DAYS_AGO = 6;
const REFUSED_DAYS_AGO = [4, 3];
/** Of a post that was cut off. Five minutes at a real Blnk. */
const LOCKS_LEAK_MS = 1_000;

/** Imported when it runs: a production process never loads the stand-ins. */
export async function startDemoVendors(size: number) {
  const { startStripeSandbox } = await import('../../../sandbox/stripe/sandbox.js');
  const { startBlnkSandbox } = await import('../../../sandbox/blnk/sandbox.js');
  const { SHOP_KINDS } = await import('../../../sandbox/stripe/kinds/shop.js');
  const now = Date.now();
  const from = new Date(now - DAYS * DAY_MS);
  const population = { size, from, to: new Date(now), kinds: SHOP_KINDS };
  const stripe = await startStripeSandbox({ population, latencyMs: 20 });
  const blnk = await startBlnkSandbox({ latencyMs: 20, itemMs: 1, leakLockMs: LOCKS_LEAK_MS });
  const noonAgo = (days: number) => new Date(Math.floor(now / DAY_MS) * DAY_MS - days * DAY_MS + DAY_MS / 2);
  const impossible = stripe.createIntent({ kind: 'three_decimals_in_full', created: noonAgo(IMPOSSIBLE_DAYS_AGO) });
  const refused = REFUSED_DAYS_AGO.map((days) => stripe.createIntent({ kind: 'currency_inr', created: noonAgo(days) }));
  const refusals = refused.map((id) =>
    blnk.faults.add({ effect: 'status', status: 400, body: 'rule', route: 'posts', contains: id }),
  );
  return {
    stripe,
    blnk,
    /** Payments that succeeded by now, and how many of them a ledger can take. */
    counts: () => countExpected(stripe.expected()),
    /** Its amount cannot have been charged. */
    impossible,
    /** Blnk refuses them until `allowRefused` is called. */
    refused,
    allowRefused: () => {
      for (const refusal of refusals) refusal.remove();
    },
    /** Deletes a row of the ledger, as somebody with access to its database can; answers whose and of which day. */
    damage: () => {
      const day = new Date(noonAgo(2)).toISOString().slice(0, 10);
      for (const { id, created, expected } of stripe.expected()) {
        if (expected.outcome !== 'posted' || created.toISOString().slice(0, 10) !== day) continue;
        if (blnk.deleteTransaction(id)) return { id, day };
      }
      return null;
    },
    compare: () => compare([...stripe.expected()], blnk.transactions()),
    close: async () => {
      await stripe.close();
      await blnk.close();
    },
  };
}

interface ExpectedAtStripe {
  readonly id: string;
  readonly succeeded: Date | null;
  readonly expected:
    | { readonly outcome: 'posted'; readonly amount: bigint; readonly currency: string }
    | { readonly outcome: 'parked' | 'none' | 'unstated' };
}

interface RowOfLedger {
  readonly reference: string;
  readonly status: string;
  readonly precise_amount: number | bigint | string;
  readonly currency: string;
}

function countExpected(payments: Iterable<ExpectedAtStripe>): {
  readonly succeeded: number;
  readonly postable: number;
} {
  let succeeded = 0;
  let postable = 0;
  for (const payment of payments) {
    if (payment.succeeded !== null) succeeded += 1;
    if (payment.expected.outcome === 'posted') postable += 1;
  }
  return { succeeded, postable };
}

/** Both sides as they are, without asking the database of the mirror: a proof must not come from what it proves. */
function compare(payments: readonly ExpectedAtStripe[], rows: Iterable<RowOfLedger>): LedgerCheck {
  const differences: string[] = [];
  const unexplained = new Map<string, { readonly amount: bigint; readonly currency: string }>();
  const currencies = new Set<string>();
  for (const row of rows) {
    if (unexplained.has(row.reference)) differences.push(`${row.reference} is in the ledger twice`);
    if (row.status !== 'APPLIED') differences.push(`${row.reference} is ${row.status}`);
    unexplained.set(row.reference, { amount: BigInt(row.precise_amount), currency: row.currency });
  }
  const ledgerCount = unexplained.size;
  let stripeCount = 0;
  for (const { id, expected } of payments) {
    if (expected.outcome !== 'posted') continue;
    stripeCount += 1;
    currencies.add(expected.currency);
    const held = unexplained.get(id);
    unexplained.delete(id);
    if (held === undefined) differences.push(`${id} is missing in the ledger`);
    else if (held.amount !== expected.amount || held.currency !== expected.currency) {
      differences.push(
        `${id} is ${held.amount} ${held.currency} in the ledger, ${expected.amount} ${expected.currency} in Stripe`,
      );
    }
  }
  for (const reference of unexplained.keys()) differences.push(`${reference} is in the ledger but not in Stripe`);
  return { stripeCount, ledgerCount, differences, currencies: currencies.size };
}
