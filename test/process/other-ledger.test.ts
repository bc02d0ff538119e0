/** A self-hosted Core that is not the one this mirror posted to: worker, prove and repair refuse before they do anything. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { homes } from '../support/homes.js';
import { runCommand } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';

const TIMEOUT_MS = 90_000;
const DAY_MS = 86_400_000;

const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

describe('another Core', () => {
  let session: Session;
  let own: Record<string, string>;
  let paymentId: string;
  let day: string;

  beforeAll(async () => {
    session = await startSession(home);
    own = { BLNK_API_STYLE: 'core', BLNK_API_KEY: session.blnk.coreKey };
    const created = new Date(session.stripe.clock.nowMs() - 4 * DAY_MS);
    day = created.toISOString().slice(0, 10);
    paymentId = session.stripe.createIntent({ kind: 'card_usd', created, moves: [{ move: 'succeed', at: created }] });
    const worker = session.workerHere({ variables: own });
    await session.untilSettled();
    worker.kill('SIGTERM');
    await worker.ended;
  }, TIMEOUT_MS);
  afterAll(() => session.close(), TIMEOUT_MS);

  const commands = () => [
    ['prove', '--from', day, '--to', day],
    ['repair', 'plan', '--from', day],
    ['repair', 'apply'],
  ];

  it.each([
    ['that is empty', false, /source balance @stripe in USD was bln_\S+ at the first posting and is not there now/],
    ['that has a source balance of its own', true, /source balance @stripe in USD was bln_\S+ .* and is bln_\S+ now/],
  ])(
    '%s',
    async (_, used, why) => {
      const other = await startBlnkSandbox();
      onTestFinished(() => other.close());
      if (used) await bookSomething(other.url, other.coreKey);
      const rowsBefore = other.stats().rows;
      const sql = await session.look();
      const proofs = () => sql<{ count: number }[]>`select count(*)::int from stripe_blnk_sync.certificates`;
      const proofsBefore = await proofs();
      for (const words of commands()) {
        const variables = { ...session.variables, ...own, BLNK_API_BASE: other.url, BLNK_API_KEY: other.coreKey };
        const ended = await runCommand(words, variables);
        expect([words[0], ended.code === 0]).toEqual([words[0], false]);
        expect(ended.errors).toMatch(why);
      }
      const elsewhere = { ...own, BLNK_API_BASE: other.url, BLNK_API_KEY: other.coreKey };
      const ledger = { everyMs: 60_000, inDoubtEveryMs: 200, believedAfterMs: 1_000 };
      const worker = await session.workerHere({ variables: elsewhere, timings: { ledger } }).ended;
      expect([worker.code, worker.errors]).toEqual([2, expect.stringMatching(why)]);
      expect(other.stats().rows).toBe(rowsBefore);
      expect(await proofs()).toEqual(proofsBefore);
    },
    TIMEOUT_MS,
  );

  it(
    'is told apart from its own, which is proven',
    async () => {
      const ended = await session.run(['prove', '--from', day, '--to', day], own);
      expect([ended.code, ended.errors]).toEqual([0, '']);
      expect(session.blnk.appliedByReference(paymentId)?.status).toBe('APPLIED');
    },
    TIMEOUT_MS,
  );
});

async function bookSomething(url: string, key: string): Promise<void> {
  const answer = await fetch(`${url}/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-blnk-key': key },
    body: JSON.stringify({
      precise_amount: 100,
      precision: 100,
      currency: 'USD',
      reference: 'of-somebody-else',
      description: 'of somebody else',
      source: '@stripe',
      destination: '@cus_other',
      allow_overdraft: true,
      skip_queue: true,
    }),
  });
  expect(answer.status).toBe(201);
}
