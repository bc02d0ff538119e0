/** Keeping and reading certificates on a real PostgreSQL: what takes an earlier one back, and what reopens a day. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate, DayFinding } from '../../src/core/proof/certificate.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import {
  daysWithPending,
  lastRotationAt,
  listCertificates,
  pageCertificates,
  readDay,
} from '../../src/db/reads/certificates.js';
import { readProofs, readStandings } from '../../src/db/reads/standings.js';
import type { CertificateStore, FinishedProof, KeptCertificate } from '../../src/prove/ports.js';
import { aCertificate, aFinding, proofOf } from '../support/certificates.js';
import { at, createReadsDatabase, insertPosting, type ReadsDatabase } from '../support/reads-database.js';

const DAY = '2026-11-18';
const RUN = '0193a001-0000-7000-8000-000000000001';

let database: ReadsDatabase;
let store: CertificateStore;
beforeAll(async () => {
  database = await createReadsDatabase();
  store = createCertificateStore(database.db, '0.1.0');
});
beforeEach(() => database.empty());
afterAll(() => database.drop());

async function prove(
  certificates: readonly Certificate[],
  more: Partial<FinishedProof> = {},
): Promise<KeptCertificate[]> {
  const day = certificates[0]?.day ?? DAY;
  // The time of a proof is cut to the millisecond: what was stored within the same one would make the day due once more.
  await database.sql`select pg_sleep(0.001)`;
  const { provedAt } = await store.beginProof(day);
  return store.keepProof(proofOf(certificates, { provedAt, ...more }));
}

async function storeLate(reference: string, more: { readonly currency?: string; readonly effectiveAt?: Date } = {}) {
  await insertPosting(database.db, { reference, firstRun: RUN, effectiveAt: at(`${DAY}T10:00:00Z`), ...more });
}

const missing = (paymentId: string): DayFinding => aFinding('missing', paymentId);

describe('what is kept', () => {
  it('comes back as it was, sums beyond what a number holds', async () => {
    const sum = 123_456_789_012_345_678_901n;
    const [kept] = await prove([
      aCertificate({
        state: 'broken',
        stripe: { count: 2, sum, hash: 'aa' },
        ledger: { count: 1, sum: 7n, hash: 'bb' },
        movement: -5n,
        unexplained: null,
        findings: [missing('pi_1')],
        notSeen: ['the balance'],
      }),
    ]);
    const [listed] = await listCertificates(database.db, { limit: null });
    expect(listed).toMatchObject({ id: kept?.id, day: DAY, stripeSum: sum, ledgerSum: 7n, movement: -5n });
    expect(listed).toMatchObject({ unexplained: null, findingsCount: 1, notSeen: ['the balance'], reopened: false });
    expect(listed).not.toHaveProperty('findings');
    const day = await readDay(database.db, { day: DAY });
    expect(day?.certificates[0]?.findings).toEqual([missing('pi_1')]);
  });

  it('is added, never changed, and the newest proof of a day is what stands', async () => {
    await prove([aCertificate({ state: 'open' }), aCertificate({ currency: 'EUR', state: 'broken' })]);
    await prove([aCertificate({ state: 'sealed' })]);
    const day = await readDay(database.db, { day: DAY });
    expect(day?.certificates.map(({ currency, state }) => [currency, state])).toEqual([['USD', 'sealed']]);
    expect(day?.history.map(({ currency, state }) => [currency, state])).toEqual([
      ['USD', 'sealed'],
      ['EUR', 'broken'],
      ['USD', 'open'],
    ]);
  });

  it('is listed by day and state', async () => {
    await prove([aCertificate({ day: '2026-11-17', state: 'broken' })]);
    await prove([aCertificate({ day: '2026-11-18' }), aCertificate({ day: '2026-11-18', currency: 'EUR' })]);
    await prove([aCertificate({ day: '2026-11-19' })]);
    const days = async (query: Partial<Parameters<typeof listCertificates>[1]>) =>
      (await listCertificates(database.db, { limit: null, ...query })).map(({ day, currency }) => `${day} ${currency}`);
    expect(await days({})).toEqual(['2026-11-19 USD', '2026-11-18 EUR', '2026-11-18 USD', '2026-11-17 USD']);
    expect(await days({ limit: 2 })).toEqual(['2026-11-19 USD', '2026-11-18 EUR']);
    expect(await days({ from: '2026-11-18', to: '2026-11-18' })).toEqual(['2026-11-18 EUR', '2026-11-18 USD']);
    expect(await days({ state: 'broken' })).toEqual(['2026-11-17 USD']);
    expect(await readDay(database.db, { day: DAY, currency: 'GBP' })).toBeNull();
    expect((await readDay(database.db, { day: DAY, currency: 'EUR' }))?.history).toHaveLength(1);
  });
});

describe('pages of certificates', () => {
  it('go on behind any currency, as a ledger may name one, and behind a day without any', async () => {
    const currencies = ['USD', 'USDC', 'points, of 2026', 'x'];
    await prove(currencies.map((currency) => aCertificate({ currency })));
    await prove([aCertificate({ day: '2026-11-17', currency: null })]);
    await prove([aCertificate({ day: '2026-11-16' })]);
    const seen: (string | null)[] = [];
    let after: string | undefined;
    do {
      const page = await pageCertificates(database.db, { limit: 1, ...(after === undefined ? {} : { after }) });
      seen.push(...page.certificates.map(({ currency }) => currency));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect([...seen.slice(0, 4)].sort()).toEqual([...currencies].sort());
    expect(seen.slice(4)).toEqual([null, 'USD']);
  });
});

describe('a proof that begins', () => {
  it('has the time and the currencies of the newest proof', async () => {
    expect(await store.beginProof(DAY)).toMatchObject({ lastProvedAt: null, earlierCurrencies: [] });
    const provedAt = at('2026-11-20T10:00:00Z');
    await prove([aCertificate({}), aCertificate({ currency: 'EUR' })], { provedAt });
    expect(await store.beginProof(DAY)).toMatchObject({ lastProvedAt: provedAt, earlierCurrencies: ['EUR', 'USD'] });
    await prove([aCertificate({ currency: null })]);
    expect((await store.beginProof(DAY)).earlierCurrencies).toEqual([]);
  });

  it('takes its time before anything is read, so that what is stored meanwhile reopens the day', async () => {
    const { provedAt } = await store.beginProof(DAY);
    await storeLate('pi_meanwhile');
    await store.keepProof(proofOf([aCertificate({})], { provedAt }));
    expect(await readStandings(database.db)).toMatchObject([{ day: DAY, storedSince: true }]);
    expect((await listCertificates(database.db, { limit: null }))[0]?.reopened).toBe(true);
  });
});

describe('a day that was sealed', () => {
  it('is not reopened by a proof that states the same', async () => {
    await prove([aCertificate({})]);
    const [again] = await prove([aCertificate({})]);
    expect([again?.reopens, again?.reopenedBecause]).toEqual([null, null]);
  });

  it('is reopened by a late success, which is named', async () => {
    const [sealed] = await prove([aCertificate({})]);
    await storeLate('pi_late');
    await storeLate('pi_euro', { currency: 'EUR' });
    await storeLate('pi_other_day', { effectiveAt: at('2026-11-17T23:59:59Z') });
    expect(await readStandings(database.db)).toMatchObject([{ storedSince: true }]);
    const [now] = await prove([aCertificate({ stripe: { count: 3, sum: 3n, hash: 'cc' } })], { trigger: 'reopened' });
    expect(now?.reopens).toBe(sealed?.id);
    expect(now?.reopenedBecause).toMatch(/^pi_late succeeded late: stored \S+ \S+ UTC, after the day was sealed$/);
    expect(await readStandings(database.db)).toMatchObject([{ storedSince: false }]);
  });

  it('is reopened by what is missing now', async () => {
    const [sealed] = await prove([aCertificate({})]);
    const ledger = { count: 1, sum: 1n, hash: 'dd' };
    const [now] = await prove([aCertificate({ state: 'broken', ledger, findings: [missing('pi_gone')] })]);
    expect([now?.reopens, now?.reopenedBecause]).toEqual([
      sealed?.id,
      'pi_gone is missing now: succeeded in Stripe, and nothing in the ledger',
    ]);
  });

  it('is reopened by an exception that was not known, and not by one that is gone', async () => {
    const dismissed = aFinding('dismissed', 'pi_1');
    await prove([aCertificate({ state: 'sealed_with_exceptions', findings: [dismissed] })]);
    const [clean] = await prove([aCertificate({})]);
    expect(clean?.reopens).toBeNull();
    const [again] = await prove([aCertificate({ state: 'sealed_with_exceptions', findings: [dismissed] })]);
    expect(again?.reopens).toBe(clean?.id);
    expect(again?.reopenedBecause).toContain('pi_1 is dismissed now');
  });

  it('is reopened by numbers alone, though the postings are lost', async () => {
    await prove([aCertificate({})]);
    const [now] = await prove([aCertificate({ ledger: { count: 2, sum: 30n, hash: 'ee' } })]);
    expect(now?.reopenedBecause).toBe(
      'the ledger holds 2 payments of 30 minor units now, 2 of 2000 when it was sealed',
    );
  });

  it('is reopened by a payment in a currency that it did not have', async () => {
    const [empty] = await prove([aCertificate({ currency: null, ...nothing() })]);
    await storeLate('pi_first');
    expect((await listCertificates(database.db, { limit: null }))[0]?.reopened).toBe(true);
    const [now] = await prove([aCertificate({})]);
    expect(now?.reopens).toBe(empty?.id);
    expect(now?.reopenedBecause).toContain('pi_first succeeded late');
    expect((await listCertificates(database.db, { limit: null })).map(({ currency }) => currency)).toEqual(['USD']);
  });

  it('names twenty, and counts the rest', async () => {
    await prove([aCertificate({})]);
    for (let number = 0; number < 30; number += 1) await storeLate(`pi_${number}`);
    const [now] = await prove([aCertificate({ stripe: { count: 32, sum: 3n, hash: 'cc' } })]);
    const parts = now?.reopenedBecause?.split('; ') ?? [];
    expect([parts.length, parts.at(-1)]).toEqual([21, 'and 10 more']);
  });
});

it('takes back nothing that was not sealed', async () => {
  await prove([aCertificate({})]);
  await prove([aCertificate({ state: 'broken', findings: [missing('pi_1')] })]);
  const [now] = await prove([aCertificate({ state: 'broken', findings: [missing('pi_1'), missing('pi_2')] })]);
  expect(now?.reopens).toBeNull();
});

describe('what the schedule and status ask', () => {
  it('has all currencies of a day, and whether something was stored since', async () => {
    await prove([aCertificate({ state: 'broken' }), aCertificate({ currency: 'EUR' })]);
    await prove([aCertificate({ day: '2026-11-17' })]);
    const standings = await readStandings(database.db);
    expect(standings.map(({ day, storedSince }) => [day, storedSince])).toEqual([
      [DAY, false],
      ['2026-11-17', false],
    ]);
    expect([...(standings[0]?.states ?? [])].sort()).toEqual(['broken', 'sealed']);
  });

  it('counts the proofs in which a part of a sealed day was not seen, until one saw all', async () => {
    const unseen = aCertificate({ state: 'sealed_with_exceptions', findings: [aFinding('not_seen', 'pi_1')] });
    const count = async () => (await readStandings(database.db)).map(({ unseenProofs }) => unseenProofs);
    await prove([unseen, aCertificate({ currency: 'EUR' })]);
    expect(await count()).toEqual([1]);
    await prove([unseen, { ...unseen, currency: 'EUR' }]);
    expect(await count()).toEqual([2]);
    await prove([aCertificate({ state: 'sealed_with_exceptions', findings: [aFinding('dismissed', 'pi_1')] })]);
    expect(await count()).toEqual([0]);
  });

  it('knows which days wait for postings on their way', async () => {
    await storeLate('pi_1');
    await insertPosting(database.db, {
      reference: 'pi_2',
      firstRun: RUN,
      state: 'posted',
      effectiveAt: at('2026-11-17T10:00:00Z'),
    });
    expect(await daysWithPending(database.db, [DAY, '2026-11-17'])).toEqual(new Set([DAY]));
    expect(await daysWithPending(database.db, [])).toEqual(new Set());
  });

  it('knows when the rotation was last at work', async () => {
    expect(await lastRotationAt(database.db)).toBeNull();
    await prove([aCertificate({})]);
    expect(await lastRotationAt(database.db)).toBeNull();
    const provedAt = at('2026-11-21T00:00:00Z');
    await prove([aCertificate({})], { trigger: 'rotation', provedAt });
    expect(await lastRotationAt(database.db)).toEqual(provedAt);
  });

  it('sums up how far proofs reach', async () => {
    expect(await readProofs(database.db)).toEqual({
      from: null,
      to: null,
      days: 0,
      unproven: 0,
      exceptions: [],
      accepted: 0,
      unsealed: [],
    });
    await prove([aCertificate({ day: '2026-11-14', state: 'sealed_with_exceptions' })]);
    await prove([
      aCertificate({ day: '2026-11-16', state: 'broken' }),
      aCertificate({ day: '2026-11-16', currency: 'EUR' }),
    ]);
    await prove([aCertificate({ day: DAY })]);
    await storeLate('pi_late');
    expect(await readProofs(database.db)).toEqual({
      from: '2026-11-14',
      to: DAY,
      days: 3,
      unproven: 2,
      exceptions: ['2026-11-14'],
      accepted: 0,
      unsealed: [
        { day: DAY, state: 'sealed', reopened: true, changedSince: true },
        { day: '2026-11-16', state: 'broken', reopened: false, changedSince: false },
      ],
    });
  });
});

function nothing() {
  const side = { count: 0, sum: 0n, hash: 'e3' };
  return { stripe: side, ledger: side, postings: side };
}
