/**
 * Two workers on two hosts, PostgreSQL, Redis and both vendors on a third: one of them is cut off for two minutes while payments come
 * in. Its packets are lost without an answer, so neither side sees a connection end. The other one goes on, what the one that was
 * cut off had in hand is taken over, it comes back by itself, and each payment is in the ledger once.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { homes } from '../support/homes.js';
import { openNetwork, whyNoNetwork } from '../support/process/network.js';
import { population, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';

const CUT_MS = 120_000;
/** One a second while the host is away, and as long after. */
const PAY_EVERY_MS = 1_000;
const BACKFILL = 3_000;

const home = homes().find(({ name }) => name === 'postgres+redis');
const why = home === undefined ? 'there is no PostgreSQL with Redis' : whyNoNetwork();

describe.skipIf(why !== null)(`two hosts${why === null ? '' : ` (skipped: ${why})`}`, () => {
  it('one of which is cut off for two minutes', { timeout: 600_000 }, async () => {
    if (home === undefined) return;
    const network = openNetwork();
    onTestFinished(() => network.close());
    const session = await startSession(home, { population: population(BACKFILL) });
    onTestFinished(() => session.close());
    const { DATABASE_URL = '', REDIS_URL = '', STRIPE_API_BASE = '', BLNK_API_BASE = '' } = session.variables;
    const database = await network.reach(DATABASE_URL);
    const variables = {
      DATABASE_URL: database,
      REDIS_URL: await network.reach(REDIS_URL),
      STRIPE_API_BASE: await network.reach(STRIPE_API_BASE),
      BLNK_API_BASE: await network.reach(BLNK_API_BASE),
      ALLOW_HTTP_HOSTS: new URL(database).hostname,
      SYNC_EVERY: '2s',
    };
    const [away, staying] = [network.addHost(), network.addHost()];
    const worker = (within: string) => session.worker(variables, [], { within });
    const [cutOff, other] = [worker(away), worker(staying)];
    const sql = await session.look();
    const settled = async () => {
      const [row] = await sql<{ posted: number }[]>`
        select count(*)::int as posted from stripe_blnk_sync.postings where state = 'posted'`;
      return row?.posted ?? 0;
    };
    const lived = async () => {
      const [row] = await sql<{ lived: number }[]>`
        select count(*)::int as lived from stripe_blnk_sync.workers where seen_at > now() - interval '15 seconds'`;
      return row?.lived ?? 0;
    };
    await until('both work', async () => (await lived()) === 2 && (await settled()) > 200, { timeoutMs: 120_000 });

    network.cut(away);
    const cutAt = performance.now();
    const paying = setInterval(
      () => session.stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] }),
      PAY_EVERY_MS,
    );
    onTestFinished(() => clearInterval(paying));
    await until('the other one is alone', async () => (await lived()) === 1, { timeoutMs: 60_000 });
    const before = await settled();
    await until('work goes on without it', async () => (await settled()) > before + 30, { timeoutMs: 100_000 });
    await until('two minutes are over', () => performance.now() - cutAt >= CUT_MS, { timeoutMs: CUT_MS });
    expect([cutOff.isAlive(), other.isAlive(), await lived()]).toEqual([true, true, 1]);

    network.join(away);
    const joinedAt = performance.now();
    await until('it comes back', async () => (await lived()) === 2, {
      timeoutMs: 120_000,
      explain: () => cutOff.output(),
    });
    const backMs = Math.round(performance.now() - joinedAt);
    other.kill('SIGTERM');
    await other.ended;
    const alone = await settled();
    await until('the one that came back works', async () => (await settled()) > alone + 5, {
      timeoutMs: 120_000,
      explain: () => cutOff.output(),
    });
    clearInterval(paying);
    const paid = [...session.stripe.expected()].filter(({ succeeded }) => succeeded !== null).length;
    const stored = async () => (await sql`select from stripe_blnk_sync.postings`).count;
    await until('what was paid last is read', async () => (await stored()) === paid, { timeoutMs: 60_000 });
    await session.untilSettled(180_000);
    await expectMirrored(session, { payments: BACKFILL / 2 });
    console.log(`it came back ${backMs} ms after its host; ${await settled()} payments`);
    cutOff.kill('SIGTERM');
    expect((await cutOff.ended).code).toBe(0);
  });
});
