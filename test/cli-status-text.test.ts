/** What runs and the status look like: a line each, sentences, JSON. */
import { describe, expect, it } from 'vitest';
import { toJson } from '../src/cli/json.js';
import { runLines, runTable } from '../src/cli/run-text.js';
import { answerSentence, needsOfPerson, statusTables } from '../src/cli/status-text.js';
import { widthOf } from '../src/cli/text-width.js';
import type { RunRecord } from '../src/db/reads/runs.js';
import type { StatusRecord } from '../src/db/reads/status.js';

const RUN: RunRecord = {
  id: '0193a001-1111-7000-8000-000000000001',
  parentId: null,
  parts: 0,
  feed: 'events',
  trigger: 'manual',
  windowFrom: new Date('2026-11-01T00:00:00Z'),
  windowTo: new Date('2026-11-01T01:00:00Z'),
  status: 'attention',
  found: 1_234,
  knownBefore: 234,
  stored: 1_000,
  posted: 900,
  alreadyThere: 90,
  parked: 10,
  dismissed: 4,
  pending: 0,
  beforeStart: 0,
  totals: [{ amount: 1_000_000n, currency: 'USD' }],
  ledgerTotals: [
    { amount: 5_000n, currency: 'JPY' },
    { amount: 990_000n, currency: 'USD' },
  ],
  stripeRequests: 12,
  errorCode: null,
  error: null,
  startedAt: new Date('2026-11-01T01:00:00Z'),
  finishedAt: new Date('2026-11-01T01:00:02Z'),
  durationMs: 2_000,
  workerId: null,
  version: '0.1.0',
};

describe('runs', () => {
  it('are one line each', () => {
    expect(runTable([RUN], 0)).toEqual([
      'run            started (UTC)        feed    trigger  status     found  stored  posted  already there  parked  pending  read in  in the ledger',
      '0193a001-1111  2026-11-01 01:00:00  events  manual   attention  1,234   1,000     900             90      10        0     2.0s  5,000 JPY, 9,900.00 USD',
    ]);
    expect(runTable([RUN], 80)).toEqual([
      'run            started (UTC)        status     stored  posted  parked  pending',
      '0193a001-1111  2026-11-01 01:00:00  attention   1,000     900      10        0',
    ]);
  });

  it('have ids that differ in what is shown', () => {
    const other = { ...RUN, id: '0193a001-1111-7000-8000-000000000002' };
    const ids = runTable([RUN, other], 0)
      .slice(1)
      .map((line) => line.split(' ')[0]);
    expect(ids).toEqual([RUN.id, other.id]);
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

const STATUS: StatusRecord = {
  now: new Date('2026-11-10T12:00:00Z'),
  intervalMs: 60_000,
  stripeReads: 0,
  lagMs: 600_000,
  mirror: {
    mappingVersion: 1,
    mirrorId: '00000000-0000-0000-0000-000000000000',
    livemode: true,
    source: '@stripe',
    guestDestination: '@stripe_guests',
    stripeAccount: 'acct_1',
    blnkInstance: 'inst_1',
    sourceShards: 1,
    accountsMode: 'indicators',
    startsAt: new Date('2026-10-01T00:00:00Z'),
    handOverAt: new Date('2026-11-01T00:00:00Z'),
    firstPostAt: null,
    lagMs: null,
    eventsRefusedSince: null,
    chargesRefusedSince: null,
    rebuildingSince: null,
  },
  workers: [{ id: 'w', host: 'one', pid: 7, version: '0', startedAt: new Date(0), seenAt: new Date(0) }],
  complete: { from: new Date('2026-10-01T00:00:00Z'), to: new Date('2026-11-10T11:49:30Z') },
  holes: [],
  outstanding: { pending: 0, parked: 0, dismissed: 0 },
  behindMs: 630_000,
  coverage: { events: [], paymentIntents: [], charges: [] },
  beforeStart: 0,
  lanes: [],
  oldestUnresolved: null,
  parked: [],
  totals: [],
  lastRun: RUN,
  lastFailure: null,
  proofs: { from: '2026-11-01', to: '2026-11-08', days: 8, unproven: 0, exceptions: [], unsealed: [] },
};

describe('status', () => {
  it('answers the question in its first sentence', () => {
    expect(answerSentence(STATUS)).toBe(
      'Complete: every payment created from 2026-10-01 00:00:00 UTC to 2026-11-10 11:49:30 UTC that succeeded by then is in the ledger. It is 10m 30s behind.',
    );
    expect(needsOfPerson(STATUS)).toEqual([]);
  });

  it('does not say complete while something is outstanding', () => {
    const sentence = answerSentence({ ...STATUS, outstanding: { pending: 1_200, parked: 3, dismissed: 2 } });
    expect(sentence).toMatch(
      /^Not complete: .*: 1,200 still to be posted, 3 parked, 2 dismissed\. It is 10m 30s behind\.$/,
    );
    expect(answerSentence({ ...STATUS, outstanding: { pending: 0, parked: 0, dismissed: 2 } })).toMatch(
      /^Complete: .* is in the ledger, except 2 dismissed\. It is 10m 30s behind\.$/,
    );
    expect(answerSentence({ ...STATUS, complete: null, behindMs: null })).toMatch(/^Not complete yet: /);
    expect(answerSentence({ ...STATUS, mirror: null })).toMatch(/^Nothing is mirrored yet/);
  });

  it('names everything that needs a person, with the command for it', () => {
    const lane = {
      source: '@stripe',
      currency: 'USD',
      pending: 5,
      inDoubt: 3,
      oldestDue: STATUS.now,
      error: null,
      pausedSince: null,
    };
    const needs = needsOfPerson({
      ...STATUS,
      workers: [],
      parked: [
        { reason: 'conflict', waiting: 2, dismissed: 1 },
        { reason: 'unknown_currency', waiting: 0, dismissed: 4 },
      ],
      lanes: [{ ...lane, unresolved: 2 }],
      oldestUnresolved: { reference: 'pi_old', since: STATUS.now, error: 'no\nanswer' },
      lastFailure: {
        runId: RUN.id,
        feed: 'events',
        code: 'stripe_key',
        message: 'no\nright',
        at: STATUS.now,
        recovered: false,
      },
      holes: [{ feed: 'events', from: new Date(0), to: new Date('2026-10-05T00:00:00Z'), closedBy: 'sweep' }],
    });
    expect(needs).toEqual([
      'No worker is running. Start one with: stripe-blnk-sync worker',
      `Reading events fails since 2026-11-10 12:00:00 UTC: stripe_key: no right (stripe-blnk-sync run ${RUN.id})`,
      '2 parked: the ledger holds this reference with other content. See: stripe-blnk-sync parked list --reason conflict',
      '2 unresolved: for more than 15 minutes Blnk has not said whether it holds them. They are looked up again by themselves; check that Blnk answers. The oldest since 2026-11-10 12:00:00 UTC: no answer. See: stripe-blnk-sync parked show pi_old',
    ]);
  });

  it('says when completeness stands still although workers live', () => {
    expect(needsOfPerson({ ...STATUS, behindMs: 600_000 + 600_001 })).toHaveLength(1);
    expect(needsOfPerson({ ...STATUS, behindMs: 600_000 + 600_000 })).toEqual([]);
  });

  it('says plainly what a key without events or charges means, once, and who has to act', () => {
    const since = new Date('2026-11-09T00:00:00Z');
    const of = (events: Date | null, charges: Date | null, status: Partial<StatusRecord> = {}) =>
      needsOfPerson({
        ...STATUS,
        ...status,
        mirror: STATUS.mirror && { ...STATUS.mirror, eventsRefusedSince: events, chargesRefusedSince: charges },
      });
    const failure = { runId: RUN.id, code: 'stripe_permission_missing', message: '', at: since, recovered: false };
    expect(of(since, null, { lastFailure: { ...failure, feed: 'events' } })).toEqual([
      'The Stripe key may not read events since 2026-11-09 00:00:00 UTC: late payments are found by sweeps only; completeness ends at the last full sweep. Make a key with "Events: Read" and give it as STRIPE_API_KEY.',
    ]);
    expect(of(null, since, { lastFailure: { ...failure, feed: 'charges' } })).toEqual([
      'The Stripe key may not read charges since 2026-11-09 00:00:00 UTC: no sweep can be read, so holes whose events are gone stay open. Make a key with "Charges: Read" and give it as STRIPE_API_KEY.',
    ]);
    expect(of(since, since)).toEqual([expect.stringContaining('succeed late cannot be seen')]);
    expect(of(null, null, { lastFailure: { ...failure, feed: 'payment_intents' } })).toHaveLength(1);
  });

  it('tells what sweeps saw and the mirror does not claim', () => {
    const lines = (beforeStart: number) =>
      statusTables({ ...STATUS, beforeStart }, 120).filter((line) => /before start/.test(line));
    expect(lines(0)).toEqual([]);
    expect(lines(1_200)).toEqual([expect.stringMatching(/1,200 created earlier were seen, and are not mirrored/)]);
  });

  it('takes it for normal without events to be a day behind, and not much more', () => {
    const since = new Date('2026-11-01T00:00:00Z');
    const mirror = STATUS.mirror && { ...STATUS.mirror, eventsRefusedSince: since };
    const needs = (behindMs: number) => needsOfPerson({ ...STATUS, mirror, behindMs }).slice(1);
    const day = 86_400_000;
    expect(needs(day + 600_000 + 3_600_000)).toEqual([]);
    expect(needs(day + 600_000 + 2 * 3_600_000 + 1)).toEqual([expect.stringContaining('Completeness has not moved')]);
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
    expect(tableLines).toContain('USD            1  1.23 USD        0     0.00 USD       0');
    for (const line of tableLines) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });
});

describe('JSON', () => {
  it('has snake_case keys, amounts as strings and ISO times', () => {
    const value = {
      knownBefore: 1,
      amount: 9_007_199_254_740_993n,
      startedAt: new Date(0),
      none: null,
      list: [{ aB: true }],
    };
    expect(JSON.parse(toJson(value))).toEqual({
      known_before: 1,
      amount: '9007199254740993',
      started_at: '1970-01-01T00:00:00.000Z',
      none: null,
      list: [{ a_b: true }],
    });
  });

  it('keeps currencies as they are', () => {
    expect(JSON.parse(toJson(RUN)).ledger_totals).toEqual([
      { amount: '5000', currency: 'JPY' },
      { amount: '990000', currency: 'USD' },
    ]);
  });
});
