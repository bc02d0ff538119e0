/**
 * `doctor` between real parts: all well in a process of its own; then one planted fault after the other, each named with what
 * to do; then everything wrong at once. And nothing is changed by any of them.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { CoreVersion } from '../../sandbox/blnk/core-version.js';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import type { Overrides } from '../../src/app/overrides.js';
import { openEmbeddedPostgres } from '../../src/db/embedded/open.js';
import { createDatabase, homes, onServer } from '../support/homes.js';
import { endRedisServers, startRedis } from '../support/own-redis.js';
import { startChild } from '../support/process/child.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';

const TIMEOUT_MS = 60_000;
/** It takes one second; loaded machines are slow to start any process. */
const WELL_WITHIN_MS = 10_000;
const HOUR_MS = 3_600_000;

const home = homes().find(({ name }) => name === 'postgres');
const READS = ['rak_payment_intent_read', 'rak_event_read', 'rak_charge_read', 'rak_accounts_kyc_basic_read'] as const;

interface Check {
  readonly part: string;
  readonly state: string;
  readonly code: string | null;
  readonly text: string;
  readonly do: string | null;
}

describe.skipIf(home === undefined)('doctor', () => {
  const role = `test_doctor_${randomBytes(6).toString('hex')}`;
  let session: Session;
  let well: Variables;

  const examine = async (variables: Variables, overrides?: Overrides) => {
    const { code, output, errors } = await runCommand(['doctor', '--json'], { ...well, ...variables }, overrides);
    expect(errors).toBe('');
    const report: { ok: boolean; stripe_reads: number; checks: Check[] } = JSON.parse(output);
    const wrong = report.checks.filter(({ state }) => state === 'warn' || state === 'fail');
    expect(report.ok).toBe(!wrong.some(({ state }) => state === 'fail'));
    expect(code).toBe(report.ok ? 0 : 1);
    return { ...report, wrong, codes: wrong.map(({ part, code: one }) => `${part}: ${one}`), output };
  };

  beforeAll(async () => {
    if (home === undefined) return;
    const restrictedKeys = {
      rk_test_all11111: READS,
      rk_live_all11111: READS,
      sk_live_full1111: READS,
      rk_test_noIntents: ['rak_event_read', 'rak_charge_read'] as const,
      rk_test_noEvents1: ['rak_payment_intent_read', 'rak_charge_read'] as const,
    };
    session = await startSession(home, { population: population(8), restrictedKeys });
    well = { ...session.variables, STRIPE_API_KEY: 'rk_test_all11111' };
    await onServer(inject('postgresUrl') ?? '', `create role ${role} login password 'doctor'`);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await session?.close();
    await endRedisServers();
    await onServer(inject('postgresUrl') ?? '', `drop role if exists ${role}`);
  }, TIMEOUT_MS);

  it('says one line a part when all is well, and soon', { timeout: TIMEOUT_MS }, async (context) => {
    const redis = await startRedis('--appendonly', 'yes');
    if (redis === null) return context.skip(inject('mustRunAll'), 'needs redis-server');
    const { code, output, errors, durationMs } = await startChild({
      script: 'src/main.ts',
      words: ['doctor'],
      variables: { ...well, REDIS_URL: redis.url, QUEUE_PREFIX: 'bull' },
    }).ended;
    const [summary, empty, ...parts] = output.trimEnd().split('\n').reverse();
    expect({ code, errors, empty, summary }).toEqual({
      ...{ code: 0, errors: '', empty: '' },
      summary: 'All is well. Nothing was changed; used 4 reads of Stripe.',
    });
    expect(parts.filter((line) => !/^(ok|-) /.test(line))).toEqual([]);
    expect(new Set(parts.map((line) => /^\S+ +(\S+(?: \S+)?)/.exec(line)?.[1])).size).toBe(18);
    process.stdout.write(`doctor: all well after ${Math.round(durationMs)} ms, the start of the process included\n`);
    expect(durationMs).toBeLessThan(WELL_WITHIN_MS);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    expect(await client.dbsize()).toBe(0);
  });

  const faults: ReadonlyArray<readonly [string, Variables, string, readonly [text: RegExp, next: RegExp], Overrides?]> =
    [
      [
        'a full secret key in live mode',
        { STRIPE_API_KEY: 'sk_live_full1111' },
        'stripe key: stripe_key_full',
        [/sk_live_…/, /rk_live_….*apikeys\/create\?.*rak_event_read/],
      ],
      [
        'a key that may not read payments',
        { STRIPE_API_KEY: 'rk_test_noIntents' },
        'stripe: stripe_permission_missing',
        [/"PaymentIntents: Read"/, /^Make a key that may: https:.*apikeys\/create/],
      ],
      [
        'a key that may not read events',
        { STRIPE_API_KEY: 'rk_test_noEvents1' },
        'stripe: stripe_events_refused',
        [/"Events: Read"/, /STRIPE_API_KEY/],
      ],
      [
        'a clock that is an hour off',
        {},
        'clocks: machine_clock_off',
        [/This machine's clock is .*ahead of Stripe's time/, /NTP/],
        { machineNow: () => new Date(Date.now() + HOUR_MS) },
      ],
      [
        'a Blnk key without a scope',
        { BLNK_API_KEY: 'blnk_reads' },
        'blnk: blnk_scope_missing',
        [/lacks the permission proxy:write/, /^Make a key that has it/],
      ],
      [
        'Stripe away',
        { STRIPE_API_BASE: 'http://127.0.0.1:1' },
        'stripe: stripe_unavailable',
        [/could not be reached/, /^Check .*STRIPE_API_BASE/],
      ],
      [
        'Blnk away',
        { BLNK_API_BASE: 'http://127.0.0.1:1' },
        'blnk: blnk_unavailable',
        [/cannot be reached/, /^Check that it runs, BLNK_API_BASE/],
      ],
      [
        'a key of a Core for the Cloud',
        { BLNK_API_KEY: 'blnk_canary' },
        'blnk: blnk_key_refused',
        [/does not accept the key/, /BLNK_API_STYLE \(now cloud\)/],
      ],
      [
        'Redis without a database',
        { DATABASE_URL: '', REDIS_URL: 'redis://127.0.0.1:6379' },
        'variables: configuration_unusable',
        [/^REDIS_URL: is set without DATABASE_URL/, /\.env/],
      ],
      [
        'a name that is nearly one',
        { SYNC_EVRY: '5s' },
        'variables: variable_unknown',
        [/SYNC_EVRY.*SYNC_EVERY/, /Rename/],
      ],
      [
        'PostgreSQL away',
        { DATABASE_URL: 'postgres://sync:secret@127.0.0.1:1/sync' },
        'database: database_unreachable',
        [/does not answer at postgres:\/\/sync@127\.0\.0\.1:1/, /^Check that it runs/],
      ],
      [
        'an interval that would spend the allocation',
        { STRIPE_API_KEY: 'rk_live_all11111', STRIPE_SHARE: '0.4', SYNC_EVERY: '5s' },
        'pace: sync_every_not_kept',
        [/518,400 reads.*4,000.*10m 48s/, /STRIPE_WEBHOOK_SECRET/],
      ],
      [
        'a webhook that nobody hears',
        { STRIPE_WEBHOOK_SECRET: 'whsec_canary111' },
        'webhook: webhook_not_heard',
        [/HTTP_PORT is off/, /HTTP_PORT/],
      ],
    ];

  it.each(faults.map(([name, variables, code, said, overrides]) => ({ name, variables, code, said, overrides })))(
    '$name',
    { timeout: TIMEOUT_MS },
    async ({ variables, code, said: [text, next], overrides }) => {
      session.blnk.access.allow('blnk_reads', ['data:read', 'proxy:read']);
      const { wrong, codes, output } = await examine(variables, overrides);
      expect(codes).toEqual([code]);
      expect([wrong[0]?.text, wrong[0]?.do]).toEqual([expect.stringMatching(text), expect.stringMatching(next)]);
      expect(output).not.toMatch(/full1111|all11111|noIntents|noEvents1|secret@|canary/);
    },
  );

  it.each(['0.12.2', '0.13.2'] as const satisfies readonly CoreVersion[])(
    'a Core that is too old: %s',
    async (coreVersion) => {
      const blnk = await startBlnkSandbox({ coreVersion });
      onTestFinished(() => blnk.close());
      const core = { BLNK_API_STYLE: 'core', BLNK_API_BASE: blnk.url, BLNK_API_KEY: blnk.coreKey };
      const { wrong, codes } = await examine(core);
      expect(codes).toEqual(['blnk: blnk_core_too_old']);
      expect(`${wrong[0]?.text}. ${wrong[0]?.do}`).toMatch(/is too old.*smallest version.* 0\.13\.4; update the Core/);
    },
  );

  it('a database without tables, without rights, and with too few connections', { timeout: TIMEOUT_MS }, async () => {
    const empty = await createDatabase();
    if (empty === null) return;
    onTestFinished(() => empty.drop());
    const none = await examine({ DATABASE_URL: empty.url });
    expect(none.codes).toEqual(['tables: not_migrated']);
    expect([none.wrong[0]?.text, none.wrong[0]?.do]).toEqual([
      expect.stringMatching(/has no tables of this software yet/),
      expect.stringMatching(/^Run: .*migrate$/),
    ]);

    const url = Object.assign(new URL(well.DATABASE_URL ?? ''), { username: role, password: 'doctor' }).href;
    const server = (statement: string) => onServer(inject('postgresUrl') ?? '', statement);
    await server(`alter role ${role} connection limit 5`);
    const poor = await examine({ DATABASE_URL: url });
    expect(poor.codes).toEqual(['connections: database_connections', 'rights: database_right_missing']);
    expect(poor.wrong.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^A worker needs up to 14 connections to PostgreSQL, and 5 are allowed for the role/),
      expect.stringMatching(/lacks the right usage on schema/),
    ]);
    expect(poor.wrong.map((one) => one.do)).toEqual([
      expect.stringMatching(/alter role "test_doctor_\w+" connection limit 14, or more/),
      expect.stringMatching(/docs\/security\.md/),
    ]);
  });

  it('a Redis that evicts and keeps nothing, and one that became a replica', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const [forgetful, replica] = [
      await startRedis('--maxmemory-policy', 'allkeys-lru'),
      await startRedis('--replicaof', '127.0.0.1 1'),
    ];
    if (forgetful === null || replica === null) return context.skip(inject('mustRunAll'), 'needs redis-server');
    const { codes, wrong } = await examine({ REDIS_URL: forgetful.url });
    expect(codes).toEqual(['queue: queue_evicts', 'queue: queue_not_kept']);
    expect(wrong.map((one) => one.do)).toEqual([
      expect.stringMatching(/maxmemory-policy noeviction/),
      expect.stringMatching(/appendonly yes/),
    ]);
    const after = await examine({ REDIS_URL: replica.url });
    expect(after.codes).toEqual(['queue: queue_unreachable']);
    expect([after.wrong[0]?.text, after.wrong[0]?.do]).toEqual([
      expect.stringMatching(/answers, and takes nothing: it is a replica/),
      expect.stringMatching(/^Give REDIS_URL an address that always leads to the master/),
    ]);
  });

  it('another service in the place of Blnk', { timeout: TIMEOUT_MS }, async () => {
    const somebody = createServer((_, response) => response.end('<h1>Shop</h1>')).listen(0, '127.0.0.1');
    await once(somebody, 'listening');
    onTestFinished(() => void somebody.close());
    const { port } = somebody.address() as AddressInfo;
    const { codes, wrong } = await examine({ BLNK_API_BASE: `http://127.0.0.1:${port}` });
    expect(codes).toEqual(['blnk: blnk_answer_unreadable']);
    expect([wrong[0]?.text, wrong[0]?.do]).toEqual([
      expect.stringMatching(/answered no list of rows, as Blnk does$/),
      expect.stringMatching(/^Check that BLNK_API_BASE leads to Blnk and not to another service/),
    ]);
  });

  it('a port that somebody has', { timeout: TIMEOUT_MS }, async () => {
    const somebody = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(somebody, 'listening');
    onTestFinished(() => void somebody.close());
    const { port } = somebody.address() as AddressInfo;
    const { codes, wrong } = await examine({ HTTP_PORT: `${port}` });
    expect(codes).toEqual(['http: http_port_taken']);
    const holder = process.platform === 'linux' ? new RegExp(`Port ${port} .*\\(process ${process.pid}\\)`) : /Port/;
    expect([wrong[0]?.text, wrong[0]?.do]).toEqual([expect.stringMatching(holder), expect.stringMatching(/HTTP_PORT/)]);
  });

  it('a ledger that holds what no database knows of', { timeout: TIMEOUT_MS }, async () => {
    const [mine, theirs] = await Promise.all([examine({}), startBlnkSandbox()]);
    onTestFinished(() => theirs.close());
    expect(mine.codes).toEqual([]);
    const transaction = {
      ...{ reference: 'pi_3000000000000000', amount: 10, precision: 100, currency: 'USD', description: 'lost' },
      ...{ source: '@stripe', destination: '@cus_1', allow_overdraft: true, skip_queue: true },
      meta_data: { stripe_payment_intent_id: 'pi_3000000000000000', stripe_mirror: 'lost' },
    };
    const posted = await fetch(`${theirs.url}/transactions`, {
      method: 'POST',
      headers: { 'x-blnk-key': theirs.coreKey, 'content-type': 'application/json' },
      body: JSON.stringify(transaction),
    });
    expect(posted.status).toBe(201);
    const { codes, wrong } = await examine({ BLNK_API_BASE: theirs.url });
    expect(codes).toEqual(['mirror: ledger_not_empty']);
    expect(`${wrong[0]?.text} ${wrong[0]?.do}`).toMatch(/rebuild/);
  });

  it('a disk that is nearly full, before the first start, and a private PostgreSQL that runs', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
    // Root runs the private server as nobody, who has to pass.
    chmodSync(folder, 0o755);
    const dataDir = join(folder, 'data');
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { DATABASE_URL: _, ...without } = well;
    well = without;
    onTestFinished(() => {
      well = { ...without, DATABASE_URL: session.variables.DATABASE_URL ?? '' };
    });
    const full = await examine({ DATA_DIR: dataDir }, { freeBytes: async () => 900_000_000 });
    expect(full.codes).toEqual(['disk: disk_nearly_full']);
    expect(full.wrong[0]?.do).toMatch(/DATA_DIR/);
    expect(readdirSync(folder)).toEqual([]);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const onFile = await examine({ DATA_DIR: file });
    expect(onFile.codes).toEqual(['database: folder_not_writable']);
    expect([onFile.wrong[0]?.text, onFile.wrong[0]?.do]).toEqual([
      expect.stringMatching(/is not a folder$/),
      expect.stringMatching(/^Set DATA_DIR to a folder/),
    ]);

    const server = await openEmbeddedPostgres({ dataDir, whenUnreachable: 'temporary' });
    onTestFinished(() => server.close());
    const running = await examine({ DATA_DIR: server.dataDir });
    expect(running.codes).toEqual([]);
    expect(running.checks.find(({ part }) => part === 'database')?.text).toMatch(/^PostgreSQL \d+, UTF8/);
  });

  it('everything wrong at once: each named, nobody waited for longer than five seconds', {
    timeout: TIMEOUT_MS,
  }, async () => {
    session.stripe.faults.add({ effect: 'hang' });
    onTestFinished(() => session.stripe.faults.clear());
    const { wrong, codes, checks, stripe_reads } = await examine({
      ...{
        STRIPE_API_KEY: 'sk_live_full1111',
        BLNK_API_KEY: 'blnk_canary',
        DATABASE_URL: 'postgres://x:canary@127.0.0.1:1/x',
      },
      ...{ REDIS_URL: 'redis://:canary@127.0.0.1:1', SYNC_LAG: 'often', SYNC_EVRY: '1s', SYNC_START: '2100-01-01' },
    });
    expect(codes).toEqual([
      ...['variables: configuration_unusable', 'variables: variable_unknown', 'stripe key: stripe_key_full'],
      ...['stripe: stripe_unavailable', 'blnk: blnk_key_refused', 'database: database_unreachable'],
      ...['queue: queue_unreachable', 'start: start_in_future'],
    ]);
    expect(wrong[3]?.text).toBe('Stripe did not answer in 5s');
    expect(stripe_reads).toBe(4);
    expect(JSON.stringify(checks)).not.toMatch(/canary|full1111/);
  });

  it('without any variable it says what is missing, and goes on', { timeout: TIMEOUT_MS }, async () => {
    const { code, output } = await runCommand(['doctor'], {});
    expect(code).toBe(1);
    expect(output).toMatch(/^FAIL +variables +STRIPE_API_KEY: is not set/);
    expect(output).toMatch(/^ok +http/m);
    expect(output).toMatch(/Stripe was not asked\.$/m);
  });

  it('another mirror than the database holds, once something is posted', { timeout: TIMEOUT_MS }, async () => {
    const sql = await session.look();
    await sql`
      insert into stripe_blnk_sync.mirror (mirror_id, stripe_account, livemode, blnk_instance, source, source_shards,
        guest_destination, accounts_mode, mapping_version, starts_at)
      values (gen_random_uuid(), ${session.stripe.account}, false, ${session.blnk.instanceId}, '@before', 1,
        '@stripe_guests', 'indicators', 2, now() - interval '10 days')`;
    onTestFinished(() => sql`delete from stripe_blnk_sync.mirror`.then(() => undefined));
    const early = await examine({ SYNC_START: '5d' });
    expect([early.codes, early.checks.find(({ part }) => part === 'mirror')?.text]).toEqual([
      [],
      expect.stringMatching(/^begins \d{4}-.* UTC; no worker runs$/),
    ]);
    await sql`update stripe_blnk_sync.mirror set first_post_at = now()`;
    const { codes, wrong } = await examine({ SYNC_START: '90d' });
    expect(codes).toEqual(['mirror: mirror_differs', 'start: start_ignored']);
    expect(`${wrong[0]?.text}. ${wrong[0]?.do}`).toMatch(
      /BLNK_SOURCE is @stripe now, it was @before .* Set the configuration back/,
    );
    expect(wrong[1]?.text).toMatch(/backfill --from/);
  });

  it('has changed nothing', async () => {
    expect(session.blnk.stats().rows).toBe(0);
    const sql = await session.look();
    const [counts] = await sql`
      select (select count(*)::int from stripe_blnk_sync.mirror) as mirrors,
        (select count(*)::int from stripe_blnk_sync.stripe_reads) as reads,
        (select count(*)::int from stripe_blnk_sync.rate_tokens) as tokens`;
    expect(counts).toEqual({ mirrors: 0, reads: 0, tokens: 0 });
  });
});
