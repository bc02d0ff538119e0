/**
 * A worker that slept for a day: its claims and its runs went to others meanwhile. When it wakes up it sends nothing under
 * an old claim, writes no coverage under an old run, and goes on with what is due.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startClockWorker } from '../support/clock/worker.js';
import { type HistoryDatabase, openHistoryDatabase } from '../support/history/database.js';
import { assertHonest, differencesInTheEnd } from '../support/history/oracle.js';
import { DAY, LAG, MINUTE, SECOND } from '../support/history/time.js';
import { History } from '../support/history/world.js';
import { homes } from '../support/homes.js';
import { type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';

const all = homes();
const home = all.find(({ name }) => name === 'postgres') ?? all[0];
if (home === undefined) throw new Error('there is no home to test on');

describe('a worker that stands still for a day', () => {
  let database: HistoryDatabase;
  let history: History;
  beforeAll(async () => {
    database = await openHistoryDatabase(home);
  });
  afterAll(() => database.remove());
  afterEach(() => history.close());

  /** The workers' minute: what another one does in the place of the sleeper. */
  async function minute(index: number): Promise<void> {
    await history.advance(MINUTE);
    await history.worker(index).sync();
    await history.advance(SECOND);
    await history.worker(index).askForDue();
    await history.worker(index).takeJobs();
  }

  const pay = (count: number) => {
    for (let n = 0; n < count; n += 1) history.stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
  };

  it.each([
    ['collecting', 7],
    ['collecting', 14],
    ['collecting', 17],
    ['collecting', 20],
    ['posting', 3],
    ['posting', 6],
    ['posting', 9],
    ['posting', 12],
    ['posting', 15],
  ])('%s, from its moment %i on, does no harm when it wakes up, and catches up', async (what, moment) => {
    history = await History.open(database, { style: 'cloud', workers: 2, eventsLateByMs: 0, seed: moment });
    await minute(0);
    pay(110);
    const sleeper = history.worker(0);
    if (what === 'posting') {
      await sleeper.sync();
      await history.advance(SECOND);
    }
    sleeper.fate.pauseAfter(moment);
    await (what === 'posting' ? sleeper.takeJobs() : sleeper.sync());
    expect(sleeper.fate.isPaused).toBe(true);
    await minute(1);
    await history.advance(DAY);
    pay(3);
    for (let n = 0; n < 3; n += 1) await minute(1);
    await assertHonest(history);
    await history.wakeAll();
    await assertHonest(history);
    expect([...(await database.sql`select from stripe_blnk_sync.postings where state <> 'posted'`)]).toEqual([]);
    // It is a worker like any other again.
    pay(2);
    await history.advance(LAG);
    await minute(history.workers.indexOf(sleeper));
    await minute(history.workers.indexOf(sleeper));
    expect(await differencesInTheEnd(history)).toBeNull();
    expect([...history.blnk.transactions()]).toHaveLength(115);
  });
});

describe('a worker whose machine sleeps', () => {
  let session: Session;
  afterEach(() => session.close());

  it('sends nothing under the claim that it went to sleep with', { timeout: 400_000 }, async () => {
    session = await startSession(home);
    const { stripe, blnk } = session;
    const variables = { ...session.variables, SYNC_EVERY: '1s' };
    const pay = (count: number) => {
      for (let n = 0; n < count; n += 1) stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
    };
    pay(5);
    const sleeper = startClockWorker({ variables, standAt: 'post.claimed' });
    const explain = () => sleeper.output() + sleeper.errors();
    await until('a claim is in its hands', () => sleeper.standsAt() !== null, { timeoutMs: 60_000, explain });
    sleeper.kill('SIGSTOP');
    const fellAsleepAt = performance.now();
    const other = session.quickWorker({ variables: { SYNC_EVERY: '1s' } });
    await other.untilLogged(/^mirroring/, 60_000);
    // Transactions of the sleeper may stand open, one behind the other, and what it was reading is given up first.
    await session.untilSettled(200_000);
    expect(performance.now() - fellAsleepAt).toBeGreaterThan(2_000);
    other.kill('SIGTERM');
    await other.ended;
    const posts = () => blnk.requestCount('POST /transactions') + blnk.requestCount('POST /transactions/bulk');
    const postsBefore = posts();
    // A day passed, of which its own clock knows nothing.
    stripe.clock.advance(DAY);
    sleeper.setClock({ wallMs: DAY, sleptMs: performance.now() - fellAsleepAt });
    sleeper.goOn();
    sleeper.kill('SIGCONT');
    const sql = await session.look();
    const tails = async () =>
      (await sql`select from stripe_blnk_sync.sync_runs where feed = 'events' and state = 'collected'`).count;
    const tailsBefore = await tails();
    await until('it reads again', async () => (await tails()) > tailsBefore, { timeoutMs: 60_000, explain });
    expect(posts()).toBe(postsBefore);
    pay(3);
    const posted = async () => (await sql`select from stripe_blnk_sync.postings where state = 'posted'`).count === 8;
    await until('what came in meanwhile is posted', posted, { timeoutMs: 60_000, explain });
    expect(posts()).toBeGreaterThan(postsBefore);
    await expectMirrored(session);
  });
});
