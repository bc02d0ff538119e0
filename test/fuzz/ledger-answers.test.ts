/**
 * Blnk answers posts, look-ups and balances damaged; then it is well again. Whatever it said, nothing counts as posted that
 * the ledger does not hold with the same money, nothing is there twice, and a proof of damaged answers seals nothing.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUSTOMER_KINDS } from '../../sandbox/stripe/kinds/customers.js';
import { TEXT_KINDS } from '../../sandbox/stripe/kinds/texts.js';
import type { Certificate } from '../../src/core/proof/certificate.js';
import { isSealed } from '../../src/core/proof/reopening.js';
import { readMirror } from '../../src/db/mirror/mirror-store.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { proveDay } from '../../src/prove/prove-day.js';
import { damaged } from '../support/fuzz/apply-damage.js';
import { drawDamage } from '../support/fuzz/damage.js';
import type { ChangeAnswer } from '../support/fuzz/damaging-proxy.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import {
  FUZZED_DAY,
  type FuzzGround,
  type FuzzStage,
  faultsOf,
  NOW,
  openFuzzStage,
  prepareGround,
} from '../support/fuzz/stage.js';

const ROUTES = {
  bulk: /\/transactions\/bulk/,
  post: /\/transactions(\?|$)/,
  rows: /\/transactions\/filter/,
  balances: /\/balances\/filter/,
  balance_at: /\/balances\/[^/]+\/at\?/,
} as const;

const DECISIVE = [
  ...['reference', 'status', 'precise_amount', 'amount', 'precision', 'currency', 'source', 'destination', 'data'],
  ...['transaction_id', 'effective_date', 'meta_data', 'balance_id', 'indicator', 'total', 'balance', 'error_detail'],
  ...['stripe_day', 'stripe_mirror', 'stripe_payment_intent_id', 'created_at', 'from_source', 'transaction_count'],
];

const plans = fc.record({
  style: fc.constantFrom('cloud' as const, 'core' as const),
  acts: fc.array(fc.tuple(fc.constantFrom(...Object.values(ROUTES)), drawDamage(3)), { minLength: 1, maxLength: 3 }),
  /** So many answers of a route pass as they are before one is damaged. */
  every: fc.integer({ min: 1, max: 3 }),
});

type Plan = typeof plans extends fc.Arbitrary<infer Drawn> ? Drawn : never;

let ground: FuzzGround;

beforeAll(async () => {
  ground = await prepareGround({ size: 12, kinds: [...CUSTOMER_KINDS, ...TEXT_KINDS] });
});
afterAll(() => ground.close());

describe('Blnk answering damaged', () => {
  const posting = fuzzRuns(8);
  it('lets nothing count as posted that is not in the ledger with the same money', {
    timeout: posting.timeout,
  }, async () => {
    let changed = 0;
    const property = fc.asyncProperty(plans, async (plan) => {
      const stage = await openFuzzStage(ground, plan.style);
      try {
        expect(await stage.collect()).toEqual([]);
        stage.proxies.blnk.change(damageOf(plan));
        for (let turn = 0; turn < 4; turn += 1) await stage.drain();
        changed += stage.proxies.blnk.takeChanged();
        await expectTrue(stage);
        stage.proxies.blnk.change(null);
        await stage.drainAll();
        await expectTrue(stage);
        await expectAllThere(stage);
      } finally {
        await stage.close();
      }
    });
    await fc.assert(property, { ...posting.settings, endOnFailure: true });
    expect(changed).toBeGreaterThan(0);
  });

  const proving = fuzzRuns(6);
  it.each(['cloud', 'core'] as const)(
    'makes no proof of a %s ledger say that both sides are equal when they are not',
    { timeout: proving.timeout },
    async (style) => {
      const stage = await openFuzzStage(ground, style);
      try {
        await stage.collect();
        await stage.drainAll();
        const [first] = [...stage.blnk.transactions()];
        if (first === undefined) throw new Error('the ledger is empty');
        const { reference, currency, precise_amount: preciseAmount } = first;
        const property = fc.asyncProperty(plans, fc.boolean(), async (plan, isWrong) => {
          if (isWrong) stage.blnk.alterTransaction(reference, { preciseAmount: preciseAmount + 1n });
          stage.proxies.blnk.change(damageOf(plan));
          const kept: Certificate[] = [];
          await faultsOf(async () => void kept.push(...(await proveAndKeep(stage))));
          stage.proxies.blnk.change(null);
          stage.blnk.alterTransaction(reference, { preciseAmount });
          const sealed = kept.filter(({ state }) => isSealed(state));
          for (const { stripe, ledger } of sealed) expect(ledger).toEqual(stripe);
          if (isWrong) expect(sealed.filter((certificate) => certificate.currency === currency)).toEqual([]);
        });
        await fc.assert(property, proving.settings);
        expect((await proveAndKeep(stage)).map(({ state }) => state)).toSatisfy((states: Certificate['state'][]) =>
          states.every(isSealed),
        );
      } finally {
        await stage.close();
      }
    },
  );
});

async function proveAndKeep(stage: FuzzStage): Promise<readonly Certificate[]> {
  const { db } = stage.place;
  const store = createCertificateStore(db, '0.0.0');
  const { provedAt, earlierCurrencies } = await store.beginProof(FUZZED_DAY);
  const mirror = await readMirror(db);
  const facts = { mirror, coveredUpTo: NOW, lagMs: 600_000, earlierCurrencies };
  const proof = await proveDay(stage.prove, { day: FUZZED_DAY, provedAt, facts });
  return store.keepProof({ ...proof, proofId: randomUUID(), trigger: 'manual' });
}

/** Whatever counts as posted is in the ledger, once, with its money; what is parked says why. */
async function expectTrue(stage: FuzzStage): Promise<void> {
  const references = [...stage.blnk.transactions()].map(({ reference }) => reference);
  expect(new Set(references).size).toBe(references.length);
  for (const posting of (await stage.postings()).values()) {
    const row = stage.blnk.byReference(posting.reference);
    if (posting.state === 'parked') expect(posting.reasonDetail).toMatch(/^\P{Cc}{1,3000}$/u);
    if (posting.state !== 'posted') continue;
    expect([row?.status, row?.precise_amount, row?.currency, row?.destination]).toEqual([
      'APPLIED',
      posting.amount,
      posting.currency,
      posting.destination,
    ]);
    expect(posting.transactionId).toMatch(/^[!-~]{1,200}$/);
    expect(posting.exception ?? '').toMatch(/^\P{Cc}{0,3000}$/u);
  }
}

/** What is not parked for a person is there; and what is parked, is parked by what Blnk once said of it. */
async function expectAllThere(stage: FuzzStage): Promise<void> {
  for (const { id, expected } of stage.stripe.expected()) {
    if (expected.outcome !== 'posted') continue;
    const posting = (await stage.postings()).get(id);
    if (posting?.state === 'parked')
      expect(['conflict', 'burnt_reference', 'refused_by_blnk']).toContain(posting.reason);
    else expect([posting?.state, stage.blnk.byReference(id)?.precise_amount]).toEqual(['posted', expected.amount]);
  }
}

function damageOf({ acts, every }: Plan): ChangeAnswer {
  let asked = 0;
  return (answer, { path }) => {
    const plan = acts.find(([route]) => route.test(path))?.[1];
    asked += plan === undefined ? 0 : 1;
    return plan === undefined || asked % every !== 0 ? null : damaged(answer, plan, DECISIVE);
  };
}
