/** Which findings may be accepted, and what an acceptance covers: the very same difference, in any order of its rows. */
import { describe, expect, it } from 'vitest';
import { type Acceptance, coverAccepted, judgeAcceptable } from '../../src/core/proof/acceptance.js';
import {
  type DayFinding,
  FINDING_KINDS,
  type FindingKind,
  type FoundRow,
  stateOfFinding,
} from '../../src/core/proof/certificate.js';
import { type CertifyFacts, certify } from '../../src/core/proof/certify-day.js';
import { reopenedBecause } from '../../src/core/proof/reopening.js';
import { tally } from '../support/tally.js';

const DAY = '2026-11-18';
const AT = new Date('2026-11-20T10:00:00Z');

function row(reference: string, more: Partial<FoundRow> = {}): FoundRow {
  return {
    ...{ reference, transactionId: `txn_${reference}`, status: 'APPLIED', amount: '1000', currency: 'USD' },
    ...{ source: 'bln_1', destination: 'bln_2', effectiveDate: '2026-11-18T10:00:00Z', ...more },
  };
}

function finding(kind: FindingKind, more: Partial<DayFinding> = {}): DayFinding {
  const stripe = { amount: '1000', currency: 'USD', created: '2026-11-18T10:00:00Z' };
  return { kind, paymentId: 'pi_1', stripe, ledger: [row('pi_1'), row('txn_pi_1_refund')], detail: 'twice', ...more };
}

function acceptanceOf(...findings: readonly DayFinding[]): Acceptance {
  const judged = judgeAcceptable(findings);
  if (judged.kind !== 'acceptable') throw new Error(judged.kind);
  const { differences } = judged;
  return { id: 'acc-1', day: DAY, paymentId: 'pi_1', differences, by: 'ann', at: AT, why: 'refunded in Blnk' };
}

/** As PostgreSQL gives JSON back: with other keys first. */
function stored(acceptance: Acceptance): Acceptance {
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, turned(inner)]),
    );
  };
  return { ...acceptance, differences: turned(acceptance.differences) as Acceptance['differences'] };
}

describe('what a person may accept', () => {
  it.each(['missing', 'burnt', 'different', 'doubled', 'extra'] as const)('is a payment that is %s', (kind) => {
    expect(judgeAcceptable([finding(kind)])).toMatchObject({ kind: 'acceptable', differences: [{ kind }] });
  });

  const others = (Object.keys(FINDING_KINDS) as FindingKind[]).filter((kind) => FINDING_KINDS[kind].state !== 'broken');
  it.each(others)('is not one that is %s, and states what to do', (kind) => {
    const judged = judgeAcceptable([finding(kind)]);
    expect(judged).toMatchObject({
      kind: 'not_acceptable',
      finding: kind,
      instead: expect.stringMatching(/\w{3}.*[.>]$/),
    });
  });

  it('is not a difference beside something that is not decided: the day could not be sealed', () => {
    expect(judgeAcceptable([finding('different'), finding('queued')])).toMatchObject({ finding: 'queued' });
  });

  it('is each difference of the payment once, and none of its exceptions', () => {
    const [different, doubled] = [finding('different'), finding('doubled')];
    const judged = judgeAcceptable([different, doubled, finding('effective_date'), different]);
    expect(judged).toMatchObject({ differences: [{ kind: 'different' }, { kind: 'doubled' }] });
    expect(judged).not.toHaveProperty('differences.2');
  });

  it('keeps what the ledger holds, field by field', () => {
    expect(acceptanceOf(finding('doubled')).differences).toEqual([
      {
        kind: 'doubled',
        stripe: { amount: '1000', currency: 'USD' },
        ledger: ['pi_1', 'txn_pi_1_refund'].map((reference) => {
          const { effectiveDate: _not, ...kept } = row(reference);
          return kept;
        }),
      },
    ]);
  });
});

describe('an acceptance', () => {
  it('covers the same difference in another order, and makes it an exception', () => {
    const again = finding('doubled', { ledger: [row('txn_pi_1_refund'), row('pi_1')], detail: 'in other words' });
    const [covered] = coverAccepted([again], [stored(acceptanceOf(finding('doubled')))]);
    expect(covered).toMatchObject({
      accepted: { id: 'acc-1', by: 'ann', at: AT.toISOString(), why: 'refunded in Blnk' },
      detail: 'in other words',
    });
    expect(stateOfFinding(covered ?? again)).toBe('sealed_with_exceptions');
    expect(judgeAcceptable(covered === undefined ? [] : [covered])).toMatchObject({
      kind: 'already_accepted',
      by: 'ann',
    });
  });

  const changes: ReadonlyArray<readonly [string, DayFinding]> = [
    ['a further row', finding('doubled', { ledger: [row('pi_1'), row('txn_pi_1_refund'), row('random')] })],
    ['a row that is gone', finding('doubled', { ledger: [row('pi_1')] })],
    ...(['transactionId', 'status', 'amount', 'currency', 'source', 'destination', 'reference'] as const).map(
      (field): readonly [string, DayFinding] => [
        `another ${field}`,
        finding('doubled', { ledger: [row('pi_1'), row('txn_pi_1_refund', { [field]: '7' })] }),
      ],
    ),
    [
      'an amount that is not known',
      finding('doubled', { ledger: [row('pi_1'), row('txn_pi_1_refund', { amount: null })] }),
    ],
    ['another amount in Stripe', finding('doubled', { stripe: { amount: '7', currency: 'USD', created: '' } })],
    ['another currency in Stripe', finding('doubled', { stripe: { amount: '1000', currency: 'EUR', created: '' } })],
    ['nothing in Stripe', finding('doubled', { stripe: null })],
    ['another kind', finding('different')],
  ];
  it.each(changes)('does not cover %s, and reports it', (_name, changed) => {
    const [found] = coverAccepted([changed], [acceptanceOf(finding('doubled'))]);
    expect(found).not.toHaveProperty('accepted');
    expect(found?.detail).toBe(
      'twice; what ann accepted at 2026-11-20 10:00:00 UTC does not cover it: that was doubled with ' +
        'pi_1 txn_pi_1 APPLIED 10.00 USD from bln_1 to bln_2; ' +
        'txn_pi_1_refund txn_txn_pi_1_refund APPLIED 10.00 USD from bln_1 to bln_2 in the ledger',
    );
    expect(stateOfFinding(found ?? changed)).toBe('broken');
  });

  it('leaves alone another payment, and what is not for a person to accept', () => {
    const [other, waits] = [finding('doubled', { paymentId: 'pi_2' }), finding('pending')];
    expect(coverAccepted([other, waits], [acceptanceOf(finding('doubled'))])).toEqual([other, waits]);
  });
});

describe('a day', () => {
  const side = [{ id: 'pi_1', amount: 1_000n, currency: 'USD', effectiveDate: AT }];
  const facts: CertifyFacts = {
    ...{ day: DAY, tallied: { ofOtherMirrors: 0, notJudged: 0 }, idleUnseen: null, isOver: true },
    ...{ movement: { kind: 'seen', amount: 0n }, stripeAsOf: AT, startsAt: new Date(0) },
  };
  const certified = (findings: readonly DayFinding[], acceptances: readonly Acceptance[]) => {
    const part = { findings, stripe: side, ledger: side, own: side };
    const nothing = { everywhere: [], explained: new Map(), ofOtherMirrors: 0, notJudged: 0 };
    const [one] = tally({ ...nothing, currencies: new Map([['USD', part]]) }, { acceptances }).currencies;
    if (one === undefined) throw new RangeError('nothing was added up');
    return certify(one, facts);
  };
  const accepted = acceptanceOf(finding('doubled'));

  it('is sealed with exceptions once all of it is accepted, and every side is what it was', () => {
    const [before, after] = [certified([finding('doubled')], []), certified([finding('doubled')], [accepted])];
    expect([before.state, after.state]).toEqual(['broken', 'sealed_with_exceptions']);
    expect([after.stripe, after.ledger, after.postings]).toEqual([before.stripe, before.ledger, before.postings]);
    expect(after.findings).toMatchObject([{ kind: 'doubled', accepted: { by: 'ann' } }]);
  });

  it('stays broken by what nobody accepted, which is listed first', () => {
    const { state, findings } = certified([finding('doubled'), finding('missing', { paymentId: 'pi_9' })], [accepted]);
    expect([state, findings.map(({ kind }) => kind)]).toEqual(['broken', ['missing', 'doubled']]);
  });

  it('states why it is reopened when an acceptance does not cover it any more, and nothing when it does', () => {
    const none = { late: [], lateCount: 0 };
    const sealed = certified([finding('doubled')], [accepted]);
    expect(reopenedBecause(sealed, certified([finding('doubled')], [accepted]), none)).toBeNull();
    expect(reopenedBecause(sealed, certified([finding('doubled')], []), none)).toBe(
      'pi_1 is doubled now: in the ledger more than once, and no acceptance covers that any more',
    );
  });
});
