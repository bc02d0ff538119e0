/**
 * The histories of a first start: payments made in the very minutes of the hand-over, in every order around it, around the
 * first page of the backfill and the first tail; payments of the time before the start that succeed before or after the
 * first run; and a cut-over date with older payments in the ledger by hand. The first two are played in full, without chance.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetOf, playWithin } from '../support/history/budget.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { assertHonest } from '../support/history/oracle.js';
import { endWell, play } from '../support/history/play.js';
import { drawSteps } from '../support/history/steps.js';
import { BEGINNING, DAY, HOUR, LAG, MINUTE, SECOND } from '../support/history/time.js';
import { History, type HistoryOptions } from '../support/history/world.js';
import { homes } from '../support/homes.js';
import { inTier, itInFull } from '../support/tier.js';

const HAND_OVER = BEGINNING.getTime();
const { seed, budgetMs, timeoutMs } = budgetOf(2_000);

/** Moments of a process before its first run has written the hand-over: see `beginMirror` in src/worker/sync-job.ts. */
const MOMENTS_UNTIL_HANDED_OVER = 6;

describe('a first start', () => {
  let database: HistoryDatabase;
  let history: History | undefined;

  beforeAll(async () => {
    const [embedded, postgres] = homes();
    const home = postgres ?? embedded;
    if (home === undefined) throw new Error('there is no home to test on');
    database = await openHistoryDatabase(home);
  });
  afterAll(() => database.remove());

  const inHistory = async (options: Partial<HistoryOptions>, work: (history: History) => Promise<void>) => {
    history = await History.open(database, { style: 'cloud', workers: 2, eventsLateByMs: 0, seed: 1, ...options });
    try {
      await work(history);
    } finally {
      await history.close();
    }
  };

  const spacings = [
    { spacingMs: SECOND, eventsLateByMs: 0 },
    { spacingMs: LAG - SECOND, eventsLateByMs: LAG - SECOND },
    { spacingMs: 2 * LAG, eventsLateByMs: LAG - SECOND },
  ];
  const cases = (['the backfill', 'the tail'] as const).flatMap((first, at) =>
    inTier({ quick: spacings.filter((_, index) => index === at), full: spacings }).map((spacing) => ({
      first,
      ...spacing,
    })),
  );
  it('mirrors every payment of its minutes once, whatever comes first', { timeout: 240_000 }, async () => {
    for (const { first, spacingMs, eventsLateByMs } of cases) {
      await inHistory({ eventsLateByMs: { always: eventsLateByMs } }, async (history) => {
        const made = makeEveryOrder(
          history,
          [0, spacingMs, 2 * spacingMs].map((ms) => HAND_OVER + ms),
        );
        await handOver(history);
        await assertHonest(history);
        await history.advance(spacingMs);
        await (first === 'the backfill' ? readBackfill(history) : history.worker(1).sync());
        await assertHonest(history);
        await history.advance(spacingMs);
        await (first === 'the backfill' ? history.worker(1).sync() : readBackfill(history));
        await assertHonest(history);
        await endWell(history, { afterwardsMs: [3 * LAG] });
        expect(postedReferences(history), JSON.stringify({ first, spacingMs, eventsLateByMs })).toEqual(made.sort());
      });
    }
  });

  itInFull(
    'of payments created before the start posts those that succeed after the hand-over',
    {
      timeout: 240_000,
    },
    async () => {
      const start = HAND_OVER - 10 * DAY;
      const created = [start - 60 * DAY, start - DAY, start - SECOND, start, start + SECOND];
      const confirmed = [start - HOUR, HAND_OVER - LAG, HAND_OVER - SECOND, HAND_OVER, HAND_OVER + SECOND];
      const succeeded = [...confirmed, start + HOUR, HAND_OVER + MINUTE, HAND_OVER + LAG, HAND_OVER + 20 * DAY];
      for (const eventsLateByMs of [0, LAG - SECOND]) {
        await inHistory({ startsAt: new Date(start), eventsLateByMs: { always: eventsLateByMs } }, async (history) => {
          const wanted: string[] = [];
          for (const times of product(created, confirmed, succeeded)) {
            const id = makePayment(history, times);
            if (times[0] >= start || times[2] >= HAND_OVER) wanted.push(id);
          }
          await history.worker(0).sync('startup');
          await assertHonest(history);
          await endWell(history);
          expect(postedReferences(history)).toEqual(wanted.sort());
        });
      }
    },
  );

  const title = `never posts what was booked by hand before a cut-over date (seed ${seed}, ${budgetMs} ms)`;
  const drawings = fc.record({
    seed: fc.nat(1_000),
    older: fc.array(
      fc.record({
        createdBeforeMs: fc.constantFrom(SECOND, MINUTE, DAY, 20 * DAY, 80 * DAY),
        succeededInMs: fc.constantFrom(0, MINUTE, DAY, 3 * DAY),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    steps: drawSteps(['pauses', 'arrivals', 'work', 'faults', 'interruptions', 'outages'], { outageMaxMs: 400 * DAY }),
  });
  itInFull(title, { timeout: timeoutMs }, async () => {
    const played = await playWithin({ seed, budgetMs }, drawings, async ({ older, steps, seed: worldSeed }) => {
      const start = HAND_OVER - 4 * DAY;
      await inHistory({ startsAt: new Date(start), seed: worldSeed }, async (history) => {
        const byHand = new Set<string>();
        for (const [n, { createdBeforeMs, succeededInMs }] of older.entries()) {
          const created = start - createdBeforeMs;
          const id = makePayment(history, [created, created, created + succeededInMs]);
          const reference = `invoice-${n}`;
          byHand.add(reference);
          await bookByHand(history, { reference, id });
        }
        // A backfill from before the cut-over date moves it: that is a person's decision, and not this history's.
        const withoutMoving = steps.filter(({ step }) => step !== 'backfill');
        await play(history, withoutMoving, { byHand });
        await endWell(history, { byHand });
      });
    });
    process.stdout.write(`${played} histories of a cut-over played from seed ${seed} on\n`);
  });
});

/** The process that wrote the hand-over dies at once, so that backfill and tail come when the history says. */
async function handOver(history: History): Promise<void> {
  const worker = history.worker(0);
  worker.fate.dieAfter(MOMENTS_UNTIL_HANDED_OVER + 1);
  await worker.sync('startup');
  const [mirror] = await history.database.sql<{ ms: number }[]>`
    select (extract(epoch from hand_over_at) * 1000)::float8 as ms from stripe_blnk_sync.mirror`;
  expect(mirror?.ms).toBe(HAND_OVER);
}

async function readBackfill(history: History): Promise<void> {
  await history.worker(0).askForParts();
  await history.worker(0).takeJobs();
}

type Times = readonly [created: number, confirmed: number, succeeded: number];

/** Payments whose creation, confirmation and success lie in every order around these moments, and on their very seconds. */
function makeEveryOrder(history: History, moments: readonly number[]): string[] {
  const near = moments.flatMap((at) => [at - SECOND, at, at + SECOND]);
  const times = [HAND_OVER - LAG - MINUTE, HAND_OVER - MINUTE, ...near, (moments.at(-1) ?? 0) + LAG];
  return product(times, times, times).map((moment) => makePayment(history, moment));
}

/** All that go forward in time, each once. */
function product(created: readonly number[], confirmed: readonly number[], succeeded: readonly number[]): Times[] {
  const unique = (times: readonly number[]) => [...new Set(times)];
  return unique(created).flatMap((first) =>
    unique(confirmed).flatMap((second) =>
      unique(succeeded).flatMap((third): Times[] =>
        first <= second && second <= third ? [[first, second, third]] : [],
      ),
    ),
  );
}

/** A debit when it is confirmed before it succeeds, else a card. */
function makePayment(history: History, [created, confirmed, succeeded]: Times): string {
  return history.stripe.createIntent({
    kind: 'card_usd',
    created: new Date(created),
    moves: [
      ...(confirmed < succeeded ? [{ move: 'process' as const, at: new Date(confirmed) }] : []),
      { move: 'succeed', at: new Date(succeeded) },
    ],
  });
}

async function bookByHand(history: History, { reference, id }: { reference: string; id: string }): Promise<void> {
  const answer = await fetch(`${history.blnk.url}/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-blnk-key': history.blnk.coreKey },
    body: JSON.stringify({
      ...{ reference, description: `Stripe ${id}`, precise_amount: 1999, precision: 100, currency: 'USD' },
      ...{ source: '@bank', destination: '@sales', allow_overdraft: true, skip_queue: true },
    }),
  });
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
}

function postedReferences(history: History): string[] {
  return [...history.blnk.transactions()].map(({ reference }) => reference).sort();
}
