/**
 * Histories over the real queue of every home: two worker processes take sync jobs, parts and lanes from BullMQ while
 * payments come in, vendors fail and the queue is lost again and again. What is due stands in the database, so each
 * history ends with the ledger equal to Stripe. Time is simulated for everything but the queue itself.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobQueue, type JobQueue } from '../../src/queue/job-queue.js';
import { budgetOf, playWithin } from '../support/history/budget.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { assertHonest, differencesInTheEnd } from '../support/history/oracle.js';
import { play } from '../support/history/play.js';
import { drawSteps } from '../support/history/steps.js';
import { DAY, MINUTE } from '../support/history/time.js';
import { History } from '../support/history/world.js';
import { homes } from '../support/homes.js';
import { openQueueOf, type QueueOfHome } from '../support/queue-of-home.js';
import { inTier } from '../support/tier.js';

const { seed, budgetMs, timeoutMs } = budgetOf(2_000);
const END_WITHIN_MS = 60_000;
const LOCK_MS = 2_000;

const drawings = fc.record({
  seed: fc.nat(1_000),
  steps: drawSteps(['arrivals', 'faults', 'loseQueue', 'ask', 'pauses'], { outageMaxMs: 20 * DAY }),
});

describe.each(inTier({ quick: homes().slice(-1), full: homes() }))('any history over the queue of $name', (home) => {
  let database: HistoryDatabase;
  let queue: QueueOfHome;

  beforeAll(async () => {
    [database, queue] = await Promise.all([openHistoryDatabase(home), openQueueOf(home)]);
  });
  afterAll(() => Promise.all([database.remove(), queue.remove()]));

  const title = `survives the loss of every job (seed ${seed}, ${budgetMs} ms)`;
  it(title, { timeout: timeoutMs }, async () => {
    const played = await playWithin({ seed, budgetMs }, drawings, async ({ steps, seed: worldSeed }) => {
      const history = await History.open(database, {
        ...{ style: 'cloud', eventsLateByMs: MINUTE, seed: worldSeed },
        // On PostgreSQL each takes twenty connections of a server that others use as well.
        workers: home.name === 'postgres+redis' ? 2 : 1,
      });
      const processes = await startProcesses(history, queue);
      try {
        await history.worker(0).sync('startup');
        await play(history, steps);
        await history.endFaults();
        await untilEqual(history);
        expect(processes.defects).toEqual([]);
      } finally {
        await processes.stop();
        await history.close();
      }
    });
    process.stdout.write(`${played} histories played over the queue of ${home.name} from seed ${seed} on\n`);
  });
});

interface Processes {
  readonly defects: readonly unknown[];
  stop(): Promise<void>;
}

/** All processes take jobs of every kind until they are stopped. */
async function startProcesses(history: History, { backend, foreign }: QueueOfHome): Promise<Processes> {
  const defects: unknown[] = [];
  const inHand = new Set<Promise<void>>();
  const holding = (job: Promise<void>): Promise<void> => {
    const held = job.finally(() => inHand.delete(held));
    inHand.add(held);
    return held;
  };
  const opened: Array<{ readonly queue: JobQueue; readonly stopTaking: () => Promise<void> }> = [];
  for (const index of history.workers.keys()) {
    const queue = createJobQueue(backend, () => {});
    const stopTaking = queue.work(
      {
        isDue: async () => true,
        sync: (trigger) => holding(history.worker(index).sync(trigger)),
        part: (part) => holding(history.worker(index).part(part)),
        lane: (lane) => holding(history.worker(index).lane(lane)),
        proofs: async () => {},
      },
      {
        ...{ partsAtOnce: 2, lanesAtOnce: 4, lockMs: LOCK_MS },
        onJobFailed: ({ error }) => defects.push(error),
        // A queue that was lost under a worker's hands is told here.
        onError: () => {},
      },
    );
    opened.push({ queue, stopTaking });
  }
  const [first] = opened;
  if (first === undefined) throw new Error('a history has at least one worker');
  history.queue = {
    requestPart: (part) => first.queue.requestPart(part),
    wakeLane: (lane) => first.queue.wakeLane(lane),
    takeJobs: () => ({ parts: [], lanes: [] }),
    lose: () => foreign.lose(),
  };
  history.whenIdle = async (moveClock) => {
    while (inHand.size > 0) await Promise.allSettled(inHand);
    moveClock();
  };
  return {
    defects,
    async stop() {
      await Promise.all(opened.map(({ stopTaking }) => stopTaking()));
      await Promise.all(opened.map(({ queue }) => queue.close()));
      await foreign.lose();
    },
  };
}

/** Only the timer asks, as it does every minute; the work itself is done by whoever takes the jobs. */
async function untilEqual(history: History): Promise<void> {
  const deadline = performance.now() + END_WITHIN_MS;
  let differences: string | null = 'nobody looked yet';
  while (differences !== null) {
    if (performance.now() > deadline) throw new Error(`not equal within ${END_WITHIN_MS} ms: ${differences}`);
    await history.advance(5 * MINUTE);
    await history.worker(0).askForDue();
    differences = await differencesInTheEnd(history);
  }
  await assertHonest(history);
}
