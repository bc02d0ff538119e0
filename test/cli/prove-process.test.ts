/**
 * Proofs by real processes on the embedded home: the worker proves days by itself, a late success reopens one and says why,
 * and the command finds what was damaged in the ledger. One story, told in order.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { withoutProgress } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const TIMEOUT_MS = 90_000;
const DAY_MS = 86_400_000;

/** Ten days ago, at noon. */
const NOON = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS + DAY_MS / 2);
const DAY = NOON.toISOString().slice(0, 10);

describe('proofs', () => {
  const [home] = homes();
  let session: Session;
  let worker: Child;
  let late: string;
  let later: string;

  beforeAll(async () => {
    if (home === undefined) throw new Error('there is no home');
    session = await startSession(home);
    for (let number = 0; number < 3; number += 1) {
      const created = new Date(NOON.getTime() + number * 1_000);
      session.stripe.createIntent({ kind: 'card_usd', created, moves: [{ move: 'succeed', at: created }] });
    }
    late = session.stripe.createIntent({ kind: 'card_usd', created: NOON, moves: [] });
    later = session.stripe.createIntent({ kind: 'card_usd', created: NOON, moves: [] });
    worker = session.workerHere({
      variables: { SYNC_EVERY: '1s', SYNC_START: '12d' },
      timings: { proofs: { ...TIMINGS.proofs, askEveryMs: 200, failedAfterMs: 300 } },
    });
  }, TIMEOUT_MS);

  afterAll(() => session.close(), TIMEOUT_MS);

  const stateOf = async (day: string) => {
    const sql = await session.look();
    return sql<{ state: string; stripe_count: number; reopened_because: string | null }[]>`
      select state, stripe_count, reopened_because from stripe_blnk_sync.day_certificates where day = ${day} and not reopened`;
  };

  it(
    'are made by the worker of every day that closed two days ago',
    async () => {
      await worker.untilLogged(/^mirroring every/);
      await until('ten days are proven', async () => {
        const sql = await session.look();
        const [row] = await sql<
          { days: number }[]
        >`select count(distinct day)::int as days from stripe_blnk_sync.certificates`;
        return (row?.days ?? 0) >= 10;
      });
      expect(await stateOf(DAY)).toEqual([{ state: 'sealed', stripe_count: 3, reopened_because: null }]);
      const sql = await session.look();
      const proven = await sql<
        { day: string; trigger: string }[]
      >`select day::text, trigger from stripe_blnk_sync.certificates`;
      expect(new Set(proven.map(({ trigger }) => trigger))).toEqual(new Set(['two_days']));
      const tooYoung = [0, 1, 2].map((days) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10));
      expect(proven.filter(({ day }) => tooYoung.includes(day))).toEqual([]);
      expect(await worker.untilLogged(/^\d+ days? proven: /)).toMatchObject({ level: 30, sealed: expect.any(Number) });
    },
    TIMEOUT_MS,
  );

  it(
    'are made again when a payment of the day succeeds late, and say why',
    async () => {
      session.stripe.clock.advance(2_000);
      session.stripe.succeed(late);
      session.stripe.clock.advance(2_000);
      await until('the day is sealed with four payments', async () => (await stateOf(DAY))[0]?.stripe_count === 4);
      const [certificate] = await stateOf(DAY);
      expect(certificate?.state).toBe('sealed');
      expect(certificate?.reopened_because).toMatch(new RegExp(`^${late} succeeded late: stored .* UTC`));
      // Told after it is stored.
      await until('it is told', () => worker.log().some(({ event, day }) => event === 'day_reopened' && day === DAY));
    },
    TIMEOUT_MS,
  );

  it(
    'are tried again after Stripe was away, while everything else goes on',
    async () => {
      session.stripe.faults.add({ effect: 'status', status: 500, route: 'payment_intents.list' });
      session.stripe.clock.advance(2_000);
      session.stripe.succeed(later);
      session.stripe.clock.advance(2_000);
      const failed = await worker.untilLogged(/ could not be proven; it is tried again later: /);
      expect(failed).toMatchObject({ level: 40, day: DAY, code: 'stripe_unavailable' });
      expect(session.blnk.appliedByReference(later)).toBeDefined();
      expect((await stateOf(DAY)).length).toBe(0);
      session.stripe.faults.clear();
      await until('the day is sealed with five payments', async () => (await stateOf(DAY))[0]?.stripe_count === 5);
      expect((await stateOf(DAY))[0]?.reopened_because).toMatch(new RegExp(`^${later} succeeded late`));
    },
    TIMEOUT_MS,
  );

  it(
    'are made by the command, which exits 0 when all is sealed',
    async () => {
      const week = await session.run(['prove', '--json']);
      expect([week.code, withoutProgress(week.errors)]).toEqual([0, '']);
      const answer = JSON.parse(week.output);
      expect(answer).toMatchObject({ answer: '7 days compared: 7 sealed.', asked: 7, proven: 7 });
      const shown = await session.run(['certificates', 'show', DAY, '--currency', 'usd', '--json']);
      expect(JSON.parse(shown.output).certificates).toMatchObject([{ state: 'sealed', stripe_count: 5, findings: [] }]);
      const refused = await session.run(['prove', '--from', '2026-01-01', '--to', '2026-01-02']);
      expect([refused.code, refused.errors]).toEqual([
        2,
        expect.stringContaining('days_not_provable: The days 2026-01'),
      ]);
    },
    TIMEOUT_MS,
  );

  it(
    'name what is missing in the ledger, keep that, and exit 1',
    async () => {
      expect(session.blnk.deleteTransaction(late)).toBe(true);
      const proof = await session.run(['prove', '--from', DAY, '--to', DAY]);
      expect(proof.code).toBe(1);
      expect(proof.output).toContain(`1 day compared: 1 broken (${DAY} USD: 1 missing).`);
      expect(proof.output).toContain(`repair plan --from ${DAY} --to ${DAY}`);
      expect(proof.output).toMatch(new RegExp(`^${late} +USD +missing`, 'm'));
      const csv = await session.run(['certificates', 'list', '--csv', '--state', 'broken']);
      const [header, row, rest] = csv.output.split('\r\n');
      expect(header).toMatch(/^day,currency,currency_decimals,state,/);
      expect(row).toContain(`${DAY},USD,2,broken,false,manual,5,`);
      expect([rest, csv.code]).toEqual(['', 0]);
    },
    TIMEOUT_MS,
  );

  it('leave nothing but reopenings and the outage at warning level in the log', async () => {
    worker.kill('SIGTERM');
    const ended = await worker.ended;
    expect([ended.code, ended.errors]).toEqual([0, '']);
    const warnings = new Set(worker.log().flatMap(({ level, event }) => (level >= 40 ? [event] : [])));
    // Whether it lasted for two seconds is the machine's doing.
    warnings.delete('outage_began');
    // A payment was removed from the ledger.
    warnings.delete('verdict_changed');
    // On a machine that stands still for seconds a job waits as if the queue did not deliver it.
    warnings.delete('queue_unhealthy');
    expect([...warnings].sort()).toEqual(['day_reopened', 'proof_failed', 'stripe_asked_again']);
  });
});
