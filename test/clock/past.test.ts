/**
 * A time of the past: a cache's answer of an hour ago, or a machine and its database that were set behind for a minute. What
 * is proven stays proven, and the hand-over stays where it is: moved back, it would book payments of the books before it.
 */
import { expect, it } from 'vitest';
import { clockHistories } from '../support/clock/histories.js';
import { BEGINNING, DAY, HOUR, MINUTE, SECOND } from '../support/history/time.js';
import { itInFull } from '../support/tier.js';

const clocks = clockHistories(11);
const START = BEGINNING.getTime() - 2 * DAY;

/** Created before the start: of this mirror only when it succeeds after the hand-over. */
function payFromBeforeTheStart(succeededAt: number): string {
  return clocks.history.stripe.createIntent({
    kind: 'card_usd',
    created: new Date(START - HOUR),
    moves: [
      { move: 'process', at: new Date(START - HOUR + SECOND) },
      { move: 'succeed', at: new Date(succeededAt) },
    ],
  });
}

function booked(): string[] {
  return [...clocks.history.blnk.transactions()].map(({ reference }) => reference);
}

async function handOver(): Promise<Date | null> {
  return (await clocks.history.worker(0).store.mirror()).cutoverAt;
}

async function minutes(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await clocks.minute({ payments: 1 });
}

/** For a minute. */
async function setBothBehind(ms: number): Promise<void> {
  clocks.history.machineOffMs = -ms;
  await clocks.setDatabaseOff(-ms);
  await minutes(1);
  clocks.history.machineOffMs = 0;
  await clocks.setDatabaseOff(0);
}

it('one answer of an hour ago is not what a first start hands over by', async () => {
  await clocks.open();
  const before = payFromBeforeTheStart(BEGINNING.getTime() - 40 * MINUTE);
  clocks.history.stripe.faults.add({ effect: 'wrong_date', aheadMs: -HOUR, times: 1 });
  await minutes(4);
  expect((await handOver())?.getTime()).toBeGreaterThanOrEqual(BEGINNING.getTime());
  expect(booked()).not.toContain(before);
});

itInFull('one answer of an hour ago leaves the hand-over alone', async () => {
  await clocks.open();
  const before = payFromBeforeTheStart(BEGINNING.getTime() - 40 * MINUTE);
  await minutes(3);
  const held = await handOver();
  clocks.history.stripe.faults.add({ effect: 'wrong_date', aheadMs: -HOUR, route: 'events.list', times: 1 });
  await minutes(4);
  expect(await handOver()).toEqual(held);
  expect(booked()).not.toContain(before);
});

itInFull('a machine and its database a day behind for a minute leave the hand-over alone', async () => {
  await clocks.open();
  const before = payFromBeforeTheStart(BEGINNING.getTime() - 20 * HOUR);
  await minutes(3);
  await clocks.history.advance(3 * HOUR);
  await minutes(1);
  const held = await handOver();
  await setBothBehind(DAY);
  await minutes(4);
  expect(await handOver()).toEqual(held);
  expect(booked()).not.toContain(before);
});

it('a machine and its database in 1970 for a minute lose nothing that was proven in forty days', async () => {
  await clocks.open();
  await minutes(3);
  for (let tens = 0; tens < 4; tens += 1) {
    await clocks.history.advance(10 * DAY);
    await minutes(1);
  }
  const held = await handOver();
  const proven = async () => {
    return (await clocks.history.reads().status()).complete;
  };
  const readings = () => clocks.database.sql`
    select feed, covered_from, read_at from stripe_blnk_sync.coverage where feed <> 'charges' order by feed, covered_from, read_at`;
  const [provenBefore, readBefore] = [await proven(), [...(await readings())]];
  await setBothBehind(clocks.history.clock.nowMs() - 10 * MINUTE);
  expect(await handOver()).toEqual(held);
  expect([...(await readings())]).toEqual(readBefore);
  await minutes(1);
  expect((await proven())?.to.getTime()).toBeGreaterThanOrEqual(provenBefore?.to.getTime() ?? Number.NaN);
});
