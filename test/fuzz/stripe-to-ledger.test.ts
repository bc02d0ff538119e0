/**
 * Stripe answers with damaged lists, events, charges and intents; then it is well again. Whatever it said, no payment is
 * left out silently, none gets another amount, currency, balance or day than an answer stated exactly, and at the end all
 * are in the ledger as Stripe has them.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CURRENCY_KINDS } from '../../sandbox/stripe/kinds/currencies.js';
import { CUSTOMER_KINDS } from '../../sandbox/stripe/kinds/customers.js';
import { TEXT_KINDS } from '../../sandbox/stripe/kinds/texts.js';
import type { PostingRow } from '../../src/db/schema/postings.js';
import { drawDamage } from '../support/fuzz/damage.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { expectNothingHidden, FEEDS, Sayings } from '../support/fuzz/sayings.js';
import { type FuzzGround, type FuzzStage, openFuzzStage, prepareGround } from '../support/fuzz/stage.js';
import type { IntentTruth } from '../support/fuzz/truth.js';

describe('Stripe answering damaged', () => {
  let ground: FuzzGround;

  beforeAll(async () => {
    ground = await prepareGround({ size: 14, kinds: [...CURRENCY_KINDS, ...CUSTOMER_KINDS, ...TEXT_KINDS] });
  });
  afterAll(() => ground.close());

  const { timeout, settings } = fuzzRuns(8);
  const plans = fc.array(fc.tuple(fc.constantFrom(...FEEDS), drawDamage(3)), { minLength: 1, maxLength: 3 });
  it('leaves nothing out and changes nothing', { timeout }, async () => {
    let answersChanged = 0;
    const property = fc.asyncProperty(plans, async (drawn) => {
      const stage = await openFuzzStage(ground, 'cloud');
      try {
        const said = new Sayings();
        stage.proxies.stripe.change((answer, { path }) => said.damage(answer, { path, plans: new Map(drawn) }));
        await stage.collect();
        answersChanged += stage.proxies.stripe.takeChanged();
        await expectNothingHidden(stage, said);
        await expectNothingChanged(stage, said);
        stage.proxies.stripe.change((answer, { path }) => said.note(answer, path));
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
