/**
 * Processes that die or are told to stop in the middle of posting, and answers that get lost: the end state is always the
 * same. One home each, another one for each story.
 */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Home, homes } from '../support/homes.js';
import { ownListener } from '../support/own-server.js';
import { type Child, type Ended, startChild } from '../support/process/child.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { halfInTier, inTier, itInFull } from '../support/tier.js';

const STORY_TIMEOUT_MS = 90_000;
const BULK = 'POST /transactions/bulk';

describe('a worker', () => {
  it(
    'killed with an attempt open: the next one settles it by looking, and posts the rest',
    async () => {
      const session = await startStory(homeFor('embedded'), 200);
      // Access is checked with an empty bulk request; this is the first one that posts. A part of the chunk is in when the process dies.
      const hanging = session.blnk.faults.add({ effect: 'hang', route: BULK, nth: 1, contains: '"USD"', atItem: 3 });
      const killed = session.quickWorker();
      await until('a bulk request hangs', () => hanging.hits === 1, { explain: killed.output });
      const sql = await session.look();
      const open =
        await sql`select 1 from stripe_blnk_sync.postings where state = 'pending' and attempts = 1 and claim is not null`;
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

  itInFull(
    'in its first seconds hears Ctrl-C while Blnk hangs, says so, and ends in order',
    async () => {
      const session = await startStory(homeFor('embedded'), 4);
      const hanging = session.blnk.faults.add({ effect: 'hang', route: 'POST /transactions/filter' });
      const worker = session.quickWorker();
      await until('a look-up hangs', () => hanging.hits === 1, { explain: worker.output });
      const toldAt = performance.now();
      worker.kill('SIGINT');
      const { code, output, errors } = await worker.ended;
      expect([code, errors]).toEqual([0, expect.stringContaining('Stopping. Ctrl-C once more leaves at once.')]);
      expect(output).not.toContain('trying again');
      // A look-up ends by itself after 30 s; the rest is PostgreSQL's.
      expect(performance.now() - toldAt).toBeLessThan(10_000);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'that starts while PostgreSQL does not answer ends at once with Ctrl-C, and speaks of no further try',
    async () => {
      const { variables, connections } = await startSilentServer();
      const worker = startChild({ script: 'src/main.ts', words: ['worker'], variables });
      await until('it has connected', () => connections() > 0, { explain: worker.output });
      const ended = await interrupt(worker);
      expect([ended.code, ended.output, ended.errors]).toEqual([0, '', ACKNOWLEDGED]);
    },
    STORY_TIMEOUT_MS,
  );

  itInFull(
    'whose answers get lost after applying, and whose requests a proxy repeats, counts no payment twice',
    async () => {
      const session = await startStory(homeFor('postgres+redis'), 200);
      const faults = [
        session.blnk.faults.add({ effect: 'answer_lost', route: BULK, nth: 1, contains: '"reference"' }),
        session.blnk.faults.add({ effect: 'repeated', route: BULK, nth: 1, contains: '"reference"' }),
        session.blnk.faults.add({ effect: 'answer_lost', route: 'POST /transactions', nth: 1 }),
        session.blnk.faults.add({ effect: 'repeated', route: 'POST /transactions', nth: 1 }),
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
      for (const signal of inTier({ quick: ['SIGTERM'] as const, full: ['SIGTERM', 'SIGINT', 'SIGHUP'] as const })) {
        const slow = session.blnk.faults.add({ effect: 'slow', delayMs: 2_000, route: BULK, contains: '"USD"' });
        // What is claimed too long ago is not sent: on a slow machine that would leave it to the next look.
        const worker = session.quickWorker({ timings: { leaseMs: 60_000 } });
        await until('a slow post is in flight', () => slow.hits > 0, { explain: worker.output });
        const underWay = slow.hits;
        worker.kill(signal);
        const ended = await worker.ended;
        // A terminal is told that it was heard.
        const said = signal === 'SIGINT' ? expect.stringMatching(/^Stopping\. [^\n]*\n$/) : '';
        expect([ended.code, ended.errors]).toEqual([0, said]);
        expect(worker.log().at(-1)?.msg).toBe('stopped');
        // The two chunks of the one lane that hold for two seconds; at most the second had yet to be sent.
        expect(slow.hits).toBeLessThanOrEqual(Math.max(underWay, 2));
        slow.remove();
        expect(await openAttempts(session)).toBe(0);
      }

      const hanging = session.blnk.faults.add({
        effect: 'hang',
        route: BULK,
        nth: 1,
        contains: '"USD"',
        phase: 'after',
      });
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

describe('a command', () => {
  it.each(halfInTier(['status', 'accept pi_1 --why because', 'prove', 'migrate']))(
    'that waits for PostgreSQL ends at once with Ctrl-C: %s',
    async (line) => {
      const { variables, connections } = await startSilentServer();
      const command = startChild({ script: 'src/main.ts', words: line.split(' '), variables });
      await until('it has connected', () => connections() > 0, { explain: command.errors });
      const ended = await interrupt(command);
      expect([ended.code, ended.output, ended.errors]).toEqual([2, '', `${ACKNOWLEDGED}${INTERRUPTED}`]);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'that only reads ends at once with Ctrl-C wherever it waits',
    async (context) => {
      const session = await startStory(homeFor('postgres'), 4);
      if (session.variables.DATABASE_URL === undefined) return context.skip('needs a PostgreSQL server');
      const sql = await session.look();
      await sql.begin(async (transaction) => {
        await transaction`lock table stripe_blnk_sync.postings in access exclusive mode`;
        const status = startChild({ script: 'src/main.ts', words: ['status'], variables: session.variables });
        const waits = () => transaction`select 1 from pg_locks where not granted and database = (
          select oid from pg_database where datname = current_database())`;
        await until('it waits for the lock', async () => (await waits()).length > 0, { explain: status.errors });
        const ended = await interrupt(status);
        expect([ended.code, ended.output, ended.errors]).toEqual([2, '', `${ACKNOWLEDGED}${INTERRUPTED}`]);
      });
    },
    STORY_TIMEOUT_MS,
  );
});

const ACKNOWLEDGED = 'Stopping. Ctrl-C once more leaves at once.\n';
const INTERRUPTED = 'stopped: Interrupted before it was done; nothing was changed\n';
/** By itself it waits for ten seconds and more. */
const AT_ONCE_MS = 3_000;

async function interrupt(child: Child): Promise<Ended> {
  const toldAt = performance.now();
  child.kill('SIGINT');
  const ended = await child.ended;
  expect(performance.now() - toldAt, ended.output + ended.errors).toBeLessThan(AT_ONCE_MS);
  return ended;
}

/** In the place of PostgreSQL: takes every connection, and never says anything. */
async function startSilentServer(): Promise<{ readonly variables: Variables; connections(): number }> {
  let connections = 0;
  const count = () => {
    connections += 1;
  };
  const listener = ownListener(createServer(count));
  await listener.open();
  onTestFinished(() => listener.close());
  const variables = {
    ...{ STRIPE_API_KEY: 'sk_test_any11111', BLNK_API_KEY: 'blnk_any', BLNK_INSTANCE_ID: 'inst_any' },
    DATABASE_URL: `postgres://postgres@127.0.0.1:${listener.port}/mirror`,
  };
  return { variables, connections: () => connections };
}

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
  return (await sql`select 1 from stripe_blnk_sync.postings where doubt_since is not null`).length;
}
