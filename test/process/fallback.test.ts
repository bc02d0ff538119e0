/** A whole worker with a key that may not read events: it starts, says so, mirrors what there is, and serves `sync --wait`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';

const STORY_TIMEOUT_MS = 120_000;

/** The quickest that there is. */
const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

describe('a worker whose key may not read events', () => {
  let session: Session;

  beforeAll(async () => {
    session = await startSession(home, {
      population: population(60),
      restrictedKeys: { rk_test_noEvents1: ['rak_payment_intent_read', 'rak_charge_read'] },
    });
  }, STORY_TIMEOUT_MS);

  afterAll(() => session.close(), STORY_TIMEOUT_MS);

  it(
    'starts, warns with the link to a better key, mirrors all, and says in status what that means',
    async () => {
      const worker = session.workerHere({ variables: { STRIPE_API_KEY: 'rk_test_noEvents1', SYNC_LAG: '120s' } });
      await worker.untilLogged(/may not read events: late payments are found by sweeps only/);
      await session.untilSettled();
      expect(worker.output()).toMatch(/dashboard\.stripe\.com\/test\/apikeys\/create\?\S*rak_event_read/);
      await expectMirrored(session);

      session.stripe.clock.advance(1_000);
      const paid = session.stripe.createIntent({ moves: [{ move: 'succeed' }] });
      const synced = await runCommand(['sync', '--wait', '--json', '--timeout', '60s'], session.variables);
      expect(synced.code).toBe(0);
      expect(JSON.parse(synced.output).run).toMatchObject({ feed: 'payment_intents', parts: 0 });
      // By that run, or by one of the schedule a moment before.
      const [stored] = await (await session.look())`
        select posting.state, run.feed from stripe_blnk_sync.postings posting
        join stripe_blnk_sync.sync_runs run on run.id = posting.first_run where posting.reference = ${paid}`;
      expect(stored).toEqual({ state: 'posted', feed: 'payment_intents' });

      const status = await runCommand(['status', '--json'], session.variables);
      expect(status.code).toBe(1);
      const told = JSON.parse(status.output);
      expect(told.state).not.toBe('complete');
      expect(told.needs).toContainEqual(
        expect.objectContaining({
          code: 'stripe_events_refused',
          text: expect.stringMatching(
            /^The Stripe key has not been allowed to read events since .* ends at the last full sweep\./,
          ),
        }),
      );
      // The worker's lag, not the command's own.
      expect(told).toMatchObject({ lag_ms: 120_000 });
      expect(told.holes).toEqual([expect.objectContaining({ closed_by: 'sweep' })]);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      const runs =
        await (await session.look())`select count(*)::int as failed from stripe_blnk_sync.sync_runs where feed = 'events'`;
      expect(runs).toEqual([{ failed: 0 }]);
    },
    STORY_TIMEOUT_MS,
  );
});
