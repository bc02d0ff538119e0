/**
 * A ledger that is wiped, lags, or loses rows under a worker, running or stopped, in both styles: said at the first look, nothing
 * posted to it, nothing called complete, and a stop with the words for a person once it is believed.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import type { Timings } from '../../src/app/timings.js';
import { homes } from '../support/homes.js';
import { runCommand } from '../support/process/command.js';
import { type Session, startSession, type Variables } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { inTier, itInFull } from '../support/tier.js';

const TIMEOUT_MS = 90_000;
const PATIENT = { timeoutMs: 40_000 };
const DAY_MS = 86_400_000;
const ERROR = 50;

const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

/** A look every fifth of a second while in doubt, believed after a second; never without a doubt, unless a test wants it. */
const RARELY: Timings['ledger'] = { everyMs: 600_000, inDoubtEveryMs: 200, believedAfterMs: 1_000 };

type Style = 'cloud' | 'core';
const STYLES = inTier<readonly Style[]>({ quick: ['cloud'], full: ['cloud', 'core'] });

interface Stage {
  readonly session: Session;
  readonly variables: Variables;
  worker(ledger?: Partial<Timings['ledger']>): ReturnType<Session['quickWorker']>;
  /** One that can be killed. */
  workerProcess(): ReturnType<Session['quickWorker']>;
  status(): Promise<{
    readonly answer: string;
    readonly needs: readonly { readonly text: string }[];
    readonly ledger: { readonly state: string };
  }>;
  postings(state: string): Promise<number>;
}

async function startStage(style: Style): Promise<Stage> {
  const session = await startSession(home as NonNullable<typeof home>);
  onTestFinished(() => session.close());
  const own: Variables = style === 'core' ? { BLNK_API_STYLE: 'core', BLNK_API_KEY: session.blnk.coreKey } : {};
  const variables = { ...session.variables, ...own, SYNC_EVERY: '1s' };
  return {
    session,
    variables,
    worker: (ledger = {}) => session.workerHere({ variables, timings: { ledger: { ...RARELY, ...ledger } } }),
    workerProcess: () => session.quickWorker({ variables, timings: { ledger: RARELY } }),
    async status() {
      const { output } = await runCommand(['status', '--json'], variables);
      return JSON.parse(output);
    },
    async postings(state) {
      const sql = await session.look();
      const [row] = await sql<
        { n: number }[]
      >`select count(*)::int as n from stripe_blnk_sync.postings where state = ${state}`;
      return row?.n ?? 0;
    },
  };
}

/** Payments that succeed now and were created some days ago. */
function pay({ session: { stripe } }: Stage, count = 1): string[] {
  return Array.from({ length: count }, (_, index) => {
    stripe.clock.advance(1_000);
    const created = new Date(stripe.clock.nowMs() - 4 * DAY_MS - index * 60_000);
    return stripe.createIntent({ kind: 'card_usd', created, moves: [{ move: 'succeed' }] });
  });
}

async function mirrorSome(stage: Stage, worker = stage.worker(), count = 8): Promise<ReturnType<Stage['worker']>> {
  pay(stage, count);
  await stage.session.untilSettled();
  expect(await stage.postings('posted')).toBe(count);
  return worker;
}

/** The worker gives up; what it says tells a person what to do. */
async function expectRefused(stage: Stage, worker: ReturnType<Stage['worker']>): Promise<void> {
  const ended = await worker.ended;
  expect([ended.code, ended.errors]).toEqual([
    2,
    expect.stringMatching(/This is another ledger: .*docs\/backup\.md.*mirror move/),
  ]);
  await expectNothingClaimed(stage, 'other');
}

async function expectNothingClaimed(stage: Stage, state: string): Promise<void> {
  const { answer, needs, ledger } = await stage.status();
  expect(ledger.state).toBe(state);
  expect(answer).toMatch(/^Not known: /);
  expect(needs.map(({ text }) => text).join('\n')).toMatch(/ledger/);
  const { output, code } = await runCommand(['status'], stage.variables);
  expect(code).toBe(1);
  expect(output).not.toMatch(/Complete|sealed/);
}

describe.each(STYLES)('a ledger in %s style that is wiped', (style) => {
  it(
    'under a running worker gets nothing of what is paid then, and is said at once',
    async () => {
      const stage = await startStage(style);
      const worker = await mirrorSome(stage);
      stage.session.blnk.wipe();
      pay(stage, 2);
      await worker.untilLogged(/^the ledger does not look like the one/, PATIENT.timeoutMs);
      // Collecting goes on.
      await until('what is paid meanwhile is stored', async () => (await stage.postings('pending')) === 2, PATIENT);
      await expectRefused(stage, worker);
      expect(stage.session.blnk.stats().rows).toBe(0);
      expect(await stage.postings('posted')).toBe(8);

      const again = stage.worker();
      await expectRefused(stage, again);
      expect(again.log().some(({ msg }) => msg.startsWith('mirroring'))).toBe(false);
      expect(stage.session.blnk.stats().rows).toBe(0);
    },
    TIMEOUT_MS,
  );

  itInFull(
    'under a stopped worker is refused after the doubt, with nothing posted',
    async () => {
      const stage = await startStage(style);
      const first = await mirrorSome(stage);
      first.kill('SIGTERM');
      await first.ended;
      stage.session.blnk.wipe();
      pay(stage, 2);
      const worker = stage.worker();
      await worker.untilLogged(/^the ledger does not look like the one/, PATIENT.timeoutMs);
      await expectRefused(stage, worker);
      expect(stage.session.blnk.stats().rows).toBe(0);
      for (const words of [['prove'], ['repair', 'plan'], ['repair', 'apply']]) {
        const refused = await runCommand(words, stage.variables);
        expect([words, refused.code, refused.errors]).toEqual([words, 2, expect.stringMatching(/^other_ledger: /)]);
      }
    },
    TIMEOUT_MS,
  );
});

describe('a wiped ledger', () => {
  it(
    'is noticed by the next look of a worker that has nothing to post',
    async () => {
      const stage = await startStage('cloud');
      pay(stage, 8);
      const worker = stage.worker({ everyMs: 500, believedAfterMs: 20_000 });
      await stage.session.untilSettled();
      stage.session.blnk.wipe();
      await worker.untilLogged(/^the ledger does not look like the one/, PATIENT.timeoutMs);
      await expectNothingClaimed(stage, 'in_doubt');
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );
});

describe('a second worker that is pointed at another ledger', () => {
  const elsewhere = async (stage: Stage, ledger: Partial<Timings['ledger']>) => {
    const other = await startBlnkSandbox({ instanceId: stage.session.blnk.instanceId });
    onTestFinished(() => other.close());
    const variables = { ...stage.variables, BLNK_API_BASE: other.url, BLNK_API_KEY: other.cloudToken };
    const worker = stage.session.workerHere({ variables, timings: { ledger: { ...RARELY, ...ledger } } });
    await worker.untilLogged(/^the ledger does not look like the one/, PATIENT.timeoutMs);
    return { worker, other };
  };
  const stop = async (worker: ReturnType<Stage['worker']>) => {
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  };

  it(
    'tells it in its own log, and casts no doubt on what a living worker confirms; it ends once it is believed',
    async () => {
      const stage = await startStage('cloud');
      const ledger = { inDoubtEveryMs: 3_000, believedAfterMs: 8_000 };
      pay(stage, 8);
      const healthy = stage.worker(ledger);
      await stage.session.untilSettled();
      await stop(healthy);
      const knowing = stage.worker(ledger);
      await knowing.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      const { worker, other } = await elsewhere(stage, ledger);
      const states = new Set<string>();
      await until('it is believed', async () => {
        states.add((await stage.status()).ledger.state);
        return !worker.isAlive();
      });
      expect([...states]).toEqual(['same']);
      expect(await worker.ended).toMatchObject({ code: 2, errors: expect.stringMatching(/This is another ledger/) });
      expect(other.stats().rows).toBe(0);
      pay(stage, 2);
      await until('what is paid now is posted', async () => (await stage.postings('posted')) === 10, PATIENT);
      await stop(knowing);
    },
    TIMEOUT_MS,
  );

  itInFull(
    'is believed like any other where no living worker answers, and when the one that does comes back it ends the doubt soon',
    async () => {
      const stage = await startStage('cloud');
      const first = await mirrorSome(stage, stage.workerProcess());
      // Its row says for a while that it lives.
      first.kill('SIGKILL');
      await first.ended;
      const { worker } = await elsewhere(stage, { believedAfterMs: 60_000 });
      await until('it is noted', async () => (await stage.status()).ledger.state === 'in_doubt', PATIENT);
      await stop(worker);
      const knowing = stage.worker();
      await knowing.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      const sql = await stage.session.look();
      // The first may meet a look that its start has to make anyway.
      for (const doubt of ['the first', 'the second']) {
        await sql`update stripe_blnk_sync.mirror set ledger_state = 'in_doubt', ledger_state_since = now()`;
        await until(
          `it looks at ${doubt} before its time`,
          async () => (await stage.status()).ledger.state === 'same',
          {
            timeoutMs: 10_000,
          },
        );
      }
      await stop(knowing);
    },
    TIMEOUT_MS,
  );

  itInFull(
    'hides no wipe: the worker that knew the ledger looks when it is asked',
    async () => {
      const stage = await startStage('cloud');
      const first = await mirrorSome(stage);
      await stop(first);
      const knowing = stage.worker({ believedAfterMs: 60_000 });
      await knowing.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      stage.session.blnk.wipe();
      const { worker } = await elsewhere(stage, { believedAfterMs: 60_000 });
      await knowing.untilLogged(/^the ledger does not look like the one/, PATIENT.timeoutMs);
      await expectNothingClaimed(stage, 'in_doubt');
      await stop(worker);
      await stop(knowing);
    },
    TIMEOUT_MS,
  );
});

describe('a mirror of an earlier version, which remembers nothing of its ledger', () => {
  const forget = async ({ session }: Stage) => {
    const sql = await session.look();
    await sql`update stripe_blnk_sync.mirror set source_balances = '{}', source_balance_ids = '{}', ledger_state = 'unchecked'`;
  };

  itInFull(
    'refuses a wiped ledger, also one to which something was posted since',
    async () => {
      const stage = await startStage('cloud');
      const first = await mirrorSome(stage);
      first.kill('SIGTERM');
      await first.ended;
      await forget(stage);
      stage.session.blnk.wipe();
      await bookSomething(stage.session);
      pay(stage, 2);
      await expectRefused(stage, stage.worker());
      expect(stage.session.blnk.stats().rows).toBe(1);
      const sql = await stage.session.look();
      expect(await sql`select source_balance_ids as ids from stripe_blnk_sync.mirror`).toEqual([{ ids: {} }]);
    },
    TIMEOUT_MS,
  );

  it(
    'knows its ledger by what it posted, and remembers the balance from then on',
    async () => {
      const stage = await startStage('cloud');
      const first = await mirrorSome(stage);
      first.kill('SIGTERM');
      await first.ended;
      await forget(stage);
      const worker = stage.worker();
      await worker.untilLogged(/^mirroring/, PATIENT.timeoutMs);
      const sql = await stage.session.look();
      const id = stage.session.blnk.balance('@stripe', 'USD')?.balance_id;
      expect(
        await sql`select source_balance_ids as ids, source_balances as legacy from stripe_blnk_sync.mirror`,
      ).toEqual([{ ids: { '@stripe': { USD: id } }, legacy: { USD: id } }]);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      // On a slow machine the first sync may be late, which the verdict says.
      expect(worker.log().filter(({ level, event }) => level >= ERROR && event !== 'verdict_changed')).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe('a ledger that is the same one', () => {
  itInFull(
    'and shows nothing for a while holds up what is to be posted, and nothing else',
    async () => {
      const stage = await startStage('cloud');
      const first = await mirrorSome(stage);
      first.kill('SIGTERM');
      await first.ended;
      const { faults } = stage.session.blnk;
      const lag = faults.add({ effect: 'stale_reads', lagMs: 10 * DAY_MS, route: 'lookups' });
      // What was posted lately is not counted as missing.
      const sql = await stage.session.look();
      await sql`update stripe_blnk_sync.postings set posted_at = posted_at - interval '1 hour'`;
      const worker = stage.worker({ believedAfterMs: 60_000 });
      await worker.untilLogged(/^the ledger does not look like the one/, PATIENT.timeoutMs);
      pay(stage, 2);
      await until('what is paid meanwhile is stored', async () => (await stage.postings('pending')) === 2, PATIENT);
      await expectNothingClaimed(stage, 'in_doubt');
      expect(stage.session.blnk.stats().rows).toBe(8);
      lag.remove();
      await worker.untilLogged(/^the ledger is the one that was posted to/, PATIENT.timeoutMs);
      await stage.session.untilSettled();
      expect(await stage.postings('posted')).toBe(10);
      expect((await stage.status()).answer).toMatch(/^(?:Complete|Not complete yet)/);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'and lost a few rows is worked on, and a proof is asked for',
    async () => {
      const stage = await startStage('core');
      const first = await mirrorSome(stage);
      first.kill('SIGTERM');
      await first.ended;
      const sql = await stage.session.look();
      await sql`update stripe_blnk_sync.postings set posted_at = posted_at - interval '1 hour'`;
      const [gone] = await sql<
        { reference: string }[]
      >`select reference from stripe_blnk_sync.postings order by effective_at limit 1`;
      expect(stage.session.blnk.deleteTransaction(gone?.reference ?? '')).toBe(true);
      const worker = stage.worker();
      await worker.untilLogged(/^posted payments are missing in the ledger/, PATIENT.timeoutMs);
      pay(stage, 2);
      await until('what is paid now is posted', async () => (await stage.postings('posted')) === 10, PATIENT);
      const { answer, needs, ledger } = await stage.status();
      expect(ledger.state).toBe('rows_missing');
      expect(answer).not.toMatch(/^Complete/);
      expect(needs.map(({ text }) => text).join('\n')).toMatch(
        new RegExp(`1 of \\d+ posted payments .*${gone?.reference}.*prove --from \\d{4}-\\d{2}-\\d{2} --to`),
      );
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
    },
    TIMEOUT_MS,
  );
});

async function bookSomething({ blnk }: Session): Promise<void> {
  const answer = await fetch(`${blnk.url}/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-blnk-key': blnk.coreKey },
    body: JSON.stringify({
      ...{ precise_amount: 100, precision: 100, currency: 'USD', reference: 'of-somebody-else', description: 'x' },
      ...{ source: '@stripe', destination: '@cus_other', allow_overdraft: true, skip_queue: true },
    }),
  });
  expect(answer.status).toBe(201);
}
