/**
 * What a proof of a day says where nothing is damaged: adopted imports, late successes, what is on its way or held back, days
 * that the mirror does not claim, and what could not be seen. Real adapters and stand-ins over HTTP, a real database.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStripeClient } from '../../src/stripe/client.js';
import { createPaymentFeeds } from '../../src/stripe/feeds.js';
import { createStripeSide } from '../../src/stripe/listing.js';
import { HOUR, NOW, stages } from '../support/stages/collect.js';
import { until } from '../support/stages/ledger.js';
import {
  certificateOf,
  DAMAGED_DAY as DAY,
  findingsOf,
  openProofStage,
  type ProofStage,
} from '../support/stages/proof.js';

const openStage = stages();
let stage: ProofStage;
beforeEach(async () => {
  const restrictedKeys = { rk_test_blind: ['rak_payment_intent_read'] } as const;
  stage = await openProofStage(await openStage({ sandbox: { restrictedKeys } }));
});
afterEach(() => stage.closeLedger());

/** A client with another key of the same account. */
function clientOf(key: string) {
  return createStripeClient({
    baseUrl: stage.sandbox.url,
    readKey: async () => key,
    limiter: { acquire: async () => {} },
    version: '0.0.0',
    clock: { monotonicMs: () => 0, sleep: async () => {}, random: () => 0 },
    retries: { attemptsMax: 1 },
  });
}

/** The UTC day that lies so many days after a time's own. */
function dayAfter(time: Date, days: number): string {
  return new Date(time.getTime() + days * 24 * HOUR).toISOString().slice(0, 10);
}

/** Somebody's own import of a payment of 2000 minor units of USD by a guest. */
function importOf(reference: string, changes: Record<string, unknown> = {}): Promise<void> {
  return stage.postByHand({
    ...{ reference, precise_amount: 2_000, precision: 100, currency: 'USD', skip_queue: true },
    ...{ source: '@stripe', destination: '@stripe_guests', effective_date: `${DAY}T00:01:40Z` },
    ...changes,
  });
}

const stateOf = (proof: Awaited<ReturnType<ProofStage['prove']>>, currency: string | null = 'USD') =>
  certificateOf(proof, currency).state;

describe("somebody's import", () => {
  it('seals the day when it is equal, and by exception when only its effective date differs', async () => {
    const equal = stage.payOn(DAY, 100, { amount: 2_000 });
    await importOf(equal);
    await stage.settle();
    expect((await stage.postings()).get(equal)?.settledHow).toBe('already_there');
    expect(stateOf(await stage.prove(DAY))).toBe('sealed');

    const [moved, dateless] = [stage.payOn(DAY, 100, { amount: 2_000 }), stage.payOn(DAY, 100, { amount: 2_000 })];
    await importOf(moved, { effective_date: '2026-05-31T10:00:00Z' });
    await importOf(dateless, { effective_date: undefined });
    stage.payOn('2026-05-31', 5);
    await stage.settle();
    const proof = await stage.prove(DAY);
    expect(findingsOf(proof)).toEqual([`effective_date ${dateless}`, `effective_date ${moved}`].sort());
    expect(certificateOf(proof, 'USD')).toMatchObject({ state: 'sealed_with_exceptions', unexplained: 0n });

    // It took effect on another day, where it is explained and nobody's extra.
    const other = await stage.prove('2026-05-31');
    expect(findingsOf(other)).toEqual([]);
    expect(stateOf(other)).toBe('sealed');
    expect(other.stripeRequests).toBe(2);
  });

  it('of many payments under one effective date costs a few reads by id and pages of the list, not a read each', async () => {
    const IMPORTED = 250;
    const begin = Date.parse('2026-05-22T00:00:00Z');
    const ids = Array.from({ length: IMPORTED }, (_, index) => {
      const created = new Date(begin + index * 1_800_000);
      return stage.sandbox.createIntent({ created, moves: [{ move: 'succeed', at: created }], amount: 2_000 });
    });
    const unpaid = stage.sandbox.createIntent({ created: new Date(begin), moves: [] });
    const booked = [unpaid, ...ids, 'pi_of_nobody'].map((reference) => ({
      reference,
      effective_date: `${DAY}T10:00:00Z`,
    }));
    // Imports are in no order that says when the payments were.
    for (const { reference, ...date } of booked.sort((a, b) => (a.reference < b.reference ? -1 : 1)))
      await importOf(reference, date);
    const created = ids
      .slice(0)
      .filter((_, index) => new Date(begin + index * 1_800_000).toISOString().startsWith(DAY));
    await stage.settle();
    const proof = await stage.prove(DAY);
    expect(findingsOf(proof).filter((finding) => finding.startsWith('extra'))).toEqual(
      ['extra pi_of_nobody', `extra ${unpaid}`].sort(),
    );
    expect(certificateOf(proof, 'USD')).toMatchObject({ ledger: { count: created.length + 2 }, unexplained: 0n });
    expect(proof.stripeRequests).toBeLessThan(50);
    await stage.sql`delete from stripe_blnk_sync.postings`;
    expect(findingsOf(await stage.prove(DAY))).toEqual(findingsOf(proof));
  });

  it('of payments that lie far apart costs no more than a read each and a few pages', async () => {
    const day = '2026-05-30';
    const imported: string[] = [];
    for (let hour = 0; hour < 40; hour += 1) {
      for (let second = 0; second < 150; second += 1) {
        const created = new Date(Date.parse('2026-05-26T00:00:00Z') + hour * HOUR + second * 1_000);
        const id = stage.sandbox.createIntent({ created, moves: [{ move: 'succeed', at: created }], amount: 2_000 });
        if (second === 70) imported.push(id);
      }
    }
    for (const id of imported.sort()) await importOf(id, { effective_date: `${day}T10:00:00Z` });
    const proof = await stage.prove(day);
    expect(findingsOf(proof)).toEqual([]);
    expect(proof.stripeRequests).toBeLessThanOrEqual(1 + 40 + 2 * 3);
  });

  it('is different when its money is', async () => {
    const id = stage.payOn(DAY, 100, { amount: 2_000 });
    await importOf(id, { precise_amount: 1_999 });
    await stage.settle();
    const proof = await stage.prove(DAY);
    expect(findingsOf(proof)).toEqual([`different ${id}`]);
    expect(certificateOf(proof, 'USD').findings[0]?.detail).toContain('19.99 USD in the ledger, 20.00 USD is expected');
  });

  it('that went through the queue is its decided copy', async () => {
    const id = stage.payOn(DAY, 100, { amount: 2_000 });
    await importOf(id, { skip_queue: false });
    await until(() => stage.blnk.byReference(`${id}_q`) !== undefined);
    const proof = await stage.prove(DAY, { facts: { coveredUpTo: NOW } });
    expect(certificateOf(proof, 'USD')).toMatchObject({ state: 'sealed', ledger: { count: 1, sum: 2_000n } });
  });

  it('in another currency breaks both of them', async () => {
    const id = stage.payOn(DAY, 100, { amount: 2_000 });
    await importOf(id, { currency: 'EUR' });
    await stage.settle();
    const proof = await stage.prove(DAY);
    expect([stateOf(proof, 'USD'), stateOf(proof, 'EUR')]).toEqual(['broken', 'broken']);
    expect(certificateOf(proof, 'EUR')).toMatchObject({ stripe: { count: 0 }, ledger: { count: 1, sum: 2_000n } });
  });
});

describe('payments that are not in the ledger', () => {
  it('are pending, parked or dismissed as our postings say', async () => {
    const [parked, dismissed] = [
      stage.payOn(DAY, 1, { amount: 2_001, currency: 'kwd' }),
      stage.payOn(DAY, 2, { amount: 0 }),
    ];
    const posted = stage.payOn(DAY, 3);
    await stage.settle();
    const pending = stage.payOn(DAY, 4);
    await stage.collect();
    await stage.sql`update stripe_blnk_sync.postings set dismissed_at = now(), dismissed_by = 'me', dismissed_why = 'a test' where reference = ${dismissed}`;
    const proof = await stage.prove(DAY);
    expect(findingsOf(proof)).toEqual([`dismissed ${dismissed}`, `parked ${parked}`, `pending ${pending}`]);
    expect([stateOf(proof, 'KWD'), stateOf(proof)]).toEqual(['open', 'open']);
    await stage.post();
    const after = await stage.prove(DAY);
    expect(stateOf(after)).toBe('sealed_with_exceptions');
    expect(certificateOf(after, 'USD')).toMatchObject({
      stripe: { count: 3 },
      ledger: { count: 2 },
      postings: { count: 2 },
    });
    expect(posted).toMatch(/^pi_/);
  });

  it('are not collected where the mirror has not read that far, and missing where it has', async () => {
    const id = stage.payOn(DAY, 100);
    const unread = await stage.prove(DAY, { facts: { coveredUpTo: new Date(`${DAY}T23:59:59Z`) } });
    expect(findingsOf(unread)).toEqual([`not_collected ${id}`]);
    expect(stateOf(unread)).toBe('not_covered');
    expect(findingsOf(await stage.prove(DAY))).toEqual([`not_collected ${id}`]);
    const read = await stage.prove(DAY, { facts: { coveredUpTo: new Date('2026-05-30T00:00:00Z') } });
    expect([findingsOf(read), stateOf(read)]).toEqual([[`missing ${id}`], 'broken']);
  });

  it('is told as unreadable on every currency of the day when Stripe shows no currency that can be read', async () => {
    stage.payOn(DAY, 1);
    const id = stage.payOn(DAY, 2, { currency: null as unknown as string });
    await stage.settle();
    const proof = await stage.prove(DAY);
    expect(findingsOf(proof)).toEqual([`unreadable ${id}`]);
    expect(stateOf(proof)).toBe('open');
  });
});

describe('payments that are in the ledger', () => {
  it('are told when they are parked here', async () => {
    const id = stage.payOn(DAY, 100);
    await stage.settle();
    await stage.sql`update stripe_blnk_sync.postings set state = 'parked', reason = 'conflict' where reference = ${id}`;
    expect(findingsOf(await stage.prove(DAY))).toEqual([`parked_in_ledger ${id}`]);
  });

  it('may be of the customer that they had when they were stored', async () => {
    const id = stage.payOn(DAY, 100, { customer: 'cus_first' });
    await stage.settle();
    stage.payOn(DAY, 101, { customer: 'cus_second' });
    stage.sandbox.edit(id, { customer: 'cus_second' });
    await stage.settle();
    expect(stateOf(await stage.prove(DAY))).toBe('sealed');
    stage.blnk.alterTransaction(id, { destination: '@cus_third' });
    expect(findingsOf(await stage.prove(DAY))).toEqual([`different ${id}`]);
  });

  it('are folded with their replacements and corrections', async () => {
    const [replaced, corrected] = [stage.payOn(DAY, 100, { amount: 2_000 }), stage.payOn(DAY, 100, { amount: 2_000 })];
    const keys = (id: string) => ({
      meta_data: { stripe_payment_intent_id: id, stripe_day: DAY, stripe_mirror: stage.mirrorId },
    });
    await importOf(`${replaced}:r1`, keys(replaced));
    await importOf(corrected, { precise_amount: 2_500, ...keys(corrected) });
    const back = { source: '@stripe_guests', destination: '@stripe', precise_amount: 600 };
    await importOf(`${corrected}:adj:1`, { ...back, ...keys(corrected) });
    const wrong = await stage.prove(DAY);
    expect(findingsOf(wrong)).toEqual([`different ${corrected}`]);
    await importOf(`${corrected}:adj:2`, { precise_amount: 100, ...keys(corrected) });
    const right = await stage.prove(DAY);
    expect(certificateOf(right, 'USD')).toMatchObject({ state: 'sealed', movement: 4_000n, ledger: { count: 2 } });
    await importOf(replaced);
    expect(findingsOf(await stage.prove(DAY))).toEqual([`doubled ${replaced}`]);
  });
});

describe('a late success', () => {
  it('is a part of the day of its creation from then on', async () => {
    const created = new Date(`${DAY}T10:00:00Z`);
    const late = stage.sandbox.createIntent({ created, moves: [] });
    stage.payOn(DAY, 1);
    await stage.settle();
    expect(certificateOf(await stage.prove(DAY), 'USD')).toMatchObject({ state: 'sealed', stripe: { count: 1 } });
    stage.clock.advance(HOUR);
    stage.sandbox.succeed(late, { at: NOW });
    for (let second = 0; second < 120; second += 1) stage.pay({ created: new Date(NOW.getTime() + second * 1_000) });
    const unread = await stage.prove(DAY);
    expect([findingsOf(unread), unread.stripeRequests]).toEqual([[`not_collected ${late}`], 1 + 2]);
    const blind = createStripeSide({ feeds: createPaymentFeeds({ client: clientOf('rk_test_blind') }) });
    const unsaid = await stage.prove(DAY, { ports: { stripe: blind } });
    expect([findingsOf(unsaid), unsaid.stripeRequests]).toEqual([[`missing ${late}`], 1 + 1]);
    await stage.tail();
    await stage.post();
    expect(certificateOf(await stage.prove(DAY), 'USD')).toMatchObject({ state: 'sealed', stripe: { count: 2 } });
  });

  it('that comes between the listings is found by its row', async () => {
    const [early, late] = [stage.payOn(DAY, 1), stage.payOn(DAY, 2)];
    await stage.settle();
    const { stripe } = stage.ports;
    const proof = await stage.prove(DAY, {
      ports: {
        stripe: {
          ...stripe,
          async *listSucceeded(window) {
            for await (const page of stripe.listSucceeded(window))
              yield { ...page, payments: page.payments.filter(({ id }) => id !== late) };
          },
        },
      },
    });
    expect(certificateOf(proof, 'USD')).toMatchObject({ state: 'sealed', stripe: { count: 2 } });
    expect([proof.stripeRequests, early === late]).toEqual([2, false]);
  });
});

describe('a day', () => {
  it('without any payment is sealed without a currency; earlier currencies are looked at again', async () => {
    stage.payOn('2026-05-28', 1);
    await stage.settle();
    const empty = await stage.prove(DAY);
    expect(empty.certificates).toHaveLength(1);
    expect(certificateOf(empty, null)).toMatchObject({ state: 'sealed', movement: 0n, findingsCount: 0 });
    await importOf('booked-by-hand');
    const again = await stage.prove(DAY, { facts: { earlierCurrencies: ['USD', 'EUR'] } });
    expect(findingsOf(again)).toEqual(['movement of USD']);
    expect([stateOf(again), stateOf(again, 'EUR')]).toEqual(['sealed_with_exceptions', 'sealed']);
  });

  it('is open until it is over by Stripe with the lag', async () => {
    stage.payOn('2026-06-01', 1);
    await stage.settle();
    const proof = await stage.prove('2026-06-01');
    expect(certificateOf(proof, 'USD')).toMatchObject({ state: 'open', findingsCount: 0, movement: null });
    expect(certificateOf(proof, 'USD').notSeen).toEqual([
      'the day was not over: it was 2026-06-01T12:00:00Z at Stripe',
    ]);
  });

  it('before the start is not covered, and what was booked by hand then is nobody else to judge', async () => {
    const { mirror } = await stage.facts();
    const day = dayAfter(mirror.startsAt, -2);
    const byHand = stage.payOn(day, 100);
    await stage.settle();
    await importOf(byHand, { precise_amount: 5, effective_date: `${day}T10:00:00Z` });
    await importOf('pi_older', { effective_date: `${day}T10:00:00Z` });
    const proof = await stage.prove(day);
    expect(certificateOf(proof, null)).toMatchObject({ state: 'not_covered', findingsCount: 0 });
    const first = dayAfter(mirror.startsAt, 0);
    stage.payOn(first, 1);
    stage.payOn(first, 86_399);
    await stage.settle();
    expect(certificateOf(await stage.prove(first), 'USD')).toMatchObject({
      state: 'sealed',
      stripe: { count: 1 },
      notSeen: [`payments created before ${mirror.startsAt.toISOString().replace('.000', '')} are not mirrored`],
    });
  });

  it('shares the standing of the balance with the next one', async () => {
    for (const day of ['2026-05-28', DAY, '2026-05-30']) stage.payOn(day, 5);
    await stage.settle();
    const standings = new Map<string, bigint>();
    const route = 'GET /balances/:id/at';
    for (const day of ['2026-05-28', DAY, '2026-05-30'])
      expect(stateOf(await stage.prove(day, { standings }))).toBe('sealed');
    expect(stage.blnk.requestCount(route)).toBe(4);
  });

  it('shows what was moved out of the source in a currency of no payment, and is silent where nothing was', async () => {
    stage.payOn('2026-05-28', 1, { currency: 'eur' });
    stage.payOn('2026-05-28', 2, { currency: 'gbp' });
    stage.payOn(DAY, 3);
    await stage.settle();
    const quiet = await stage.prove(DAY);
    expect(quiet.certificates.map(({ currency, state }) => [currency, state])).toEqual([['USD', 'sealed']]);

    await importOf('taken-by-hand', { currency: 'EUR', precise_amount: 700 });
    const moved = await stage.prove(DAY);
    expect(findingsOf(moved)).toEqual(['movement of EUR']);
    expect(moved.certificates.map(({ currency }) => currency)).toEqual(['EUR', 'USD']);
    expect(certificateOf(moved, 'EUR')).toMatchObject({ movement: 700n, unexplained: 700n, ledger: { count: 0 } });

    // Without any payment at all it takes the place of the certificate without a currency.
    await importOf('taken-later', { currency: 'GBP', effective_date: '2026-05-30T10:00:00Z' });
    const empty = await stage.prove('2026-05-30');
    expect(empty.certificates.map(({ currency, state }) => [currency, state])).toEqual([
      ['GBP', 'sealed_with_exceptions'],
    ]);

    // What payments of other days explain needs no certificate here.
    const early = stage.payOn('2026-05-27', 5, { currency: 'eur', amount: 2_000 });
    await importOf(early, { currency: 'EUR', effective_date: '2026-05-31T10:00:00Z' });
    await stage.settle();
    expect((await stage.prove('2026-05-31')).certificates.map(({ currency }) => currency)).toEqual([null]);
  });

  it('requests balances a few at a time, and once for the boundary of two days', async () => {
    const currencies = ['usd', 'eur', 'gbp', 'chf', 'sek', 'nok', 'dkk', 'pln'];
    for (const [second, currency] of currencies.entries()) stage.payOn(DAY, second, { currency });
    await stage.settle();
    let [inFlight, most] = [0, 0];
    const { ledger } = stage.ports;
    const counted = {
      ...ledger,
      async balanceBefore(balanceId: string, at: Date) {
        inFlight += 1;
        most = Math.max(most, inFlight);
        return ledger.balanceBefore(balanceId, at).finally(() => {
          inFlight -= 1;
        });
      },
    };
    const standings = new Map<string, bigint>();
    for (const day of [DAY, '2026-05-30']) {
      const proof = await stage.prove(day, { standings, ports: { ledger: counted } });
      expect(proof.certificates.every(({ state }) => state === 'sealed')).toBe(true);
    }
    expect(stage.blnk.requestCount('GET /balances/:id/at')).toBe(3 * currencies.length);
    expect(most).toBe(4);
  });
});

describe('what cannot be seen', () => {
  it('is said of the balance that the key may not read', async () => {
    stage.payOn(DAY, 5);
    await stage.settle();
    stage.blnk.access.allow(stage.blnk.cloudToken, ['data:read', 'proxy:write']);
    const certificate = certificateOf(await stage.prove(DAY), 'USD');
    expect(certificate).toMatchObject({ state: 'sealed_with_exceptions', movement: null, unexplained: null });
    expect(certificate.findings.map(({ kind }) => kind)).toEqual(['not_seen']);
    expect(certificate.notSeen[0]).toContain('blnk_scope_missing');
  });

  it('is said of balances without a payment, on the only certificate that there is', async () => {
    stage.payOn('2026-05-28', 5);
    await stage.settle();
    stage.blnk.access.allow(stage.blnk.cloudToken, ['data:read', 'proxy:write']);
    const certificate = certificateOf(await stage.prove(DAY), null);
    expect(certificate.state).toBe('sealed_with_exceptions');
    expect(certificate.notSeen).toEqual([
      expect.stringMatching(
        /^in USD, without any payment on this day: the movement .* could not be seen: .*blnk_scope/,
      ),
    ]);
  });

  it('is said of a balance that could not be computed', async () => {
    stage.payOn(DAY, 5);
    await stage.settle();
    stage.blnk.faults.add({ effect: 'status', status: 503, route: 'GET /balances/:id/at' });
    expect(certificateOf(await stage.prove(DAY), 'USD')).toMatchObject({
      state: 'sealed_with_exceptions',
      movement: null,
    });
  });

  it('ends the proof when it is Stripe or the ledger', async () => {
    stage.payOn(DAY, 5);
    await stage.settle();
    stage.sandbox.faults.add({ effect: 'no_date' });
    await expect(stage.prove(DAY)).rejects.toMatchObject({ code: 'no_server_time', kind: 'transient' });
    stage.sandbox.faults.clear();
    stage.blnk.faults.add({ effect: 'status', status: 503, route: 'lookups' });
    await expect(stage.prove(DAY)).rejects.toMatchObject({ code: 'blnk_unavailable' });
  });
});
