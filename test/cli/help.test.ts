/** What the help tells of each command, and that nothing that commands print is broken within a word on a narrow terminal. */
import { describe, expect, it } from 'vitest';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { commandsBelow, pathOf } from '../../src/cli/command-help.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { COMMAND_HELP } from '../../src/cli/help-texts.js';
import { NAMES_READ } from '../../src/config/config.js';
import { widthOf } from '../../src/views/text-width.js';
import { at, insertPosting } from '../support/reads-database.js';
import { recordEnvironment } from '../support/recorded-environment.js';
import { openCommandLine, RUN } from '../support/stages/command-line.js';

/** Of a terminal of so many columns. */
async function told(words: readonly string[], columns: number): Promise<string> {
  const { environment, outcome } = recordEnvironment({ columns });
  const app = {
    ...environment,
    ...{ variables: () => ({}), variableNames: () => ({ inFile: [], inEnvironment: [] }), overrides: undefined },
    ...{ log: neverAsked, confirm: neverAsked, openDialogue: neverAsked, onMayPost: () => {} },
    ...{ environmentFile: () => null, writeEnvironmentFile: () => {} },
  };
  await runCommandLine(composeCommandLine(app), environment, words);
  return outcome().printed;
}

const neverAsked = async (): Promise<never> => {
  throw new Error('must not be asked');
};

const program = composeCommandLine({ ...recordEnvironment().environment } as Parameters<typeof composeCommandLine>[0]);
const paths = commandsBelow(program).map(pathOf);

describe('the help', () => {
  it('has an entry for every command, and for no other', () => {
    expect(Object.keys(COMMAND_HELP).sort()).toEqual([...paths].sort());
  });

  it('has commands in their groups', async () => {
    const groups = [...new Set(Object.values(COMMAND_HELP).map(({ group }) => `${group}:`))];
    const help = await told(['--help'], 100);
    const headings = help.split('\n').filter((line) => /^\S.*:$/.test(line));
    expect(headings).toEqual(['Options:', ...groups, 'Help:', 'Examples and exit codes of a command:']);
  });

  it.each(paths)('says of %s the same in both ways, with examples, exit codes and variables', async (path) => {
    const help = await told([...path.split(' '), '--help'], 100);
    expect(await told(['help', ...path.split(' ')], 100)).toBe(help);
    const { examples = [], variables = [] } = COMMAND_HELP[path] ?? {};
    if (commandsBelow(program).some((one) => pathOf(one).startsWith(`${path} `))) return;
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(help).toContain(`  stripe-blnk-sync ${example}\n`);
    expect(help).toMatch(/\nExit codes:\n {2}0 .*\n(?: {5}.*\n)* {2}1 .*\n(?: {5}.*\n)* {2}2 /);
    expect(help).toMatch(/\nVariables:\n {2}\S/);
    expect(variables.filter((name) => !NAMES_READ.includes(name))).toEqual([]);
  });

  it('gives examples that the command line takes', () => {
    const examples = Object.entries(COMMAND_HELP).flatMap(([path, help]) =>
      help.examples.map((example) => ({ path, example })),
    );
    for (const { path, example } of examples) {
      const found = commandsBelow(program).find((one) => pathOf(one) === path);
      const { operands, unknown } = found?.parseOptions(wordsOf(example).slice(path.split(' ').length)) ?? {};
      expect(`${example} `.startsWith(`${path} `)).toBe(true);
      expect(unknown).toEqual([]);
      expect(operands?.length ?? 0).toBeLessThanOrEqual(found?.registeredArguments.length ?? 0);
    }
  });
});

describe.each([60, 80, 120])('on %i columns', (columns) => {
  const { database, command, startWorker, serve } = openCommandLine();

  it('the help of every command fits', async () => {
    for (const path of ['', ...paths])
      fits(await told([...path.split(' '), '--help'].filter(Boolean), columns), columns);
  });

  it('what commands print fits, and what a table leaves out is told with how to see it', async () => {
    await serve('parked');
    await startWorker();
    await insertPosting(database().db, {
      ...{ reference: 'pi_3QxAbCdEfGhIjKlMnOpQrStU', firstRun: RUN, state: 'parked', reason: 'three_decimal_amount' },
      ...{ reasonDetail: 'amount_received is 5124 KWD, which is a long text', createdAt: at('2026-11-01T10:00:00Z') },
    });
    const words = ['status', 'status --short', 'runs', `run ${RUN}`, 'payments', 'parked list', 'parked show pi_1'];
    for (const line of [...words, 'certificates list', 'actions', 'run abcd1234', 'payments --state odd']) {
      const { printed, warned } = await command(line, { columns });
      fits(printed, columns);
      fits(warned, columns);
    }
    const { printed } = await command('payments', { columns });
    const leftOut = /^\(no room for: .*; a wider\s+terminal\s+or\s+--json\s+has\s+them\)$/ms;
    if (columns < 120) expect(printed).toMatch(leftOut);
  });
});

/** A line that is longer holds one thing that must not be broken: a command to be pasted, an id. */
function fits(text: string, columns: number): void {
  const long = text.split('\n').filter((line) => widthOf(line) > columns);
  expect(long.filter((line) => !/^\s*\(?(?:Usage: )?(?:stripe-blnk-sync .*|\S+)$/.test(line))).toEqual([]);
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
}
