/**
 * Every request kind that is sent to Stripe × every fault, executed: real requests of the real adapters, jobs of a worker
 * run under the fault and after it, days proven, starts tried. What comes out is the table in docs/engineering/fault-matrix.md, word
 * for word.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { openSoundStage, type SoundStage } from './blnk-reading.js';
import { judgeMatrix } from './judge.js';
import { askUnder } from './stripe-asking.js';
import { collectUnder, isCollecting } from './stripe-collecting.js';
import { STRIPE_COLUMNS, type StripeColumn } from './stripe-columns.js';
import { CONTRADICTORY, FROM_STRIPE, LAGGING } from './stripe-faults.js';
import { openWays, type Ways } from './ways.js';
import { type Fault, IN_BETWEEN, ON_THE_WAY } from './wire-faults.js';

const SECTIONS: ReadonlyArray<{ readonly title: string; readonly faults: ReadonlyArray<Fault<StripeColumn>> }> = [
  { title: 'on the way', faults: ON_THE_WAY },
  // Nothing but reading is asked of Stripe.
  { title: 'something in between answers', faults: IN_BETWEEN.filter(({ ofWrites }) => ofWrites !== true) },
  { title: 'Stripe answers', faults: FROM_STRIPE },
  { title: 'answers that contradict each other', faults: [...CONTRADICTORY, LAGGING] },
];

/** Databases in which jobs run, one at a time in each. Each takes a dozen connections of a server that has a hundred. */
const PLACES = 3;

let ways: Ways;
let places: OwnDatabase[];
let soundPlace: OwnDatabase;
let sound: SoundStage;

beforeAll(async () => {
  ways = openWays();
  [soundPlace, ...places] = await Promise.all([
    openMigratedDatabase(),
    ...Array.from({ length: PLACES }, () => openMigratedDatabase()),
  ]);
  sound = await openSoundStage(soundPlace, 'cloud');
});

afterAll(async () => {
  ways?.close();
  await sound?.stage.closeLedger();
  await sound?.stage.close();
  await Promise.all([soundPlace, ...places].map((place) => place?.remove()));
});

it('faults on the way to Stripe and from it end as the document states, and nothing is missed or stored twice', async () => {
  const free = [...places];
  const tasks = SECTIONS.flatMap(({ faults }) =>
    faults.flatMap((fault) =>
      STRIPE_COLUMNS.map((column) => {
        const cell = { fault, column, ways };
        const collect = async () => {
          const place = free.pop();
          if (place === undefined) throw new Error('there are more lanes than databases');
          try {
            return await collectUnder(place, cell);
          } finally {
            free.push(place);
          }
        };
        const collects = isCollecting(column);
        const execute = collects ? collect : () => askUnder(sound, cell);
        return { collects, row: fault.title, column: column.title, variant: '', execute };
      }),
    ),
  );
  const { failures, executed, documented } = await judgeMatrix({
    name: 'Stripe',
    sections: SECTIONS.map(({ title, faults }) => ({ title, rows: faults.map((fault) => fault.title) })),
    columns: STRIPE_COLUMNS.map(({ title }) => title),
    groups: [
      { tasks: tasks.filter(({ collects }) => collects), lanes: PLACES },
      { tasks: tasks.filter(({ collects }) => !collects), lanes: 4 },
    ],
  });
  expect(failures).toEqual([]);
  expect(executed).toBe(documented);
}, 600_000);
