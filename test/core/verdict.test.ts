/**
 * The verdict: for whatever a mirror may be like, its sentence is true of it, and exit code and log level are those of the
 * tables in docs/status.md and docs/runbook.md.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IDENTITIES_MODES } from '../../src/core/accounts/identity.js';
import { PARKING_REASONS, type ParkingReason } from '../../src/core/posting/posting.js';
import type { CertificateState } from '../../src/core/proof/certificate.js';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { NEEDS, type Need } from '../../src/core/verdict/need.js';
import { exitCodeOf, logLevelOf, type Verdict, verdictOf } from '../../src/core/verdict/verdict.js';
import { readText, rowsOf, section, spansOf } from '../support/documents.js';
import { RUN, STATUS } from '../support/status-record.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = STATUS.now.getTime();

const status = readText('docs/status.md');
const runbook = readText('docs/runbook.md');
/** What the sentence begins with, by state. */
const BEGINNINGS = new Map(
  rowsOf(section(status, '## States')).map(([state = '', begins = '']) => [spansOf(state)[0] ?? '', begins]),
);
const SEVERITIES = new Map(
  rowsOf(section(status, '## Severities')).map(([worst, , , code, level]) => [worst, { code: Number(code), level }]),
);
const NEED_ROWS = new Map(
  rowsOf(section(runbook, '## Lines with `!`')).map(([code = '', severity, complete]) => [
    spansOf(code)[0] ?? '',
    { severity, complete },
  ]),
);

const of = (facts: Partial<VerdictFacts>): Verdict => verdictOf({ ...STATUS, ...facts });
const mirrorWith = (more: Partial<NonNullable<VerdictFacts['mirror']>>) =>
  STATUS.mirror === null ? null : { ...STATUS.mirror, ...more };
const codesOf = (needs: readonly Need[]) => needs.map(({ code }) => code);
const withoutWorker = { workers: [] };

/** What the balances of one currency came to. */
const SUM = { currency: 'USD', customers: '2', before: '2', after: '2', surplus: '0' };

describe('any mirror', () => {
  const ago = (maxMs: number) => fc.integer({ min: 0, max: maxMs }).map((ms) => new Date(NOW - ms));
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 3 });
  const rarely = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
  const few = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 5_000 }) },
  );
  const states: readonly CertificateState[] = ['not_covered', 'open', 'sealed', 'sealed_with_exceptions', 'broken'];
  const clockFault = fc.record({
    code: fc.constantFrom('stripe_time_off', 'database_clock_off', 'machine_clock_off', 'clocks_disagree'),
    databaseAheadMs: maybe(fc.integer({ min: -HOUR, max: HOUR })),
    machineAheadMs: fc.integer({ min: -HOUR, max: HOUR }),
  });
  const queueFault = fc.record({
    kind: fc.constantFrom(
      ...([
        'paused',
        'concurrency_zero',
        'rate_limited',
        'unreachable',
        'jobs_lost',
        'not_delivered',
        'evicts',
      ] as const),
    ),
    queue: maybe(fc.constant('stripe-blnk-sync')),
    detail: fc.constantFrom('', 'no answer'),
    since: ago(HOUR),
  });
  const worker = fc.record({
    host: fc.constantFrom('one', 'two'),
    startedAt: ago(DAY),
    clockFault: rarely(clockFault),
    queueFaults: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(queueFault, { maxLength: 2 })),
  });
  const unsealed = fc
    .record({
      day: fc.constantFrom('2026-11-02', '2026-11-03'),
      state: fc.constantFrom(...states),
      changedSince: fc.boolean(),
    })
    .map((day) => ({ ...day, reopened: day.state.startsWith('sealed') }));
  const facts: fc.Arbitrary<VerdictFacts> = fc
    .record({
      intervalMs: fc.constantFrom(5_000, MINUTE, HOUR),
      lagMs: fc.constantFrom(0, 10 * MINUTE),
      mirror: fc.oneof(
        { weight: 1, arbitrary: fc.constant(null) },
        {
          weight: 12,
          arbitrary: fc.record({
            startsAt: fc.constant(new Date(NOW - 40 * DAY)),
            cutoverAt: maybe(fc.constant(new Date(NOW - 30 * DAY))),
            eventsRefusedSince: rarely(ago(DAY)),
            chargesRefusedSince: rarely(ago(DAY)),
            balancesRefusedSince: rarely(ago(DAY)),
            rebuildingSince: rarely(ago(HOUR)),
          }),
        },
      ),
      ledger: fc.record({
        state: fc.constantFrom('unchecked', 'same', 'same', 'same', 'rows_missing', 'in_doubt', 'other'),
        since: maybe(ago(HOUR)),
        checkedAt: maybe(ago(HOUR)),
        detail: fc.constant('what was seen'),
      }),
      workers: fc.array(worker, { maxLength: 2 }),
      complete: fc.oneof(
        { weight: 1, arbitrary: fc.constant(null) },
        { weight: 8, arbitrary: ago(30 * MINUTE).map((to) => ({ from: new Date(NOW - 40 * DAY), to })) },
        { weight: 2, arbitrary: ago(9 * DAY).map((to) => ({ from: new Date(NOW - 40 * DAY), to })) },
      ),
      holes: fc.oneof(
        { weight: 6, arbitrary: fc.constant([]) },
        fc.constantFrom('backfill', 'tail', 'sweep', 'permission').map((closedBy) => {
          return [{ feed: 'events', from: new Date(NOW - HOUR), to: new Date(NOW - MINUTE), closedBy }] as const;
        }),
      ),
      outstanding: fc.record({ pending: few, parked: few, dismissed: few }),
      coveredAheadTo: rarely(fc.constant(new Date(NOW + HOUR))),
      lanes: fc.array(
        fc.record({
          source: fc.constant('@stripe'),
          currency: fc.constantFrom('USD', 'EUR'),
          pending: fc.constant(5),
          oldestDue: ago(HOUR),
          inDoubt: fc.constant(3),
          unresolved: few,
          error: maybe(fc.constant('503')),
          pausedSince: maybe(ago(20 * MINUTE)),
        }),
        { maxLength: 2 },
      ),
      oldestUnresolved: maybe(
        fc.record({ reference: fc.constant('pi_1'), since: ago(HOUR), error: maybe(fc.constant('504')) }),
      ),
      parked: fc.array(
        fc.record({
          reason: maybe(fc.constantFrom(...(Object.keys(PARKING_REASONS) as ParkingReason[]))),
          waiting: few,
          dismissed: few,
        }),
        { maxLength: 2 },
      ),
      tailReadAt: fc.oneof(
        { weight: 5, arbitrary: ago(MINUTE) },
        { weight: 1, arbitrary: ago(5 * HOUR) },
        fc.constant(null),
      ),
      lastFailure: rarely(
        fc.record({
          runId: fc.constant(RUN.id),
          feed: fc.constantFrom('events', 'charges', 'payment_intents'),
          code: fc.constantFrom('stripe_unavailable', 'stripe_permission_missing'),
          message: fc.constant('no answer'),
          ...{ at: ago(HOUR), since: ago(HOUR) },
          recovered: fc.boolean(),
        }),
      ),
      proofs: fc.record({
        from: fc.constant('2026-11-01'),
        to: maybe(fc.constantFrom('2026-11-02', '2026-11-08')),
        days: fc.constant(8),
        unproven: few,
        exceptions: fc.constant([]),
        accepted: few,
        unsealed: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(unsealed, { maxLength: 2 })),
      }),
      schema: fc.constant('stripe_blnk_sync'),
      areTotalsKept: fc.boolean(),
      identities: maybe(
        fc.record({
          mode: fc.constantFrom(...IDENTITIES_MODES),
          ...{ customers: fc.constant(9), linked: few },
          parked: fc.oneof(
            fc.constant([]),
            fc.constantFrom('linked_elsewhere', 'refused_by_blnk').map((reason) => [{ reason, count: 1 }] as const),
          ),
          failing: rarely(fc.constant({ count: 2, error: '503' })),
          customersRefusedSince: rarely(ago(HOUR)),
        }),
      ),
      accounts: maybe(
        fc.record({
          ledgerId: rarely(fc.constant('ldg_1')),
          isLedgerGone: fc.boolean(),
          ledgerName: fc.constant('Stripe'),
          surplusLedgers: fc.constantFrom([], ['ldg_2']),
          ledgerError: rarely(fc.constant('503')),
          ...{ balances: few, wanted: few, missing: few, marksLost: few },
          parked: fc.oneof(
            fc.constant([]),
            fc
              .constantFrom('refused_by_blnk', 'not_shown', 'not_allowed')
              .map((reason) => [{ reason, count: 1 }] as const),
          ),
          failing: rarely(fc.record({ count: few, error: fc.constant('503'), isStandstill: fc.boolean() })),
          surplus: fc.record({ count: few, used: few }),
          checkedAt: rarely(ago(HOUR)),
          sums: fc.constantFrom([], [SUM], [{ ...SUM, customers: '3' }]),
        }),
      ),
      queueAway: rarely(fc.constant('connection refused')),
    })
    .map((drawn) => ({
      ...drawn,
      now: STATUS.now,
      behindMs: drawn.complete === null ? null : NOW - drawn.complete.to.getTime(),
    }));

  it('has a true sentence, and the exit code and log level of the table', () => {
    const seen = { codes: new Set<string>(), states: new Set<string>() };
    fc.assert(
      fc.property(facts, (drawn) => {
        const verdict = verdictOf(drawn);
        expectOfTheTable(verdict);
        expectTrue(verdict, drawn);
        for (const code of codesOf(verdict.needs)) seen.codes.add(code);
        seen.states.add(verdict.state);
      }),
      { numRuns: 3_000 },
    );
    expect([...NEED_ROWS.keys()].filter((code) => !seen.codes.has(code))).toEqual([]);
    expect([...seen.states].sort()).toEqual([...BEGINNINGS.keys()].sort());
  });

  it('the table has every need, with its severity', () => {
    expect(Object.fromEntries([...NEED_ROWS].map(([code, { severity }]) => [code, severity]))).toEqual(NEEDS);
  });
});

function expectOfTheTable(verdict: Verdict): void {
  const { state, sentence, needs } = verdict;
  const worst = ['error', 'warning', 'notice'].find((one) => needs.some(({ severity }) => severity === one)) ?? 'none';
  expect(SEVERITIES.get(worst)).toEqual({ code: exitCodeOf(verdict), level: logLevelOf(verdict) });
  const begins = BEGINNINGS.get(state);
  expect(begins).toBeDefined();
  expect(sentence.slice(0, begins?.length)).toBe(begins);
  for (const { code, severity, text } of needs) {
    expect(NEED_ROWS.get(code)?.severity).toBe(severity);
    if (state === 'complete') expect(NEED_ROWS.get(code)?.complete, code).not.toBe('never');
    expect(text).toMatch(/^[A-Z0-9].*[.:\w)]$/);
  }
}

/** What the sentence says, read back from its words and held against the facts. */
function expectTrue({ state, sentence, needs }: Verdict, facts: VerdictFacts): void {
  const { mirror, ledger, complete, outstanding, proofs, holes, workers, tailReadAt } = facts;
  const number = (words: string) =>
    Number(new RegExp(`([\\d,]+) ${words}`).exec(sentence)?.[1]?.replaceAll(',', '') ?? 0);
  const stampOf = (time: Date) => `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const differs = proofs.unsealed.filter((day) => day.state === 'broken');
  const isSameLedger = ledger === null || ['unchecked', 'same'].includes(ledger.state);
  const lateMs = 2 * facts.intervalMs + 5_000;
  const isLate =
    tailReadAt === null
      ? workers.length === 0 || NOW - (workers[0]?.startedAt.getTime() ?? 0) > lateMs
      : NOW - tailReadAt.getTime() > lateMs;

  if (/that succeeded by then/.test(sentence)) {
    expect(sentence).toContain(
      `created from ${stampOf(complete?.from ?? new Date(0))} to ${stampOf(complete?.to ?? new Date(0))}`,
    );
    expect(number('dismissed')).toBe(outstanding.dismissed);
    // What speaks against naming any window at all.
    expect([
      facts.coveredAheadTo,
      mirror?.rebuildingSince,
      ledger?.state === 'other',
      ledger?.state === 'in_doubt',
    ]).toEqual([null, null, false, false]);
  }
  const saysAllThere = / is in the ledger[.,]/.test(sentence);
  expect(saysAllThere).toBe(state === 'complete' || state === 'behind');
  if (saysAllThere) {
    expect([outstanding.pending, outstanding.parked, differs, isSameLedger]).toEqual([0, 0, [], true]);
    expect(number('that a person accepted')).toBe(proofs.accepted);
  }
  if (state === 'incomplete') {
    expect([number('still to be posted'), number('parked')]).toEqual([outstanding.pending, outstanding.parked]);
    expect(/the ledger differed from Stripe/.test(sentence)).toBe(differs.length > 0);
    expect(outstanding.pending + outstanding.parked + differs.length + (isSameLedger ? 0 : 1)).toBeGreaterThan(0);
  }
  const saysLate = /What succeeded later is not known completely/.test(sentence);
  if (state === 'complete')
    expect([saysLate, isLate, holes, mirror?.eventsRefusedSince]).toEqual([false, false, [], null]);
  if (state === 'behind') expect(saysLate).toBe(true);
  expect(/no worker is running/.test(sentence)).toBe(saysLate && isLate && workers.length === 0);
  if (/no worker was started/.test(sentence)) expect(mirror).toBeNull();
  if (state === 'reading') expect(complete).toBeNull();
  // Nobody is told of what they need not do, and everybody of what they must.
  expect(needs.some(({ code }) => code === 'no_worker')).toBe(
    workers.length === 0 && (mirror?.rebuildingSince ?? null) === null,
  );
  expect(needs.some(({ code }) => code === 'day_broken')).toBe(differs.some((day) => !day.changedSince));
  expect(needs.filter(({ code }) => code === 'parked')).toHaveLength(
    facts.parked.filter(({ waiting }) => waiting > 0).length,
  );
}

describe('the sentence', () => {
  it('answers the question', () => {
    expect(of({})).toEqual({
      state: 'complete',
      sentence:
        'Complete: every payment created from 2026-10-01 00:00:00 UTC to 2026-11-10 11:49:30 UTC that succeeded by then is in the ledger. It is 10m 30s behind.',
      needs: [],
    });
  });

  it('names what is outstanding, and what stays out by a decision', () => {
    expect(of({ outstanding: { pending: 1_200, parked: 3, dismissed: 2 } }).sentence).toMatch(
      /^Not complete: .*: 1,200 still to be posted, 3 parked, 2 dismissed\. It is 10m 30s behind\.$/,
    );
    expect(
      of({ outstanding: { pending: 0, parked: 0, dismissed: 2 }, proofs: { ...STATUS.proofs, accepted: 1 } }).sentence,
    ).toMatch(
      /^Complete: .* is in the ledger, except 2 dismissed, 1 that a person accepted as different\. It is 10m 30s behind\.$/,
    );
  });

  it('is not "complete" after a proof found that a payment is missing, until another proof', () => {
    const day = { day: '2026-11-02', state: 'broken', reopened: false, changedSince: false } as const;
    const broken = of({ proofs: { ...STATUS.proofs, unsealed: [day] } });
    expect([broken.state, exitCodeOf(broken), codesOf(broken.needs)]).toEqual(['incomplete', 1, ['day_broken']]);
    expect(broken.sentence).toMatch(
      /^Not complete: .* is known, but the ledger differed from Stripe on 1 day when both were last compared: 2026-11-02\. It is/,
    );
    expect(broken.needs[0]?.command).toBe('stripe-blnk-sync repair plan');
    const repaired = of({ proofs: { ...STATUS.proofs, unsealed: [{ ...day, changedSince: true }] } });
    expect([repaired.state, exitCodeOf(repaired), codesOf(repaired.needs)]).toEqual([
      'incomplete',
      0,
      ['day_to_prove_again'],
    ]);
  });

  it.each(['in_doubt', 'other'] as const)('prints nothing of what is in a ledger that is %s', (state) => {
    const ledger = { state, since: new Date('2026-11-10T11:00:00Z'), checkedAt: null, detail: 'none of 20 is there' };
    const verdict = of({ ledger });
    expect(verdict.sentence).toMatch(/^Not known: /);
    expect(verdict.needs[0]?.text).toContain('since 2026-11-10 11:00:00 UTC: none of 20 is there');
  });

  it('is behind when a sync is late, whatever the reason', () => {
    const tailReadAt = (ms: number) => new Date(NOW - ms);
    const inTime = of({ tailReadAt: tailReadAt(2 * MINUTE + 5_000) });
    expect([inTime.state, inTime.needs]).toEqual(['complete', []]);
    const late = of({ tailReadAt: tailReadAt(2 * MINUTE + 5_001) });
    expect([late.state, exitCodeOf(late), codesOf(late.needs)]).toEqual(['behind', 1, ['sync_late']]);
    expect(late.sentence).toContain(
      'What succeeded later is not known completely: the last sync was read to its end at',
    );
    expect(late.needs[0]?.text).toMatch(/although one is due every 1m and workers are running\.$/);
    expect(of({ ...withoutWorker, tailReadAt: tailReadAt(HOUR) }).sentence).toContain('no worker is running');
    const never = { tailReadAt: null, workers: STATUS.workers.map((worker) => ({ ...worker, startedAt: STATUS.now })) };
    expect(of(never).needs).toEqual([]);
  });
});

describe('the needs', () => {
  it('come with the command for them, the worst first', () => {
    const lane = { source: '@stripe', currency: 'USD', pending: 5, inDoubt: 3, oldestDue: STATUS.now, error: null };
    const { needs } = of({
      ...withoutWorker,
      parked: [
        { reason: 'conflict', waiting: 2, dismissed: 1 },
        { reason: 'unknown_currency', waiting: 0, dismissed: 4 },
      ],
      lanes: [{ ...lane, error: 'Closed.', pausedSince: new Date(NOW - 7 * MINUTE), unresolved: 2 }],
      oldestUnresolved: { reference: 'pi_old', since: STATUS.now, error: 'no answer.' },
      lastFailure: {
        runId: RUN.id,
        feed: 'events',
        code: 'stripe_key',
        message: 'No right.',
        ...{ at: STATUS.now, since: STATUS.now },
        recovered: false,
      },
    });
    expect(needs.map(({ code, command }) => [code, command])).toEqual([
      ['no_worker', 'stripe-blnk-sync worker'],
      ['reading_failed', `stripe-blnk-sync run ${RUN.id}`],
      ['parked', 'stripe-blnk-sync parked list --reason conflict'],
      ['posting_paused', null],
      ['unresolved', 'stripe-blnk-sync parked show pi_old'],
    ]);
    // Words of a vendor may end with a full stop of their own.
    expect(needs.map(({ text }) => text).filter((text) => /\.\.|\.:/.test(text))).toEqual([]);
    expect(needs[4]?.text).toMatch(/^2 unresolved: .* The oldest since 2026-11-10 12:00:00 UTC: no answer\.$/);
  });

  it('say since when reading fails, not when it failed last, and what to check of a Stripe that does not answer', () => {
    const since = new Date(NOW - 9 * MINUTE);
    const failure = {
      runId: RUN.id,
      feed: 'events',
      message: 'no answer',
      at: STATUS.now,
      since,
      recovered: false,
    } as const;
    const textOf = (code: string) => of({ lastFailure: { ...failure, code } }).needs[0]?.text;
    expect(textOf('stripe_unavailable')).toBe(
      'Reading events has failed since 2026-11-10 11:51:00 UTC: stripe_unavailable: no answer. ' +
        'It is retried automatically; check that Stripe answers from here, and STRIPE_API_BASE where it is set.',
    );
    expect(textOf('stripe_answer')).toBe(
      'Reading events has failed since 2026-11-10 11:51:00 UTC: stripe_answer: no answer.',
    );
    const late = of({ lastFailure: { ...failure, code: 'stripe_unavailable' }, tailReadAt: since });
    expect(late.sentence).toContain('reading events has failed since 2026-11-10 11:51:00 UTC');
  });

  it('say when completeness stands still although workers are running', () => {
    expect(codesOf(of({ behindMs: 600_000 + 600_001 }).needs)).toEqual(['standstill']);
    expect(of({ behindMs: 600_000 + 600_000 }).needs).toEqual([]);
  });

  it('say plainly what a key without events or charges means, once, and who has to act', () => {
    const since = new Date('2026-11-09T00:00:00Z');
    const refused = (events: Date | null, charges: Date | null, more: Partial<VerdictFacts> = {}) =>
      of({ ...more, mirror: mirrorWith({ eventsRefusedSince: events, chargesRefusedSince: charges }) });
    const failure = {
      runId: RUN.id,
      code: 'stripe_permission_missing',
      message: '',
      at: since,
      since,
      recovered: false,
    };
    const noEvents = refused(since, null, { lastFailure: { ...failure, feed: 'events' } });
    expect(noEvents.needs.map(({ text }) => text)).toEqual([
      'The Stripe key has not been allowed to read events since 2026-11-09 00:00:00 UTC: late payments are found by sweeps only; completeness ends at the last full sweep. Make a key with "Events: Read" and give it as STRIPE_API_KEY.',
    ]);
    expect(noEvents.sentence).toContain(
      'What succeeded later is not known completely: the Stripe key may not read events',
    );
    expect(codesOf(refused(null, since, { lastFailure: { ...failure, feed: 'charges' } }).needs)).toEqual([
      'stripe_charges_refused',
    ]);
    expect(codesOf(refused(since, since).needs)).toEqual(['stripe_events_and_charges_refused']);
    expect(codesOf(refused(null, null, { lastFailure: { ...failure, feed: 'payment_intents' } }).needs)).toEqual([
      'reading_failed',
    ]);
  });

  it('say what a Blnk key without proxy:read loses; what is in the ledger stays known', () => {
    const verdict = of({ mirror: mirrorWith({ balancesRefusedSince: new Date('2026-11-09T00:00:00Z') }) });
    expect([verdict.state, codesOf(verdict.needs), exitCodeOf(verdict)]).toEqual([
      'complete',
      ['blnk_balances_refused'],
      1,
    ]);
    expect(verdict.needs[0]?.text).toMatch(/since 2026-11-09 .* at best be sealed with that exception\. .*proxy:read/);
  });

  it('take it for normal without events to be a day behind, and not much more', () => {
    const mirror = mirrorWith({ eventsRefusedSince: new Date('2026-11-01T00:00:00Z') });
    const codes = (behindMs: number) => codesOf(of({ mirror, behindMs }).needs);
    expect(codes(DAY + 600_000 + HOUR)).toEqual(['stripe_events_refused']);
    expect(codes(DAY + 600_000 + 2 * HOUR + 1)).toEqual(['standstill', 'stripe_events_refused']);
  });

  it('name days that are broken, and proofs that stay away', () => {
    const day = (number: number) =>
      ({ day: `2026-11-${number}`, state: 'broken', reopened: false, changedSince: false }) as const;
    const [need] = of({ proofs: { ...STATUS.proofs, unsealed: [17, 16, 15, 14].map(day) } }).needs;
    expect(need?.text).toBe(
      '4 days are broken, the ledger differs from Stripe: 2026-11-17, 2026-11-16, 2026-11-15 and 1 more. ' +
        'What differs: stripe-blnk-sync certificates show 2026-11-17. A plan says what would repair it, and changes nothing yet.',
    );
    const known = (to: string, last: string | null, cutoverAt = '2026-10-01T00:00:00Z', livesForMs = DAY) =>
      of({
        workers: STATUS.workers.map((worker) => ({ ...worker, startedAt: new Date(NOW - livesForMs) })),
        complete: { from: new Date(0), to: new Date(to) },
        mirror: mirrorWith({ cutoverAt: new Date(cutoverAt) }),
        proofs: { ...STATUS.proofs, to: last },
      }).needs.map(({ text }) => text);
    expect(known('2026-11-24T00:00:00Z', '2026-11-18')).toEqual([]);
    expect(known('2026-11-24T00:00:01Z', '2026-11-18')).toEqual([
      expect.stringMatching(/^No day after 2026-11-18 was proven, though payments are known to 2026-11-24\. /),
    ]);
    // It has all the days of an outage, or of a first start, to prove.
    expect(known('2026-11-24T00:00:01Z', '2026-11-18', '2026-10-01T00:00:00Z', HOUR)).toEqual([]);
    expect(known('2026-11-24T00:00:00Z', null, '2026-11-19T00:00:00Z')).toEqual([]);
    expect(known('2026-11-24T00:00:01Z', null, '2026-11-19T00:00:00Z')).toEqual([
      expect.stringMatching(/^No day was proven yet, /),
    ]);
  });

  it('tell of the queue what workers or the command met, once', () => {
    const fault = { kind: 'unreachable', queue: null, detail: 'gone', since: new Date(NOW - MINUTE) } as const;
    const workers = STATUS.workers.map((worker) => ({
      ...worker,
      queueFaults: [fault, { ...fault, since: STATUS.now }],
    }));
    const text =
      'The queue does not answer: gone. Check the server that keeps it (since 2026-11-10 11:59:00 UTC). Meanwhile workers begin by themselves what is due.';
    expect(of({ workers, queueAway: 'also gone' }).needs).toEqual([
      { code: 'queue_unreachable', severity: 'warning', text, command: null },
    ]);
    expect(of({ queueAway: 'gone' }).needs.map((need) => need.code)).toEqual(['queue_unreachable']);
    expect(of({ ...withoutWorker, queueAway: 'gone' }).needs[1]?.text).toBe(
      'The queue does not answer: gone. Check the server that keeps it.',
    );
  });
});
