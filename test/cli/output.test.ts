/** What a terminal gets and what a pipe gets: lines broken between words, colours, and nothing that a vendor's text could do. */
import { describe, expect, it } from 'vitest';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { SyncError } from '../../src/core/base/errors.js';
import { wrapLine } from '../../src/views/text-width.js';

const SENTENCE =
  'Not complete: every payment that succeeded up to 2026-11-02 10:00:00 UTC is known, but not all are there';

function terminal({ columns, ...variables }: { readonly columns: number | null; readonly [name: string]: unknown }) {
  const written: string[] = [];
  const errors: string[] = [];
  const shape = columns === null ? {} : { isTTY: true, columns };
  const environment = commandEnvironment({
    variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])),
    directory: '/',
    standardOutput: { ...shape, write: (text: string) => written.push(text) },
    // Only what is drawn and redrawn needs a whole stream.
    standardError: { ...shape, write: (text: string) => errors.push(text) } as unknown as NodeJS.WriteStream,
    signal: new AbortController().signal,
    userName: 'ada',
    exit: () => {},
  });
  return { output: environment.output, written: () => written.join(''), errors: () => errors.join('') };
}

describe('a long line', () => {
  it('is broken between words, the rest beneath the text behind a sign, a name or a gap', () => {
    expect(wrapLine(SENTENCE, 40)).toEqual([
      'Not complete: every payment that',
      'succeeded up to 2026-11-02 10:00:00 UTC',
      'is known, but not all are there',
    ]);
    expect(wrapLine('! The queue is paused. Resume it where it was paused', 30)).toEqual([
      '! The queue is paused. Resume',
      '  it where it was paused',
    ]);
    expect(wrapLine('what to do   Ask Stripe why the last digit is not 0', 30)).toEqual([
      'what to do   Ask Stripe why',
      '             the last digit is',
      '             not 0',
    ]);
    expect(wrapLine('  it is indented and too long', 20)).toEqual(['  it is indented and', '  too long']);
  });

  it('never breaks a command: pasted, its first half would be another one', () => {
    expect(wrapLine('- It is proven again. Run: stripe-blnk-sync prove --from 2026-11-02 --to 2026-11-02', 50)).toEqual(
      ['- It is proven again. Run:', '  stripe-blnk-sync prove --from 2026-11-02 --to 2026-11-02'],
    );
    expect(wrapLine('start one (stripe-blnk-sync worker --adopt), and it is done', 30)).toEqual([
      'start one',
      '(stripe-blnk-sync worker --adopt),',
      'and it is done',
    ]);
  });

  it('is broken where it only names the program', () => {
    expect(wrapLine('stripe-blnk-sync mirrors every payment that succeeded', 30)).toEqual([
      'stripe-blnk-sync mirrors every',
      'payment that succeeded',
    ]);
  });

  it('keeps a word whole that is longer than a line, to be copied', () => {
    const id = 'txn_664b60bd-03f6-4c42-a1bb-22cd29d266e0';
    expect(wrapLine(`see ${id} there`, 20)).toEqual(['see', id, 'there']);
  });

  it('is no word more or less than before, and none of its lines is too long', () => {
    for (let width = 12; width <= 110; width += 1) {
      const lines = wrapLine(`! ${SENTENCE}`, width);
      expect(lines.map((line) => line.trim()).join(' ')).toBe(`! ${SENTENCE}`);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(width, '  '.length + 10));
    }
  });

  it('stays one line where nobody reads it on a terminal, and where it is data', () => {
    expect(wrapLine(SENTENCE, 0)).toEqual([SENTENCE]);
    const piped = terminal({ columns: null });
    piped.output.print(SENTENCE, 'bad');
    expect(piped.written()).toBe(`${SENTENCE}\n`);
    const exported = terminal({ columns: 20 });
    exported.output.printData(SENTENCE);
    exported.output.expectJson();
    exported.output.print(SENTENCE, 'bad');
    exported.output.fail(new SyncError(SENTENCE, { kind: 'fatal', code: 'usage' }));
    expect(exported.written()).toBe(`${SENTENCE}\n${SENTENCE}\n`);
    expect(JSON.parse(exported.errors()).error.message).toBe(SENTENCE);
  });

  it('is broken on standard error too', () => {
    const narrow = terminal({ columns: 40 });
    narrow.output.fail(new SyncError(SENTENCE, { kind: 'fatal', code: 'usage' }));
    expect(
      Math.max(
        ...narrow
          .errors()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(40);
  });
});

describe('colours', () => {
  it.each([
    ['good', '\u001b[32m'],
    ['bad', '\u001b[31m'],
    ['attention', '\u001b[33m'],
    ['quiet', '\u001b[2m'],
  ] as const)('show on a terminal that a line is %s', (tone, start) => {
    const { output, written } = terminal({ columns: 80 });
    output.print('Complete', tone);
    expect(written().startsWith(`${start}Complete`)).toBe(true);
  });

  it.each([
    ['NO_COLOR is set', { NO_COLOR: '1' }],
    ['the terminal knows none', { TERM: 'dumb' }],
  ])('are left out when %s', (_why, variables) => {
    const { output, written } = terminal({ columns: 80, ...variables });
    output.print('Complete', 'good');
    expect(written()).toBe('Complete\n');
  });

  it('are there where FORCE_COLOR asks for them, also where no terminal is, and never in JSON', () => {
    const piped = terminal({ columns: null, NO_COLOR: '1', FORCE_COLOR: '1' });
    piped.output.print('Complete', 'good');
    expect(piped.written()).toBe('\u001b[32mComplete\u001b[39m\n');
    piped.output.expectJson();
    piped.output.print('{}', 'good');
    expect(piped.written().endsWith('\n{}\n')).toBe(true);
    const refused = terminal({ columns: 80, FORCE_COLOR: '0' });
    refused.output.print('Complete', 'good');
    expect(refused.written()).toBe('Complete\n');
  });

  it('and bars are not drawn on a terminal that knows no such sequences', () => {
    expect(terminal({ columns: 80 }).output.errorTerminal).not.toBeNull();
    expect(terminal({ columns: 80, TERM: 'dumb' }).output.errorTerminal).toBeNull();
  });

  it('are ours alone: what somebody else wrote stays text', () => {
    const { output, written } = terminal({ columns: 80 });
    output.print('a \u001b[31mred\u001b[0m order');
    expect(written()).toBe('a \\u001b[31mred\\u001b[0m order\n');
  });
});
