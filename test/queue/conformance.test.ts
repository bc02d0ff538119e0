/**
 * What every queue promises, held to on BullMQ over Redis and over PostgreSQL alike: requests for the same work are one job, a
 * request while it runs makes one follow-up, and what is lost is forgotten. The queue in memory that histories are played
 * over keeps the part of it that it stands in for.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BackfillPart } from '../../src/collect/ports.js';
import type { Lane } from '../../src/core/posting/posting.js';
import {
  createJobQueue,
  type JobHandlers,
  type JobQueue,
  laneJob,
  proofsJob,
  syncJob,
} from '../../src/queue/job-queue.js';
import { ListedWakes } from '../support/history/queue.js';
import { homes } from '../support/homes.js';
import { until } from '../support/process/wait.js';
import { openQueueOf, type QueueOfHome } from '../support/queue-of-home.js';

const LOCK_MS = 5_000;
const DAY_MS = 86_400_000;
const BACKFILL = randomUUID();

const lane = (currency: string): Lane => ({ source: '@stripe', currency });
const part = (day: number): BackfillPart => ({
  backfillId: BACKFILL,
  window: { from: new Date(day * DAY_MS), to: new Date((day + 1) * DAY_MS) },
});

/** What is asked of the queue of histories and of the real one alike. */
interface Wakes {
  requestPart(part: BackfillPart): Promise<void>;
  wakeLane(lane: Lane): Promise<void>;
  /** Has all jobs taken that there are; answers their days and currencies in the order in which they were asked for. */
  takeAll(): Promise<{ readonly parts: readonly number[]; readonly lanes: readonly string[] }>;
  lose(): Promise<void>;
  close(): Promise<void>;
}

const dayOf = ({ window }: BackfillPart) => window.from.getTime() / DAY_MS;

function wakesInMemory(): Wakes {
  const wakes = new ListedWakes();
  return {
    requestPart: (asked) => wakes.requestPart(asked),
    wakeLane: (asked) => wakes.wakeLane(asked),
    async takeAll() {
      const { parts, lanes } = wakes.takeJobs({ keep: false });
      return { parts: parts.map(dayOf), lanes: lanes.map(({ currency }) => currency) };
    },
    lose: () => wakes.lose(),
    close: async () => {},
  };
}

/** A process takes one job after the other, so that the last one asked for is taken last. */
function wakesOf({ backend, foreign }: QueueOfHome): Wakes {
  const queue = createJobQueue(backend, () => {});
  const LAST = { part: part(20_000), lane: lane('XXX') };
  return {
    requestPart: (asked) => queue.requestPart(asked),
    wakeLane: (asked) => queue.wakeLane(asked),
    async takeAll() {
      await queue.requestPart(LAST.part);
      await queue.wakeLane(LAST.lane);
      const taken = { parts: [] as number[], lanes: [] as string[] };
      const stop = work(queue, {
        part: async (asked) => void taken.parts.push(dayOf(asked)),
        lane: async ({ currency }) => void taken.lanes.push(currency),
      });
      const isLast = () => taken.parts.at(-1) === dayOf(LAST.part) && taken.lanes.at(-1) === LAST.lane.currency;
      await until('the last jobs are taken', isLast, { explain: () => JSON.stringify(taken) });
      await stop();
      return { parts: taken.parts.slice(0, -1), lanes: taken.lanes.slice(0, -1) };
    },
    lose: () => foreign.lose(),
    close: () => queue.close(),
  };
}

function work(queue: JobQueue, handlers: Partial<JobHandlers>): () => Promise<void> {
  const nothing = async (): Promise<void> => {};
  return queue.work(
    { isDue: async () => false, sync: nothing, part: nothing, lane: nothing, proofs: nothing, ...handlers },
    { partsAtOnce: 1, lanesAtOnce: 1, lockMs: LOCK_MS, onJobFailed: () => {}, onError: () => {} },
  );
}

describe.each([...homes(), null])('wakes', (home) => {
  const name = home === null ? 'in memory' : `in the queue of ${home.name}`;
  let place: QueueOfHome | null = null;
  let wakes: Wakes;
  beforeAll(async () => {
    place = home === null ? null : await openQueueOf(home);
    wakes = place === null ? wakesInMemory() : wakesOf(place);
  });
  afterAll(async () => {
    await wakes.close();
    await place?.remove();
  });

  it(`${name} are one for each lane and part, however often they are asked for`, async () => {
    for (const currency of ['EUR', 'USD', 'EUR', 'EUR', 'USD']) await wakes.wakeLane(lane(currency));
    for (const day of [2, 1, 2]) await wakes.requestPart(part(day));
    expect(await wakes.takeAll()).toEqual({ parts: [2, 1], lanes: ['EUR', 'USD'] });
  });

  it(`${name} come again once they were taken`, async () => {
    await wakes.wakeLane(lane('EUR'));
    await wakes.requestPart(part(2));
    expect(await wakes.takeAll()).toEqual({ parts: [2], lanes: ['EUR'] });
    expect(await wakes.takeAll()).toEqual({ parts: [], lanes: [] });
  });

  it(`${name} are gone when they are lost, and the next one comes`, async () => {
    await wakes.wakeLane(lane('EUR'));
    await wakes.requestPart(part(1));
    await wakes.lose();
    await wakes.wakeLane(lane('USD'));
    expect(await wakes.takeAll()).toEqual({ parts: [], lanes: ['USD'] });
  });
});

describe.each(homes())('the queue of $name', (home) => {
  let place: QueueOfHome;
  let queue: JobQueue;
  let stop: (() => Promise<void>) | null = null;

  beforeAll(async () => {
    place = await openQueueOf(home);
    queue = createJobQueue(place.backend, () => {});
  });
  afterEach(async () => {
    await stop?.();
    stop = null;
    await place.foreign.lose();
  });
  afterAll(async () => {
    await queue.close();
    await place.remove();
  });

  it('takes a second request for a sync for the first one while that waits', async () => {
    const taken: string[] = [];
    await queue.requestSync('manual');
    await queue.requestSync('webhook');
    stop = work(queue, { sync: async (trigger) => void taken.push(trigger) });
    await until('one is taken', () => taken.length > 0);
    await queue.requestSync('startup');
    await until('the next one is taken', () => taken.includes('startup'));
    expect(taken).toEqual(['manual', 'startup']);
  });

  it.each([
    ['a sync', () => queue.requestSync('manual')],
    ['a lane', () => queue.wakeLane(lane('EUR'))],
    ['a part', () => queue.requestPart(part(1))],
    ['proofs', () => queue.requestProofs()],
  ] as const)('runs %s, asked for twice while it runs, once more', async (_what, request) => {
    let runs = 0;
    const running = gate();
    const run = async (): Promise<void> => {
      runs += 1;
      await running.opened;
    };
    const ended: string[] = [];
    /** The same kinds of work, and one of each that is asked for last. */
    const runUnless = async (last: string, id: string): Promise<void> => {
      if (id !== last) return run();
      ended.push(id);
    };
    stop = work(queue, {
      sync: run,
      lane: ({ currency }) => runUnless('XXX', currency),
      part: (asked) => runUnless('9', String(dayOf(asked))),
      proofs: run,
    });
    await request();
    await until('it runs', () => runs === 1);
    await request();
    await request();
    running.open();
    await until('all of it ran', () => runs === 2);
    await queue.wakeLane(lane('XXX'));
    await queue.requestPart(part(9));
    await until('what was asked for later ran', () => ended.length === 2);
    expect(runs).toBe(2);
  });

  it('reports whether a job is in hand, and releases only what stands for a job that is lost', async () => {
    const running = gate();
    let isRunning = false;
    stop = work(queue, {
      lane: async () => {
        isRunning = true;
        await running.opened;
        isRunning = false;
      },
    });
    await queue.wakeLane(lane('EUR'));
    await until('it runs', () => isRunning);
    expect(await queue.isInHand(laneJob(lane('EUR')))).toBe(true);
    expect(await queue.isInHand(laneJob(lane('USD')))).toBe(false);
    expect(await queue.release(laneJob(lane('EUR')))).toBe(false);
    expect(await queue.release(proofsJob)).toBe(false);
    running.open();
    await until('it is out of hand', async () => !(await queue.isInHand(laneJob(lane('EUR')))));
  });

  it('has one schedule, whose interval only a start changes', async () => {
    const schedules = async () => (await place.foreign.queue.getJobSchedulers()).map(({ every }) => Number(every));
    await queue.ensureSchedule(60_000, { replace: false });
    await queue.ensureSchedule(90_000, { replace: false });
    expect(await schedules()).toEqual([60_000]);
    await queue.ensureSchedule(90_000, { replace: true });
    expect(await schedules()).toEqual([90_000]);
    expect(await queue.restartSchedule(90_000)).toBe(false);
  });

  it('requests a sync at each tick that finds one due', async () => {
    const taken: string[] = [];
    let isDue = false;
    let ticks = 0;
    stop = work(queue, {
      async isDue() {
        ticks += 1;
        return isDue;
      },
      sync: async (trigger) => void taken.push(trigger),
    });
    await queue.ensureSchedule(200, { replace: true });
    await until('it ticked', () => ticks > 1);
    expect(taken).toEqual([]);
    isDue = true;
    await until('a sync is asked for', () => taken.length > 0);
    expect(taken[0]).toBe('schedule');
  });

  it('is well, and the same for every process', async () => {
    expect(await queue.examine()).toEqual([]);
    const other = createJobQueue(place.backend, () => {});
    expect(await other.identify()).toEqual(await queue.identify());
    await other.close();
    await queue.requestSync('manual');
    expect(await queue.isInHand(syncJob)).toBe(false);
  });

  it('leaves what it did not begin to the next process, and waits for what it has in hand', async () => {
    const first = gate();
    const taken: string[] = [];
    const stopFirst = work(queue, {
      async lane({ currency }) {
        await first.opened;
        taken.push(`first ${currency}`);
      },
    });
    await queue.wakeLane(lane('EUR'));
    await until('it runs', () => queue.isInHand(laneJob(lane('EUR'))));
    await queue.wakeLane(lane('USD'));
    const stopped = stopFirst();
    first.open();
    await stopped;
    expect(taken).toEqual(['first EUR']);
    stop = work(queue, { lane: async ({ currency }) => void taken.push(`second ${currency}`) });
    await until('the other one is taken', () => taken.length === 2);
    expect(taken).toEqual(['first EUR', 'second USD']);
  });
});

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
