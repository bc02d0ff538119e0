/** What runs and the status look like: a line each, sentences, JSON. */
import { describe, expect, it } from 'vitest';
import { type Verdict, verdictOf } from '../../src/core/verdict/verdict.js';
import type { StatusRecord } from '../../src/db/reads/status.js';
import { toJson } from '../../src/views/json.js';
import { runLines, runTable } from '../../src/views/run-text.js';
import { statusTables, verdictLines } from '../../src/views/status-text.js';
import { widthOf } from '../../src/views/text-width.js';
import { RUN, STATUS } from '../support/status-record.js';

const linesOf = (verdict: Verdict) => verdictLines(verdict).map(({ text }) => text);

describe('runs', () => {
  it('are one line each', () => {
    expect(runTable([RUN], 0)).toEqual([
      'run            started (UTC)        feed    trigger  status     found  stored  posted  already there  parked  pending  read in  in the ledger',
      '0193a001-1111  2026-11-01 01:00:00  events  manual   attention  1,234   1,000     900             90      10        0     2.0s  5,000 JPY, 9,900.00 USD',
    ]);
    expect(runTable([RUN], 80)).toEqual([
      'run            started (UTC)        status     stored  posted  parked  pending',
      '0193a001-1111  2026-11-01 01:00:00  attention   1,000     900      10        0',
      '(no room for: feed, trigger, found, already there, read in, in the ledger; a',
      'wider terminal or --json has them)',
    ]);
  });

  it('have ids that differ in what is shown', () => {
    const other = { ...RUN, id: '0193a001-1111-7000-8000-000000000002' };
    const ids = runTable([RUN, other], 0)
      .slice(1)
      .map((line) => line.split(' ')[0]);
    expect(ids).toEqual([RUN.id, other.id]);
  });

  it('of many currencies say how many in the list, and each with its sums in full', () => {
    const totals = ['EUR', 'GBP', 'USD'].map((currency) => ({ amount: 1_000n, currency }));
    expect(runTable([{ ...RUN, ledgerTotals: totals }], 0)[1]).toMatch(/3 currencies$/);
    expect(runLines({ ...RUN, totals, ledgerTotals: totals.slice(0, 2) }, [], 80).slice(-5)).toEqual([
      'Sums',
      'currency     stored  in the ledger',
      'EUR       10.00 EUR      10.00 EUR',
      'GBP       10.00 GBP      10.00 GBP',
      'USD       10.00 USD       0.00 USD',
    ]);
  });

  it('show counts that add up', () => {
    const lines = runLines(RUN, [], 80);
    expect(lines).toContain('found            1,234 = 234 known before + 1,000 stored');
    expect(lines).toContain(
      'stored           1,000 = 900 posted + 90 already there + 10 parked (4 dismissed) + 0 pending',
    );
    expect(lines).toContain('status           attention: 6 parked, see: stripe-blnk-sync parked list');
    expect(lines.some((line) => line.startsWith('error'))).toBe(false);
  });
});

describe('status', () => {
  it('prints the sentence, then what a person has to do, then what ends by itself, harmless and with the command', () => {
    const unsealed = [{ day: '2026-11-02', state: 'broken', reopened: false, changedSince: true }] as const;
    const lastFailure = {
      runId: RUN.id,
      feed: 'events',
      code: 'stripe_key',
      message: 'no\u001b[2Jright',
      ...{ at: STATUS.now, since: STATUS.now },
      recovered: false,
    } as const;
    const lines = linesOf(verdictOf({ ...STATUS, lastFailure, proofs: { ...STATUS.proofs, unsealed } }));
    expect(lines).toEqual([
      expect.stringMatching(/^Not complete: /),
      `! Reading events has failed since 2026-11-10 12:00:00 UTC: stripe_key: no [2Jright. Run: stripe-blnk-sync run ${RUN.id}`,
      expect.stringMatching(/^- 1 day was broken .* Run: stripe-blnk-sync prove --from 2026-11-02 --to 2026-11-02$/),
    ]);
  });

  it('prints nothing of proofs of a ledger that may be another one', () => {
    const ledger = { state: 'other', since: null, checkedAt: null, detail: 'none of 20 is there' } as const;
    expect(statusTables({ ...STATUS, ledger }, 0).join('\n')).not.toContain('sealed');
  });

  it('prints how much was read of Stripe, and of live data how much of what may be', () => {
    const reads = (figures: Partial<StatusRecord>) =>
      statusTables({ ...STATUS, ...figures }, 0).filter((line) => line.startsWith('Stripe reads'));
    const used = { stripeReads: 3_200, stripeReadsForecast: 4_500 };
    expect(reads(used)).toEqual([expect.stringMatching(/ 3,200 in the last 30 days$/)]);
    expect(reads({ ...used, stripeReadsAllowed: 4_000 })).toEqual([
      expect.stringMatching(
        / 3,200 in the last 30 days of 4,000 \(STRIPE_SHARE of Stripe's allocation\), 4,500 at the pace of the last day$/,
      ),
    ]);
    expect(reads({ ...used, stripeReadsForecast: 900, stripeReadsAllowed: 4_000 })[0]).not.toContain('pace');
  });

  it('prints how many identities are linked, where they are on', () => {
    const none = { parked: [], failing: null, customersRefusedSince: null };
    const identities = (mode: 'off' | 'ids') =>
      statusTables({ ...STATUS, identities: { mode, customers: 3_000, linked: 2_998, ...none } }, 0).filter((line) =>
        line.startsWith('identities'),
      );
    expect(identities('ids')).toEqual([expect.stringMatching(/ 2,998 of 3,000 linked$/)]);
    expect(identities('off')).toEqual([]);
  });

  it('uses no words of the inside', () => {
    const hole = { feed: 'events', from: new Date(0), to: STATUS.now, closedBy: 'tail' } as const;
    const printed = [...linesOf(verdictOf(STATUS)), ...statusTables({ ...STATUS, holes: [hole] }, 0)].join('\n');
    expect(printed).not.toMatch(/hand-?over|adopt|\btail\b|\blanes?\b/i);
  });

  it('prints what sweeps saw and the mirror does not claim', () => {
    const lines = (beforeStart: number) =>
      statusTables({ ...STATUS, beforeStart }, 120).filter((line) => /before start/.test(line));
    expect(lines(0)).toEqual([]);
    expect(lines(1_200)).toEqual([expect.stringMatching(/1,200 created earlier were seen, and are not mirrored/)]);
  });

  it('fits narrow terminals', () => {
    const hole = { feed: 'events', from: new Date(0), to: STATUS.now, closedBy: 'tail' } as const;
    const total = {
      currency: 'USD',
      postedCount: 1,
      posted: 123n,
      pendingCount: 0,
      pending: 0n,
      parkedCount: 0,
      parked: 0n,
    };
    const lines = statusTables({ ...STATUS, holes: [hole], totals: [total] }, 60);
    const tableLines = lines.slice(lines.indexOf('In the ledger'));
    expect(tableLines).toContain('USD            1  1.23 USD        0                    0');
    for (const line of tableLines) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });
});

describe('JSON', () => {
  it('has snake_case keys, amounts as strings and ISO times', () => {
    const value = {
      knownBefore: 1,
      amount: 9_007_199_254_740_993n,
      currency: 'USD',
      startedAt: new Date(0),
      none: null,
      list: [{ aB: true }],
    };
    expect(JSON.parse(toJson(value))).toEqual({
      known_before: 1,
      ...{ amount_minor: '9007199254740993', amount: '90071992547409.93', currency: 'USD', currency_decimals: 2 },
      started_at: '1970-01-01T00:00:00.000Z',
      none: null,
      list: [{ a_b: true }],
    });
  });

  it('keeps currencies as they are', () => {
    expect(JSON.parse(toJson(RUN)).ledger_totals).toEqual([
      { amount_minor: '5000', amount: '5000', currency: 'JPY', currency_decimals: 0 },
      { amount_minor: '990000', amount: '9900.00', currency: 'USD', currency_decimals: 2 },
    ]);
  });
});
