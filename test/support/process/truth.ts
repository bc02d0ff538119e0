/**
 * Compares the two ends: what the stand-in for Stripe says a right mirror holds, and what the stand-in for Blnk and the
 * tables hold. Payment by payment, by id; then the sums.
 */
import { expect } from 'vitest';
import type { BlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import { ownBalancesOf, sourceOf } from '../../../src/core/posting/source-shards.js';
import type { Session } from './session.js';

/** What is compared: any ledger that can be read whole, and the tables. */
export interface Ends extends Pick<Session, 'stripe' | 'look'> {
  readonly blnk: Pick<BlnkSandbox, 'transactions' | 'balance'>;
}

interface Outcome {
  readonly status: string;
  readonly amount: bigint;
  readonly precision: number;
  readonly currency: string;
  readonly source: string;
  readonly destination: string | null;
  readonly effective: string | undefined;
  readonly intentId: unknown;
  readonly metadata: unknown;
}

const WHOLE_TEXT_MAX = 5;

interface Expected {
  /** So many at least. */
  readonly payments?: number;
  /** Absent: payments go out of one source. */
  readonly sourceShards?: number;
}

/** Every expected payment is exactly one APPLIED transaction with the right content, and nothing else is. */
export async function expectMirrored(session: Ends, options: Expected = {}): Promise<void> {
  const own = { source: '@stripe', sourceShards: options.sourceShards ?? 1 };
  const wanted = new Map<string, Outcome>();
  const wantedParked = new Map<string, string>();
  const cut = new Set<string>();
  for (const payment of session.stripe.expected()) {
    const { expected } = payment;
    if (expected.outcome === 'parked') wantedParked.set(payment.id, expected.reason);
    if (expected.outcome !== 'posted') continue;
    if (expected.text === 'cut') cut.add(payment.id);
    wanted.set(payment.id, {
      status: 'APPLIED',
      amount: expected.amount,
      precision: expected.precision,
      currency: expected.currency,
      source: sourceOf(payment.id, own),
      destination: payment.destination,
      effective: payment.created.toISOString(),
      intentId: payment.id,
      metadata: expected.text === 'cut' || Object.keys(payment.metadata).length === 0 ? undefined : payment.metadata,
    });
  }
  if (options.payments !== undefined) expect(wanted.size).toBeGreaterThanOrEqual(options.payments);

  const rows = [...session.blnk.transactions()];
  const found = new Map(
    rows.map((row): [string, Outcome] => [
      row.reference,
      {
        status: row.status,
        amount: row.precise_amount,
        precision: row.precision,
        currency: row.currency,
        source: row.source,
        destination: row.destination,
        effective: row.effective_date?.toISOString(),
        intentId: row.meta_data.stripe_payment_intent_id,
        metadata: cut.has(row.reference) ? undefined : row.meta_data.stripe_metadata,
      },
    ]),
  );
  expect(differences(wanted, found)).toEqual([]);
  expect(rows.length).toBe(wanted.size);
  for (const row of rows.filter(({ reference }) => cut.has(reference))) {
    const { stripe_metadata_cut: mark } = row.meta_data;
    expect(mark !== undefined || !row.description.includes('\u0000')).toBe(true);
  }

  const sql = await session.look();
  const parked = await sql<{ object_id: string; reason: string }[]>`
    select object_id, reason from stripe_blnk_sync.postings where state = 'parked'`;
  expect(Object.fromEntries(parked.map(({ object_id, reason }) => [object_id, reason]))).toEqual(
    Object.fromEntries(wantedParked),
  );
  await expectSumsEqual(session, wanted, ownBalancesOf(own));
  await expectRunsAddUp(session);
}

function differences(wanted: ReadonlyMap<string, Outcome>, found: ReadonlyMap<string, Outcome>): string[] {
  const say = (id: string, map: ReadonlyMap<string, Outcome>) => {
    const outcome = map.get(id);
    if (outcome === undefined) return 'none';
    return JSON.stringify(outcome, (_, value) => (typeof value === 'bigint' ? `${value}` : sorted(value)));
  };
  const ids = new Set([...wanted.keys(), ...found.keys()]);
  const wrong = [...ids].filter((id) => say(id, wanted) !== say(id, found));
  return wrong.map((id, index) =>
    index < WHOLE_TEXT_MAX ? `${id}: wanted ${say(id, wanted)}, found ${say(id, found)}` : id,
  );
}

/** Core keeps metadata as jsonb, which knows no order of keys. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function expectSumsEqual(
  session: Ends,
  wanted: ReadonlyMap<string, Outcome>,
  sources: readonly string[],
): Promise<void> {
  const sums = new Map<string, bigint>();
  for (const { currency, amount } of wanted.values()) sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  const asText = (pairs: Iterable<readonly [string, bigint]>) =>
    Object.fromEntries([...pairs].map(([currency, sum]) => [currency, `${sum}`]));
  const standing = (currency: string) =>
    sources.reduce((sum, source) => sum - (session.blnk.balance(source, currency)?.balance ?? 0n), 0n);
  const balances = [...sums.keys()].map((currency) => [currency, standing(currency)] as const);
  expect(asText(balances)).toEqual(asText(sums));
  const sql = await session.look();
  const posted = await sql<{ currency: string; sum: string }[]>`
    select currency, sum(amount)::text as sum from stripe_blnk_sync.postings where state = 'posted' group by currency`;
  expect(Object.fromEntries(posted.map(({ currency, sum }) => [currency, sum]))).toEqual(asText(sums));
}

/** Invariant 8, for every run that there is, and no payment in two runs. */
async function expectRunsAddUp(session: Ends): Promise<void> {
  const sql = await session.look();
  const wrong = await sql`
    select id, feed, status, found, known_before, stored, posted, already_there, parked, pending from stripe_blnk_sync.sync_history
    where found <> known_before + stored or stored <> posted + already_there + parked + pending`;
  expect([...wrong]).toEqual([]);
  const [totals] = await sql<{ stored: number; postings: number }[]>`
    select (select coalesce(sum(stored), 0)::int from stripe_blnk_sync.sync_history where parent_id is null) as stored,
      (select count(*)::int from stripe_blnk_sync.postings) as postings`;
  expect(totals?.stored).toBe(totals?.postings);
}
