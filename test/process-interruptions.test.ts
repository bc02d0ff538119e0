/**
 * Processes that die or are told to stop in the middle of posting, and answers that get lost: the end state is always the
 * same. One home each, another one for each story.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Home, homes } from './support/homes.js';
import { population, type Session, startSession } from './support/process/session.js';
import { expectMirrored } from './support/process/truth.js';
import { until } from './support/process/wait.js';

const STORY_TIMEOUT_MS = 90_000;
const BULK = 'POST /transactions/bulk';

describe('a worker', () => {
  it(
    'killed with an attempt open: the next one settles it by looking, and posts the rest',
    async () => {
      const session = await startStory(homeFor('embedded'), 400);
      // Access is checked with an empty bulk request; this is the first one that posts. A part of the chunk is in when the process dies.
      const hanging = session.blnk.faults.add({ kind: 'hang', route: BULK, nth: 1, contains: '"USD"', atItem: 3 });
      const killed = session.quickWorker();
      await until('a bulk request hangs', () => hanging.hits === 1, { explain: killed.output });
      const sql = await session.look();
      const open = await sql`select 1 from postings where state = 'pending' and attempts = 1 and claim is not null`;
      expect(open.length).toBeGreaterThan(3);
      killed.kill('SIGKILL');
      expect(await killed.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
      hanging.remove();
      // What Core does after its five minutes.
      session.blnk.expireLeakedLocks();

      const next = session.quickWorker();
      await session.untilSettled();
      await expectMirrored(session);
      next.kill('SIGTERM');
      expect((await next.ended).code).toBe(0);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'whose answers get lost after applying, and whose requests a proxy repeats, counts no payment twice',
    async () => {
      const session = await startStory(homeFor('postgres+redis'), 600);
      const faults = [
        session.blnk.faults.add({ kind: 'answer_lost', route: BULK, nth: 1, contains: '"reference"' }),
        session.blnk.faults.add({ kind: 'repeated', route: BULK, nth: 1, contains: '"reference"' }),
        session.blnk.faults.add({ kind: 'answer_lost', route: 'POST /transactions', nth: 1 }),
        session.blnk.faults.add({ kind: 'repeated', route: 'POST /transactions', nth: 1 }),
      ];
      const worker = session.quickWorker();
      await session.untilSettled();
      expect(faults.map(({ hits }) => hits)).toEqual([1, 1, 1, 1]);
      await expectMirrored(session);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'told to stop while posts are in flight lets them end, takes nothing new, and leaves nothing in doubt',
    async () => {
      const session = await startStory(homeFor('postgres'), 1_000);
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const slow = session.blnk.faults.add({ kind: 'slow', delayMs: 2_000, route: BULK, contains: '"USD"' });
        const worker = session.quickWorker();
        await until('a slow post is in flight', () => slow.hits > 0, { explain: worker.output });
        const underWay = slow.hits;
        worker.kill(signal);
        const ended = await worker.ended;
        expect([ended.code, ended.errors]).toEqual([0, '']);
        expect(worker.log().at(-1)?.msg).toBe('stopped');
        // The two chunks of the one lane that hold for two seconds; at most the second had yet to be sent.
        expect(slow.hits).toBeLessThanOrEqual(Math.max(underWay, 2));
        slow.remove();
        expect(await openAttempts(session)).toBe(0);
      }

      const hanging = session.blnk.faults.add({ kind: 'hang', route: BULK, nth: 1, contains: '"USD"', phase: 'after' });
      const impatient = session.quickWorker({ variables: { SHUTDOWN_GRACE: '1s' } });
      await until('a bulk request hangs', () => hanging.hits === 1, { explain: impatient.output });
      impatient.kill('SIGTERM');
      const ended = await impatient.ended;
      expect(ended.code).toBe(1);
      expect(impatient.log().at(-1)?.msg).toMatch(/SHUTDOWN_GRACE ran out/);
      expect(await openAttempts(session)).toBeGreaterThan(0);
      hanging.remove();
      session.blnk.expireLeakedLocks();

      const last = session.quickWorker();
      await session.untilSettled();
      await expectMirrored(session);
      last.kill('SIGTERM');
      expect((await last.ended).code).toBe(0);
    },
    STORY_TIMEOUT_MS,
  );
});

async function startStory(home: Home, intents: number): Promise<Session> {
  const session = await startSession(home, { population: population(intents) });
  onTestFinished(() => session.close());
  return session;
}

/** That home, or the embedded one where it is not. */
function homeFor(name: Home['name']): Home {
  const found = homes().find((home) => home.name === name) ?? homes()[0];
  if (found === undefined) throw new Error('there is no home');
  return found;
}

async function openAttempts(session: Session): Promise<number> {
  const sql = await session.look();
  return (await sql`select 1 from postings where doubt_since is not null`).length;
}
