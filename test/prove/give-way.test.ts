/**
 * The proof of a sealed day beside other work: it asks the vendors for nothing while somebody reads or posts, and goes on in the
 * gaps. Real adapters, stand-ins over HTTP and a real database; the clock is moved by whoever waits on it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScheduledProofs, type ScheduledProofs } from '../../src/app/stages/proving.js';
import { TIMINGS } from '../../src/app/timings.js';
import { createCollectStore } from '../../src/db/collect/collect-store.js';
import { givingWay } from '../../src/prove/give-way.js';
import { atBlnk, atStripe, openContext, STRIPES_TIME } from '../support/context.js';
import { HOUR, stages } from '../support/stages/collect.js';
import { until } from '../support/stages/ledger.js';
import { DAMAGED_DAY as DAY, findingsOf, openProofStage, type ProofStage } from '../support/stages/proof.js';

/** Two pages. */
const PAYMENTS = 150;

const openStage = stages();
let stage: ProofStage;
let proofs: ScheduledProofs;
/** Moved by who sleeps, and a little by who looks at it. */
let nowMs: number;
let sleeps: number;
/** While the test does what takes real time. */
let timeStands: boolean;
let failures: number;
/** Called before each page of the list of a day. */
let onPage: (page: number) => Promise<void>;
let ledgerRequests: () => number;
let ledgerRequestsBefore = 0;
let close: () => Promise<void>;

beforeEach(async () => {
  stage = await openProofStage(await openStage({ startsAt: new Date(`${DAY}T00:00:00Z`) }));
  await stage.sql`delete from stripe_blnk_sync.certificates`;
  for (let second = 0; second < PAYMENTS; second += 1) stage.payOn(DAY, second);
  await stage.settle();
  [nowMs, sleeps, failures, ledgerRequestsBefore, onPage] = [0, 0, 0, 0, async () => {}];
  timeStands = false;
  let pages = 0;
  const countFailure = () => {
    failures += 1;
  };
  const context = openContext(stage.database, {
    config: { ...atStripe(stage.sandbox), ...atBlnk(stage.blnk, { style: 'cloud' }), syncLagMs: stage.lagMs },
    timings: { proofs: { ...TIMINGS.proofs, rotateAgeMs: 0, rotateEveryMs: 0, giveWayForMs: HOUR } },
    events: {
      proofFailed: countFailure,
      proofNeedsPerson: countFailure,
    },
    overrides: {
      stripe: {
        ...STRIPES_TIME,
        limiter: {
          async acquire() {
            pages += 1;
            await onPage(pages);
            nowMs += 1_000;
          },
        },
      },
      clock: {
        monotonicMs() {
          nowMs += timeStands ? 0 : 10;
          return nowMs;
        },
        every: () => () => {},
        async sleep(ms) {
          [nowMs, sleeps] = [nowMs + (timeStands ? 0 : ms), sleeps + 1];
          await new Promise((resolve) => setImmediate(resolve));
        },
      },
    },
  });
  const signal = new AbortController().signal;
  proofs = createScheduledProofs(context, { signal, confirmLedger: async () => {}, requestProofs: async () => {} });
  close = () => context.vendors.close();
  ledgerRequests = () => context.vendors.ledgerSide.requestCount();
  await proofs.turn();
  expect(await certificatesOf()).toEqual([['seventy_five_days', 'sealed']]);
  // Of the days that are sealed now this one is next in turn.
  await stage.sql`update stripe_blnk_sync.postings set stored_at = stored_at - interval '1 hour'`;
  await stage.sql`update stripe_blnk_sync.certificates set proved_at = proved_at - interval '10 minutes' where day = ${DAY}`;
  asked();
  pages = 0;
});
afterEach(async () => {
  await close();
  await stage.closeLedger();
});

async function certificatesOf(): Promise<string[][]> {
  const rows = await stage.sql<{ trigger: string; state: string }[]>`
    select trigger, state from stripe_blnk_sync.certificates where day = ${DAY} order by proved_at`;
  return rows.map(({ trigger, state }) => [trigger, state]);
}

/** What the vendors were asked for since the last call. */
function asked(): number {
  const ofLedger = ledgerRequests() - ledgerRequestsBefore;
  ledgerRequestsBefore += ofLedger;
  return Object.values(stage.requests()).reduce((sum, count) => sum + count, ofLedger);
}

/** Of what others have to do, each as it stands in the tables, and its end. */
const OTHER_WORK: Record<string, () => Promise<() => Promise<unknown>>> = {
  'a payment that is due to be posted': async () => {
    const [row] = await stage.sql`
      update stripe_blnk_sync.postings set state = 'pending', due_at = now() - interval '1 second', prepared = '{}'
      where reference = (select min(reference) from stripe_blnk_sync.postings) returning reference`;
    return () =>
      stage.sql`update stripe_blnk_sync.postings set state = 'posted', prepared = null where reference = ${row?.reference}`;
  },
  'a run of the tail': async () => {
    const store = createCollectStore(stage.db, { workerId: stage.workerId, version: '0.0.0', mirrorId: null });
    const window = { from: stage.clock.now(), to: stage.clock.now() };
    const run = await store.openRun({ feed: 'events', trigger: 'schedule', window, parentId: null });
    return () => store.finishRun(run, null);
  },
  "a line at Stripe's limits": async () => {
    await stage.sql`insert into stripe_blnk_sync.rate_tokens (bucket, next_free_at) values ('account', now() + interval '1 hour')`;
    return () => stage.sql`delete from stripe_blnk_sync.rate_tokens`;
  },
};

describe.each(Object.entries(OTHER_WORK))('%s', (_, begin) => {
  it('stops the proof of a sealed day after the page in hand, until it is done', async () => {
    let end: () => Promise<unknown> = async () => {};
    onPage = async (page) => {
      if (page === 1) end = await begin();
    };
    const turn = proofs.turn();
    await until(async () => sleeps >= 20, 30_000);
    timeStands = true;
    expect(asked()).toBe(1);
    await until(async () => sleeps >= 40, 30_000);
    expect(asked()).toBe(0);
    await end();
    await turn;
    expect([failures, await certificatesOf()]).toEqual([
      0,
      [
        ['seventy_five_days', 'sealed'],
        ['rotation', 'sealed'],
      ],
    ]);
  });
});

it('a proof that gives way asks for all that any other one asks for', async () => {
  const other = stage.payOn('2026-05-31', 5, { amount: 2_000 });
  await stage.settle();
  const back = { source: '@stripe_guests', destination: '@stripe', effective_date: `${DAY}T10:00:00Z` };
  await stage.postByHand({
    ...{ reference: `${other}:undo`, precise_amount: 2_000, precision: 100, currency: 'USD', skip_queue: true },
    ...back,
  });
  const giving = await stage.prove(DAY, { ports: givingWay(stage.ports, async () => {}) });
  expect(findingsOf(giving)).toEqual([`missing ${other}`]);
  expect(findingsOf(giving)).toEqual(findingsOf(await stage.prove(DAY)));
});

describe('a sealed day', () => {
  it('whose way is not free in half a minute is left to a later turn, without a word', async () => {
    const end = await (OTHER_WORK['a run of the tail'] as (typeof OTHER_WORK)[string])();
    await proofs.turn();
    expect([asked(), failures, await certificatesOf()]).toEqual([0, 0, [['seventy_five_days', 'sealed']]]);
    await end();
    await proofs.turn();
    expect(await certificatesOf()).toHaveLength(2);
  });
});
