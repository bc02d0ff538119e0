/** `init` as a person and as a script use it: answers come through standard input, and both vendors' stand-ins are asked. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { readWorkerConfig } from '../../src/config/config.js';
import { withValues } from '../../src/core/settings/environment-file.js';
import { compiled } from '../support/process/child.js';
import { itInFull } from '../support/tier.js';

let stripe: StripeSandbox;
let blnk: BlnkSandbox;
let folder: string;

beforeAll(async () => {
  [stripe, blnk] = await Promise.all([startStripeSandbox(), startBlnkSandbox()]);
});
afterAll(() => Promise.all([stripe.close(), blnk.close()]));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Where the stand-ins are, which nobody is asked for. */
const places = () => ({ STRIPE_API_BASE: stripe.url, BLNK_API_BASE: blnk.url });
const keys = () => ({
  ...{ STRIPE_API_KEY: stripe.apiKey, BLNK_API_KEY: blnk.cloudToken, BLNK_INSTANCE_ID: blnk.instanceId },
});

/** @param answers one for each question; null: the input stays open, and Ctrl-C comes when that question is put */
async function runInit(
  words: readonly string[],
  answers: readonly (string | null)[] = [],
  variables: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, [...compiled('src/main.ts'), 'init', ...words], {
    ...{ cwd: folder, env: { ...places(), ...variables }, stdio: ['pipe', 'pipe', 'pipe'] as const },
  });
  const lines = answers.filter((answer) => answer !== null);
  for (const line of lines) child.stdin.write(`${line}\n`);
  const isInterrupted = lines.length < answers.length;
  if (!isInterrupted) child.stdin.end();
  let said = '';
  let isTold = false;
  child.stderr.on('data', (piece: Buffer) => {
    said += String(piece);
    const asked = said.split('\n> ').length - 1;
    if (!isInterrupted || isTold || asked <= lines.length) return;
    isTold = true;
    child.kill('SIGINT');
  });
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { output, errors, code };
}

const written = () => parseEnv(readFileSync(join(folder, '.env'), 'utf8'));

describe('init', () => {
  it('asks, tries each answer, asks again where it is wrong, and writes what a worker starts with', async () => {
    const { output, errors, code } = await runInit(
      [],
      [
        ...['pk_test_1', 'sk_test_nobody0000', stripe.apiKey],
        ...['clod', 'cloud', '', blnk.instanceId, 'wrong-key', blnk.cloudToken],
        ...['', '', '90 days', '90d', '', '', '0.0.0.0'],
      ],
    );
    expect([code, output.split('\n')[0]]).toEqual([0, '.env is written, for your user alone. Next:']);
    expect(output).toMatch(/ sync --dry-run\n.* worker\n$/);
    expect(errors).toContain('a publishable key (pk_…)');
    expect(errors).toMatch(/stripe_key_refused|stripe_unauthorized|Stripe .*key/);
    expect(errors).toContain('Stripe takes this key of test mode.');
    expect(errors).toContain('BLNK_API_STYLE: is "clod"; allowed is cloud');
    expect(errors).toContain('Blnk takes this key, which may read and post.');
    expect(errors).toContain('SYNC_START: is "90 days"');
    for (const secret of [stripe.apiKey, blnk.cloudToken, 'wrong-key', 'sk_test_nobody0000']) {
      expect(output + errors).not.toContain(secret);
    }
    const { ADMIN_TOKEN: token = '', ...others } = written();
    expect(others).toEqual({
      ...{ ...keys(), ...places(), BLNK_API_STYLE: 'cloud', DATA_DIR: './.data', SYNC_START: '90d', SYNC_EVERY: '60s' },
      ...{ HTTP_PORT: '3000', HTTP_HOST: '0.0.0.0' },
    });
    expect(token).toMatch(/^[\da-f]{64}$/);
    expect(output + errors).not.toContain(token);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    expect(readWorkerConfig(written()).http?.adminToken).toBe(token);
    expect(readFileSync(join(folder, '.env'), 'utf8')).toContain('# How far back the first start goes');
  });

  it('takes everything from the environment and --set where nobody is asked', async () => {
    const run = await runInit(['--yes', '--set', 'HTTP_PORT=off', '--set', 'SYNC_START=all'], [], keys());
    expect([run.code, run.errors]).toEqual([0, expect.stringContaining('Stripe takes this key')]);
    expect(written()).toMatchObject({ ...keys(), HTTP_PORT: 'off', SYNC_START: 'all' });
    expect(written().HTTP_HOST).toBeUndefined();
  });

  it.each([
    ['a key that is not given', () => ({}), [], /^STRIPE_API_KEY: is not set/m],
    ['a wrong scope', () => ({ ...keys(), BLNK_API_KEY: 'wrong' }), [], /^blnk_\w+: /m],
    [
      'a database that is away',
      () => ({ ...keys(), DATABASE_URL: 'postgres://127.0.0.1:9/x' }),
      [],
      /^database_\w+: /m,
    ],
    ['a wrong value', keys, ['--set', 'SYNC_EVERY=often'], /^SYNC_EVERY: is "often"; allowed is a duration/m],
    ['a secret on the command line', keys, ['--set', 'STRIPE_API_KEY=sk_test_1'], /^STRIPE_API_KEY: is a secret/m],
  ])('refuses %s with exit 2, and writes nothing', async (_what, variables, words, message) => {
    const run = await runInit(['--yes', ...words], [], variables());
    expect([run.code, run.output]).toEqual([2, '']);
    expect(run.errors).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  itInFull('asks nobody on the other side with --no-check, and --print writes nothing', async () => {
    const run = await runInit(['--yes', '--print', '--no-check'], [], {
      ...keys(),
      STRIPE_API_KEY: 'sk_test_elsewhere',
    });
    expect([run.code, run.errors]).toEqual([0, '']);
    expect(parseEnv(run.output)).toMatchObject({ STRIPE_API_KEY: 'sk_test_elsewhere' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says what changes in a file that is there, and changes nothing else in it, nor anything without a yes', async () => {
    const before = `# ours\nSYNC_START=30d\nOTHER="of somebody else"\n${Object.entries({ ...keys(), ...places() })
      .map(([name, value]) => `${name}=${value}\n`)
      .join('')}`;
    writeFileSync(join(folder, '.env'), before, { mode: 0o644 });
    const answers = [...Array<string>(7).fill(''), '60d', '', 'off'];
    const refused = await runInit([], [...answers, 'n']);
    expect([refused.code, readFileSync(join(folder, '.env'), 'utf8')]).toEqual([1, before]);
    expect(refused.errors).toContain('  SYNC_START: 30d → 60d\n');
    const run = await runInit([], [...answers, 'y']);
    expect(run.code).toBe(0);
    expect(written()).toMatchObject({ SYNC_START: '60d', OTHER: 'of somebody else', ...keys() });
    expect(readFileSync(join(folder, '.env'), 'utf8')).toMatch(/^# ours\nSYNC_START=60d\nOTHER="of somebody else"\n/);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    const same = await runInit(['--yes']);
    expect([same.code, same.output]).toEqual([0, '.env already has these values. Nothing was written.\n']);
  });

  it.each([
    ['Ctrl-C', [null]],
    ['the end of the input', []],
  ])('leaves nothing behind after %s', async (_how, rest) => {
    const run = await runInit([], [stripe.apiKey, 'cloud', ...rest]);
    expect([run.code, run.output]).toEqual([1, '']);
    expect(run.errors).toMatch(/Nothing was written\.\n$/);
    expect(existsSync(join(folder, '.env'))).toBe(false);
  });
});

describe('the text of a file', () => {
  it('is read back as what was given, whatever stands in it', () => {
    const values = { A: 'plain', B: 'with # and space', C: "it's", D: 'a$b', E: 'x"y`z', F: '' };
    expect(parseEnv(withValues('', new Map(Object.entries(values))))).toEqual(values);
  });

  it('has a variable once: where it stands, commented out or not', () => {
    const text = withValues(
      'A=1\n#B=\nA=2\n# about C. Example: 1\n#C=\n',
      new Map([
        ['A', '3'],
        ['B', '4'],
        ['C', null],
      ]),
    );
    expect(text).toBe('A=3\nB=4\n# about C. Example: 1\n#C=\n');
  });
});
