/**
 * One story with real processes: a row of the ledger is deleted, a proof finds it, and from then on nothing says "Complete" until
 * the repair is posted and the day proven again, which a worker does by itself. All commands but those that ask Stripe and
 * Blnk need no more than to read the tables.
 */
import { expect, it, onTestFinished } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { homes } from '../support/homes.js';
import { startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const DAY_MS = 86_400_000;

/** Ten days ago, at noon. */
const NOON = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS + DAY_MS / 2);
const DAY = NOON.toISOString().slice(0, 10);
const DAYS = ['--from', DAY, '--to', DAY];
const PATIENT = { timeoutMs: 60_000 };

it('a payment that a proof misses is not called complete until it is repaired and proven', {
  timeout: 240_000,
}, async () => {
  const home = homes().at(-1);
  if (home === undefined) throw new Error('there is no home');
  const session = await startSession(home);
  onTestFinished(() => session.close());
  const moves = [{ move: 'succeed', at: NOON }] as const;
  const [payment = ''] = [0, 1].map(() => session.stripe.createIntent({ kind: 'card_usd', created: NOON, moves }));
  const worker = session.workerHere({
    variables: { SYNC_EVERY: '1s', SYNC_START: '12d' },
    timings: { proofs: { ...TIMINGS.proofs, askEveryMs: 500 } },
  });
  await worker.untilLogged(/^mirroring every/, PATIENT.timeoutMs);
  await session.untilSettled();
  const changes = () =>
    worker
      .log()
      .filter(({ event }) => event === 'verdict_changed')
      .map(({ state, level, needs }) => ({ state, level, needs }));
  const explain = () => worker.output();
  await until('the worker says that all is well', () => changes().at(-1)?.state === 'complete', {
    ...PATIENT,
    explain,
  });

  expect(session.blnk.deleteTransaction(payment)).toBe(true);
  expect((await session.run(['prove', ...DAYS])).code).toBe(1);
  const broken = JSON.parse((await session.run(['status', '--json'])).output);
  expect(broken.state).toBe('incomplete');
  expect(broken.needs[0]).toMatchObject({
    code: 'day_broken',
    severity: 'error',
    command: expect.stringMatching(/ repair plan$/),
  });
  expect(broken.answer).toMatch(new RegExp(`^Not complete: .* differed from Stripe on 1 day .*: ${DAY}\\. It is`));
  expect((await session.run(['parked', 'show', payment])).output).toMatch(
    new RegExp(`state +posted[\\s\\S]*last proof +missing: .*${DAY}, as of .* certificates show ${DAY}`),
  );
  const broke = () => changes().find(({ needs }) => Array.isArray(needs) && needs.includes('day_broken'));
  await until('the worker says so', () => broke() !== undefined, { ...PATIENT, explain });
  expect(broke()).toMatchObject({ state: 'incomplete', level: 50 });

  expect((await session.run(['repair', 'plan', ...DAYS])).output).toContain(payment);
  expect((await session.run(['repair', 'apply'])).code).toBe(0);
  await until('it is proven and said again', () => changes().at(-1)?.state === 'complete', { ...PATIENT, explain });
  const after = await session.run(['status']);
  expect(after.output).toMatch(/^Complete: every payment /);
  expect(after.output).not.toMatch(/broken|differ/);
  const sql = await session.look();
  const [newest] = await sql`
    select state, trigger from stripe_blnk_sync.certificates where day = ${DAY} order by proved_at desc limit 1`;
  expect(newest).toEqual({ state: 'sealed', trigger: 'repair' });
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

it('a Blnk key that may not read balances is told at the start, with what is lost', { timeout: 120_000 }, async () => {
  const home = homes().at(-1);
  if (home === undefined) throw new Error('there is no home');
  const session = await startSession(home);
  onTestFinished(() => session.close());
  session.blnk.access.allow('blnk_posts', ['proxy:write', 'data:read']);
  const worker = session.workerHere({ variables: { BLNK_API_KEY: 'blnk_posts' } });
  await worker.untilLogged(
    /^BLNK_API_KEY may not read balances \(proxy:read\): proofs do not compare/,
    PATIENT.timeoutMs,
  );
  await worker.untilLogged(/^mirroring every/, PATIENT.timeoutMs);
  const status = await session.run(['status']);
  expect(status.code).toBe(1);
  expect(status.output).toMatch(
    /^! The Blnk key has not been allowed to read balances since .* at best be sealed with that exception\./m,
  );
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});
