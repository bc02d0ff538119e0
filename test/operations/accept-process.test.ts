/**
 * One story, told in order, with real processes: a payment is refunded through Blnk, a
 * person accepts that, the running worker seals the day at once; more is given back, and the day is broken again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { withoutProgress } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;

/** Ten days ago, at noon. */
const NOON = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS + DAY_MS / 2);
const DAY = NOON.toISOString().slice(0, 10);
const PROVE = ['prove', '--from', DAY, '--to', DAY];

describe('a person', () => {
  // A server that is there starts faster than one that is made.
  const home = homes().at(-1);
  let session: Session;
  let worker: Child;
  let payment: string;

  beforeAll(async () => {
    if (home === undefined) throw new Error('there is no home');
    session = await startSession(home);
    const intent = () =>
      session.stripe.createIntent({ kind: 'card_usd', created: NOON, moves: [{ move: 'succeed', at: NOON }] });
    payment = intent();
    intent();
    // Its timer asks for proofs at the start and then no more: what comes later was asked for by a command.
    worker = session.workerHere({
      variables: { SYNC_EVERY: '1s', SYNC_START: '12d' },
      timings: { proofs: { ...TIMINGS.proofs, askEveryMs: DAY_MS } },
    });
    await worker.untilLogged(/^mirroring every/);
    await session.untilSettled();
  }, TIMEOUT_MS);

  afterAll(() => session.close(), TIMEOUT_MS);

  const stateOf = async () => {
    const sql = await session.look();
    const [row] = await sql<{ state: string; reopened: boolean }[]>`
      select state, reopened from stripe_blnk_sync.day_certificates where day = ${DAY}`;
    return row?.reopened === true ? `${row.state}, reopened` : row?.state;
  };
  const postings = async () => (await session.look())`select * from stripe_blnk_sync.postings order by reference`;

  it(
    'accepts what was refunded through Blnk, and a running worker seals the day with that exception at once',
    async () => {
      const { blnk } = session;
      expect((await session.run(PROVE)).output).toContain('1 day compared: 1 sealed.');
      await fetch(`${blnk.url}/refund-transaction/${blnk.byReference(payment)?.transaction_id}`, {
        ...{ method: 'POST', headers: { 'X-Blnk-Key': blnk.coreKey, 'Content-Type': 'application/json' } },
        body: JSON.stringify({ skip_queue: true }),
      });
      const broken = await session.run(PROVE);
      expect([broken.code, broken.output]).toEqual([1, expect.stringContaining('1 day compared: 1 broken')]);
      const before = [await postings(), blnk.stats().rows];
      const accepted = await session.run(['accept', payment, '--why', 'refunded in Blnk', '--by', 'ann']);
      expect([accepted.code, withoutProgress(accepted.errors)]).toEqual([0, '']);
      await until('the worker sealed the day', async () => (await stateOf()) === 'sealed_with_exceptions');
      expect([await postings(), blnk.stats().rows]).toEqual(before);
      const shown = await session.run(['certificates', 'show', DAY]);
      expect(shown.output).toMatch(/ {2}accepted at .* UTC by ann: refunded in Blnk/);
      expect(shown.output).toMatch(/acceptance/);
      const exported = await session.run(['certificates', 'list', '--csv', '--state', 'sealed_with_exceptions']);
      expect(exported.output).toContain(' by ann: refunded in Blnk');
      const proven = await session.run([...PROVE, '--json']);
      expect([proven.code, withoutProgress(proven.errors)]).toEqual([0, '']);
      expect(JSON.parse(proven.output)).toMatchObject({
        answer: '1 day compared: 1 sealed with exceptions.',
        certificates: [{ accepted: [{ payment_id: payment, by: 'ann', why: 'refunded in Blnk' }] }],
      });
    },
    TIMEOUT_MS,
  );

  it(
    'is told when more is given back: that is not what was accepted',
    async () => {
      const { meta_data, effective_date } = session.blnk.byReference(payment) ?? {};
      const { blnk } = session;
      const posted = await fetch(`${blnk.url}/transactions`, {
        ...{ method: 'POST', headers: { 'X-Blnk-Key': blnk.coreKey, 'Content-Type': 'application/json' } },
        body: JSON.stringify({
          ...{
            reference: 'second-refund',
            precise_amount: 700,
            precision: 100,
            currency: 'USD',
            allow_overdraft: true,
          },
          ...{ source: '@stripe_guests', destination: '@stripe', description: 'again', skip_queue: true },
          ...{ meta_data, effective_date },
        }),
      });
      expect(posted.status).toBe(201);
      const broken = await session.run(PROVE);
      expect(broken.code).toBe(1);
      expect(broken.output).toContain('what ann accepted at');
      const shown = await session.run(['certificates', 'show', DAY]);
      expect(shown.output).toMatch(new RegExp(`reopened because +(.*; )?${payment} is different now`));
      const anew = await session.run(['accept', payment, '--why', 'both of them', '--by', 'ann']);
      expect([anew.code, withoutProgress(anew.errors)]).toEqual([0, '']);
      await until('the worker sealed the day', async () => (await stateOf()) === 'sealed_with_exceptions');
    },
    TIMEOUT_MS,
  );

  it(
    'takes it back: the day is reopened and judged afresh at once',
    async () => {
      const back = await session.run([
        'accept',
        payment,
        '--take-back',
        '--why',
        'asked the customer',
        '--by',
        'bob',
        '--json',
      ]);
      expect([back.code, withoutProgress(back.errors)]).toEqual([0, '']);
      expect(JSON.parse(back.output).taken_back).toMatchObject([{ by: 'ann' }, { by: 'ann' }]);
      await until('the worker judged the day', async () => (await stateOf()) === 'broken');
      const status = await session.run(['status']);
      expect(status.output).toContain(`1 day is broken, the ledger differs from Stripe: ${DAY}`);
      const shown = await session.run(['parked', 'show', payment]);
      expect(shown.output.match(/taken back at .* UTC by bob: asked the customer/g)).toHaveLength(2);
      const never = await session.run(['accept', 'pi_nobody', '--why', 'meant']);
      expect([never.code, never.errors]).toEqual([
        1,
        expect.stringContaining('nothing_to_accept: There is nothing of pi_nobody'),
      ]);
    },
    TIMEOUT_MS,
  );
});
