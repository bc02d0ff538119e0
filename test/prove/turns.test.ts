/**
 * The turns of the worker's proofs: which of the days that are due are proven, when some of them cannot be. Real adapters, stand-ins over
 * HTTP and a real database; only the answer for a day that cannot be proven is made up.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScheduledProofs } from '../../src/app/stages/proving.js';
import { TIMINGS } from '../../src/app/timings.js';
import { SyncError } from '../../src/core/base/errors.js';
import { readProofs } from '../../src/db/reads/standings.js';
import { createFailedDays } from '../../src/prove/failed-days.js';
import { atBlnk, atStripe, decorateWith, openContext, STRIPES_TIME } from '../support/context.js';
import { stages } from '../support/stages/collect.js';
import { NEVER } from '../support/stages/ledger.js';
import { openProofStage, type ProofStage } from '../support/stages/proof.js';

/** All that are over at the stage's now. */
const DAYS = ['2026-05-28', '2026-05-29', '2026-05-30', '2026-05-31'];
const [OLDEST = '', SECOND = '', THIRD = '', NEWEST = ''] = DAYS;
const FATAL = new SyncError('it cannot be proven', { kind: 'fatal', code: 'stripe_request_refused' });
const TRANSIENT = new SyncError('it cannot be proven now', { kind: 'transient', code: 'blnk_answer_unreadable' });
const MINUTE = 60_000;

const openStage = stages();
let stage: ProofStage;
let closeVendors: () => Promise<void>;
/** The process's clock; a turn takes no time. */
let nowMs: number;
/** Days that cannot be proven, and how. */
let failing: Map<string, SyncError>;
let tried: string[];
let proofs: ReturnType<typeof createScheduledProofs>;

beforeEach(async () => {
  stage = await openProofStage(await openStage({ startsAt: new Date(`${OLDEST}T00:00:00Z`) }));
  await stage.sql`delete from stripe_blnk_sync.certificates`;
  for (const day of DAYS) stage.payOn(day, 1);
  await stage.settle();
  [nowMs, failing, tried] = [0, new Map(), []];
  const context = openContext(stage.database, {
    config: { ...atStripe(stage.sandbox), ...atBlnk(stage.blnk, { style: 'cloud' }), syncLagMs: stage.lagMs },
    timings: { proofs: { ...TIMINGS.proofs, giveWayForMs: 0, failedAfterMs: 2 * MINUTE } },
    events: { proofFailed: () => {}, proofNeedsPerson: () => {} },
    overrides: {
      stripe: STRIPES_TIME,
      clock: { monotonicMs: () => nowMs, every: () => () => {}, sleep: async () => {} },
      decorate: decorateWith({
        prover: (prover) => ({
          ...prover,
          proveDay(request) {
            tried.push(request.day);
            const error = failing.get(request.day);
            if (error === undefined) return prover.proveDay(request);
            throw error;
          },
        }),
      }),
    },
  });
  closeVendors = () => context.vendors.close();
  proofs = createScheduledProofs(context, {
    signal: NEVER,
    requestProofs: async () => {},
    confirmLedger: async () => {},
  });
});
afterEach(async () => {
  await closeVendors();
  await stage.closeLedger();
});

/** Turns a minute apart. */
async function takeTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await proofs.turn();
    nowMs += MINUTE;
  }
}

/** Days with a proof of this trigger, the oldest first. */
async function provenBy(trigger: string): Promise<string[]> {
  const rows = await stage.sql<{ day: string }[]>`
    select distinct day::text as day from stripe_blnk_sync.certificates where trigger = ${trigger} order by day`;
  return rows.map(({ day }) => day);
}

describe('days that cannot be proven', () => {
  it('do not keep those behind them from their turn, though each ends the turn in which it fails', async () => {
    failing = new Map([
      [NEWEST, FATAL],
      [THIRD, FATAL],
    ]);
    await takeTurns(4);
    expect(await provenBy('seventy_five_days')).toEqual([OLDEST, SECOND]);
  });

  it('are proven as soon as they can be, after a pause', async () => {
    failing = new Map([[NEWEST, TRANSIENT]]);
    await takeTurns(1);
    failing.clear();
    await takeTurns(2);
    expect(tried.filter((day) => day === NEWEST)).toHaveLength(2);
    expect(await provenBy('seventy_five_days')).toEqual(DAYS);
  });
});

describe('the rotation', () => {
  /** All days are sealed, and the last proof of each is 40 days ago; the oldest proof is of the oldest day. */
  beforeEach(async () => {
    await takeTurns(1);
    expect(await provenBy('seventy_five_days')).toEqual(DAYS);
    await stage.sql`update stripe_blnk_sync.postings set stored_at = stored_at - interval '100 days'`;
    await stage.sql`update stripe_blnk_sync.certificates set proved_at = proved_at - interval '40 days' + (day - ${OLDEST}::date) * interval '1 hour'`;
    tried = [];
  });

  it('takes one sealed day, the one whose proof is the oldest', async () => {
    await takeTurns(3);
    expect(await provenBy('rotation')).toEqual([OLDEST]);
  });

  it('takes the next one where a payment of that day is on its way', async () => {
    await stage.sql`
      update stripe_blnk_sync.postings set state = 'pending', prepared = '{}', due_at = now() + interval '1 hour'
      where (effective_at at time zone 'UTC')::date = ${OLDEST}::date`;
    await takeTurns(3);
    expect(await provenBy('rotation')).toEqual([SECOND]);
  });

  it('takes the next one where that day cannot be proven', async () => {
    failing = new Map([[OLDEST, FATAL]]);
    await takeTurns(3);
    expect(await provenBy('rotation')).toEqual([SECOND]);
  });
});

describe('a day before the start', () => {
  const EARLIER = '2026-05-25';

  /** Created that day: one succeeds after the hand-over and is mirrored, the other one is in the books of before. */
  async function payOfBefore(): Promise<string> {
    const created = new Date(`${EARLIER}T10:00:00Z`);
    stage.payOn(EARLIER, 1);
    const id = stage.sandbox.createIntent({ created, moves: [{ move: 'succeed', at: stage.clock.now() }] });
    await sync();
    await stage.post();
    expect([...(await stage.postings()).keys()].filter((known) => known === id)).toEqual([id]);
    return id;
  }

  /** Stripe shows events only once its lag is over. */
  async function sync(): Promise<void> {
    stage.clock.advance(60 * MINUTE);
    await stage.syncJob()('schedule');
  }

  const certificatesOf = (day: string) => stage.sql`
    select state, stripe_count, ledger_count, movement from stripe_blnk_sync.certificates where day = ${day} order by proved_at`;

  it('is proven where a payment of it succeeded after the hand-over, for such payments alone', async () => {
    await payOfBefore();
    await takeTurns(1);
    expect(tried).toEqual([NEWEST, THIRD, SECOND, OLDEST, EARLIER]);
    const certificate = { state: 'sealed', stripe_count: 1, ledger_count: 1, movement: null };
    expect(await certificatesOf(EARLIER)).toMatchObject([certificate]);
    expect(await readProofs(stage.db)).toMatchObject({ from: OLDEST, to: NEWEST, days: 4, unproven: 0, unsealed: [] });
    await takeTurns(2);
    expect(tried).toHaveLength(5);
  });

  it('is broken where the ledger holds such a payment otherwise', async () => {
    stage.blnk.alterTransaction(await payOfBefore(), { preciseAmount: 900n });
    await takeTurns(1);
    expect(await certificatesOf(EARLIER)).toMatchObject([{ state: 'broken', stripe_count: 1 }]);
  });

  it('is not due where all of its payments are in the books of before', async () => {
    stage.payOn(EARLIER, 1);
    await sync();
    await takeTurns(1);
    expect(tried).toEqual([NEWEST, THIRD, SECOND, OLDEST]);
  });
});

describe('a day whose proof failed', () => {
  const days = [{ day: 'a' }, { day: 'b' }, { day: 'c' }];
  const open = () => createFailedDays({ monotonicMs: () => nowMs, pauseMs: MINUTE });
  const namesOf = (failed: ReturnType<typeof open>) =>
    failed
      .inTurn(days)
      .map(({ day }) => day)
      .join('');

  it('pauses twice as long after each failure, four hours at most, until it is proven', () => {
    const failed = open();
    const pauses: number[] = [];
    for (let failure = 0; failure < 10; failure += 1) {
      failed.noteFailure('a');
      const beganMs = nowMs;
      while (!namesOf(failed).includes('a')) nowMs += MINUTE;
      pauses.push((nowMs - beganMs) / MINUTE);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 240, 240]);
    failed.forget('a');
    expect(namesOf(failed)).toBe('abc');
  });

  it('comes last for a day, and before those that failed after it', () => {
    const failed = open();
    failed.noteFailure('b');
    nowMs += MINUTE;
    failed.noteFailure('a');
    nowMs += MINUTE;
    expect(namesOf(failed)).toBe('cba');
    nowMs += 24 * 60 * MINUTE - 2 * MINUTE;
    expect(namesOf(failed)).toBe('bca');
    nowMs += MINUTE;
    expect(namesOf(failed)).toBe('abc');
  });
});
