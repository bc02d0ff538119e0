/**
 * The whole job by real processes, on every home: two workers and the command line at the same time, then what the queue
 * promises to whoever uses it. One story per home, told in order, because starting workers is what costs time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { inTier } from '../support/tier.js';

const RUN_TIMEOUT_MS = 90_000;

/** Intents, of which two thirds are payments. */
const INTENTS = inTier({ quick: 900, full: 2_900 });
const PAYMENTS_MIN = inTier({ quick: 600, full: 2_000 });

describe.each(inTier({ quick: homes().slice(-1), full: homes() }))('the whole job on $name', ({ name, ...home }) => {
  let session: Session;
  let workers: readonly Child[];

  beforeAll(async () => {
    session = await startSession({ name, ...home }, { population: population(INTENTS) });
  }, RUN_TIMEOUT_MS);

  afterAll(() => session.close(), RUN_TIMEOUT_MS);

  it(
    'mirrors many payments of all kinds with two workers while commands ask and read',
    async () => {
      // So rarely that no scheduled run mixes into what is counted below.
      workers = [session.worker({ SYNC_EVERY: '12h' }), session.worker({ SYNC_EVERY: '12h' })];
      await workers[0]?.untilLogged(/^mirroring every/);
      const [sync, status, runs] = await Promise.all([
        session.run(['sync', '--wait', '--json']),
        session.run(['status', '--json']),
        session.run(['runs', '--json', '--all']),
      ]);
      await session.untilSettled();
      expect([sync.code, sync.errors]).toEqual([0, expect.stringContaining('succeeded')]);
      // The first run that began after the request: the second worker at its start, or the first tick, may have asked as well.
      expect(JSON.parse(sync.output).run).toMatchObject({ feed: 'events', status: expect.any(String) });
      expect(JSON.parse(status.output).workers.length).toBeGreaterThan(0);
      expect([runs.code, Array.isArray(JSON.parse(runs.output).runs)]).toEqual([0, true]);
      await expectMirrored(session, { payments: PAYMENTS_MIN });
    },
    RUN_TIMEOUT_MS,
  );

  it('ends with 1 as long as payments are parked, and lists exactly those', async () => {
    const expected = session.stripe.expectedTotals();
    const [status, parked] = await Promise.all([
      session.run(['status', '--json']),
      session.run(['parked', 'list', '--json', '--limit', '1000']),
    ]);
    expect(status.code).toBe(1);
    const reasons: Record<string, number> = {};
    for (const { reason } of JSON.parse(parked.output).payments) reasons[reason] = (reasons[reason] ?? 0) + 1;
    expect(reasons).toEqual(expected.parked);
    expect(status.output).toContain(`${session.stripe.account}`);
  });

  it('posts nothing in a second run, and exits 0', async () => {
    const posts = postsSeen(session);
    const again = await session.run(['sync', '--wait', '--json']);
    expect([again.code, again.errors]).toEqual([0, expect.stringContaining('succeeded')]);
    expect(JSON.parse(again.output).run).toMatchObject({ status: 'succeeded', stored: 0, posted: 0, pending: 0 });
    expect(postsSeen(session)).toBe(posts);
  });

  it('takes the sync job from any BullMQ producer, and fails only the job that is wrong', async () => {
    const foreign = await session.foreignQueue();
    const before = await countRuns(session, 'manual');
    expect(await foreign.addAndWait('sync', {})).toMatchObject({ state: 'completed' });
    expect(await foreign.addAndWait('sync', { trigger: 'webhook' })).toMatchObject({ state: 'completed' });
    expect(await countRuns(session, 'manual')).toBe(before + 1);
    expect(await countRuns(session, 'webhook')).toBe(1);
    const wrong = [
      await foreign.addAndWait('sync', { trigger: 'nobody' }),
      await foreign.addAndWait('sync', { from: '2026-01-01' }),
      await foreign.addAndWait('sync', 'text'),
      await foreign.addAndWait('payout', {}),
    ];
    expect(wrong.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed', 'failed']);
    expect(wrong[0]?.reason).toMatch(/payload of this sync job .*trigger/);
    expect(wrong[1]?.reason).toMatch(/payload of this sync job .*from/);
    expect(wrong[2]?.reason).toMatch(/payload of this sync job/);
    expect(wrong[3]?.reason).toMatch(/No job is named "payout"/);
    expect(await countRuns(session, 'manual')).toBe(before + 1);
    expect(workers.every((worker) => worker.isAlive())).toBe(true);
  });

  it('makes one follow-up of twenty requests during a run', async () => {
    const before = await countRuns(session, null);
    session.stripe.faults.add({ effect: 'hang', route: 'events.list', nth: 1 });
    const foreign = await session.foreignQueue();
    const deduplication = { id: 'sync', keepLastIfActive: true };
    const add = () => foreign.queue.add('sync', { trigger: 'manual' }, { attempts: 1, deduplication });
    await add();
    await until('the run waits for Stripe', () => session.stripe.faults.hanging === 1);
    for (let count = 0; count < 20; count += 1) await add();
    session.stripe.faults.clear();
    await until('the follow-up has ended', async () => {
      const { active = 0, waiting = 0, delayed = 0 } = await foreign.queue.getJobCounts('active', 'waiting');
      return active + waiting + delayed === 0 && (await countRuns(session, null)) >= before + 2;
    });
    expect(await countRuns(session, null)).toBe(before + 2);
  });

  it('keeps one schedule with two workers, and another one after a restart with another interval', async () => {
    const foreign = await session.foreignQueue();
    const schedules = async () => (await foreign.queue.getJobSchedulers()).map(({ key, every }) => ({ key, every }));
    expect(await schedules()).toEqual([{ key: 'stripe-blnk-sync', every: 43_200_000 }]);
    for (const worker of workers) worker.kill('SIGTERM');
    const ends = await Promise.all(workers.map((worker) => worker.ended));
    expect(ends.map(({ code, errors }) => [code, errors])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    workers = [session.worker({ SYNC_EVERY: '1s' })];
    await workers[0]?.untilLogged(/^mirroring every 1 s/);
    expect(await schedules()).toEqual([{ key: 'stripe-blnk-sync', every: 1_000 }]);
  });

  it('goes on by itself when the queue loses everything under a running worker', async () => {
    const foreign = await session.foreignQueue();
    await foreign.lose();
    const id = newPayment(session);
    await until('the new payment is in the ledger', () => session.blnk.appliedByReference(id) !== undefined);
    await until('the schedule is back', async () => (await foreign.queue.getJobSchedulersCount()) === 1);
    await session.untilSettled();
    await expectMirrored(session);
  });

  it('leaves no warning but of the queue that lost everything, and ends with 0 at SIGINT', async () => {
    workers[0]?.kill('SIGINT');
    const ended = await workers[0]?.ended;
    expect([ended?.code, ended?.errors]).toEqual([0, expect.stringMatching(/^Stopping\. [^\n]*\n$/)]);
    // What is parked from before makes the verdict, and keeps its day open once that day is due.
    const isOfParked = (event: unknown) => event === 'verdict_changed' || event === 'days_open';
    const warnings = workers[0]?.log().filter(({ level, event }) => level >= 40 && !isOfParked(event)) ?? [];
    const isOfTheLoss = ({ faults }: (typeof warnings)[number]) => JSON.stringify(faults ?? '').includes('lost jobs');
    expect(warnings.filter((line) => !isOfTheLoss(line))).toEqual([]);
    expect(workers[0]?.log().at(-1)?.msg).toBe('stopped');
  });
});

function postsSeen({ blnk }: Session): number {
  return blnk.requestCount('POST /transactions') + blnk.requestCount('POST /transactions/bulk');
}

function newPayment({ stripe }: Session): string {
  stripe.clock.advance(5_000);
  const id = stripe.createIntent({ kind: 'card_usd' });
  stripe.clock.advance(5_000);
  return id;
}

async function countRuns(session: Session, trigger: string | null): Promise<number> {
  const sql = await session.look();
  const [row] = await sql<{ runs: number }[]>`
    select count(*)::int as runs from stripe_blnk_sync.sync_runs where feed = 'events' and (${trigger}::text is null or trigger = ${trigger})`;
  return row?.runs ?? 0;
}
