/**
 * Real workers of which one clock is wrong: the process's own clock years ahead, behind, or jumping about, or the database's;
 * their zones ones with daylight saving; and Stripe's time around a leap day, with which the other clock agrees. Each ends
 * with exactly what the worker with clocks of years later has, which only agree with each other.
 */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SandboxClock } from '../../sandbox/clock.js';
import { type ClockWorkerOptions, startClockWorker } from '../support/clock/worker.js';
import { installClock } from '../support/history/database.js';
import { type Home, homes } from '../support/homes.js';
import { withoutProgress } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';

const YEAR = 365 * 86_400_000;
const DAY = 86_400_000;
const all = homes();
const server = all.find(({ name }) => name === 'postgres');

/** Stripe's time. */
const NOW = new Date('2024-03-02T00:30:00Z');
const START = '2024-02-28';
/** The ends of days in UTC, and moments that are another day elsewhere. */
const PAID = [
  ...['2024-02-28T00:00:00Z', '2024-02-28T23:59:59Z', '2024-02-29T00:00:00Z', '2024-02-29T04:59:59Z'],
  ...['2024-02-29T13:30:00Z', '2024-02-29T23:59:59Z', '2024-03-01T00:00:00Z', '2024-03-01T11:00:00Z'],
];
const DAYS = ['2024-02-28', '2024-02-29', '2024-03-01'];

interface Wrong extends Pick<ClockWorkerOptions, 'clock' | 'jumps' | 'zone'> {
  readonly what: string;
  readonly databaseZone: string;
  readonly databaseMs: number;
}

/** What makes a clock of this machine Stripe's. It goes on, Stripe's stands still: a little behind, for as long as this takes. */
const AS_STRIPE_MS = NOW.getTime() - Date.now() - 60_000;

const RIGHT: Wrong = { what: 'right clocks', zone: 'UTC', databaseZone: 'UTC', databaseMs: 0 };
const JUMPS = [0, 5 * 60_000, -3_600_000, DAY, -3 * DAY, 2 * YEAR, -YEAR];
const WRONG: readonly Wrong[] = [
  {
    what: 'three years ahead in Apia, its database in Lord Howe',
    ...{
      clock: { wallMs: 3 * YEAR },
      zone: 'Pacific/Apia',
      databaseZone: 'Australia/Lord_Howe',
      databaseMs: AS_STRIPE_MS,
    },
  },
  {
    what: 'jumping by minutes, days and years about ten years ago in Sao Paulo, its database in New York',
    ...{ clock: { wallMs: -10 * YEAR }, jumps: { seed: 29, betweenMs: JUMPS }, zone: 'America/Sao_Paulo' },
    ...{ databaseZone: 'America/New_York', databaseMs: AS_STRIPE_MS },
  },
  {
    what: 'right in Apia, its database behind by a day in Lord Howe',
    ...{ clock: { wallMs: AS_STRIPE_MS }, zone: 'Pacific/Apia', databaseZone: 'Australia/Lord_Howe' },
    databaseMs: AS_STRIPE_MS - DAY,
  },
];

/** The server's home with another zone, and with a clock that is off, for everybody who connects to this database. */
function wrongHome(home: Home, { databaseZone, databaseMs }: Wrong): Home {
  return {
    ...home,
    async create() {
      const place = await home.create();
      const { DATABASE_URL: url } = place.environment;
      if (url !== undefined) await installClock({ kind: 'url', url }, { aheadMs: databaseMs, zone: databaseZone });
      return place;
    },
  };
}

let session: Session | null = null;
afterEach(async () => {
  await session?.close();
  session = null;
});

/** Everything that must not depend on a clock but Stripe's. */
async function outcomeOf(wrong: Wrong): Promise<unknown> {
  const home = server ?? all[0];
  if (home === undefined) throw new Error('there is no home to test on');
  session = await startSession(wrongHome(home, wrong), { clock: SandboxClock.frozen(NOW) });
  const { stripe, blnk } = session;
  for (const kind of ['card_usd', 'currency_jpy']) {
    for (const time of PAID) {
      const created = new Date(time);
      stripe.createIntent({ kind, created, moves: [{ move: 'succeed', at: created }] });
    }
  }
  const proofs = { askEveryMs: 500, turnMs: 30_000, failedAfterMs: 1_000, firstAfterMs: 0, lateAfterMs: 75 * DAY };
  const worker = startClockWorker({
    ...wrong,
    variables: { ...session.variables, SYNC_EVERY: '1s', SYNC_START: START },
    timings: { proofs: { ...proofs, againAfterMs: 1_000, rotateEveryMs: DAY, rotateAgeMs: DAY, giveWayForMs: 0 } },
  });
  const explain = () => worker.output() + worker.errors();
  await worker.untilLogged(/^mirroring/, 90_000);
  await session.untilSettled();
  const sql = await session.look();
  const backfill = await worker.run(['backfill', '--from', '2024-02-29', '--to', '2024-03-01', '--json']);
  expect([backfill.code, withoutProgress(backfill.errors)]).toEqual([0, '']);
  const asked = () => sql`
    select window_from, window_to, found, known_before, stored from stripe_blnk_sync.sync_history
    where trigger = 'manual' and status in ('succeeded', 'attention') and parent_id is null`;
  await until('the backfill is read', async () => (await asked()).count === 1, { timeoutMs: 60_000, explain });
  const proven = await worker.run(['prove', '--from', '2024-02-28', '--to', '2024-03-01', '--json']);
  expect([proven.code, withoutProgress(proven.errors)]).toEqual([0, '']);
  await expectMirrored(session, { payments: PAID.length * 2 });
  const shown = await worker.run(['certificates', 'show', '2024-02-29', '--json']);
  expect([shown.code, withoutProgress(shown.errors)]).toEqual([0, '']);
  const status = JSON.parse((await worker.run(['status', '--json'])).output);
  const certificates = await sql`
    select distinct on (day, currency) day::text, currency, state, stripe_count::int, stripe_sum::text, ledger_count::int,
      ledger_sum::text, postings_count::int
    from stripe_blnk_sync.certificates order by day, currency, proved_at desc`;
  const [mirror] = await sql`select starts_at from stripe_blnk_sync.mirror`;
  const behindStripeMs = NOW.getTime() - Date.parse(status.complete.to);
  // The lag, the seconds that requests took (they are subtracted, because Stripe answered before), and the clock that agrees.
  expect(behindStripeMs).toBeGreaterThanOrEqual(600_000);
  expect(behindStripeMs).toBeLessThan(700_000);
  return {
    starts: new Date(mirror?.starts_at).toISOString(),
    completeFrom: status.complete.from,
    holes: status.holes,
    ledger: [...blnk.transactions()]
      .map((row) => [
        row.reference,
        row.effective_date?.toISOString(),
        row.meta_data.stripe_day,
        `${row.precise_amount}`,
      ])
      .sort(),
    postings: [
      ...(await sql`select reference, state, effective_at::text as effective_at from stripe_blnk_sync.postings order by 1`),
    ],
    days: [
      ...(await sql`select day::text, currency, posted_count, posted_minor from stripe_blnk_sync.daily_totals order by 1, 2`),
    ],
    backfill: [...(await asked())],
    proven: { code: proven.code, answer: JSON.parse(proven.output).answer, certificates: [...certificates] },
    shown: { code: shown.code, day: JSON.parse(shown.output).day },
  };
}

describe.runIf(server !== undefined)('a worker', () => {
  let right: unknown;
  beforeAll(async () => {
    right = await outcomeOf(RIGHT);
    await session?.close();
    session = null;
  }, 180_000);

  it('with right clocks proves each of the days', () => {
    const { proven } = right as { proven: { code: number; certificates: { day: string; state: string }[] } };
    expect(proven.code).toBe(0);
    expect([...new Set(proven.certificates.map(({ day, state }) => `${day} ${state}`))]).toEqual(
      DAYS.map((day) => `${day} sealed`),
    );
  });

  it.each(WRONG)('$what has the same', { timeout: 180_000 }, async (wrong) => {
    expect(await outcomeOf(wrong)).toEqual(right);
  });
});
