/** `--json`, for programs: whatever happens, what is written can be read, and exit codes stay what they are. */
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/environment.js';
import { SyncError } from '../../src/core/base/errors.js';
import { EmbeddedPostgresError } from '../../src/db/embedded/errors.js';
import { certificateCsv } from '../../src/views/certificate-csv.js';
import { toJson } from '../../src/views/json.js';
import { openCommandLine, RUN } from '../support/stages/command-line.js';

const { command, database, startWorker, serve } = openCommandLine();

const objectsOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** A command line, the exit code, and what it says why. */
const REFUSALS: ReadonlyArray<readonly [words: string, exitCode: number, code: string]> = [
  ['run abcd1234', 1, 'run_unknown'],
  ['run nonsense', 1, 'run_unknown'],
  [`run ${RUN} --after pi_1x`, 2, 'cursor_unknown'],
  ['parked list --after pi_1x', 2, 'cursor_unknown'],
  ['parked show pi_nobody', 1, 'payment_unknown'],
  ['parked retry', 2, 'usage'],
  ['certificates show 2026-01-01', 1, 'day_not_proven'],
  ['backfill --from 2026-11-20 --to 2026-11-19', 2, 'window_unreadable'],
  ['accept pi_nobody --why known', 1, 'nothing_to_accept'],
  ['runs --limit 0', 2, 'usage'],
  ['nonsense', 2, 'usage'],
  ['help nonsense', 2, 'command_unknown'],
];

describe('an error', () => {
  it.each(REFUSALS)('of %s is told in words, and as JSON with the same exit code', async (words, exitCode, code) => {
    await serve('parked');
    const text = await command(words);
    expect([text.code, text.printed]).toEqual([exitCode, '']);
    expect(text.warned).not.toMatch(/^\{/);
    const json = await command(`${words} --json`);
    expect([json.code, json.printed]).toEqual([exitCode, '']);
    expect(objectsOf(json.warned)).toEqual([{ error: { code, kind: 'fatal', message: expect.any(String) } }]);
  });

  it.each([
    [new SyncError('away', { kind: 'transient', code: 'database_unreachable' }), 'database_unreachable', 'transient'],
    [new ConfigError(['STRIPE_API_KEY: is not set'], null), 'configuration_unusable', 'fatal'],
    [new EmbeddedPostgresError('start_failed', 'no'), 'start_failed', 'fatal'],
    [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'unexpected', null],
  ])('of opening has the code of %s', async (error, code, kind) => {
    const { warned, code: exitCode } = await command('status --json', { open: () => Promise.reject(error) });
    expect([exitCode, objectsOf(warned)]).toEqual([2, [{ error: { code, kind, message: error.message } }]]);
  });
});

describe('a mistyped cursor', () => {
  it('is no all-clear', async () => {
    await serve('parked');
    expect((await command('parked list --after pi_1x')).printed).toBe('');
    expect((await command('parked list --after pi_1')).printed).toBe(
      'Nothing is parked beyond pi_1; without --after the list begins at the newest.',
    );
    expect((await command('parked list --reason rebuild')).printed).toBe('Nothing is parked for the reason rebuild.');
    await database().empty();
    expect((await command('parked list')).printed).toBe('Nothing is parked.');
  });
});

describe('a request', () => {
  const TIME = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/);

  it('of a backfill answers the id of its run', async () => {
    await startWorker();
    const { printed, warned } = await command('backfill --from 2026-11-19 --to 2026-11-20 --json');
    expect([JSON.parse(printed), warned]).toEqual([
      {
        ...{ requested: 'backfill', requested_at: TIME, run_id: RUN, workers: 1 },
        window: { from: '2026-11-19T00:00:00.000Z', to: '2026-11-20T00:00:00.000Z' },
      },
      '',
    ]);
  });

  it('of a sync answers the id of the run that serves it', async () => {
    await startWorker();
    const { printed } = await command('sync --json', { sync: () => serve('posted') });
    expect(JSON.parse(printed)).toEqual({ requested: 'sync', requested_at: TIME, run_id: RUN, workers: 1 });
  });

  it('of a sync answers at once that nobody serves it', async () => {
    const { printed, warned } = await command('sync --json');
    expect(JSON.parse(printed)).toEqual({ requested: 'sync', requested_at: TIME, run_id: null, workers: 0 });
    expect(objectsOf(warned)).toEqual([{ warning: expect.stringContaining('No worker is running') }]);
  });

  it('that is not followed to its end is marked so', async () => {
    const { printed, warned, code } = await command('sync --wait --timeout 1s --json');
    expect([printed, code]).toEqual(['', 1]);
    expect(objectsOf(warned).at(-1)).toMatchObject({ error: { code: 'not_followed', kind: 'transient' } });
  });
});

describe('an amount', () => {
  const shown = (value: unknown) => JSON.parse(toJson(value));

  it.each([
    [
      { sum: 1_234_567n, currency: 'USD' },
      { sum_minor: '1234567', sum: '12345.67', currency_decimals: 2 },
    ],
    [
      { sum: 1_234_567n, currency: 'KWD' },
      { sum_minor: '1234567', sum: '1234.567', currency_decimals: 3 },
    ],
    [
      { sum: -5n, currency: 'JPY' },
      { sum_minor: '-5', sum: '-5', currency_decimals: 0 },
    ],
    [
      { sum: -5n, currency: 'ISK' },
      { sum_minor: '-5', sum: '-0.05', currency_decimals: 2 },
    ],
    [
      { sum: 2n ** 70n, currency: 'USD' },
      { sum_minor: '1180591620717411303424', sum: '11805916207174113034.24' },
    ],
    [
      { sum: 5n, currency: 'XAU' },
      { sum_minor: '5', sum: null, currency_decimals: null },
    ],
    [
      { sum: 0n, currency: null },
      { sum_minor: '0', sum: null, currency: null, currency_decimals: null },
    ],
    [
      { movement: null, currency: 'USD' },
      { movement_minor: null, movement: null, currency_decimals: 2 },
    ],
    [
      { amountMinor: 5n, amount: '0.05', currency: 'USD' },
      { amount_minor: '5', amount: '0.05' },
    ],
    [{ ledger: [{ amount: '5', currency: 'USD' }] }, { ledger: [{ amount_minor: '5', amount: '0.05' }] }],
  ])('%o is in minor units and in decimals, each under its name', (value, json) => {
    expect(shown(value)).toMatchObject(json);
  });

  it('has the same names in CSV', () => {
    const [header = ''] = certificateCsv([]);
    const names = header.split(',');
    expect(names).toContain('currency_decimals');
    for (const name of names.filter((one) => one.endsWith('_minor'))) {
      expect(names).toContain(name.replace(/_minor$/, ''));
    }
    expect(names.filter((name) => /sum|movement|unexplained/.test(name) && !name.endsWith('_minor')).length).toBe(5);
  });
});

describe('help', () => {
  it('of a command is that command, and of a word that is none names those that there are', async () => {
    expect((await command('help parked show')).printed).toContain('parked show [options] <reference>');
    expect(await command('help parked shew')).toMatchObject({
      ...{ code: 2, printed: '' },
      warned: 'command_unknown: There is no command "parked shew"; allowed are list, show, retry, dismiss',
    });
    expect((await command('parked help shew')).code).toBe(2);
  });
});
