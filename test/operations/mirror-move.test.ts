/**
 * `mirror move`: the same ledger under a new instance id is recognised, another one is not; and a worker that stood still
 * meanwhile, with the old configuration, claims nothing and says why.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { createCollectStore } from '../../src/db/collect/collect-store.js';
import { createDismissedPostings, createOutbox } from '../../src/db/postings/outbox.js';
import { homes } from '../support/homes.js';
import { runCommand, withoutProgress } from '../support/process/command.js';
import { type Session, startSession, type Variables } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { ledgerStages, makePayments } from '../support/stages/ledger.js';

const TIMEOUT_MS = 90_000;
const PATIENT = { timeoutMs: 40_000 };
const DAY_MS = 86_400_000;

const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

describe('a mirror whose ledger has a new instance id', () => {
  let session: Session;
  let sleeper: ReturnType<Session['quickWorker']>;
  const NEW = 'inst_new';
  const pay = (count: number) => {
    for (let index = 0; index < count; index += 1) {
      session.stripe.clock.advance(1_000);
      const created = new Date(session.stripe.clock.nowMs() - 3 * DAY_MS - index * 60_000);
      session.stripe.createIntent({ kind: 'card_usd', created, moves: [{ move: 'succeed' }] });
    }
  };
  const move = (instance: string, words: readonly string[] = [], variables: Variables = {}) =>
    runCommand(['mirror', 'move', '--instance', instance, ...words], { ...session.variables, ...variables });
  const mirrorRow = async () => {
    const sql = await session.look();
    const [row] = await sql<{ instance: string; epoch: number; state: string }[]>`
      select blnk_instance as instance, ledger_epoch as epoch, ledger_state as state from stripe_blnk_sync.mirror`;
    return row;
  };

  beforeAll(async () => {
    session = await startSession(home);
    pay(6);
    sleeper = session.quickWorker({ variables: { SYNC_EVERY: '1s' } });
    await session.untilSettled();
  }, TIMEOUT_MS);
  afterAll(() => session.close(), TIMEOUT_MS);

  it(
    'is not moved while a worker lives',
    async () => {
      session.blnk.access.renameInstance(NEW);
      const refused = await move(NEW);
      expect([refused.code, refused.errors]).toEqual([2, expect.stringMatching(/^workers_running: .*\(\d+\)/)]);
      expect(await mirrorRow()).toMatchObject({ instance: 'inst_test', epoch: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'is not moved to an instance that does not hold what was posted, nor by a dry run',
    async () => {
      // It stands still, as on a machine that sleeps; to everybody else it looks dead. Not within a transaction, whose locks
      // would keep the move waiting until PostgreSQL ends it.
      const sql = await session.look();
      await until('it sleeps between two transactions', async () => {
        sleeper.kill('SIGSTOP');
        const [open] = await sql<{ n: number }[]>`
          select count(*)::int as n from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;
        if (open?.n === 0) return true;
        sleeper.kill('SIGCONT');
        return false;
      });
      await sql`update stripe_blnk_sync.workers set seen_at = now() - interval '5 minutes'`;
      const other = await startBlnkSandbox({ instanceId: 'inst_other', cloudToken: session.blnk.cloudToken });
      onTestFinished(() => other.close());
      const elsewhere = { BLNK_API_BASE: other.url };
      const refused = await move('inst_other', [], elsewhere);
      expect([refused.code, refused.errors]).toEqual([
        2,
        expect.stringMatching(/^move_refused: .*inst_other does not hold/),
      ]);
      const unknown = await move('inst_unknown');
      expect(unknown.code).toBe(2);
      const dry = await move(NEW, ['--dry-run', '--json']);
      expect([dry.code, withoutProgress(dry.errors)]).toEqual([0, '']);
      expect(JSON.parse(dry.output)).toMatchObject({ moved: false, from: 'inst_test', to: NEW, missing: null });
      const core = await move('inst_core', [], { BLNK_API_STYLE: 'core', BLNK_API_KEY: session.blnk.coreKey });
      expect([core.code, core.errors]).toEqual([2, expect.stringMatching(/^move_refused: .*allowed is core/)]);
      expect(await mirrorRow()).toMatchObject({ instance: 'inst_test', epoch: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'is moved to the one that does, and goes on; the one that slept takes nothing and stops',
    async () => {
      const moved = await move(NEW);
      expect([moved.code, withoutProgress(moved.errors)]).toEqual([0, '']);
      expect(moved.output).toContain(`BLNK_INSTANCE_ID=${NEW}`);
      expect(await mirrorRow()).toEqual({ instance: NEW, epoch: 1, state: 'same' });
      const again = await move(NEW);
      expect([again.code, again.output]).toEqual([0, expect.stringContaining('already')]);

      const rows = session.blnk.stats().rows;
      // What it would post to, if it could.
      session.blnk.access.renameInstance('inst_test');
      pay(2);
      const sql = await session.look();
      const { store, pending } = await storedBySomebodyElse();
      await store();
      sleeper.kill('SIGCONT');
      const ended = await sleeper.ended;
      expect([ended.code, ended.errors]).toEqual([2, expect.stringMatching(/moved to the Blnk instance inst_new/)]);
      expect(session.blnk.stats().rows).toBe(rows);
      const [claimed] =
        await sql`select count(*)::int as n from stripe_blnk_sync.postings where state = 'pending' and attempts > 0`;
      expect([await pending(), claimed?.n]).toEqual([1, 0]);

      const refused = await runCommand(['worker'], session.variables);
      expect([refused.code, refused.errors]).toEqual([2, expect.stringMatching(/^mirror_differs: .*mirror move/)]);
      session.blnk.access.renameInstance(NEW);
      const worker = session.quickWorker({ variables: { SYNC_EVERY: '1s', BLNK_INSTANCE_ID: NEW } });
      await until('all is posted', () => session.blnk.stats().rows === rows + 3, PATIENT);
      await session.untilSettled();
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  /** A posting that is due the moment that the sleeper wakes up. */
  async function storedBySomebodyElse() {
    const sql = await session.look();
    return {
      store: async () => {
        await sql`
          insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision, effective_at, state, prepared, first_run)
          select 'pi_due_now', 'pi_due_now', 'payment', source, destination, currency, 1200, precision, effective_at, 'pending',
            ${JSON.stringify({
              ...{ precise_amount: 1_200, precision: 100, currency: 'USD', reference: 'pi_due_now', description: 'x' },
              ...{ source: '@stripe', destination: '@stripe_guests', allow_overdraft: true, skip_queue: true },
            })}, first_run
          from stripe_blnk_sync.postings limit 1`;
        await sql`update stripe_blnk_sync.postings set destination = '@stripe_guests' where reference = 'pi_due_now'`;
      },
      pending: async () => {
        const [row] = await sql<{ n: number }[]>`
          select count(*)::int as n from stripe_blnk_sync.postings where reference = 'pi_due_now' and state = 'pending'`;
        return row?.n;
      },
    };
  }
});

describe('a claim under an earlier epoch', () => {
  const startStage = ledgerStages();
  const LANE = { source: '@stripe', currency: 'USD' };
  const LEASE = { limit: 10, leaseMs: 1_000 };

  it('gets nothing: no posting, new, attempted or dismissed, and no run', async () => {
    const stage = await startStage();
    await stage.store(makePayments(6));
    const earlier = createOutbox(stage.sql, { epoch: 0, accountsMode: 'indicators' });
    const held = await earlier.claimNew(LANE, { ...LEASE, limit: 2, first: 'waiting' });
    const collecting = createCollectStore(stage.db, {
      workerId: randomUUID(),
      version: 'test',
      mirrorId: null,
      epoch: 0,
    });
    const window = { from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-11-02T00:00:00Z') };
    const wanted = { feed: 'payment_intents', trigger: 'manual', window, parentId: null } as const;
    const run = await collecting.openRun(wanted);
    await stage.sql`
      update stripe_blnk_sync.postings set attempts = 1, last_attempt_at = now() where reference in ('pi_0005', 'pi_0006')`;
    await stage.sql`
      update stripe_blnk_sync.postings set state = 'parked', dismissed_at = now() - interval '1 day', dismissed_by = 'x', dismissed_why = 'x'
      where reference = 'pi_0006'`;
    await stage.sql`update stripe_blnk_sync.mirror set ledger_epoch = 1`;

    expect((await earlier.claimNew(LANE, { ...LEASE, first: 'newest' })).postings).toEqual([]);
    expect((await earlier.claimAttempted(LANE, LEASE)).postings).toEqual([]);
    const first = held.postings[0]?.reference ?? '';
    expect((await earlier.markAttempt(held.token, [first], 1_000)).size).toBe(0);
    await expect(earlier.nextDueInMs(LANE)).rejects.toMatchObject({ kind: 'fatal', code: 'mirror_moved' });
    const looks = { ...LEASE, looksAfterMs: [0] };
    const dismissed = createDismissedPostings(stage.sql, { epoch: 0 });
    expect((await dismissed.claimDismissed(looks)).postings).toEqual([]);
    await expect(collecting.openRun(wanted)).rejects.toMatchObject({ code: 'mirror_moved' });
    await expect(collecting.mirror()).rejects.toMatchObject({ code: 'mirror_moved' });
    const page = { postings: [], beforeStart: 0, requests: 1, covers: { ...window, readAt: window.to } };
    await expect(collecting.storePage(run, page)).rejects.toMatchObject({ code: 'run_lost' });

    const later = createOutbox(stage.sql, { epoch: 1, accountsMode: 'indicators' });
    expect((await later.claimNew(LANE, { ...LEASE, first: 'newest' })).postings).toHaveLength(2);
    expect((await later.claimAttempted(LANE, LEASE)).postings).toHaveLength(1);
    const now = createDismissedPostings(stage.sql, { epoch: 1 });
    expect((await now.claimDismissed(looks)).postings).toHaveLength(1);
  });
});
