/**
 * Damaged intents, events, charges and lists through the readers and the mapping, thousands of them: what is said exactly
 * comes out exactly, what is not said is refused by name, and nothing else is ever thrown.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SandboxClock } from '../../sandbox/clock.js';
import { startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { SyncError } from '../../src/core/base/errors.js';
import { parseWithoutRounding } from '../../src/core/base/exact-json.js';
import { type MappingRules, preparePayment } from '../../src/core/posting/mapping.js';
import { type FoundPayment, type Payment, parsePayment, serializePayment } from '../../src/core/posting/payment.js';
import type { PreparedTransaction } from '../../src/core/posting/posting.js';
import { succeededCharge } from '../../src/stripe/read-charge.js';
import { readSucceededEvent } from '../../src/stripe/read-event.js';
import { readList, type StripeList } from '../../src/stripe/read-list.js';
import { readPaymentIntent } from '../../src/stripe/read-payment.js';
import { damaged } from '../support/fuzz/apply-damage.js';
import { drawDamage } from '../support/fuzz/damage.js';
import { itemsOf, type Json, memberOf, parseTree, renderTree, textOf, wholeNumberOf } from '../support/fuzz/json.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { isWhole, truthOf } from '../support/fuzz/truth.js';

const NOW = new Date('2026-06-01T12:00:00Z');

const RULES: MappingRules = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: '0b9ed4ac-59a1-4a7c-9d50-2f0c9b1f8e11',
  livemode: false,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};

/** Digits after the point, as Stripe's page of currencies has them; only of those that the stand-in's payments have. */
const PRECISIONS: Readonly<Record<string, number>> = { USD: 100, EUR: 100, JPY: 1, KRW: 1, KWD: 1_000, BHD: 1_000 };

const DECISIVE = [
  ...['id', 'status', 'amount_received', 'currency', 'created', 'livemode', 'customer', 'description', 'metadata'],
];

const bases = await answersOfStandIn();

describe('a damaged intent', () => {
  const { timeout, settings } = fuzzRuns(600);
  it('is a payment of exactly what it holds, or is refused by name', { timeout }, () => {
    fc.assert(
      fc.property(fc.nat(bases.intents.length - 1), drawDamage(), (which, plan) => {
        const tree = damaged(bases.intents[which] as Json, plan, DECISIVE);
        const reading = readPaymentIntent(parseWithoutRounding(renderTree(tree)));
        const truth = truthOf(tree);
        expect(reading.kind === 'no_id' ? undefined : reading.id).toBe(truth.id);
        if (reading.kind === 'not_succeeded') expect([undefined, 'succeeded']).not.toContain(truth.status);
        if (reading.kind === 'payment') expectExact(reading, tree);
        if (reading.kind === 'unreadable') expectNamed(reading, tree);
      }),
      settings,
    );
  });
});

describe('a damaged event', () => {
  const { timeout, settings } = fuzzRuns(300);
  it('is exactly what its snapshot holds, or has the intent read again, or is refused', { timeout }, () => {
    fc.assert(
      fc.property(fc.nat(bases.events.length - 1), drawDamage(), (which, plan) => {
        const tree = damaged(bases.events[which] as Json, plan, [...DECISIVE, 'data', 'object', 'api_version', 'type']);
        const read = unlessRefused(() => readSucceededEvent(parseWithoutRounding(renderTree(tree))));
        if (read === undefined) return;
        const snapshot = memberOf(memberOf(tree, 'data'), 'object');
        expect(textOf(memberOf(tree, 'type'))).toBe('payment_intent.succeeded');
        expect(read.created.getTime()).toBe(Number(wholeNumberOf(memberOf(tree, 'created'))) * 1_000);
        expect(read.intentId).toBe(truthOf(snapshot).id);
        if (read.payment !== null) expectExact(read.payment, snapshot);
      }),
      settings,
    );
  });
});

describe('a damaged page of charges', () => {
  const { timeout, settings } = fuzzRuns(300);
  it('names every intent whose money it may show, or is refused', { timeout }, () => {
    fc.assert(
      fc.property(drawDamage(), (plan) => {
        const decisive = ['id', 'payment_intent', 'status', 'captured', 'data', 'has_more'];
        const tree = damaged(bases.charges, plan, decisive);
        const read = unlessRefused(() => {
          const list = readList(parseWithoutRounding(renderTree(tree)));
          return { list, charges: list.objects.flatMap((object) => succeededCharge(object, NOW)) };
        });
        if (read === undefined) return;
        expectAllNamed(read, tree);
      }),
      settings,
    );
  });
});

/** All objects of the page, and of each paid one its intent, unless it says that it has none. */
function expectAllNamed(
  read: { readonly list: StripeList; readonly charges: ReadonlyArray<{ readonly intentId: string }> },
  tree: Json,
): void {
  const items = itemsOf(memberOf(tree, 'data'));
  expect(read.list.objects.length).toBe(items.length);
  expect(read.list.hasMore).toBe(isTrue(memberOf(tree, 'has_more')));
  const named = new Set(read.charges.map(({ intentId }) => intentId));
  for (const item of items) {
    const intent = memberOf(item, 'payment_intent');
    if (intent === undefined) throw new Error('nobody said that this charge has no intent');
    if (textOf(memberOf(item, 'status')) !== 'succeeded' || !isTrue(memberOf(item, 'captured'))) continue;
    const id = textOf(intent) ?? textOf(memberOf(intent, 'id'));
    expect(id === undefined ? renderTree(intent) : named.has(id)).toBe(id === undefined ? 'null' : true);
  }
}

/** Money, currency, balance, day and texts, in what is stored and in what is sent. */
function expectExact(payment: Payment, tree: Json | undefined): void {
  const truth = truthOf(tree);
  expect(truth.status).toBe('succeeded');
  expect(payment.currency).toBe(truth.currency);
  expect(payment.created.getTime()).toBe((truth.created ?? Number.NaN) * 1_000);
  expect(payment.livemode).toBe(truth.livemode);
  expect(payment.customerId).toBe(truth.customerId);
  // A number too small for a double is read as nothing, and nothing is never posted.
  if (payment.amountReceived !== 0n) expect(payment.amountReceived).toBe(truth.amountReceived);
  expectRoundTrip(payment);
  const preparation = preparePayment(payment, RULES);
  if (preparation.kind === 'rejected') {
    expect(preparation.detail.length).toBeLessThan(500);
    return;
  }
  expectSendable(preparation.transaction, payment);
}

function expectSendable(transaction: PreparedTransaction, payment: Payment): void {
  const { amountReceived } = payment;
  const currency = payment.currency.toUpperCase();
  const sent = parseTree(transaction.body);
  expect(amountReceived > 0n).toBe(true);
  expect(payment.livemode).toBe(RULES.livemode);
  expect(currency).toMatch(/^[A-Z]{3}$/);
  expect(renderTree(memberOf(sent, 'precise_amount') as Json)).toBe(`${amountReceived}`);
  expect(textOf(memberOf(sent, 'currency'))).toBe(currency);
  const precision = Number(wholeNumberOf(memberOf(sent, 'precision')));
  expect([1, 100, 1_000]).toContain(precision);
  if (currency in PRECISIONS) expect(precision).toBe(PRECISIONS[currency]);
  if (precision === 1_000) expect(amountReceived % 10n).toBe(0n);
  expect(textOf(memberOf(sent, 'source'))).toBe('@stripe');
  expect(textOf(memberOf(sent, 'destination'))).toBe(
    payment.customerId === null ? '@stripe_guests' : `@${payment.customerId}`,
  );
  expect(Date.parse(textOf(memberOf(sent, 'effective_date')) ?? '')).toBe(payment.created.getTime());
  // What Core and its PostgreSQL can store: no NUL, nothing but characters, and rows that fit.
  expect(transaction.body).not.toContain('\\u0000');
  expect(transaction.body.isWellFormed()).toBe(true);
  expect(transaction.body).not.toMatch(/(?<!\\)(\\\\)*\\ud[89a-f]/i);
  expect(Buffer.byteLength(transaction.body)).toBeLessThan(7_962);
  expectMetadata(payment, memberOf(sent, 'meta_data'));
}

/** Every key and value as it was, unless the marker says what was cut. */
function expectMetadata(payment: Payment, metaData: Json | undefined): void {
  const mark = textOf(memberOf(metaData, 'stripe_metadata_cut'));
  const kept = memberOf(metaData, 'stripe_metadata');
  expect([undefined, 'text', 'values', 'keys']).toContain(mark);
  if (mark !== undefined) return;
  for (const [key, value] of payment.metadata) expect(textOf(memberOf(kept, key))).toBe(value);
  if (payment.metadata.length > 0)
    expect(kept?.kind === 'members' && kept.entries.length).toBe(payment.metadata.length);
}

function expectRoundTrip(found: FoundPayment): void {
  expect(parsePayment(serializePayment(found))).toEqual(found);
}

/** The reason names a field that is not what it must be; money that is whole is held back for a charge or metadata alone. */
function expectNamed(reading: Extract<FoundPayment, { kind: 'unreadable' }>, tree: Json): void {
  const { problem } = reading;
  expect(problem).toMatch(/^[a-z_]+ holds .+ is expected$/);
  expect(problem.length).toBeLessThan(200);
  if (isWhole(truthOf(tree))) expect(problem).toMatch(/^(latest_charge|metadata) holds /);
  expectRoundTrip(reading);
}

function isTrue(tree: Json | undefined): boolean {
  return tree?.kind === 'leaf' && tree.text === 'true';
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(SyncError);
    expect(error).toMatchObject({ kind: 'transient', code: 'stripe_answer_unreadable' });
    expect((error as SyncError).message).toMatch(/^Stripe answered with /);
    expect((error as SyncError).message.length).toBeLessThan(300);
    return undefined;
  }
}

/** Real answers of the stand-in: intents of all kinds, their events, and one page of charges. */
async function answersOfStandIn(): Promise<{ intents: Json[]; events: Json[]; charges: Json }> {
  const clock = SandboxClock.frozen(NOW);
  const from = new Date('2026-05-30T00:00:00Z');
  const sandbox = await startStripeSandbox({ clock, population: { size: 60, from, to: NOW } });
  const page = async (path: string): Promise<Json> => {
    const answer = await fetch(`${sandbox.url}/v1/${path}`, { headers: { authorization: `Bearer ${sandbox.apiKey}` } });
    return parseTree(await answer.text());
  };
  try {
    const intents = itemsOf(memberOf(await page('payment_intents?limit=100'), 'data'));
    const events = itemsOf(memberOf(await page('events?limit=100&type=payment_intent.succeeded'), 'data'));
    return { intents: [...intents], events: [...events], charges: await page('charges?limit=5') };
  } finally {
    await sandbox.close();
  }
}
