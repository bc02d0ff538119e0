/** What doctor makes of facts: every part has a finding, whatever is known, and each fault has its code and what to do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../src/core/base/error-codes.js';
import { CHECKS, findingsOf, isWell } from '../../../src/core/doctor/checks.js';
import type { Answer, DoctorFacts, QueueFacts, WorkFacts } from '../../../src/core/doctor/facts.js';
import { DOCTOR_CODES, faulty, type PartFinding } from '../../../src/core/doctor/finding.js';
import { NEEDS } from '../../../src/core/verdict/need.js';
import { doctorLines } from '../../../src/views/doctor-text.js';
import { widthOf } from '../../../src/views/text-width.js';

const NOW = new Date('2026-11-21T10:00:00Z');
const HOUR_MS = 3_600_000;
const MB = 1_000_000;

const given = <Facts>(facts: Facts) => ({ kind: 'given', facts }) as const;

const DATABASE = {
  ...{ at: 'postgres://sync@db:5432/sync', version: 16, faults: [], role: 'sync', rightsFault: null },
  connections: { needed: 13, given: 97 },
  tables: {
    ...{ pending: [], newer: [], newest: '0027_staged_days', hasQueue: true },
    ...{ fault: null, mayCreateSchema: true },
  },
};
const REDIS: QueueFacts = {
  kind: 'redis',
  ...{ at: 'redis://queue:6379', product: 'Redis', version: '7.2.4', policy: 'noeviction', isKept: true },
};
const MIRROR = {
  ...{ mirror: null, fault: null, isLedgerSeen: true, workers: 0, paymentsInThirtyDays: 0 },
  reads: { thirtyDays: 0, lastDay: 0 },
};
const WORK: WorkFacts = {
  syncStart: { kind: 'ago', durationMs: 30 * 24 * HOUR_MS },
  ...{ syncEveryMs: 60_000, isIntervalChosen: false, stripeReadShare: 0.4 },
  ...{ source: '@stripe', sourceShards: 1, guestDestination: '@stripe_guests' },
};
const KEY = { kind: 'restricted', livemode: true, newKeyLink: 'https://dashboard.stripe.com/link' } as const;

const WELL: DoctorFacts = {
  variables: given({ set: 9, problems: [], unknown: [], newKeyLink: KEY.newKeyLink }),
  stripeKey: KEY,
  stripe: given({ accountId: 'acct_1032D82eZvKYlo2C', missing: [] }),
  clocks: { machineNow: NOW, stripeAheadMs: -900, databaseAheadMs: 300 },
  blnk: given({ style: 'core', at: 'http://core:5001', refusesEmptyBulks: true, mayReadBalances: true }),
  embedded: null,
  database: given(DATABASE),
  mirror: given(MIRROR),
  queue: given(REDIS),
  disk: { kind: 'unasked', why: "of the database's own server, which is not seen from here" },
  port: given({ host: '127.0.0.1', port: 3000, state: 'free', holder: null }),
  webhook: { secrets: 0, isServed: true },
  work: WORK,
};

const wrongOf = (facts: Partial<DoctorFacts>) =>
  findingsOf({ ...WELL, ...facts }).filter(({ state }) => state === 'warn' || state === 'fail');

describe('all well', () => {
  it('is a line for each part, within 80 columns', () => {
    const findings = findingsOf(WELL);
    expect(findings.map(({ part }) => part)).toEqual(CHECKS.map(({ part }) => part));
    expect(isWell(findings)).toBe(true);
    const lines = doctorLines({ findings, stripeReads: 4, isStripeAnswering: true }, 0).map(({ text }) => text);
    expect(lines).toHaveLength(CHECKS.length + 2);
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([]);
    expect(lines.at(-1)).toBe('All is well. Nothing was changed; used 4 reads of Stripe.');
  });
});

it('of reads that nobody answered it does not say that they were used', () => {
  const last = (isStripeAnswering: boolean) =>
    doctorLines({ findings: findingsOf(WELL), stripeReads: 4, isStripeAnswering }, 0).at(-1)?.text;
  expect(last(true)).toMatch(/; used 4 reads of Stripe\.$/);
  expect(last(false)).toMatch(/; tried 4 reads of Stripe\.$/);
});

it('a start from before Stripe is told of with what is done instead, in one line', () => {
  const work: WorkFacts = { ...WORK, syncStart: { kind: 'time', time: new Date(0) } };
  const startsAt = new Date('2011-01-01T00:00:00Z');
  const begun = given({ ...MIRROR, mirror: { startsAt, livemode: true, eventsRefusedSince: null } });
  for (const mirror of [WELL.mirror, begun]) {
    const findings = findingsOf({ ...WELL, work, mirror });
    const text = 'from 2011-01-01 on (SYNC_START is 1970-01-01: before Stripe)';
    expect(findings.find(({ part }) => part === 'start')).toMatchObject({ state: 'ok', text });
    const lines = doctorLines({ findings, stripeReads: 4, isStripeAnswering: true }, 80).map((line) => line.text);
    expect(lines.filter((line) => line.includes(text))).toHaveLength(1);
  }
});

const tables = (changed: object) => given({ ...DATABASE, tables: { ...DATABASE.tables, ...changed } });
const redis = (changed: object) => given<QueueFacts>({ ...REDIS, ...changed });
const embedded = (freeBytes: number): Partial<DoctorFacts> => ({ disk: given({ folder: '/data', freeBytes }) });
const fault = (code: (typeof ERROR_CODES)[number], message: string): Answer<never> => ({
  kind: 'fault',
  fault: { code, message },
});

/** Part, state, code, and what is said of the value and of what to do. */
type Row = readonly [string, Partial<DoctorFacts>, ...Array<readonly [string, string, string, RegExp, RegExp]>];

const ROWS: readonly Row[] = [
  [
    'a variable that is wrong, and one with a near name',
    {
      variables: given({
        ...{ set: 2, newKeyLink: KEY.newKeyLink },
        problems: ['STRIPE_API_KEY: is not set; a key is needed', 'SYNC_EVERY: is "often"; allowed is 30s'],
        unknown: ['.env has SYNC_EVRY, which nothing here reads; the nearest name that is read is SYNC_EVERY'],
      }),
    },
    ['variables', 'fail', 'configuration_unusable', /STRIPE_API_KEY: is not set/, /dashboard\.stripe\.com/],
    ['variables', 'fail', 'configuration_unusable', /"often"; allowed is/, /\.env\.example/],
    ['variables', 'warn', 'variable_unknown', /SYNC_EVRY.*SYNC_EVERY/, /Rename/],
  ],
  [
    'a full key in live mode',
    { stripeKey: { ...KEY, kind: 'secret' } },
    ['stripe key', 'warn', 'stripe_key_full', /sk_live_….*live mode/, /restricted key.*dashboard/],
  ],
  ['a full key in test mode is for trying', { stripeKey: { ...KEY, kind: 'secret', livemode: false } }],
  [
    'a key without events',
    {
      stripe: given({
        accountId: null,
        missing: [{ permission: 'events', message: 'May not read "Events". Make a key' }],
      }),
    },
    ['stripe', 'warn', 'stripe_events_refused', /Events/, /STRIPE_API_KEY/],
  ],
  [
    'a key without events and charges',
    {
      stripe: given({
        accountId: null,
        missing: [
          { permission: 'events', message: 'May not read "Events". Make a key' },
          { permission: 'charges', message: 'May not read "Charges". Make a key' },
        ],
      }),
    },
    ['stripe', 'fail', 'stripe_events_and_charges_refused', /Events/, /STRIPE_API_KEY/],
    ['stripe', 'fail', 'stripe_events_and_charges_refused', /Charges/, /STRIPE_API_KEY/],
  ],
  [
    'Stripe that does not answer',
    { stripe: { kind: 'late', limitMs: 5_000 } },
    ['stripe', 'fail', 'stripe_unavailable', /^Stripe did not answer in 5s$/, /STRIPE_API_BASE/],
  ],
  [
    'Stripe that cannot be reached, and one whose words look like advice',
    { stripe: fault('stripe_unavailable', 'Stripe answered HTTP 503: Down. Please wait (payment_intents)') },
    ['stripe', 'fail', 'stripe_unavailable', /Please wait/, /^Check status\.stripe\.com, STRIPE_API_BASE/],
  ],
  [
    'Blnk that cannot be reached',
    { blnk: fault('blnk_unavailable', 'Blnk cannot be reached (BLNK_API_BASE) in 1 attempt; POST x: refused') },
    ['blnk', 'fail', 'blnk_unavailable', /cannot be reached/, /^Check that it runs, BLNK_API_BASE/],
  ],
  [
    'somebody else than Blnk',
    { blnk: fault('blnk_look_up_refused', 'Blnk refused a look-up, POST x: 400 Bad Request') },
    ['blnk', 'fail', 'blnk_look_up_refused', /refused/, /BLNK_API_BASE leads to Blnk and not to another/],
  ],
  [
    'this machine an hour ahead',
    { clocks: { machineNow: NOW, stripeAheadMs: -HOUR_MS, databaseAheadMs: -HOUR_MS } },
    ['clocks', 'warn', 'machine_clock_off', /1h ahead of/, /NTP/],
  ],
  [
    'an hour between two clocks, and no third',
    { clocks: { machineNow: NOW, stripeAheadMs: HOUR_MS, databaseAheadMs: null } },
    ['clocks', 'fail', 'clocks_disagree', /1h behind/, /date -u/],
  ],
  [
    'a database off, while Stripe is not known',
    { clocks: { machineNow: NOW, stripeAheadMs: null, databaseAheadMs: HOUR_MS } },
    ['clocks', 'warn', 'clocks_disagree', /PostgreSQL's clock is 1h ahead of/, /date -u/],
  ],
  [
    'a Blnk key without balances',
    { blnk: given({ style: 'cloud', at: 'instance i', refusesEmptyBulks: true, mayReadBalances: false }) },
    ['blnk', 'warn', 'blnk_balances_refused', /proxy:read/, /Make a key/],
  ],
  [
    'a Core that is too old',
    { blnk: fault('blnk_core_too_old', 'The Blnk Core at http://core is too old: it fails. Update the Core') },
    ['blnk', 'fail', 'blnk_core_too_old', /too old/, /^Update the Core$/],
  ],
  [
    'PostgreSQL away',
    { database: fault('database_unreachable', 'The database does not answer at x. Check that it runs') },
    ['database', 'fail', 'database_unreachable', /does not answer at x/, /Check that it runs/],
  ],
  [
    'too few connections, and another encoding',
    {
      database: given({
        ...DATABASE,
        faults: [
          { code: 'database_encoding', message: 'The database is encoded as LATIN1; allowed is UTF8. Create one' },
          { code: 'database_connections', message: 'This needs 13, and 5 are allowed. Run: alter role' },
        ],
      }),
    },
    ['database', 'fail', 'database_encoding', /LATIN1/, /Create one/],
    ['connections', 'fail', 'database_connections', /13, and 5/, /alter role/],
  ],
  [
    'a role without rights',
    {
      database: given({
        ...{ ...DATABASE, tables: null },
        rightsFault: { code: 'database_right_missing', message: 'The role r lacks select. Grant it' },
      }),
    },
    ['rights', 'fail', 'database_right_missing', /lacks select/, /Grant it/],
  ],
  ['no tables', { database: tables({ newest: null }) }, ['tables', 'fail', 'not_migrated', /no tables/, /migrate/]],
  [
    'tables that are pending, with a role that may make none',
    { database: tables({ pending: ['0028_a', '0029_b'], mayCreateSchema: false }) },
    ['tables', 'fail', 'not_migrated', /0027_staged_days.*0028_a and 1 more/, /role that owns.*migrate/],
  ],
  [
    'tables without those of the queue',
    { database: tables({ hasQueue: false }) },
    ['tables', 'fail', 'not_migrated', /queue/, /migrate/],
  ],
  [
    'newer tables',
    { database: tables({ newer: ['0099_x'] }) },
    ['tables', 'warn', 'tables_newer', /further/, /Install/],
  ],
  [
    'tables for newer code alone',
    { database: tables({ fault: { code: 'code_too_old', message: 'This is version 1, too old. Install 2' } }) },
    ['tables', 'fail', 'code_too_old', /too old/, /Install 2/],
  ],
  [
    'a Redis that evicts',
    { queue: redis({ policy: 'allkeys-lru' }) },
    ['queue', 'warn', 'queue_evicts', /allkeys-lru/, /noeviction/],
  ],
  [
    'a Redis without persistence',
    { queue: redis({ isKept: false }) },
    ['queue', 'warn', 'queue_not_kept', /nothing on disk/, /appendonly/],
  ],
  [
    'a Redis of before',
    { queue: redis({ version: '6.0.16' }) },
    ['queue', 'warn', 'queue_server_old', /6\.0\.16/, /Update/],
  ],
  [
    'a Redis that is too old',
    { queue: redis({ version: '3.2.1' }) },
    ['queue', 'fail', 'queue_refused', /3\.2\.1; allowed is 5\.0/, /Update/],
  ],
  ['a Redis that may not be asked is not blamed', { queue: redis({ version: null, policy: null, isKept: null }) }],
  ['a disk that is nearly full', embedded(900 * MB), ['disk', 'warn', 'disk_nearly_full', /900 MB/, /DATA_DIR/]],
  ['a full disk', embedded(20 * MB), ['disk', 'fail', 'disk_full', /20 MB.*200 MB/, /DATA_DIR/]],
  [
    'a port that is taken',
    { port: given({ host: '127.0.0.1', port: 3000, state: 'taken', holder: 'nginx (process 7)' }) },
    ['http', 'warn', 'http_port_taken', /Port 3000.*nginx \(process 7\)/, /HTTP_PORT/],
  ],
  ['a port of our own', { port: given({ host: '127.0.0.1', port: 3000, state: 'own', holder: null }) }],
  [
    'a webhook that nobody hears',
    { webhook: { secrets: 1, isServed: false } },
    ['webhook', 'warn', 'webhook_not_heard', /HTTP_PORT is off/, /HTTP_PORT/],
  ],
  [
    'another mirror',
    { mirror: given({ ...MIRROR, fault: { code: 'mirror_differs', message: 'It mirrors another. Set it back' } }) },
    ['mirror', 'fail', 'mirror_differs', /another/, /Set it back/],
  ],
  [
    'a start in the future',
    { work: { ...WORK, syncStart: { kind: 'time', time: new Date('2027-01-01') } } },
    ['start', 'fail', 'start_in_future', /2027-01-01/, /SYNC_START/],
  ],
  [
    'a start before the one that the mirror has',
    {
      work: { ...WORK, syncStart: { kind: 'time', time: new Date('2026-01-01') } },
      mirror: given({ ...MIRROR, mirror: { startsAt: NOW, livemode: true, eventsRefusedSince: null } }),
    },
    ['start', 'warn', 'start_ignored', /2026-01-01.*backfill/, /SYNC_START/],
  ],
  [
    'an interval that would spend the allocation',
    { work: { ...WORK, syncEveryMs: 5_000, isIntervalChosen: true } },
    ['pace', 'warn', 'sync_every_not_kept', /SYNC_EVERY is 5\.0s.*518,400.*4,000.*10m 48s/, /STRIPE_SHARE/],
  ],
  [
    'an allocation that is used up',
    { mirror: given({ ...MIRROR, reads: { thirtyDays: 4_100, lastDay: 100 } }) },
    ['pace', 'warn', 'stripe_reads_used_up', /4,100.*4,000/, /STRIPE_SHARE/],
  ],
];

describe('each fault is named, with what to do', () => {
  it.each(ROWS.map(([name, facts, ...wanted]) => ({ name, facts, wanted })))('$name', ({ facts, wanted }) => {
    const found = wrongOf(facts);
    expect(found.map(({ part, state, code }) => [part, state, code])).toEqual(wanted.map((row) => row.slice(0, 3)));
    wanted.forEach(([, , , text, next], at) => {
      expect(found[at]?.text).toMatch(text);
      expect(found[at]?.do).toMatch(next);
    });
  });

  it('every code of doctor alone is found by one of these', () => {
    const codes = ROWS.flatMap(([, , ...wanted]) => wanted.map(([, , code]) => code));
    expect(Object.keys(DOCTOR_CODES).filter((code) => !codes.includes(code))).toEqual([]);
  });
});

describe('an advice', () => {
  it.each([
    [
      'The key lacks proxy:write; make a key that has it. POST x answered: 403',
      'Make a key that has it. POST x answered: 403',
    ],
    ['Redis at redis://r cannot be used. Give REDIS_URL that node: MOVED 1', 'Give REDIS_URL that node: MOVED 1'],
    ['Something odd at 10.0.0.1', 'Look up unexpected in docs/runbook.md'],
  ])('of %j is %j', (message, next) => {
    expect(faulty({ code: 'unexpected', message }).do).toBe(next);
  });
});

/** Whatever is known of each part, and not of the others. */
const anyAnswer = (facts: unknown) =>
  fc.oneof(
    fc.constant({ kind: 'given', facts }),
    fc.constant({ kind: 'late', limitMs: 5_000 }),
    fc.constant({ kind: 'unasked', why: 'not asked' }),
    fc.record({
      kind: fc.constant('fault'),
      fault: fc.record({ code: fc.constantFrom(...ERROR_CODES), message: fc.string() }),
    }),
  );

const anyFacts = fc.record(
  Object.fromEntries(
    Object.entries(WELL).map(([name, known]) => {
      if (known === null || typeof known !== 'object') return [name, fc.constant(known)];
      if ('kind' in known && known.kind === 'given') return [name, anyAnswer(known.facts)];
      if ('kind' in known && known.kind === 'unasked') return [name, anyAnswer({ folder: '/d', freeBytes: MB })];
      return [name, name === 'clocks' ? fc.constant(known) : fc.constantFrom(known, null)];
    }),
  ),
) as unknown as fc.Arbitrary<DoctorFacts>;

it('whatever is known, every part is told of, each fault with a code of the runbook and what to do', () => {
  const known: readonly string[] = [...ERROR_CODES, ...Object.keys(NEEDS), ...Object.keys(DOCTOR_CODES)];
  const isWhole = ({ state, code, text, do: next }: PartFinding) => {
    if (state === 'ok' || state === 'skipped') return code === null && next === null && text !== '';
    return code !== null && known.includes(code) && next !== null && next !== '';
  };
  fc.assert(
    fc.property(anyFacts, fc.constantFrom(0, 40, 60, 80, 200), (facts, columns) => {
      const findings = findingsOf(facts);
      expect([...new Set(findings.map(({ part }) => part))]).toEqual(CHECKS.map(({ part }) => part));
      expect(findings.filter((finding) => !isWhole(finding))).toEqual([]);
      expect(isWell(findings)).toBe(!findings.some(({ state }) => state === 'fail'));
      for (const { text } of doctorLines({ findings, stripeReads: 0, isStripeAnswering: false }, columns))
        expect(text).not.toMatch(/[\n\r]/);
    }),
  );
});
