/**
 * A ledger damaged on purpose after the real stages had filled it and a proof had sealed it: the proof names each damage by
 * id and kind, and says the same when our own table knows nothing any more.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { DayProof } from '../../src/prove/prove-day.js';
import { stages } from '../support/stages/collect.js';
import { until } from '../support/stages/ledger.js';
import { certificateOf, DAMAGED_DAY, findingsOf, openProofStage, type ProofStage } from '../support/stages/proof.js';
import { halfInTier } from '../support/tier.js';

const openStage = stages();
const CURRENCIES = ['usd', 'eur', 'jpy', 'kwd'];
const PAYMENTS = 330;

let stage: ProofStage;
afterEach(() => stage.closeLedger());

/** Payments of the day, a third of them guests', several in one second, and one on each neighbouring day. */
async function openSealed(style: 'cloud' | 'core'): Promise<string[]> {
  stage = await openProofStage(await openStage(), { style });
  const ids = Array.from({ length: PAYMENTS }, (_, index) => {
    return stage.payOn(DAMAGED_DAY, Math.floor(index / 3) * 261, {
      currency: CURRENCIES[index % CURRENCIES.length] ?? 'usd',
      amount: 1_000 + index * 10,
      customer: index % 3 === 0 ? null : `cus_${index % 40}`,
    });
  });
  stage.payOn('2026-05-28', 86_399);
  stage.payOn('2026-05-30', 0);
  await stage.settle();
  return ids;
}

const at = (ids: readonly string[], index: number): string => ids[index] ?? '';

describe.each(halfInTier(['cloud', 'core'] as const))('a day of a ledger on %s', (style) => {
  it('is sealed when both sides are equal, for one request per 100 payments', async () => {
    await openSealed(style);
    stage.requests();
    const proof = await stage.prove(DAMAGED_DAY);
    expect(proof.certificates.map(({ currency, state }) => [currency, state])).toEqual([
      ['EUR', 'sealed'],
      ['JPY', 'sealed'],
      ['KWD', 'sealed'],
      ['USD', 'sealed'],
    ]);
    for (const { stripe, ledger, postings, unexplained, movement, notSeen } of proof.certificates) {
      expect(ledger).toEqual(stripe);
      expect(postings).toEqual(stripe);
      expect([unexplained, movement, notSeen]).toEqual([0n, stripe.sum, []]);
    }
    expect(proof.certificates.reduce((sum, { stripe }) => sum + stripe.count, 0)).toBe(PAYMENTS);
    expect(proof.stripeRequests).toBe(Math.ceil(PAYMENTS / 100));
    expect(Object.values(stage.requests()).reduce((sum, count) => sum + count, 0)).toBe(proof.stripeRequests);
  });

  it('is proven though somebody wrote a row whose metadata has a null for our key', async () => {
    stage = await openProofStage(await openStage(), { style });
    stage.payOn(DAMAGED_DAY, 1);
    await stage.settle();
    await stage.postByHand({
      ...{ reference: 'pi_nobody', source: '@stripe', destination: '@somebody', meta_data: { stripe_mirror: null } },
      ...{ precise_amount: 500, precision: 100, currency: 'USD', skip_queue: true },
      effective_date: `${DAMAGED_DAY}T10:00:00Z`,
    });
    // To the Cloud a key with a null is there, so the row is not among those without our key: its money is seen, and it is not named.
    const found = style === 'core' ? 'extra pi_nobody' : 'movement of USD';
    expect(findingsOf(await stage.prove(DAMAGED_DAY))).toEqual([found]);
  });

  it('names each damage by id and kind, and the same without our table', async () => {
    const ids = await openSealed(style);
    const burnt = stage.payOn(DAMAGED_DAY, 70_000, { amount: 777 });
    const queued = stage.payOn(DAMAGED_DAY, 70_001, { amount: 778 });
    const [missing, wrong, doubled, dayKey, status, date] = [0, 4, 8, 12, 16, 20].map((index) => at(ids, index)) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const { blnk } = stage;
    blnk.deleteTransaction(missing);
    blnk.alterTransaction(wrong, { preciseAmount: 1n });
    blnk.alterTransaction(status, { status: 'REJECTED' });
    blnk.alterTransaction(date, { effectiveDate: new Date('2026-05-29T23:59:59Z') });
    const metadata = blnk.byReference(dayKey)?.meta_data ?? {};
    blnk.alterTransaction(dayKey, { metadata: { ...metadata, stripe_day: '2026-05-27' } });
    const body = {
      precision: 100,
      currency: 'USD',
      source: '@stripe',
      destination: '@stripe_guests',
      effective_date: `${DAMAGED_DAY}T10:00:00Z`,
      skip_queue: true,
    };
    const copied = blnk.byReference(doubled)?.meta_data;
    await stage.postByHand({ ...body, reference: 'random-1', precise_amount: 1_080, meta_data: copied });
    await stage.postByHand({ ...body, reference: 'random-2', precise_amount: 4_321 });
    await stage.postByHand({ ...body, reference: 'pi_nobody', precise_amount: 99 });
    // The example app's way: queued, and rejected because the source has no such money.
    blnk.setQueuedChildren('soon');
    const queue = { ...body, skip_queue: false, allow_overdraft: false, source: '@somebody_empty' };
    await stage.postByHand({ ...queue, reference: burnt, precise_amount: 777 });
    await until(() => blnk.byReference(`${burnt}_q`) !== undefined);
    blnk.setQueuedChildren('held');
    await stage.postByHand({ ...queue, reference: queued, precise_amount: 778 });
    await until(() => blnk.byReference(queued) !== undefined);

    const proof = await stage.prove(DAMAGED_DAY);
    expect(findingsOf(proof)).toEqual(
      [
        `burnt ${burnt}`,
        `day_key ${dayKey}`,
        `different ${status}`,
        `different ${wrong}`,
        `doubled ${doubled}`,
        `effective_date ${date}`,
        'extra pi_nobody',
        `missing ${missing}`,
        'movement of USD',
        `queued ${queued}`,
      ].sort(),
    );
    const usd = certificateOf(proof, 'USD');
    expect(usd.state).toBe('broken');
    // The wrong amount is explained by its row; what nobody's metadata names is not.
    expect(usd.unexplained).toBe(4_321n);
    expect(usd.findings.find(({ kind }) => kind === 'doubled')?.ledger.map(({ reference }) => reference)).toEqual([
      doubled,
      'random-1',
    ]);
    expect(proof.certificates.filter(({ currency }) => currency !== 'USD').map(({ state }) => state)).toEqual([
      'sealed',
      'sealed',
      'sealed',
    ]);

    await stage.sql`delete from stripe_blnk_sync.postings`;
    const without = await stage.prove(DAMAGED_DAY);
    expect(withoutOwn(without)).toEqual(withoutOwn(proof));
    // The day that the overwritten key names says whose the row is.
    const named = await stage.prove('2026-05-27');
    expect(findingsOf(named)).toEqual([`day_key ${dayKey}`]);
  });
});

function withoutOwn({ certificates }: DayProof) {
  return certificates.map(({ postings: _postings, ...certificate }) => certificate);
}
