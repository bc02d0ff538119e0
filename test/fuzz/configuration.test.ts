/**
 * Any text in any variable: a configuration that can be used, or one error that names every wrong variable, what was given
 * (never of a secret) and what is allowed. And any content in `.env`.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/blnk/ledger.js';
import { readWorkerConfig, VARIABLES, type WorkerConfig } from '../../src/config/config.js';
import { type Bag, ConfigError, readEnvironment } from '../../src/config/environment.js';
import { SECRETS } from '../../src/config/secrets.js';
import { SyncError } from '../../src/core/base/errors.js';
import { createStripeClient } from '../../src/stripe/client.js';
import { ODD_CHARACTERS, ODD_TEXTS } from '../support/fuzz/odd.js';
import { fuzzRuns } from '../support/fuzz/runs.js';

const GOOD: Bag = { STRIPE_API_KEY: 'sk_test_1', BLNK_API_KEY: 'key', BLNK_INSTANCE_ID: 'inst_1' };

/** Begun well and gone wrong: what no list of odd texts by itself gets past the first check with. */
const BEGINNINGS = [
  ...[
    '',
    'sk_test_',
    'rk_live_',
    'https://',
    'http://127.0.0.1/',
    'postgres://u:p@localhost/',
    'redis://localhost/',
    '@',
  ],
  ...['https://user:secret@', '10', '30d', '2026-01-', '0.', 'cloud', 'core', 'info', '99999999999', '%ff', '../', '/'],
];

const odd = fc.oneof(fc.constantFrom(...ODD_TEXTS, ...ODD_CHARACTERS), fc.string({ unit: 'binary', maxLength: 12 }));
const value = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...BEGINNINGS), odd).map(([begun, rest]) => begun + rest) },
  { weight: 1, arbitrary: fc.constantFrom(16_384, 16_385, 200_000).map((length) => 'x'.repeat(length)) },
);
const bags = fc.dictionary(fc.constantFrom(...VARIABLES, ...SECRETS.map((name) => `${name}_FILE`)), value, {
  maxKeys: 6,
});

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'odd-configuration-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('any text in any variable', () => {
  const { timeout, settings } = fuzzRuns(600);
  it('is a configuration, or one error that names all', { timeout }, () => {
    fc.assert(
      fc.property(bags, (drawn) => {
        const bag = { ...GOOD, ...drawn };
        const config = configOf(bag);
        if (config !== null) expectUsable(config);
      }),
      settings,
    );
  });
});

describe('any .env', () => {
  const { timeout, settings } = fuzzRuns(60);
  const lines = fc.array(
    fc.oneof(
      odd,
      fc.tuple(fc.constantFrom(...VARIABLES), odd).map(([name, text]) => `${name}=${text}`),
    ),
    { maxLength: 8 },
  );
  it('is read, or refused by its name', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(lines, fc.constantFrom('\n', '\r\n', '\r', '\u0000'), async (written, end) => {
        await writeFile(join(directory, '.env'), written.join(end), 'utf8');
        const config = configOf({ ...readEnvironment({}, directory), ...GOOD });
        if (config !== null) expectUsable(config);
      }),
      settings,
    );
  });

  it('that is a folder is refused, saying so', async () => {
    const within = join(directory, 'folder');
    await mkdir(join(within, '.env'), { recursive: true });
    expect(() => readEnvironment({}, within)).toThrow(ConfigError);
    expect(() => readEnvironment({}, within)).toThrow(
      /\.env cannot be read \(EISDIR.*allowed is a file of lines NAME=value/,
    );
  });
});

it.each(['postgres://u:%ff@localhost/sync', 'postgres://u:p@localhost/%00', 'redis://:%e0%a4@localhost'])(
  'an address that no driver can decode is refused: %s',
  (address) => {
    const name = address.startsWith('redis') ? 'REDIS_URL' : 'DATABASE_URL';
    expect(() => readWorkerConfig({ ...GOOD, DATABASE_URL: 'postgres://localhost/sync', [name]: address })).toThrow(
      new RegExp(`${name}: is not usable`),
    );
  },
);

/** Null when it was refused as it should be. */
function configOf(bag: Bag): WorkerConfig | null {
  try {
    return readWorkerConfig(bag);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { problems, message } = error as ConfigError;
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) {
      const [, name = ''] = /^([A-Z_]+): /.exec(problem) ?? [];
      expect([...VARIABLES, ...SECRETS.map((secret) => `${secret}_FILE`)]).toContain(name);
      expect(problem).toMatch(
        /allowed (is|are)|is needed|needs the id|needs its address|is set (without|together)|cannot be read/,
      );
    }
    for (const name of SECRETS) {
      const secret = bag[name] ?? '';
      const isNamedElsewhere = Object.entries(bag).some(([other, text]) => other !== name && text?.includes(secret));
      if (secret.length > 12 && !isNamedElsewhere) expect(message).not.toContain(secret);
    }
    return null;
  }
}

/** Whatever is taken, the adapters take too, or say by name what they do not. */
function expectUsable(config: WorkerConfig): void {
  expect(config.syncEveryMs).toBeGreaterThanOrEqual(1_000);
  expect(config.syncLagMs).toBeGreaterThanOrEqual(60_000);
  expect(config.stripeShare > 0 && config.stripeShare <= 1).toBe(true);
  const { apiBase: baseUrl, style, instanceId, readKey } = config.blnk;
  expect(() => void createLedger({ baseUrl, style, instanceId, readKey })).not.toThrow();
  try {
    const limiter = { acquire: async () => {} };
    createStripeClient({
      baseUrl: config.stripe.apiBase,
      readKey: config.stripe.readKey,
      limiter,
      version: '0',
    }).close();
  } catch (error) {
    expect(error).toBeInstanceOf(SyncError);
    expect((error as SyncError).message).toMatch(/^STRIPE_API_BASE is /);
  }
}
