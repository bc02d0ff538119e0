/**
 * Updates while payments come in: an old worker works on during and after a migration that it can stand, and ends in order
 * before one that it cannot. The later version is a folder with this package's sources and further migrations.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GENERATION } from '../../src/db/workers/minimum-code.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { type LaterPackage, type LaterVersion, makeLaterPackage } from '../support/upgrade/package.js';

const TIMEOUT_MS = 180_000;
/** A machine that is busy with other tests takes long to start a process. */
const PATIENT = { timeoutMs: 60_000 };
const PAYMENT_EVERY_MS = 100;

const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

/** What an old worker can stand, with everything that takes locks: a column, a view made anew, an index. */
const ADDITIVE = (view: string): LaterVersion['migrations'] => ({
  '9000_note': [
    'alter table stripe_blnk_sync.postings add column note text',
    'drop view stripe_blnk_sync.daily_totals',
    `create view stripe_blnk_sync.daily_totals as ${view}`,
  ],
  '9001_note_index': [
    'drop index concurrently if exists postings_note',
    'create index concurrently postings_note on stripe_blnk_sync.postings (note)',
  ],
});

const NEXT = GENERATION + 1;

const RAISED: LaterVersion['migrations'] = {
  '9002_raise': [
    `update stripe_blnk_sync.served_code set oldest_generation = ${NEXT}, oldest_version = '9.0.0', raised_at = now()`,
  ],
  // Refuses to be applied while a worker of an earlier generation lives.
  '9003_break': [
    `do $$ begin
      if exists (select from stripe_blnk_sync.workers where generation < ${NEXT} and seen_at > now() - interval '1 minute') then
        raise exception 'an older worker lives';
      end if;
    end $$`,
    'alter table stripe_blnk_sync.postings drop column note',
  ],
};

describe('an update while payments come in', () => {
  let session: Session;
  let old: Child;
  let stopPaying: () => void;
  let later: LaterPackage;

  beforeAll(async () => {
    session = await startSession(home, { population: population(30) }, { latencyMs: 20 });
    old = session.worker({ SYNC_EVERY: '1s', LOG_LEVEL: 'info' });
    await session.untilSettled();
    const [view] =
      await (await session.look())`select pg_get_viewdef('stripe_blnk_sync.daily_totals'::regclass) as text`;
    later = await makeLaterPackage({ version: '8.0.0', migrations: ADDITIVE(String(view?.text)) });
    const paying = setInterval(() => pay(session), PAYMENT_EVERY_MS);
    stopPaying = () => clearInterval(paying);
  }, TIMEOUT_MS);

  afterAll(async () => {
    stopPaying?.();
    await session?.close();
    await later?.remove();
  }, TIMEOUT_MS);

  it(
    'an old worker goes on over what is added, beside a new one, without an error',
    async () => {
      const before = await postedCount();
      const migrated = await later.start(['migrate'], session.variables).ended;
      expect([migrated.code, migrated.errors]).toEqual([0, '']);
      expect(migrated.output).toMatch(
        /up to date: from \S+ to 9001_note_index\.\n {2}applied 9000_note\n {2}applied 9001_note_index\n/,
      );
      const added = later.start(['worker'], { ...session.variables, SYNC_EVERY: '1s' });
      await added.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      await until('both go on', async () => (await postedCount()) > before + 10, PATIENT);
      added.kill('SIGTERM');
      expect((await added.ended).code).toBe(0);
      const status = await runCommand(['status'], session.variables);
      expect([status.code === 2, status.errors]).toEqual([false, '']);
      expect(old.isAlive()).toBe(true);
      expect(old.log().filter(({ level }) => level >= WARN)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'an old worker ends in order before what it cannot work on, and does not start again',
    async () => {
      await later.become({ version: '9.0.0', generation: NEXT, migrations: RAISED });
      const migrated = await later.start(['migrate'], session.variables).ended;
      expect([migrated.code, migrated.errors]).toEqual([0, expect.stringMatching(PROGRESS_ALONE)]);
      expect(migrated.output).toContain('Waiting for workers that may not work on what comes next: process');
      expect(migrated.output).toContain(`They serve version 9.0.0 (generation ${NEXT}) and later; this is 9.0.0.`);

      const ended = await old.ended;
      const why = new RegExp(
        `code_too_old: This is version \\S+ \\(generation ${GENERATION}\\).* version 9\\.0\\.0 or later \\(generation ${NEXT} or later\\).*Install 9\\.0\\.0`,
      );
      expect(ended.code).toBe(2);
      expect(ended.errors).toMatch(why);
      const said = old.log().filter(({ level }) => level >= WARN);
      expect(said.map(({ event, code }) => [event, code])).toEqual([['version_too_old', 'code_too_old']]);
      expect(old.log().at(-1)?.msg).toBe('stopped');
      const sql = await session.look();
      expect([
        ...(await sql`select reference from stripe_blnk_sync.postings where state = 'pending' and attempts > 0`),
      ]).toEqual([]);

      for (const words of [['worker'], ['status'], ['migrate']]) {
        const refused = await runCommand(words, session.variables);
        expect([words, refused.code]).toEqual([words, 2]);
        expect(refused.errors).toMatch(why);
      }

      const worker = later.start(['worker'], { ...session.variables, SYNC_EVERY: '1s' });
      await worker.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      const before = await postedCount();
      await until('the new version goes on', async () => (await postedCount()) > before + 10, PATIENT);
      stopPaying();
      await everythingRead();
      await expectMirrored(session);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  async function postedCount(): Promise<number> {
    const [row] =
      await (await session.look())`select count(*)::int as count from stripe_blnk_sync.postings where state = 'posted'`;
    return row?.count;
  }

  async function everythingRead(): Promise<void> {
    const wanted = [...session.stripe.expected()].filter(({ succeeded }) => succeeded !== null).length;
    const sql = await session.look();
    await until(
      'every payment is settled',
      async () => {
        const [row] =
          await sql`select count(*)::int as settled from stripe_blnk_sync.postings where state <> 'pending'`;
        return row?.settled === wanted;
      },
      PATIENT,
    );
  }
});

/** Of what takes over a second, for whoever waits. */
const PROGRESS_ALONE = /^(?:applying \S+: .*\n)*$/;

/** pino's number. */
const WARN = 40;

function pay({ stripe }: Session): void {
  stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
}
