/**
 * A worker whose clock is a year ahead dies with jobs in its hands. What it dated stays in the queue: locks, the look for
 * lost jobs, the next tick of the schedule. A worker with a right clock must not wait a year for any of it.
 */
import { afterEach, describe, it } from 'vitest';
import { startClockWorker } from '../support/clock/worker.js';
import { homes } from '../support/homes.js';
import { QUICK, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { inTier } from '../support/tier.js';

const YEAR = 365 * 86_400_000;
const SERVERS = homes().filter(({ name }) => name !== 'embedded');
const TRIED = SERVERS.length > 0 ? SERVERS : homes();

let session: Session;
afterEach(() => session.close());

describe.each(inTier({ quick: TRIED.slice(-1), full: TRIED }))('on $name', (home) => {
  it('what a dead worker dated a year ahead is taken over at once', { timeout: 90_000 }, async () => {
    session = await startSession(home);
    for (const kind of ['card_usd', 'card_usd', 'currency_eur'])
      session.stripe.createIntent({ kind, moves: [{ move: 'succeed' }] });
    const variables = { ...session.variables, SYNC_EVERY: '1s' };
    const wrong = startClockWorker({ variables, clock: { wallMs: YEAR }, standAt: 'post.claimed' });
    await until('a lane is in hand', () => wrong.standsAt() !== null, {
      explain: () => wrong.output() + wrong.errors(),
    });
    wrong.kill('SIGKILL');
    await wrong.ended;
    const right = session.quickWorker({ variables: { SYNC_EVERY: '1s' }, timings: QUICK });
    await session.untilSettled();
    // The tail too: a payment that comes in now is found.
    session.stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
    const posted = async () =>
      (await (await session.look())`select from stripe_blnk_sync.postings where state = 'posted'`).count === 4;
    await until('the new payment is posted', posted, { explain: () => right.output() });
    await expectMirrored(session);
    const foreign = await session.foreignQueue();
    // What is due is begun without the queue, so this may come after it.
    await until('the schedule is of today', async () => {
      const [schedule] = await foreign.queue.getJobSchedulers();
      return Math.abs(Number(schedule?.next) - Date.now()) < 3_600_000;
    });
  });
});
