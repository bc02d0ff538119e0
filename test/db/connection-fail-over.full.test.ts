/**
 * PostgreSQL is handed over to another server while a worker runs, and its connections live on: to a server that has become
 * read-only, or into nothing. Within a minute it works over new ones, and nothing is lost or booked twice.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { homes } from '../support/homes.js';
import { type FailOverProxy, openFailOverProxy } from '../support/process/fail-over-proxy.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';

const TIMEOUT_MS = 120_000;
/** What docs/configuration.md promises. */
const BACK_WITHIN_MS = 60_000;

const home = homes().find(({ name }) => name === 'postgres');

describe.skipIf(home === undefined)('a worker after fail-overs of PostgreSQL', () => {
  it(
    'leaves connections to a server that is read-only, then such that lead nowhere, each within a minute',
    async () => {
      if (home === undefined) return;
      const session = await startSession(home, { population: population(20) });
      onTestFinished(() => session.close());
      const proxy = await openFailOverProxy(session.variables.DATABASE_URL ?? '');
      onTestFinished(() => proxy.close());
      const worker = session.quickWorker({ variables: { DATABASE_URL: proxy.url, SYNC_EVERY: '1s' } });
      await worker.untilLogged(/^mirroring/);
      await session.untilSettled();

      for (const failOver of [proxy.makeReadOnly, proxy.swallow]) {
        const beganMs = performance.now();
        failOver();
        expect(proxy.leftOpen()).toBeGreaterThan(0);
        const ids = createPayments(session);
        // A command has connections of its own, to the new server.
        const meanwhile = await session.runProcess(['status']);
        expect(meanwhile.output, meanwhile.errors).toMatch(/^behind +\d/m);
        await untilPosted(session, ids, worker.output);
        expect(performance.now() - beganMs).toBeLessThan(BACK_WITHIN_MS);
        await untilLeft(proxy);
      }

      expect(worker.isAlive()).toBe(true);
      await session.untilSettled();
      await expectMirrored(session);
      const status = await session.runProcess(['status']);
      expect(status.output, status.errors).toMatch(/^Complete/);
      worker.kill('SIGTERM');
      expect((await worker.ended).code, worker.output()).toBe(0);
    },
    TIMEOUT_MS,
  );
});

function createPayments(session: Session): string[] {
  session.stripe.clock.advance(5_000);
  const ids = Array.from({ length: 5 }, () => session.stripe.createIntent({ kind: 'card_usd' }));
  session.stripe.clock.advance(5_000);
  return ids;
}

async function untilPosted(session: Session, ids: readonly string[], explain: () => string): Promise<void> {
  await until(
    'what succeeded after it is posted',
    () => ids.every((id) => session.blnk.appliedByReference(id) !== undefined),
    { timeoutMs: BACK_WITHIN_MS, explain },
  );
}

async function untilLeft(proxy: FailOverProxy): Promise<void> {
  await until('all connections of before are left', () => proxy.leftOpen() === 0, {
    timeoutMs: BACK_WITHIN_MS,
    explain: () => `${proxy.leftOpen()} are open`,
  });
}
