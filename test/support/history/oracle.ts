/**
 * What must be so at any moment of a history, and what must be so in the end. Truth is what the stand-in for Stripe says
 * by itself; nothing of it is computed by the code that is tested. `status` is the real read model.
 */
import { type ExpectedPayment, expectedPayments } from '../../../sandbox/stripe/expectation.js';
import { standingAt } from '../../../sandbox/stripe/life.js';
import { sourceOf } from '../../../src/core/posting/source-shards.js';
import { verdictOf } from '../../../src/core/verdict/verdict.js';
import { readMirror } from '../../../src/db/mirror/mirror-store.js';
import type { StatusRecord } from '../../../src/db/reads/status.js';
import { LAG, SECOND } from './time.js';
import type { History } from './world.js';

interface Owed {
  /** Must be in the mirror once it is said to be complete. */
  readonly must: ReadonlyMap<string, ExpectedPayment>;
  /** May be in the mirror: the former, and what only the tail can have seen succeed. */
  readonly may: ReadonlyMap<string, ExpectedPayment>;
}

interface StoredPosting {
  readonly reference: string;
  readonly state: 'pending' | 'posted' | 'parked';
  readonly reason: string | null;
  readonly transaction_id: string | null;
}

export interface OracleOptions {
  /** References that somebody else booked: the ledger may hold them. */
  readonly byHand?: ReadonlySet<string>;
}

/** Throws when anything is claimed that is not so. */
export async function assertHonest(history: History, { byHand = new Set() }: OracleOptions = {}): Promise<Facts> {
  const facts = await readFacts(history);
  const { status, owed, stored } = facts;
  assertComplete(status, owed, stored);
  assertVerdict(history, status, owed);
  assertLedger(history, { owed, byHand });
  for (const posting of stored.values()) assertPosting(history, posting, owed);
  await assertCounts(history);
  return facts;
}

/** Null when ledger and Stripe are equal and `status` says so up to the lag; else what is not so yet. */
export async function differencesInTheEnd(history: History, options: OracleOptions = {}): Promise<string | null> {
  const { status, owed, stored } = await assertHonest(history, options);
  const open = [...stored.values()].filter(({ state }) => state === 'pending').map(({ reference }) => reference);
  if (open.length > 0) return `pending: ${open.join(' ')}`;
  const missing = [...owed.must.values()].filter(({ id }) => !stored.has(id));
  if (missing.length > 0) return `not stored: ${missing.map(describePayment).join('; ')}`;
  const unposted = [...stored.values()].filter(
    ({ reference, state }) => owed.may.get(reference)?.expected.outcome === 'posted' && state !== 'posted',
  );
  if (unposted.length > 0) return `not posted: ${JSON.stringify(unposted)}`;
  if (status.holes.length > 0) return `holes: ${JSON.stringify(status.holes)}`;
  const settledAt = history.clock.nowMs() - LAG - 2 * SECOND;
  const { complete } = status;
  if (complete === null || complete.to.getTime() < settledAt) return `complete is ${JSON.stringify(complete)}`;
  return null;
}

interface Facts {
  readonly status: StatusRecord;
  readonly owed: Owed;
  readonly stored: ReadonlyMap<string, StoredPosting>;
}

async function readFacts(history: History): Promise<Facts> {
  // One after the other, status first: whatever it says is complete was stored before.
  const status = await history.reads().status();
  return { status, owed: await owedNow(history), stored: await storedPostings(history) };
}

/** What the mirror owes by now, by the words of its start. */
export async function owedNow({ database, stripe, clock }: History): Promise<Owed> {
  const { startsAt, cutoverAt } = await readMirror(database.db);
  const succeeded = [...expectedPayments(stripe.world)].filter((payment) => payment.succeeded !== null);
  const isAfter = (time: Date | null) => cutoverAt !== null && time !== null && time >= cutoverAt;
  const chargedAt = (id: string): Date | null => {
    const plan = stripe.world.planById(id);
    const charge = plan === undefined ? undefined : standingAt(plan, clock.nowSeconds()).charges.at(-1);
    return charge === undefined ? null : new Date(charge.created * SECOND);
  };
  const may = succeeded.filter((payment) => payment.created >= startsAt || isAfter(payment.succeeded));
  const must = may.filter((payment) => payment.created >= startsAt || isAfter(chargedAt(payment.id)));
  return { must: byId(must), may: byId(may) };
}

async function storedPostings({ database }: History): Promise<Map<string, StoredPosting>> {
  const rows = await database.sql<
    StoredPosting[]
  >`select reference, state, reason, transaction_id from stripe_blnk_sync.postings`;
  return new Map(rows.map((row) => [row.reference, row]));
}

function assertComplete(status: StatusRecord, owed: Owed, stored: ReadonlyMap<string, StoredPosting>): void {
  const { complete } = status;
  if (complete === null) return;
  for (const payment of owed.must.values()) {
    if (payment.succeeded === null || payment.succeeded >= complete.to || stored.has(payment.id)) continue;
    throw new Error(
      `${describePayment(payment)} is missing though status says complete up to ${complete.to.toISOString()}`,
    );
  }
}

/** What the sentence of `status` says is in the ledger is there. */
function assertVerdict(history: History, status: StatusRecord, owed: Owed): void {
  const { state, sentence } = verdictOf(status);
  const { complete } = status;
  if (complete === null || (state !== 'complete' && state !== 'behind')) return;
  for (const payment of owed.must.values()) {
    const { created, succeeded, expected, id } = payment;
    const isMeant = created >= complete.from && succeeded !== null && succeeded < complete.to;
    if (!isMeant || expected.outcome !== 'posted' || history.blnk.appliedByReference(id) !== undefined) continue;
    throw new Error(`${describePayment(payment)} is not in the ledger though status says: ${sentence}`);
  }
}

/** Nothing that Stripe does not have, nothing twice, nothing with other content, nothing of the time before. */
function assertLedger(history: History, { owed, byHand }: { owed: Owed; byHand: ReadonlySet<string> }): void {
  const seen = new Set<string>();
  for (const row of history.blnk.transactions()) {
    if (byHand.has(row.reference)) continue;
    const payment = owed.may.get(row.reference);
    if (payment === undefined) throw new Error(`the ledger holds ${row.reference}, which the mirror does not owe`);
    if (seen.has(row.reference)) throw new Error(`the ledger holds ${row.reference} twice`);
    seen.add(row.reference);
    if (payment.expected.outcome !== 'posted') throw new Error(`${describePayment(payment)} must not be posted`);
    const { amount, currency, precision } = payment.expected;
    const source = sourceOf(payment.id, history.mirror);
    const wanted = ['APPLIED', amount, currency, precision, source, payment.destination, payment.created.getTime()];
    const held = [
      ...[row.status, row.precise_amount, row.currency, row.precision, row.source, row.destination],
      row.effective_date?.getTime(),
    ];
    if (held.join() !== wanted.join()) throw new Error(`the ledger says of ${row.reference} ${held}, not ${wanted}`);
  }
}

function assertPosting(history: History, posting: StoredPosting, owed: Owed): void {
  const { reference, state, reason } = posting;
  const payment = owed.may.get(reference);
  if (payment === undefined) throw new Error(`${reference} is stored and is not owed`);
  if (state === 'posted') {
    const row = history.blnk.appliedByReference(reference);
    if (row?.transaction_id !== posting.transaction_id)
      throw new Error(`${reference} is posted as ${posting.transaction_id}, the ledger has ${row?.transaction_id}`);
  }
  const { expected } = payment;
  if (state === 'parked' && !(expected.outcome === 'parked' && expected.reason === reason))
    throw new Error(`${describePayment(payment)} is parked: ${reason}`);
}

/** Nothing is skipped silently: what the runs say that they stored is what there is, at any moment. */
async function assertCounts({ database }: History): Promise<void> {
  const [sums] = await database.sql<{ wrong: number; summed: number; stored: number }[]>`
    select count(*) filter (where found <> known_before + stored)::int as wrong, coalesce(sum(stored), 0)::int as summed,
      (select count(*)::int from stripe_blnk_sync.postings) as stored
    from stripe_blnk_sync.sync_runs`;
  if (sums?.wrong !== 0) throw new Error(`${sums?.wrong} runs found something else than known and stored together`);
  if (sums.summed !== sums.stored) throw new Error(`runs stored ${sums.summed}, the table holds ${sums.stored}`);
}

function byId(payments: readonly ExpectedPayment[]): Map<string, ExpectedPayment> {
  return new Map(payments.map((payment) => [payment.id, payment]));
}

function describePayment({ id, created, succeeded, kind }: ExpectedPayment): string {
  return `${id} (${kind}, created ${created.toISOString()}, succeeded ${succeeded?.toISOString()})`;
}
