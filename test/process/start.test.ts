/**
 * Starts that are refused, and what is said then: exit 2, which setting, and the way out. Most of them run in this
 * process; what belongs to a process (its time, its exit code, two at once) is tried with real ones.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { homes } from '../support/homes.js';
import { startChild } from '../support/process/child.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';

const STORY_TIMEOUT_MS = 60_000;

/** The one with a database that others migrate, where there is one. */
const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

/** Loaded machines are slow to start any process; what it costs is printed. */
const REFUSAL_TIME_MAX_MS = 5_000;

describe('a configuration that cannot be used', () => {
  it('is refused at once with everything that is wrong in it', async () => {
    const words = ['worker'];
    const variables = { STRIPE_API_KEY: 'sk_canary_11111111', SYNC_EVERY: 'often', REDIS_URL: 'redis://cache' };
    const ended = await startChild({ script: 'src/main.ts', words, variables }).ended;
    expect([ended.code, ended.output]).toEqual([2, '']);
    for (const name of ['STRIPE_API_KEY', 'BLNK_API_KEY', 'BLNK_INSTANCE_ID', 'SYNC_EVERY', 'REDIS_URL']) {
      expect(ended.errors).toContain(`  ${name}: `);
    }
    expect(ended.errors).not.toContain('canary');
    process.stdout.write(`refused after ${Math.round(ended.durationMs)} ms, the start of the process included\n`);
    expect(ended.durationMs).toBeLessThan(REFUSAL_TIME_MAX_MS);
  });

  it('that is empty leads to the demo', async () => {
    const ended = await runCommand(['worker'], {});
    expect(ended.code).toBe(2);
    expect(ended.errors).toMatch(/without any account: .* demo$/m);
  });
});

describe('a folder for the embedded PostgreSQL', () => {
  it.skipIf(process.platform !== 'linux')('in which nothing can be kept ends the start at once', async () => {
    const variables = {
      ...{ STRIPE_API_KEY: 'sk_test_any11111', BLNK_API_KEY: 'blnk_any', BLNK_INSTANCE_ID: 'inst_any' },
      DATA_DIR: '/proc/nope',
    };
    const ended = await runCommand(['worker'], variables);
    expect([ended.code, ended.output]).toEqual([2, '']);
    expect(ended.errors).toMatch(/cannot keep its data in \/proc\/nope: .*Set DATA_DIR to a folder/);
  });
});

describe('an older Node', () => {
  it.each([
    ['20.18.3', 2],
    ['18.20.8', 2],
    ['20.19.0', 0],
    ['24.1.0', 0],
  ])('%s ends with %d, and is named where it is too old', async (version, code) => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
    const variables = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(pretend)}` };
    const ended = await startChild({ script: 'src/main.ts', words: ['--version'], variables }).ended;
    expect(ended.code).toBe(code);
    expect(ended.errors).toMatch(code === 2 ? /^stripe-blnk-sync needs Node 20\.19 or newer/ : /^$/);
  });
});

describe('what a worker may not do', () => {
  let session: Session;

  beforeAll(async () => {
    session = await startSession(home, {
      population: population(8),
      restrictedKeys: {
        rk_test_noIntents: ['rak_event_read', 'rak_charge_read'],
        rk_test_nothing11: [],
      },
    });
  }, STORY_TIMEOUT_MS);

  afterAll(() => session.close(), STORY_TIMEOUT_MS);

  const link = /https:\/\/dashboard\.stripe\.com\/test\/apikeys\/create\?\S*rak_event_read/;

  it.each([
    ['a Stripe key that nobody knows', { STRIPE_API_KEY: 'sk_test_canary999999' }, [/STRIPE_API_KEY/]],
    ['a Stripe key without PaymentIntents', { STRIPE_API_KEY: 'rk_test_noIntents' }, [/"PaymentIntents: Read"/, link]],
    ['a Stripe key without anything', { STRIPE_API_KEY: 'rk_test_nothing11' }, [/"PaymentIntents: Read"/, link]],
    ['a Blnk token that nobody knows', { BLNK_API_KEY: 'blnk_canary' }, [/does not accept the key in BLNK_API_KEY/]],
    ['an expired Blnk token', { BLNK_API_KEY: 'blnk_expired' }, [/BLNK_API_KEY has expired/]],
    ['a Blnk token that may not post', { BLNK_API_KEY: 'blnk_reads' }, [/BLNK_API_KEY lacks .*proxy:write/]],
    ['a Blnk token that may not look up', { BLNK_API_KEY: 'blnk_writes' }, [/BLNK_API_KEY lacks .*data:read/]],
    ['an instance that is not there', { BLNK_INSTANCE_ID: 'inst_none' }, [/BLNK_INSTANCE_ID/]],
  ] as ReadonlyArray<readonly [string, Variables, readonly RegExp[]]>)('%s', async (_, given, wanted) => {
    const { access } = session.blnk;
    access.allow('blnk_expired');
    access.expire('blnk_expired');
    access.allow('blnk_reads', ['data:read', 'proxy:read']);
    access.allow('blnk_writes', ['proxy:write']);
    const ended = await runCommand(['worker'], { ...session.variables, ...given });
    expect([ended.code, ended.output]).toEqual([2, '']);
    for (const pattern of wanted) expect(ended.errors).toMatch(pattern);
    expect(ended.errors).not.toMatch(/canary|rk_test_noIntents|rk_test_nothing11/);
    expect(session.blnk.stats().rows).toBe(0);
  });
});

describe('a database', () => {
  it('that is not migrated names the command, which two may run at once and again', async (context) => {
    const place = await home.create();
    onTestFinished(() => place.destroy());
    if (place.environment.DATABASE_URL === undefined) {
      context.skip('the embedded database is always migrated by its worker; this needs PostgreSQL');
      return;
    }
    const status = await runCommand(['status'], place.environment);
    expect([status.code, status.output]).toEqual([2, '']);
    expect(status.errors).toMatch(/Apply them once: .* migrate/);
    const migrate = () => startChild({ script: 'src/main.ts', words: ['migrate'], variables: place.environment }).ended;
    const both = await Promise.all([migrate(), migrate()]);
    expect(both.map(({ code, errors }) => [code, errors])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect((await runCommand(['migrate'], place.environment)).code).toBe(0);
    expect((await runCommand(['status'], place.environment)).code).toBe(1);
  }, 90_000);

  it('or a Redis that is not there is named by a command at once, with what was tried, without its password', async () => {
    const nobody = { DATABASE_URL: 'postgres://sync:canary1@127.0.0.1:9/mirror' };
    const ended = await runCommand(['status'], nobody);
    expect([ended.code, ended.output]).toEqual([2, '']);
    expect(ended.errors).toMatch(/database does not answer at postgres:\/\/sync@127\.0\.0\.1:9\/mirror.*DATABASE_URL/);
    expect(ended.errors).not.toContain('canary');
    const unknown = await runCommand(['status'], { DATABASE_URL: 'postgres://sync@nowhere.invalid/mirror' });
    expect([unknown.code, unknown.errors]).toEqual([2, expect.stringMatching(/nowhere\.invalid now\. .*DATABASE_URL/)]);

    const place = await home.create();
    onTestFinished(() => place.destroy());
    if (place.environment.DATABASE_URL === undefined) return;
    expect((await runCommand(['migrate'], place.environment)).code).toBe(0);
    // Of a command that needs the queue; one that only reads says what PostgreSQL knows.
    const noRedis = await runCommand(['sync'], {
      ...place.environment,
      REDIS_URL: 'redis://:canary2@127.0.0.1:9/0',
    });
    expect([noRedis.code, noRedis.output]).toEqual([2, '']);
    expect(noRedis.errors).toMatch(/Redis does not answer at redis:\/\/127\.0\.0\.1:9\/0.*REDIS_URL/);
    expect(noRedis.errors).not.toContain('canary');
  });
});

describe('a mirror that has posted', () => {
  let session: Session;

  beforeAll(async () => {
    session = await startSession(home, { population: population(40) });
    const worker = session.quickWorker();
    await session.untilSettled();
    worker.kill('SIGTERM');
    await worker.ended;
  }, STORY_TIMEOUT_MS);

  afterAll(() => session.close(), STORY_TIMEOUT_MS);

  it('refuses everything that would make it another one, with both values', async () => {
    const live = await startStripeSandbox({
      apiKey: 'sk_live_other11',
      livemode: true,
      account: session.stripe.account,
    });
    const other = await startStripeSandbox({ account: 'acct_other' });
    const blnk = await startBlnkSandbox({ instanceId: 'inst_other' });
    onTestFinished(async () => {
      await Promise.all([live.close(), other.close(), blnk.close()]);
    });
    const differing: ReadonlyArray<readonly [Variables, RegExp]> = [
      [{ BLNK_SOURCE: '@other' }, /BLNK_SOURCE is @other now, it was @stripe/],
      [{ BLNK_GUEST_DESTINATION: '@walkins' }, /BLNK_GUEST_DESTINATION is @walkins now, it was @stripe_guests/],
      [
        { BLNK_API_BASE: blnk.url, BLNK_INSTANCE_ID: 'inst_other' },
        /BLNK_INSTANCE_ID.* is inst_other now, it was inst_test/,
      ],
      [
        { STRIPE_API_BASE: live.url, STRIPE_API_KEY: live.apiKey },
        /livemode of STRIPE_API_KEY is true now, it was false/,
      ],
      [{ STRIPE_API_BASE: other.url }, /account acct_other, but this database mirrors acct_sandbox/],
      [
        { BLNK_SOURCE: '@other', BLNK_GUEST_DESTINATION: '@walkins' },
        /BLNK_SOURCE is @other .*BLNK_GUEST_DESTINATION is @walkins/,
      ],
    ];
    for (const [variables, wanted] of differing) {
      const ended = await runCommand(['worker'], { ...session.variables, ...variables });
      expect([ended.code, ended.errors]).toEqual([2, expect.stringMatching(wanted)]);
    }
  });

  it(
    'is not begun again by an empty database, unless it is told to adopt; then nothing is posted twice',
    async () => {
      const place = await home.create();
      onTestFinished(() => place.destroy());
      const variables = { ...session.variables, ...place.environment };
      if (place.environment.DATABASE_URL !== undefined) await runCommand(['migrate'], variables);
      const refused = await runCommand(['worker'], variables);
      expect([refused.code, refused.errors]).toEqual([2, expect.stringContaining(' worker --adopt: ')]);

      const before = session.blnk.stats().rows;
      const worker = startChild({ script: 'src/main.ts', words: ['worker', '--adopt'], variables });
      await worker.untilLogged(/^mirroring/);
      const sums = async () => {
        const runs = JSON.parse((await runCommand(['runs', '--json'], variables)).output).runs as Record<
          string,
          number
        >[];
        const sum = (name: string) => runs.reduce((total, run) => total + (run[name] ?? 0), 0);
        return { there: sum('already_there'), posted: sum('posted'), pending: sum('pending') };
      };
      await until('all are adopted', async () => (await sums()).there === before, { explain: worker.output });
      expect(await sums()).toEqual({ there: before, posted: 0, pending: 0 });
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      expect(session.blnk.stats().rows).toBe(before);
      await expectMirrored(session);
    },
    STORY_TIMEOUT_MS,
  );
});
