/** The rules of the configuration, on literal bags: what is taken, what is refused, and what is said about it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHomeConfig, readWorkerConfig } from '../../src/config/config.js';
import { type Bag, ConfigError, readEnvironment } from '../../src/config/environment.js';

const CLOUD: Bag = { STRIPE_API_KEY: 'sk_test_abc', BLNK_API_KEY: 'blnk_abc', BLNK_INSTANCE_ID: 'inst_1' };
const DATABASE = { DATABASE_URL: 'postgres://somebody:pa55word@db.example/sync' };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the HTTP server', () => {
  const TOKEN = 'a-token-of-an-administrator';
  const refusal = (bag: Record<string, string>): string => {
    try {
      readWorkerConfig({ ...CLOUD, ...bag });
      return 'taken';
    } catch (error) {
      return error instanceof ConfigError ? error.message : String(error);
    }
  };

  it.each([
    [{ HTTP_HOST: '0.0.0.0' }, /HTTP_HOST: is "0.0.0.0", which other machines reach, and ADMIN_TOKEN is not set/],
    [{ HTTP_HOST: '10.1.2.3' }, /which other machines reach/],
    [{ PUBLIC_URL: 'https://sync.example.com' }, /PUBLIC_URL: is set without ADMIN_TOKEN/],
    [{ PUBLIC_URL: 'https://sync.example.com/pages', ADMIN_TOKEN: TOKEN }, /without a path/],
    [{ VIEWER_TOKEN: TOKEN }, /VIEWER_TOKEN: is set without ADMIN_TOKEN/],
    [{ VIEWER_TOKEN: TOKEN, ADMIN_TOKEN: TOKEN }, /VIEWER_TOKEN: is the same as ADMIN_TOKEN/],
    [{ ADMIN_TOKEN: 'short' }, /ADMIN_TOKEN: is not usable \(not shown, it is a secret\); allowed are 20 or more/],
    [{ HTTP_PORT: '0' }, /HTTP_PORT: is "0"; allowed is a port/],
    [{ STRIPE_WEBHOOK_SECRET: 'sk_test_1' }, /STRIPE_WEBHOOK_SECRET: is not usable/],
  ])('refuses %j', (bag, message) => {
    expect(refusal(bag)).toMatch(message);
  });

  it.each([
    [{ HTTP_HOST: '::1' }],
    [{ HTTP_HOST: '127.0.0.9' }],
    [{ HTTP_HOST: '0.0.0.0', ADMIN_TOKEN: TOKEN }],
    [{ HTTP_PORT: 'off', HTTP_HOST: '0.0.0.0' }],
    [{ STRIPE_WEBHOOK_SECRET: 'whsec_a, whsec_b' }],
  ])('takes %j', (bag) => {
    expect(refusal(bag)).toBe('taken');
  });
});

describe('a configuration', () => {
  it('needs three variables, and has a default for everything else', async () => {
    const { stripe, blnk, ...rest } = readWorkerConfig(CLOUD);
    expect(rest).toEqual({
      database: { kind: 'embedded', dataDir: resolve('.data') },
      redisUrl: null,
      databaseSchema: 'stripe_blnk_sync',
      queuePrefix: 'bull',
      syncEveryMs: MINUTE_MS,
      syncLagMs: 10 * MINUTE_MS,
      ...{ stripeShare: 0.4, stripeReadShare: 0.4, yieldsAtStripe: false },
      logLevel: 'info',
      source: '@stripe',
      sourceShards: 1,
      guestDestination: '@stripe_guests',
      identities: 'off',
      accounts: { mode: 'indicators', ledgerName: 'Stripe' },
      syncStart: { kind: 'ago', durationMs: 30 * DAY_MS },
      keepEmptyRunsMs: 7 * DAY_MS,
      shutdownGraceMs: 75_000,
      http: {
        ...{ host: '127.0.0.1', port: 3_000, publicUrl: null, trustsProxy: false },
        ...{ adminToken: null, viewerToken: null, webhookSecrets: [], ledgerRowUrl: null },
      },
    });
    expect({ ...stripe, readKey: await stripe.readKey() }).toEqual({
      readKey: 'sk_test_abc',
      requestsPerSecond: 25,
      livemode: false,
      apiBase: 'https://api.stripe.com',
    });
    expect({ ...blnk, readKey: await blnk.readKey() }).toEqual({
      readKey: 'blnk_abc',
      apiBase: 'https://api.cloud.blnkfinance.com',
      style: 'cloud',
      instanceId: 'inst_1',
    });
  });

  it.each([
    ['sk_test_1', false],
    ['rk_test_1', false],
    ['sk_live_1', true],
    ['rk_live_1', true],
  ])('takes the mode from the key: %s', (key, livemode) => {
    expect(readWorkerConfig({ ...CLOUD, STRIPE_API_KEY: key }).stripe.livemode).toBe(livemode);
  });

  it.each([
    [{ SYNC_EVERY: '1s' }, { syncEveryMs: 1_000 }],
    [{ SYNC_EVERY: '5m' }, { syncEveryMs: 5 * MINUTE_MS }],
    [{ SYNC_LAG: '60s' }, { syncLagMs: MINUTE_MS }],
    [{ KEEP_EMPTY_RUNS: '12h' }, { keepEmptyRunsMs: DAY_MS / 2 }],
    [{ SHUTDOWN_GRACE: '90s' }, { shutdownGraceMs: 90_000 }],
    [{ STRIPE_SHARE: '1' }, { stripeShare: 1, stripeReadShare: 1, yieldsAtStripe: false }],
    [{ STRIPE_SHARE: 'auto' }, { stripeShare: 0.8, stripeReadShare: 0.4, yieldsAtStripe: true }],
    [{ STRIPE_SHARE: '0.05' }, { stripeShare: 0.05 }],
    [{ SYNC_START: 'all' }, { syncStart: { kind: 'all' } }],
    [{ SYNC_START: '7d' }, { syncStart: { kind: 'ago', durationMs: 7 * DAY_MS } }],
    [{ SYNC_START: '2026-01-31' }, { syncStart: { kind: 'time', time: new Date('2026-01-31T00:00:00Z') } }],
    [{ BLNK_SOURCE: '@shop' }, { source: '@shop' }],
    [{ BLNK_SOURCE_SHARDS: '8' }, { sourceShards: 8 }],
    [{ DATABASE_SCHEMA: 'mirror_eu' }, { databaseSchema: 'mirror_eu' }],
    [{ QUEUE_PREFIX: 'shop' }, { queuePrefix: 'shop' }],
    [{ LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
    [DATABASE, { database: { kind: 'url', url: DATABASE.DATABASE_URL } }],
    [{ ...DATABASE, REDIS_URL: 'rediss://cache:6380/2' }, { redisUrl: 'rediss://cache:6380/2' }],
    [{ BLNK_API_BASE: 'http://[::1]:5001' }, { blnk: { apiBase: 'http://[::1]:5001' } }],
    [{ BLNK_API_BASE: 'http://localhost:5001/x' }, { blnk: { apiBase: 'http://localhost:5001/x' } }],
    [{ STRIPE_API_BASE: 'http://127.8.9.1' }, { stripe: { apiBase: 'http://127.8.9.1' } }],
    [
      { BLNK_API_BASE: 'http://Core:5001', STRIPE_API_BASE: 'http://stand-in', ALLOW_HTTP_HOSTS: 'CORE, stand-in' },
      { blnk: { apiBase: 'http://Core:5001' }, stripe: { apiBase: 'http://stand-in' } },
    ],
    // Empty counts as not set: a line without a value in .env, a default of Compose.
    [
      { SYNC_EVERY: '', REDIS_URL: '', SYNC_START: '' },
      { syncEveryMs: MINUTE_MS, redisUrl: null },
    ],
  ] as ReadonlyArray<readonly [Bag, object]>)('takes %o', (given, wanted) => {
    expect(readWorkerConfig({ ...CLOUD, ...given })).toMatchObject(wanted);
  });

  it('needs no instance id for a self-hosted Core, and forgets one that is given', () => {
    const core = { ...CLOUD, BLNK_API_STYLE: 'core', BLNK_API_BASE: 'http://127.0.0.1:5001' };
    expect(readWorkerConfig({ ...core, BLNK_INSTANCE_ID: undefined }).blnk.instanceId).toBeNull();
    expect(readWorkerConfig(core).blnk).toMatchObject({ style: 'core', instanceId: null });
  });

  it('of a command that only reads requires no key', () => {
    expect(readHomeConfig({ DATA_DIR: '/srv/mirror' }).database).toEqual({ kind: 'embedded', dataDir: '/srv/mirror' });
  });
});

it('spaces and line breaks around a key or an address are not a part of it', async () => {
  const config = readWorkerConfig({
    ...CLOUD,
    STRIPE_API_KEY: ' sk_test_abc\n',
    BLNK_API_KEY: 'blnk_abc\r\n',
    DATABASE_URL: `${DATABASE.DATABASE_URL}\n`,
  });
  expect(await config.stripe.readKey()).toBe('sk_test_abc');
  expect(await config.blnk.readKey()).toBe('blnk_abc');
  expect(config.database).toEqual({ kind: 'url', url: DATABASE.DATABASE_URL });
});

describe('what is refused', () => {
  it.each([
    [{ STRIPE_API_KEY: undefined }, /^STRIPE_API_KEY: is not set; a Stripe secret or restricted key is needed/],
    [
      { STRIPE_API_KEY: 'nonsense' },
      /^STRIPE_API_KEY: .*not shown.*begins with sk_live_, sk_test_, rk_live_ or rk_test_/,
    ],
    [{ STRIPE_API_KEY: 'pk_test_canary' }, /^STRIPE_API_KEY: .*a publishable key.*sk_live_/],
    [{ STRIPE_API_KEY: 'whsec_canary' }, /^STRIPE_API_KEY: .*signing secret of a webhook.*sk_live_/],
    [{ STRIPE_API_KEY: '"sk_test_canary"' }, /^STRIPE_API_KEY: .*quotation marks around it; allowed is sk_/],
    [{ STRIPE_API_KEY: 'sk_test_ca nary' }, /^STRIPE_API_KEY: .*a space or a line break/],
    [{ STRIPE_API_KEY: 'sk_test_käse' }, /^STRIPE_API_KEY: .*characters that no key has/],
    [{ BLNK_API_KEY: 'sk_test_canary' }, /^BLNK_API_KEY: .*a key of Stripe; allowed is a key of Blnk/],
    [{ BLNK_API_KEY: "'canary'" }, /^BLNK_API_KEY: .*quotation marks/],
    [{ BLNK_API_KEY: 'ca\nnary' }, /^BLNK_API_KEY: .*a space or a line break/],
    [{ STRIPE_API_BASE: 'api.stripe.com' }, /^STRIPE_API_BASE: is "api.stripe.com"; .*https:\/\/ or http:\/\//],
    ...(['STRIPE_API_BASE', 'BLNK_API_BASE'] as const).flatMap(
      (name) =>
        [
          [
            { [name]: 'http://core.internal:5001' },
            new RegExp(
              `^${name}: .*everybody between here and core\\.internal can read.*ALLOW_HTTP_HOSTS=core\\.internal`,
            ),
          ],
          // The name counts, not its beginning or end.
          [{ [name]: 'http://127.0.0.1.example.com' }, new RegExp(`^${name}: .*over http`)],
          [{ [name]: 'http://localhost.example.com' }, new RegExp(`^${name}: .*over http`)],
          [{ [name]: 'http://notlocalhost' }, new RegExp(`^${name}: .*over http`)],
          [
            { [name]: 'http://core:5001', ALLOW_HTTP_HOSTS: 'score,core.internal' },
            new RegExp(`^${name}: .*over http`),
          ],
          [{ [name]: 'ftp://core' }, new RegExp(`^${name}: is "ftp://core"; .*https:// or http://`)],
          [{ [name]: 'https://api.example/?token=canary' }, new RegExp(`^${name}: holds a user name.*not shown`)],
          [{ [name]: 'https://me:canary@api.example' }, new RegExp(`^${name}: holds a user name.*not shown`)],
          [{ [name]: 'me:canary@api.example' }, new RegExp(`^${name}: is "…@api.example"`)],
        ] satisfies ReadonlyArray<readonly [Bag, RegExp]>,
    ),
    ...[
      'public',
      'pg_mine',
      'bullmq',
      'drizzle',
      'information_schema',
      'Mirror',
      'a-b',
      'a.b',
      '1a',
      'ä',
      'a'.repeat(64),
    ].map((name): [Bag, RegExp] => [
      { DATABASE_SCHEMA: name },
      /^DATABASE_SCHEMA: is ".+"; allowed is a name of at most 63 lower-case letters/,
    ]),
    [{ ALLOW_HTTP_HOSTS: 'core:5001' }, /^ALLOW_HTTP_HOSTS: is "core:5001"; allowed are host names with commas/],
    [{ ALLOW_HTTP_HOSTS: 'http://core' }, /^ALLOW_HTTP_HOSTS: is "http:\/\/core"/],
    [{ ALLOW_HTTP_HOSTS: '*' }, /^ALLOW_HTTP_HOSTS: is "\*"/],
    [{ ALLOW_HTTP_HOSTS: 'core,' }, /^ALLOW_HTTP_HOSTS: is "core,"/],
    [
      { BLNK_INSTANCE_ID: 'x'.repeat(20_000) },
      /^BLNK_INSTANCE_ID: is 20000 characters long; allowed are at most 16384/,
    ],
    [{ STRIPE_SHARE: '0' }, /^STRIPE_SHARE: is "0"; allowed is a number above 0, at most 1/],
    [{ STRIPE_SHARE: '40%' }, /^STRIPE_SHARE: is "40%"/],
    [{ STRIPE_RATE_LIMIT: '0' }, /^STRIPE_RATE_LIMIT: is "0"; allowed is a whole number from 1 to 10000/],
    [{ BLNK_SOURCE_SHARDS: '65' }, /^BLNK_SOURCE_SHARDS: is "65"; allowed is a whole number from 1 to 64/],
    [
      { BLNK_SOURCE_SHARDS: '4', BLNK_GUEST_DESTINATION: '@stripe_2' },
      /^BLNK_GUEST_DESTINATION: is @stripe_2, one of those that BLNK_SOURCE is spread over/,
    ],
    [{ STRIPE_RATE_LIMIT: '2.5' }, /^STRIPE_RATE_LIMIT: is "2.5"; allowed is a whole number/],
    [{ BLNK_API_KEY: undefined }, /^BLNK_API_KEY: is not set; .*proxy:write and data:read/],
    [{ BLNK_INSTANCE_ID: undefined }, /^BLNK_INSTANCE_ID: is not set; .*BLNK_API_STYLE=core/],
    [{ BLNK_IDENTITIES: 'on' }, /^BLNK_IDENTITIES: is "on"; allowed is one of off, ids, full/],
    [{ BLNK_ACCOUNTS: 'balances' }, /^BLNK_ACCOUNTS: is "balances"; allowed is one of indicators, ledger/],
    [{ BLNK_LEDGER_NAME: '  ' }, /^BLNK_LEDGER_NAME: is " {2}"; allowed is a name of up to 200 characters/],
    [{ BLNK_API_STYLE: 'Cloud' }, /^BLNK_API_STYLE: is "Cloud"; allowed is cloud .* or core/],
    [{ BLNK_SOURCE: 'stripe' }, /^BLNK_SOURCE: is "stripe"; allowed is @ and a name/],
    [{ BLNK_SOURCE: '@two words' }, /^BLNK_SOURCE: is "@two words"/],
    [{ BLNK_SOURCE: '@a', BLNK_GUEST_DESTINATION: '@a' }, /^BLNK_GUEST_DESTINATION: is @a, the same as BLNK_SOURCE/],
    // The other of the two stays at its default here.
    [{ BLNK_GUEST_DESTINATION: '@stripe' }, /^BLNK_GUEST_DESTINATION: is @stripe, the same as BLNK_SOURCE/],
    [{ BLNK_SOURCE: '@stripe_guests' }, /^BLNK_GUEST_DESTINATION: is @stripe_guests, the same as BLNK_SOURCE/],
    [{ DATABASE_URL: 'mysql://db/x' }, /^DATABASE_URL: .*not shown.*postgres:\/\/ or postgresql:\/\//],
    [
      { DATABASE_URL: 'postgres://me:canary@db/x?sslmode=prefer' },
      /^DATABASE_URL: has sslmode=prefer; allowed are disable/,
    ],
    [
      { DATABASE_URL: 'postgres://me:canary@db/x?sslrootcert=/ca' },
      /^DATABASE_URL: has sslrootcert,.*NODE_EXTRA_CA_CERTS/,
    ],
    [{ ...DATABASE, REDIS_URL: 'localhost:6379' }, /^REDIS_URL: .*not shown.*redis:\/\/ or rediss:\/\//],
    [{ DATABASE_URL: 'postgres://me:can@ry@db/x' }, /^DATABASE_URL: .*its password holds.*@ as %40, \/ as %2F/],
    [{ DATABASE_URL: 'postgres://me:12/canary@db/x' }, /^DATABASE_URL: .*its password holds/],
    [{ DATABASE_URL: 'postgres://me:12?canary@db/x' }, /^DATABASE_URL: .*its password holds/],
    [{ DATABASE_URL: 'postgres://me:12#canary@db/x' }, /^DATABASE_URL: .*its password holds/],
    [{ ...DATABASE, REDIS_URL: 'redis://:can@ry@cache' }, /^REDIS_URL: .*its password holds/],
    [{ ...DATABASE, REDIS_URL: 'redis://cache/abc' }, /^REDIS_URL: .*the number of a database/],
    [{ ...DATABASE, REDIS_URL: 'redis://cache/1/2' }, /^REDIS_URL: .*the number of a database/],
    [{ REDIS_URL: 'redis://cache' }, /^REDIS_URL: is set without DATABASE_URL/],
    [{ SYNC_EVERY: '60' }, /^SYNC_EVERY: is "60"; allowed is a duration such as 30s.*at least 1s/],
    [{ SYNC_EVERY: '0s' }, /^SYNC_EVERY: is "0s"/],
    [{ SYNC_EVERY: '99999d' }, /^SYNC_EVERY: is "99999d"; .*at least 1s and at most 1d/],
    [{ SHUTDOWN_GRACE: '2h' }, /^SHUTDOWN_GRACE: is "2h"; .*at most 1h/],
    [{ KEEP_EMPTY_RUNS: '99999d' }, /^KEEP_EMPTY_RUNS: is "99999d"; .*at most 36500d/],
    [{ SYNC_LAG: '30s' }, /^SYNC_LAG: is "30s"; .*at least 60s/],
    [{ SYNC_START: 'yesterday' }, /^SYNC_START: is "yesterday"; allowed is a date .* a duration .* or all/],
    [{ SYNC_START: '2026-02-30' }, /^SYNC_START: is "2026-02-30"/],
    [{ KEEP_EMPTY_RUNS: 'forever' }, /^KEEP_EMPTY_RUNS: is "forever"/],
    [{ SHUTDOWN_GRACE: '-1s' }, /^SHUTDOWN_GRACE: is "-1s"/],
    [{ LOG_LEVEL: 'verbose' }, /^LOG_LEVEL: is "verbose"; allowed is one of fatal, error, warn, info/],
  ] as ReadonlyArray<readonly [Bag, RegExp]>)('%o', (given, wanted) => {
    const problems = problemsOf({ ...CLOUD, ...given });
    expect(problems[0]).toMatch(wanted);
    expect(problems.join()).not.toContain('canary');
    expect(problems.slice(1).filter((problem) => !problem.startsWith('BLNK_INSTANCE_ID: is not set'))).toEqual([]);
  });

  it('is said all at once, across both steps of checking', () => {
    const problems = problemsOf({ STRIPE_API_KEY: 'nonsense', SYNC_EVERY: 'often', LOG_LEVEL: '9', REDIS_URL: 'x' });
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual(
      [
        ...['BLNK_API_KEY', 'BLNK_INSTANCE_ID', 'LOG_LEVEL', 'REDIS_URL', 'REDIS_URL'],
        ...['STRIPE_API_KEY', 'SYNC_EVERY'],
      ].sort(),
    );
  });

  it('names the demo, and never repeats a secret', () => {
    const given = {
      STRIPE_API_KEY: 'canary-one',
      BLNK_API_KEY: 'canary-two',
      DATABASE_URL: 'canary-three',
      REDIS_URL: 'canary-four',
    };
    const error = refusalOf(given);
    expect(error.message).toMatch(/stripe-blnk-sync demo/);
    expect(error.message).not.toMatch(/canary/);
    expect(refusalOf({}).message).toMatch(/stripe-blnk-sync demo/);
  });
});

describe('secrets from files', () => {
  it('are read again each time, so that they can be rotated', async () => {
    const file = join(folder, 'stripe-key');
    writeFileSync(file, 'rk_test_first\n');
    const { stripe } = readWorkerConfig({ ...CLOUD, STRIPE_API_KEY: undefined, STRIPE_API_KEY_FILE: file });
    expect(await stripe.readKey()).toBe('rk_test_first');
    writeFileSync(file, 'rk_test_second\n');
    expect(await stripe.readKey()).toBe('rk_test_second');
    writeFileSync(file, 'canary'.repeat(20_000));
    await expect(stripe.readKey()).rejects.toThrow(/^it is larger than 65536 bytes/);
  });

  it('may hold the address of the database', () => {
    const file = join(folder, 'database');
    writeFileSync(file, `${DATABASE.DATABASE_URL}\n`);
    expect(readHomeConfig({ DATABASE_URL_FILE: file }).database).toEqual({ kind: 'url', url: DATABASE.DATABASE_URL });
  });

  it.each([
    ['beside the variable itself', { BLNK_API_KEY_FILE: '/dev/null' }, /^BLNK_API_KEY_FILE: is set together with/],
    [
      'that are not there',
      { BLNK_API_KEY: undefined, BLNK_API_KEY_FILE: '/nowhere/key' },
      /^BLNK_API_KEY_FILE: \/nowhere\/key cannot be read/,
    ],
    [
      'that are too large, or never end,',
      { BLNK_API_KEY: undefined, BLNK_API_KEY_FILE: '/dev/zero' },
      /^BLNK_API_KEY_FILE: \/dev\/zero cannot be read \(it is larger than 65536 bytes, which no secret is\)/,
    ],
    [
      'that are empty',
      { BLNK_API_KEY: undefined, BLNK_API_KEY_FILE: '/dev/null' },
      /^BLNK_API_KEY_FILE: \/dev\/null is empty/,
    ],
  ] as ReadonlyArray<readonly [string, Bag, RegExp]>)('%s are refused', (_, given, wanted) => {
    expect(problemsOf({ ...CLOUD, ...given })).toContainEqual(expect.stringMatching(wanted));
  });
});

describe('.env', () => {
  it('may begin with a byte order mark, as some editors write it', () => {
    writeFileSync(join(folder, '.env'), '\uFEFFSYNC_EVERY=5m\n');
    expect(readHomeConfig(readEnvironment({}, folder)).syncEveryMs).toBe(5 * MINUTE_MS);
  });

  it.each([
    ['UTF-16LE', Buffer.from('\uFEFFSYNC_EVERY=5m\n', 'utf16le')],
    ['UTF-16BE', Buffer.from('\uFEFFSYNC_EVERY=5m\n', 'utf16le').swap16()],
  ])('that is saved as %s is refused as that', (_, bytes) => {
    writeFileSync(join(folder, '.env'), bytes);
    expect(() => readEnvironment({}, folder)).toThrow(
      `.env: ${join(folder, '.env')} is saved as UTF-16; save it as UTF-8`,
    );
  });

  it('of the working directory is read, and what the environment holds comes first', () => {
    writeFileSync(join(folder, '.env'), 'SYNC_EVERY=5m\nLOG_LEVEL=warn\n');
    const bag = readEnvironment({ LOG_LEVEL: 'error' }, folder);
    expect(readHomeConfig(bag)).toMatchObject({ syncEveryMs: 5 * MINUTE_MS, logLevel: 'error' });
  });
});

function problemsOf(bag: Bag): readonly string[] {
  return refusalOf(bag).problems;
}

function refusalOf(bag: Bag): ConfigError {
  try {
    readWorkerConfig(bag);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('this configuration was taken');
}
