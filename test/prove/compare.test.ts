/**
 * The comparison of a day on its own, over days by chance: folding, one damage at a time, and independence of any order.
 * The seed is fixed and part of each test's name; each property has its budget of runs.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRecord } from '../../src/core/ledger/row.js';
import {
  compareFindings,
  FINDINGS_KEPT_MAX,
  type FindingKind,
  isOfAnyCurrency,
} from '../../src/core/proof/certificate.js';
import { type CertifyFacts, certify } from '../../src/core/proof/certify-day.js';
import type { DayPosting, ExpectedPayment, SideLine } from '../../src/core/proof/day-payment.js';
import { paymentOfReference } from '../../src/core/proof/day-row.js';
import type { OtherPayment } from '../../src/core/proof/judge-unlisted.js';
import { tallySides, totalsOf, type WholeSides } from '../support/tally.js';
import { compareWhole } from '../support/whole-day/certify-whole.js';

const SEED = 20_261_121;
const RUNS = 300;
const DAY = '2026-05-29';
const MIRROR = { mirrorId: 'mirror-1', source: '@stripe', startsAt: new Date('2026-01-01T00:00:00Z') };
const seeded = `(seed ${SEED}, ${RUNS} runs)`;
const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { seed: SEED, numRuns: RUNS });

function payment(index: number, changes: Partial<ExpectedPayment> = {}): ExpectedPayment {
  return {
    id: `pi_${index}`,
    amount: BigInt(100 + index),
    currency: index % 2 === 0 ? 'USD' : 'EUR',
    created: new Date(Date.parse(`${DAY}T00:00:00Z`) + index * 1_000),
    balances: { source: '@stripe', destination: `@cus_${index % 5}` },
    refused: null,
    ...changes,
  };
}

const balanceId = (name: string, currency: string) => `bln_${name}_${currency}`;

/** The row that post makes of it. */
function rowOf(of: ExpectedPayment, changes: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    transactionId: `txn_${changes.reference ?? of.id}`,
    reference: of.id,
    status: 'APPLIED',
    amount: of.amount,
    currency: of.currency,
    source: balanceId(of.balances?.source ?? '', of.currency),
    destination: balanceId(of.balances?.destination ?? '', of.currency),
    effectiveDate: of.created,
    mirrorId: MIRROR.mirrorId,
    rejectionReason: null,
    paymentId: of.id,
    day: DAY,
    createdAt: of.created,
    ...changes,
  };
}

function backwards(row: LedgerRecord, amount: bigint): LedgerRecord {
  return { ...row, amount, source: row.destination, destination: row.source };
}

function sidesOf(changes: Partial<WholeSides>): WholeSides {
  // Of every payment and row that a test has: all go out of the one source.
  const currencies = new Set([...(changes.payments ?? []), ...(changes.rows ?? [])].map(({ currency }) => currency));
  const sources = new Map([...currencies].map((currency) => [currency, [balanceId(MIRROR.source, currency)]]));
  const blank = { payments: [], unreadable: [], rows: [], own: [], others: new Map(), isCollected: () => true };
  return { day: DAY, mirror: MIRROR, balanceId, sources, ...blank, ...changes };
}

function kindsOf(sides: WholeSides): [string, FindingKind][] {
  return compareWhole(sides, []).currencies.flatMap(({ findings }) => {
    return findings.map(({ paymentId, kind }): [string, FindingKind] => [paymentId ?? '', kind]);
  });
}

interface Damage {
  readonly kind: FindingKind | null;
  rows(of: ExpectedPayment): LedgerRecord[];
  own?(of: ExpectedPayment): Partial<DayPosting>;
}

const FOREIGN = { mirrorId: null, paymentId: null, day: null };
const DAMAGES: Readonly<Record<string, Damage>> = {
  nothing: { kind: null, rows: (of) => [rowOf(of)] },
  adopted: { kind: null, rows: (of) => [rowOf(of, FOREIGN)] },
  queued_and_applied: {
    kind: null,
    rows: (of) => [rowOf(of, { ...FOREIGN, status: 'QUEUED' }), rowOf(of, { ...FOREIGN, reference: `${of.id}_q` })],
  },
  replaced: {
    kind: null,
    rows: (of) => [
      rowOf(of, { ...FOREIGN, status: 'QUEUED' }),
      rowOf(of, { ...FOREIGN, reference: `${of.id}_q`, status: 'REJECTED' }),
      rowOf(of, { reference: `${of.id}:r1` }),
    ],
  },
  deleted: { kind: 'missing', rows: () => [] },
  pending: { kind: 'pending', rows: () => [], own: () => ({ state: 'pending' }) },
  parked: { kind: 'parked', rows: () => [], own: () => ({ state: 'parked', reason: 'conflict' }) },
  dismissed: { kind: 'dismissed', rows: () => [], own: () => ({ state: 'parked', dismissed: true }) },
  parked_in_ledger: { kind: 'parked_in_ledger', rows: (of) => [rowOf(of)], own: () => ({ state: 'parked' }) },
  burnt: {
    kind: 'burnt',
    rows: (of) => [
      rowOf(of, { ...FOREIGN, status: 'QUEUED' }),
      rowOf(of, { ...FOREIGN, reference: `${of.id}_q`, status: 'REJECTED' }),
    ],
  },
  queued: { kind: 'queued', rows: (of) => [rowOf(of, { ...FOREIGN, status: 'QUEUED' })] },
  void: { kind: 'different', rows: (of) => [rowOf(of, { status: 'VOID' })] },
  amount: { kind: 'different', rows: (of) => [rowOf(of, { amount: of.amount + 1n })] },
  amount_unknown: { kind: 'different', rows: (of) => [rowOf(of, { amount: null })] },
  source: { kind: 'different', rows: (of) => [rowOf(of, { source: 'bln_other' })] },
  destination: { kind: 'different', rows: (of) => [rowOf(of, { destination: 'bln_other' })] },
  other_reference: { kind: 'other_reference', rows: (of) => [rowOf(of, { reference: 'random' })] },
  taken_back: {
    kind: null,
    rows: (of) => [
      rowOf(of),
      rowOf(of, { reference: 'random' }),
      backwards(rowOf(of, { reference: 'another' }), of.amount),
    ],
  },
  only_corrected: { kind: 'different', rows: (of) => [rowOf(of, { reference: `${of.id}:adj:1`, amount: 7n })] },
  doubled: { kind: 'doubled', rows: (of) => [rowOf(of), rowOf(of, { reference: 'random' })] },
  replaced_and_applied: { kind: 'doubled', rows: (of) => [rowOf(of), rowOf(of, { reference: `${of.id}:r1` })] },
  effective_date: { kind: 'effective_date', rows: (of) => [rowOf(of, { effectiveDate: null })] },
  day_key: { kind: 'day_key', rows: (of) => [rowOf(of, { day: '2026-05-30' })] },
};

function postingOf({ id, amount, currency, created, balances }: ExpectedPayment): DayPosting {
  const state = { role: 'original', state: 'posted', reason: null, dismissed: false } as const;
  const { source, destination } = balances ?? { source: '@stripe', destination: '@stripe_guests' };
  return { ...state, reference: id, paymentId: id, amount, currency, source, destination, effectiveDate: created };
}

/** A day of payments of which each has its own damage, and Stripe's word about others. */
const damagedDay = fc
  .record({
    damages: fc.array(fc.constantFrom(...Object.keys(DAMAGES)), { maxLength: 40 }),
    others: fc.array(fc.constantFrom('created_on', 'not_succeeded', 'missing'), { maxLength: 5 }),
  })
  .map(({ damages, others }) => {
    const payments = damages.map((_, index) => payment(index));
    const expected: [string, FindingKind][] = [];
    const rows: LedgerRecord[] = [];
    const own: DayPosting[] = [];
    for (const [index, of] of payments.entries()) {
      const damage = DAMAGES[damages[index] ?? ''] as Damage;
      if (damage.kind !== null) expected.push([of.id, damage.kind]);
      for (const row of damage.rows(of)) rows.push({ ...row, transactionId: `txn_${rows.length}` });
      own.push({ ...postingOf(of), ...damage.own?.(of) });
    }
    const said = new Map<string, OtherPayment>();
    for (const [index, kind] of others.entries()) {
      const of = payment(1_000 + index);
      said.set(of.id, kind === 'created_on' ? { kind, day: '2026-05-30' } : ({ kind } as OtherPayment));
      expected.push([of.id, kind === 'created_on' ? 'day_key' : 'extra']);
      rows.push(rowOf(of));
    }
    return { sides: sidesOf({ payments, rows, own, others: said }), expected };
  });

describe('the comparison of a day', () => {
  it(`names each damage once, by id and kind ${seeded}`, () => {
    check(
      fc.property(damagedDay, ({ sides, expected }) => {
        expect(kindsOf(sides).sort()).toEqual(expected.sort());
      }),
    );
  });

  it(`does not depend on the order in which anything was read ${seeded}`, () => {
    const shuffled = damagedDay.chain(({ sides }) => {
      const mix = <T>(items: readonly T[]) => fc.shuffledSubarray([...items], { minLength: items.length });
      return fc
        .record({ payments: mix(sides.payments), rows: mix(sides.rows), own: mix(sides.own) })
        .map((mixed) => ({ sides, mixed: { ...sides, ...mixed } }));
    });
    const certified = (sides: WholeSides) => {
      return compareWhole(sides, []).currencies.map(({ stripe, ledger, own, findings, ...rest }) => {
        return {
          ...rest,
          findings: [...findings].sort(compareFindings),
          sides: [stripe, ledger, own].map((lines) => totalsOf(lines)),
        };
      });
    };
    check(
      fc.property(shuffled, ({ sides, mixed }) => {
        expect(certified(mixed)).toEqual(certified(sides));
      }),
    );
  });

  it(`folds corrections into their payment, whatever way they go ${seeded}`, () => {
    const corrections = fc.array(
      fc.bigInt({ min: -500n, max: 500n }).filter((amount) => amount !== 0n),
      { maxLength: 6 },
    );
    check(
      fc.property(corrections, fc.boolean(), (amounts, isRight) => {
        const of = payment(2);
        const first = of.amount - amounts.reduce((sum, amount) => sum + amount, 0n) + (isRight ? 0n : 1n);
        const rows = amounts.map((amount, index) => {
          const row = rowOf(of, { reference: `${of.id}:adj:${index + 1}`, amount });
          return amount < 0n ? backwards(row, -amount) : row;
        });
        const sides = sidesOf({ payments: [of], rows: [...rows, rowOf(of, { amount: first })] });
        const [compared] = compareWhole(sides, []).currencies;
        expect(kindsOf(sides)).toEqual(isRight ? [] : [[of.id, 'different']]);
        expect(compared?.ledger).toEqual([
          { id: of.id, amount: isRight ? of.amount : of.amount + 1n, currency: 'USD', effectiveDate: of.created },
        ]);
        expect(compared?.explained).toBe(compared?.ledger[0]?.amount);
      }),
    );
  });

  it(`has equal hashes if, and only if, both sides are the same set ${seeded}`, () => {
    const line = fc.record<SideLine>({
      id: fc.constantFrom('pi_1', 'pi_2', 'pi_3'),
      amount: fc.constantFrom(1n, 11n, null),
      currency: fc.constantFrom('USD', 'EUR'),
      effectiveDate: fc.constantFrom(new Date(`${DAY}T00:00:00Z`), new Date(`${DAY}T00:00:00.001Z`), null),
    });
    const side = fc.array(line, { maxLength: 3 });
    const textOf = (lines: readonly SideLine[]) => {
      return lines.map((one) => `${one.id} ${one.amount} ${one.currency} ${one.effectiveDate?.getTime()}`).sort();
    };
    check(
      fc.property(side, side, (one, other) => {
        const isSame = JSON.stringify(textOf(one)) === JSON.stringify(textOf(other));
        expect(totalsOf(one).hash === totalsOf(other).hash).toBe(isSame);
        expect(totalsOf([...one].reverse())).toEqual(totalsOf(one));
      }),
    );
  });
});

describe('a payment that cannot be read', () => {
  const eur = payment(1);
  const usd = payment(2);
  const equal = { payments: [eur, usd], rows: [rowOf(eur), rowOf(usd)] };
  const unreadable = { id: 'pi_odd', problem: 'customer holds the number 7' };

  it('opens its currency alone where that can be read', () => {
    const compared = compareWhole(sidesOf({ ...equal, unreadable: [{ ...unreadable, currency: 'EUR' }] }), []);
    expect(compared.currencies.map(({ currency, findings }) => [currency, findings.map(({ kind }) => kind)])).toEqual([
      ['EUR', ['unreadable']],
      ['USD', []],
    ]);
    expect(compared.currencies[0]?.findings.map(isOfAnyCurrency)).toEqual([false]);
  });

  it('also opens the currency in which the ledger has it', () => {
    const row = rowOf(payment(4, { id: 'pi_odd' }));
    const sides = sidesOf({ ...equal, rows: [...equal.rows, row], unreadable: [{ ...unreadable, currency: 'EUR' }] });
    expect(kindsOf(sides)).toEqual([
      ['pi_odd', 'unreadable'],
      ['pi_odd', 'unreadable'],
    ]);
  });

  it('opens every currency of its day, as one payment, where its own cannot be read', () => {
    const compared = compareWhole(sidesOf({ ...equal, unreadable: [{ ...unreadable, currency: null }] }), []);
    expect(compared.currencies.map(({ findings }) => findings.map(isOfAnyCurrency))).toEqual([[true], [true]]);
  });
});

describe('a row of the ledger', () => {
  it.each([
    ['pi_3a', 'pi_3a'],
    ['pi_3a_q', 'pi_3a'],
    ['pi_3a:r12', 'pi_3a'],
    ['pi_3a:r1_q', 'pi_3a'],
    ['pi_3a:adj:2', 'pi_3a'],
    ['pi_3a:r', null],
    ['pi_3a:note', null],
    ['ch_3a', null],
    ['pi_', null],
    ['x pi_3a', null],
  ])('with the reference %s is of the payment %s', (reference, id) => {
    expect(paymentOfReference(reference)).toBe(id);
  });

  it('of another mirror is counted and not judged, and one whose payment was not asked for is told', () => {
    const theirs = rowOf(payment(1), { mirrorId: 'mirror-2' });
    const unasked = rowOf(payment(3), FOREIGN);
    const compared = compareWhole(sidesOf({ rows: [theirs, unasked] }), []);
    expect(compared).toMatchObject({ ofOtherMirrors: 1, notJudged: 1, currencies: [{ currency: null, findings: [] }] });
  });
});

describe('a certificate', () => {
  const facts: CertifyFacts = {
    ...{ day: DAY, startsAt: MIRROR.startsAt, isOver: true, stripeAsOf: new Date('2026-06-01T00:00:00Z') },
    tallied: { ofOtherMirrors: 0, notJudged: 0 },
    movement: { kind: 'seen', amount: 0n },
    idleUnseen: null,
  };
  const certifyOf = (sides: WholeSides, changes: Partial<CertifyFacts> = {}) => {
    const [part] = tallySides(sides, { earlierCurrencies: ['USD'] }).currencies;
    if (part === undefined) throw new Error('no currency was compared');
    return certify(part, { ...facts, ...changes });
  };

  it('keeps the worst findings of too many, and counts them all', () => {
    const payments = Array.from({ length: FINDINGS_KEPT_MAX + 2 }, (_, index) => payment(index, { currency: 'USD' }));
    const rows = payments.slice(2).map((of) => rowOf(of, { effectiveDate: null }));
    const certificate = certifyOf(sidesOf({ payments, rows }), { movement: { kind: 'not_seen', why: null } });
    expect(certificate.findingsCount).toBe(FINDINGS_KEPT_MAX + 2);
    expect(certificate.findings).toHaveLength(FINDINGS_KEPT_MAX);
    expect(certificate.findings.slice(0, 3).map(({ kind }) => kind)).toEqual(['missing', 'missing', 'effective_date']);
    expect([...certificate.findings].sort(compareFindings)).toEqual(certificate.findings);
  });

  it.each<[string, Partial<CertifyFacts>, string, FindingKind[], string[]]>([
    ['an equal day', {}, 'sealed', [], []],
    [
      'rows whose payment nobody asked for',
      { tallied: { ofOtherMirrors: 0, notJudged: 2 } },
      'sealed_with_exceptions',
      ['not_seen'],
      ['2 rows'],
    ],
    [
      'rows of other mirrors',
      { tallied: { ofOtherMirrors: 3, notJudged: 0 } },
      'sealed',
      [],
      ['3 rows of other mirrors'],
    ],
    [
      'a movement that nothing explains',
      { movement: { kind: 'seen', amount: -5n } },
      'sealed_with_exceptions',
      ['movement'],
      [],
    ],
    [
      'a movement that was not seen',
      { movement: { kind: 'not_seen', why: 'no' } },
      'sealed_with_exceptions',
      ['not_seen'],
      ['no'],
    ],
    ['a day that is not over', { isOver: false, movement: { kind: 'not_seen', why: null } }, 'open', [], ['not over']],
    ['a day before the start', { startsAt: new Date('2026-05-30T00:00:00Z') }, 'not_covered', [], ['starts later']],
    ['the day of the start', { startsAt: new Date('2026-05-29T00:00:01Z') }, 'sealed', [], ['created before']],
  ])('says it of %s', (_what, changes, state, kinds, notes) => {
    const certificate = certifyOf(sidesOf({}), changes);
    expect(certificate.state).toBe(state);
    expect(certificate.findings.map(({ kind }) => kind)).toEqual(kinds);
    expect(certificate.notSeen).toEqual(notes.map((note) => expect.stringContaining(note)));
  });
});
