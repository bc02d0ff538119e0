/**
 * Every request kind that is sent to Blnk × every fault, executed: real requests of the real adapters, lanes drained under
 * the fault and after it, days proven, starts tried. What comes out is the table in docs/engineering/fault-matrix.md, word for word.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BLNK_COLUMNS, BLNK_TITLES, type BlnkColumn } from './blnk-columns.js';
import { CONTRADICTORY, FROM_CORE, LAGGING } from './blnk-faults.js';
import { postUnder } from './blnk-posting.js';
import { openReadingWorld, type ReadingWorld, readUnder } from './blnk-reading.js';
import { judgeMatrix } from './judge.js';
import { openPostingWorld, type PostingWorld } from './posting-world.js';
import { openWays, type Ways } from './ways.js';
import { type Fault, IN_BETWEEN, ON_THE_WAY } from './wire-faults.js';

const SECTIONS: ReadonlyArray<{ readonly title: string; readonly faults: ReadonlyArray<Fault<BlnkColumn>> }> = [
  { title: 'on the way', faults: ON_THE_WAY },
  { title: 'something in between answers', faults: IN_BETWEEN },
  { title: 'Core answers', faults: FROM_CORE },
  { title: 'answers that contradict the ledger', faults: [...CONTRADICTORY, LAGGING] },
];

let ways: Ways;
let posting: PostingWorld;
let reading: ReadingWorld;

beforeAll(async () => {
  ways = openWays();
  [posting, reading] = await Promise.all([openPostingWorld(), openReadingWorld()]);
});

afterAll(async () => {
  ways?.close();
  await Promise.all([posting?.close(), reading?.close()]);
});

it('faults on the way to Blnk and from it end as the document states, and nothing is lost or posted twice', async () => {
  const tasks = SECTIONS.flatMap(({ faults }) =>
    faults.flatMap((fault) =>
      BLNK_COLUMNS.map((column) => {
        const cell = { fault, column, ways };
        const isDrain = column.during === 'drain';
        const execute = () => (isDrain ? postUnder(posting, cell) : readUnder(reading, cell));
        return { isDrain, row: fault.title, column: column.title, variant: column.style, execute };
      }),
    ),
  );
  const { failures, executed, documented } = await judgeMatrix({
    name: 'Blnk',
    sections: SECTIONS.map(({ title, faults }) => ({ title, rows: faults.map((fault) => fault.title) })),
    columns: BLNK_TITLES,
    groups: [
      { tasks: tasks.filter(({ isDrain }) => isDrain), lanes: 12 },
      { tasks: tasks.filter(({ isDrain }) => !isDrain), lanes: 6 },
    ],
  });
  expect(failures).toEqual([]);
  expect(executed).toBe(documented);
}, 600_000);
