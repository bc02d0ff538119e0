/** What a worker's log says of real work: its events add up to what the tables hold, and a normal stop is no failure. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParkingReason } from '../../src/core/posting/posting.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const WARN = 40;

const home = homes().find(({ name }) => name === 'postgres') ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

describe('the log of a worker', () => {
  let session: Session;
  let worker: Child;
  const lines = (event: string) => worker.log().filter((line) => line.event === event);

  beforeAll(async () => {
    session = await startSession(home, { population: population(300) });
    worker = session.workerHere({ variables: { LOG_LEVEL: 'debug' } });
    await session.untilSettled();
    await until('the backfill is told', () => lines('run_ended').some(({ feed }) => feed === 'payment_intents'), {
      explain: () => worker.output(),
    });
  });
  afterAll(() => session.close());

  it('has one line for the end of each run that stored something, with the sums of its tables', async () => {
    const sql = await session.look();
    const runs =
      await sql`select id as run, feed, trigger, status, found, known_before as "knownBefore", stored, posted,
      already_there as "alreadyThere", parked, dismissed, before_start as "beforeStart"
      from stripe_blnk_sync.sync_history where parent_id is null and stored > 0 order by started_at`;
    const ended = lines('run_ended');
    expect(ended).toHaveLength(runs.length);
    for (const run of runs) expect(ended.find((line) => line.run === run.run)).toMatchObject({ level: 30, ...run });
    for (const { stored, posted, alreadyThere, parked } of runs) expect(stored).toBe(posted + alreadyThere + parked);
  });

  it('has a line for every reason to park, whether it was parked while reading or while posting', async () => {
    const sql = await session.look();
    const parked = await sql<{ reason: ParkingReason; payments: number }[]>`
      select reason, count(*)::int as payments from stripe_blnk_sync.postings where state = 'parked' group by 1`;
    expect(parked.length).toBeGreaterThan(2);
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    // What a minute would have brought is told by the stop.
    const told = new Map<string, number>();
    for (const { reason, payments, level } of lines('parked')) {
      expect(level).toBe(WARN);
      told.set(String(reason), (told.get(String(reason)) ?? 0) + Number(payments));
    }
    expect(told).toEqual(new Map(parked.map(({ reason, payments }) => [reason, payments])));
    const posted = lines('payments_posted').reduce((sum, { payments }) => sum + Number(payments), 0);
    const [row] = await sql`select count(*)::int as posted from stripe_blnk_sync.postings where state = 'posted'`;
    expect(posted).toBe(row?.posted);
  });

  it('has an event on every line', () => {
    expect(worker.log().filter(({ event }) => typeof event !== 'string')).toEqual([]);
  });

  it('calls nothing a failure when a worker is stopped while it reads, and runs shows it as stopped', async () => {
    // Between two tries of a request: the stop is what ends the run.
    worker = session.workerHere({ variables: { SYNC_EVERY: '1s' }, timings: { stripeRetryBaseMs: 20_000 } });
    await worker.untilLogged(/^mirroring/);
    session.stripe.faults.add({ effect: 'status', status: 500, route: 'events.list' });
    await worker.untilLogged(/^Stripe is asked again in /);
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    const failures = ['job_failed', 'job_needs_person', 'background_task_failed', 'closing_failed', 'grace_ran_out'];
    expect(worker.log().filter(({ event }) => failures.includes(String(event)))).toEqual([]);
    const sql = await session.look();
    const [newest] = await sql`select status from stripe_blnk_sync.sync_history order by started_at desc limit 1`;
    expect(newest).toEqual({ status: 'stopped' });
    const listed = await session.run(['runs', '--all', '--status', 'stopped']);
    expect(listed.output).toContain('stopped');
  });
});
