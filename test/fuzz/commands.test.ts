/**
 * Any words on the command line, against a database that holds what hostile texts could get into it: an exit code of 0, 1
 * or 2, words for people, and nothing that a terminal would obey.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { ODD_CHARACTERS, ODD_TEXTS } from '../support/fuzz/odd.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';

/** With what each takes; those that run for long, or change much, are refused before they start: no key is set. */
const COMMANDS: ReadonlyArray<readonly [words: readonly string[], options: readonly string[]]> = [
  [['runs'], ['--limit', '--json', '--all', '--from', '--to']],
  [
    ['run', '?'],
    ['--limit', '--after', '--state', '--json'],
  ],
  [['status'], ['--json']],
  [
    ['parked', 'list'],
    ['--limit', '--after', '--reason', '--dismissed', '--json'],
  ],
  [['parked', 'show', '?'], ['--json']],
  [
    ['parked', 'retry', '?'],
    ['--reason', '--json'],
  ],
  [
    ['parked', 'dismiss', '?'],
    ['--why', '--json'],
  ],
  [
    ['certificates', 'list'],
    ['--from', '--to', '--state', '--limit', '--json', '--csv'],
  ],
  [
    ['certificates', 'show', '?'],
    ['--currency', '--json'],
  ],
  [['backfill'], ['--from', '--to', '--dry-run', '--json']],
  [['prove'], ['--from', '--to', '--json']],
  [
    ['repair', 'plan'],
    ['--from', '--to', '--json'],
  ],
  [['repair', 'apply', '?'], ['--json']],
  [['rebuild'], ['--from', '--json']],
  [['worker'], ['--adopt']],
  [['migrate'], ['--mapping']],
  [['?'], ['--version', '--help']],
];

const HOSTILE = 'pi_\u001b[31mred\u009b2J\u202egnp';

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD_TEXTS, ...ODD_CHARACTERS, HOSTILE) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 15 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        'pi_hostile',
        '2026-05-29',
        '2026-02-30',
        '9999-12-31',
        '0000-01-01',
        '10000-01-01',
        '-1',
        '0',
        '1001',
        '1e3',
      ],
      ...['30d', '99999999d', 'now', '2026-05-29T25:00:00Z', 'usd', 'sealed', 'conflict', '--', '-x', '/etc/passwd'],
    ),
  },
  { weight: 1, arbitrary: fc.constant('x'.repeat(100_000)) },
);
const lines = fc
  .tuple(fc.constantFrom(...COMMANDS), fc.array(fc.tuple(fc.nat(5), fc.option(word)), { maxLength: 4 }), word)
  .map(([[words, options], given, argument]) => [
    ...words.map((one) => (one === '?' ? argument : one)),
    ...given.flatMap(([which, value]) => {
      const option = options[which % options.length] ?? '--json';
      return value === null ? [option] : [option, value];
    }),
  ]);

describe('any command line', () => {
  let place: OwnDatabase;
  let directory = '';
  let variables: Record<string, string> = {};

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'odd-commands-'));
    place = await openMigratedDatabase();
    if (place.address.kind !== 'url') return;
    variables = { DATABASE_URL: place.address.url };
    const failed = randomUUID();
    const { sql } = place;
    expect(await run(['migrate'], false)).toMatchObject({ code: 0 });
    await sql`
      insert into stripe_blnk_sync.sync_runs (id, feed, trigger, window_from, state, version, error, error_code)
      values (${failed}, 'events', 'manual', now(), 'failed', ${HOSTILE}, ${HOSTILE}, ${HOSTILE})`;
    await sql`
      insert into stripe_blnk_sync.postings (reference, object_id, kind, state, reason, reason_detail, effective_at, payment, first_run)
      values ('pi_hostile', 'pi_hostile', 'payment', 'parked', 'unreadable_payment', ${HOSTILE}, now(),
        ${JSON.stringify({ kind: 'unreadable', id: 'pi_hostile', created: null, problem: HOSTILE })}, ${failed}),
      (${HOSTILE}, ${HOSTILE}, 'payment', 'parked', 'conflict', ${HOSTILE.repeat(50)}, now(), null, ${failed})`;
  });
  afterAll(async () => {
    await place.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const run = async (words: readonly string[], asTerminal: boolean) => {
    let printed = '';
    let code: number | undefined;
    const write = (text: string) => {
      printed += text;
    };
    const environment = commandEnvironment({
      ...{ variables, directory, signal: AbortSignal.timeout(15_000), userName: `me${HOSTILE}` },
      standardOutput: { write, isTTY: asTerminal, columns: 80 },
      standardError: { write },
      exit: (given) => {
        code = given;
      },
    });
    await runCommandLine(composeCommandLine(environment), environment, words);
    return { printed, code: code ?? 0 };
  };

  // First, because the commands of the other one may dismiss what this one shows.
  it('shows what hostile texts are, and has no terminal obey them', async ({ skip }) => {
    if (variables.DATABASE_URL === undefined) skip('needs a PostgreSQL server');
    for (const words of [
      ['parked', 'list'],
      ['parked', 'show', 'pi_hostile'],
      ['parked', 'list', '--json'],
    ]) {
      const { printed, code } = await run(words, true);
      expect([code, printed]).toEqual([0, expect.stringContaining('red')]);
      expectHarmless(printed);
    }
    const json = await run(['parked', 'list', '--json'], false);
    expect(
      JSON.parse(json.printed).payments[0].reason_detail + JSON.parse(json.printed).payments[1].reason_detail,
    ).toContain(HOSTILE);
  });

  const { timeout, settings } = fuzzRuns(60);
  it('ends with a code and words', { timeout }, async ({ skip }) => {
    if (variables.DATABASE_URL === undefined) skip('needs a PostgreSQL server');
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), async (words, asTerminal) => {
        const { printed, code } = await run(words, asTerminal);
        expect([0, 1, 2]).toContain(code);
        if (code !== 0) expect(printed.trim()).not.toBe('');
        expectHarmless(printed);
      }),
      settings,
    );
  });
});

/** A whole line in one of our own colours, as a terminal gets it. */
const COLOURED_LINE = /^\p{Cc}\[(?:2|3[1-3])m(\P{Cc}*)\p{Cc}\[(?:22|39)m$/gmu;

/** Lines of text: no control characters but their ends and tabs, no marks that turn the direction, no stack of a fault. */
function expectHarmless(printed: string): void {
  expect(printed.replace(COLOURED_LINE, '$1').replace(/\r?\n|\t/g, '')).not.toMatch(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u,
  );
  expect(printed).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  expect(printed).not.toMatch(/TypeError|RangeError|SyntaxError|URIError|Invalid time value|is not a function/);
}

it.each([true, false])('a log line has no terminal obey what was logged, for people: %s', async (forPeople) => {
  const script = `
    import { commandEnvironment } from './src/app/commands/command-environment.ts';
    const { stdout: standardOutput, stderr: standardError } = process;
    if (${forPeople}) standardOutput.isTTY = true;
    const view = { variables: {}, directory: '/', standardOutput, standardError, userName: 'ada', exit() {} };
    const log = await commandEnvironment(view).log('info');
    log.warn({ error: ${JSON.stringify(HOSTILE)} }, ${JSON.stringify(HOSTILE)});`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
  ]);
  expect(stdout).toContain('red');
  // Colours of the log's own stay.
  const colours = forPeople ? [33, 39].map((code) => `\u001b[${code}m`) : [];
  expectHarmless(colours.reduce((text, colour) => text.replaceAll(colour, ''), stdout));
});
