/**
 * Stripe answers with damaged lists, events, charges and intents; then it is well again. Whatever it said, no payment is
 * left out silently, none gets another amount, currency, balance or day than an answer stated exactly, and at the end all
 * are in the ledger as Stripe has them.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CURRENCY_KINDS } from '../sandbox/stripe/kinds/currencies.js';
import { CUSTOMER_KINDS } from '../sandbox/stripe/kinds/customers.js';
import { TEXT_KINDS } from '../sandbox/stripe/kinds/texts.js';
import type { PostingRow } from '../src/db/schema/postings.js';
import { type Damage, damaged, drawDamage } from './support/fuzz-damage.js';
import { type Json, memberOf, renderTree, textOf } from './support/fuzz-json.js';
import { fuzzRuns } from './support/fuzz-runs.js';
import { type FuzzGround, type FuzzStage, openFuzzStage, prepareGround } from './support/fuzz-stage.js';
import { type IntentTruth, truthOf } from './support/fuzz-truth.js';

const FEEDS = ['payment_intents', 'events', 'charges', 'payment_intents/', 'account'] as const;
type Asked = (typeof FEEDS)[number];

const DECISIVE = [
  ...['id', 'status', 'amount_received', 'currency', 'created', 'customer', 'payment_intent', 'data', 'has_more'],
  ...['object', 'metadata', 'description', 'captured'],
];

describe('Stripe answering damaged', () => {
  let ground: FuzzGround;

  beforeAll(async () => {
    ground = await prepareGround({ size: 14, kinds: [...CURRENCY_KINDS, ...CUSTOMER_KINDS, ...TEXT_KINDS] });
  });
  afterAll(() => ground.close());

  const { timeout, settings } = fuzzRuns(12);
  const plans = fc.array(fc.tuple(fc.constantFrom(...FEEDS), drawDamage(3)), { minLength: 1, maxLength: 3 });
  it('leaves nothing out and changes nothing', { timeout }, async () => {
    let answersChanged = 0;
    const property = fc.asyncProperty(plans, async (drawn) => {
      const stage = await openFuzzStage(ground, 'cloud');
      try {
        const said = new Sayings();
        stage.doors.stripe.change((answer, { path }) => said.damage(answer, { path, plans: new Map(drawn) }));
        await stage.collect();
        answersChanged += stage.doors.stripe.takeChanged();
        await expectNothingHidden(stage, said);
        await expectNothingChanged(stage, said);
        stage.doors.stripe.change((answer, { path }) => said.note(answer, path));
        expect(await stage.collect()).toEqual([]);
        await stage.drainAll();
        await expectMirrored(stage, said);
      } finally {
        await stage.close();
      }
    });
    await fc.assert(property, settings);
    expect(answersChanged).toBeGreaterThan(0);
  });
});

/** What answers have said of each intent, true or damaged. */
class Sayings {
  readonly ofIntent = new Map<string, IntentTruth[]>();
  /** Those that an answer gave another name, time or state, in a way that nobody can see. */
  readonly hidden = new Set<string>();
  readonly damagedIds = new Set<string>();
  /** A list that said it was whole, or was of other objects, and was neither. */
  hidesMore = false;

  note(answer: Json, path: string): null {
    for (const intent of intentsIn(answer, path)) this.#hear(intent);
    return null;
  }

  damage(
    answer: Json,
    { path, plans }: { readonly path: string; readonly plans: ReadonlyMap<Asked, readonly Damage[]> },
  ) {
    this.note(answer, path);
    const plan = plans.get(askedIn(path));
    if (plan === undefined) return null;
    const instead = damaged(answer, plan, DECISIVE);
    for (const intent of intentsIn(instead, path)) this.#hear(intent);
    this.#compare(answer, instead);
    return instead;
  }

  #hear(intent: Json): void {
    const truth = truthOf(intent);
    if (truth.id === undefined) return;
    this.ofIntent.set(truth.id, [...(this.ofIntent.get(truth.id) ?? []), truth]);
  }

  /** Objects are held against each other by their place among those with an id. */
  #compare(answer: Json, instead: Json): void {
    const [before, after] = [objectsIn(answer), objectsIn(instead)];
    if (renderTree(memberOf(answer, 'has_more') ?? answer) !== renderTree(memberOf(instead, 'has_more') ?? instead))
      this.hidesMore = true;
    const told = new Map(after.map((object) => [textOf(memberOf(object, 'id')), object]));
    for (const object of before) {
      const id = textOf(memberOf(object, 'id'));
      const again = told.get(id);
      const names = namesOf(object);
      for (const name of again === undefined || renderTree(again) !== renderTree(object) ? names : [])
        this.damagedIds.add(name);
      const isSame =
        again !== undefined &&
        ['status', 'created', 'captured', 'payment_intent', 'data'].every((key) =>
          looksTheSame(memberOf(object, key), memberOf(again, key)),
        );
      if (!isSame) for (const name of names) this.hidden.add(name);
    }
  }
}

function looksTheSame(before: Json | undefined, after: Json | undefined): boolean {
  return (before === undefined ? '' : renderTree(before)) === (after === undefined ? '' : renderTree(after));
}

function askedIn(path: string): Asked {
  const name = path.replace(/^\/v1\//, '').replace(/\?.*$/, '');
  if (name.startsWith('payment_intents/')) return 'payment_intents/';
  return FEEDS.find((feed) => feed === name) ?? 'account';
}

function objectsIn(answer: Json): readonly Json[] {
  const list = memberOf(answer, 'data');
  return list?.kind === 'list' ? list.items : [answer];
}

function intentsIn(answer: Json, path: string): readonly Json[] {
  const asked = askedIn(path);
  if (asked === 'events') return objectsIn(answer).map((event) => memberOf(memberOf(event, 'data'), 'object') ?? event);
  return asked === 'charges' || asked === 'account' ? [] : objectsIn(answer);
}

/** The intents that an object is about. */
function namesOf(object: Json): readonly string[] {
  const inEvent = memberOf(memberOf(object, 'data'), 'object');
  const ids = [memberOf(object, 'id'), memberOf(object, 'payment_intent'), memberOf(inEvent, 'id')].map(textOf);
  return ids.filter((id) => id?.startsWith('pi_') === true) as string[];
}

/** What coverage says was read is stored, unless an answer told of something else in its stead. */
async function expectNothingHidden(stage: FuzzStage, said: Sayings): Promise<void> {
  await stage.expectCounts();
  if (said.hidesMore) return;
  const covered = await stage.sql<{ feed: string; from: string; to: string }[]>`
    select feed, covered_from::text as from, covered_to::text as to from coverage where feed <> 'charges'`;
  const postings = await stage.postings();
  for (const { id, created, succeeded } of stage.stripe.expected()) {
    if (succeeded === null || said.hidden.has(id) || postings.has(id)) continue;
    const claim = covered.find(({ feed, from, to }) => {
      const at = feed === 'events' ? succeeded : created;
      return at >= new Date(from) && at < new Date(to);
    });
    expect(claim, `${id} is not stored, though its time is said to be read`).toBeUndefined();
  }
}

/** Every posting is what one answer said of the intent, to the last digit; what none said is parked and says why. */
async function expectNothingChanged(stage: FuzzStage, said: Sayings): Promise<void> {
  for (const posting of (await stage.postings()).values()) {
    if (posting.state === 'parked') {
      expect(posting.reason).not.toBeNull();
      expect(posting.reasonDetail).toMatch(/\S/);
      expect(posting.reasonDetail?.length).toBeLessThan(1_000);
      continue;
    }
    expect(sayingsThatFit(posting, said), `what Stripe said of ${posting.reference}`).not.toEqual([]);
  }
}

function sayingsThatFit(posting: PostingRow, said: Sayings): readonly IntentTruth[] {
  return (said.ofIntent.get(posting.reference) ?? []).filter((truth) => {
    const destination = truth.customerId === null ? '@stripe_guests' : `@${truth.customerId}`;
    const isMoney = truth.amountReceived === posting.amount && truth.currency?.toUpperCase() === posting.currency;
    return (
      isMoney && truth.status === 'succeeded' && truth.created !== undefined && destination === posting.destination
    );
  });
}

/** Well again: each payment is in the ledger once, as Stripe has it or as an answer once said; the untouched ones exactly. */
async function expectMirrored(stage: FuzzStage, said: Sayings): Promise<void> {
  await stage.expectCounts();
  const postings = await stage.postings();
  const rows = [...stage.blnk.transactions()];
  expect(new Set(rows.map(({ reference }) => reference)).size).toBe(rows.length);
  for (const row of rows) {
    const posting = postings.get(row.reference);
    expect([row.status, posting?.state]).toEqual(['APPLIED', 'posted']);
    expect([row.precise_amount, row.currency, row.destination]).toEqual([
      posting?.amount,
      posting?.currency,
      posting?.destination,
    ]);
    expect(sayingsThatFit(posting as PostingRow, said)).not.toEqual([]);
  }
  const inLedger = new Map(rows.map((row) => [row.reference, row]));
  for (const payment of stage.stripe.expected()) {
    if (payment.succeeded === null) continue;
    const posting = postings.get(payment.id);
    expect(posting, `${payment.id} after Stripe is well again`).toBeDefined();
    if (said.damagedIds.has(payment.id) || payment.expected.outcome !== 'posted') continue;
    const row = inLedger.get(payment.id);
    expect([row?.precise_amount, row?.currency, row?.precision]).toEqual([
      payment.expected.amount,
      payment.expected.currency,
      payment.expected.precision,
    ]);
    expect([row?.destination, row?.effective_date]).toEqual([payment.destination, payment.created]);
    if (row?.meta_data.stripe_metadata_cut === undefined)
      expect(row?.meta_data.stripe_metadata ?? {}).toEqual(payment.metadata);
  }
}
