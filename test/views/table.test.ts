/** Tables and text in wide and narrow terminals. */
import { describe, expect, it } from 'vitest';
import { formatCount } from '../../src/core/base/time-text.js';
import { type Column, renderTable } from '../../src/views/table.js';
import { fitText, plainText, widthOf } from '../../src/views/text-width.js';

interface Fruit {
  readonly name: string;
  readonly count: number;
  readonly note: string;
}

const COLUMNS: ReadonlyArray<Column<Fruit>> = [
  { title: 'name', rank: 0, value: ({ name }) => name },
  { title: 'count', rank: 1, align: 'right', value: ({ count }) => formatCount(count) },
  { title: 'note', rank: 2, shortenTo: 8, value: ({ note }) => note },
];
const FRUITS: readonly Fruit[] = [
  { name: 'apple', count: 1_234, note: 'a long note that goes on' },
  { name: '林檎🍎', count: 5, note: 'wide' },
];

describe('tables', () => {
  it('show everything when nobody reads them on a terminal', () => {
    expect(renderTable(COLUMNS, FRUITS, 0)).toEqual([
      'name    count  note',
      'apple   1,234  a long note that goes on',
      '林檎🍎      5  wide',
    ]);
  });

  it('shorten the least important column first', () => {
    expect(renderTable(COLUMNS, FRUITS, 26)).toEqual([
      'name    count  note',
      'apple   1,234  a long not…',
      '林檎🍎      5  wide',
    ]);
  });

  it('leave a column out that cannot be shortened enough', () => {
    expect(renderTable(COLUMNS, FRUITS, 20)).toEqual([
      ...['name    count', 'apple   1,234', '林檎🍎      5'],
      ...['(no room for: note;', 'a wider terminal or', '--json has them)'],
    ]);
    expect(renderTable(COLUMNS, FRUITS, 12).slice(0, 3)).toEqual(['name', 'apple', '林檎🍎']);
  });

  it('never wrap, however narrow the terminal is', () => {
    for (let columns = 1; columns <= 60; columns += 1) {
      for (const line of renderTable(COLUMNS, FRUITS, columns)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });

  it('leave out a column in which nothing stands, and are empty without rows', () => {
    const rows = FRUITS.map((fruit) => ({ ...fruit, note: '' }));
    expect(renderTable(COLUMNS, rows, 80)[0]).toBe('name    count');
    expect(renderTable(COLUMNS, [], 80)).toEqual([]);
  });

  it('keep a row on its line and the terminal unharmed, whatever the text holds', () => {
    const hostile = [{ name: 'a\u001b[31mred\n\r\u2028\u202eb', count: 1, note: '' }];
    const [, line] = renderTable(COLUMNS, hostile, 0);
    expect(line).toBe('a [31mred b      1');
  });
});

describe('text', () => {
  it.each([
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한국', 4],
    ['👩‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['\u200b', 0],
  ])('%s takes %i cells', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it('is never cut inside a character', () => {
    expect(fitText('日本語', 4)).toBe('日…');
    expect(fitText('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…');
    expect(fitText('abc', 3)).toBe('abc');
    expect(fitText('abc', 0)).toBe('');
  });

  it('keeps ordinary text as it is', () => {
    expect(plainText('ÄÖ 日本 👩‍👩‍👧')).toBe('ÄÖ 日本 👩‍👩‍👧');
  });
});
