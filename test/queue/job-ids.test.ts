/** Wakes must come through whatever the backend's own counters do: PostgreSQL's sequences may begin anew after a crash. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openQueueBackend, type QueueBackend } from '../../src/queue/connection.js';
import { createJobQueue, type JobQueue } from '../../src/queue/job-queue.js';
import { createDatabase, type TestDatabase } from '../support/homes.js';
import { until } from '../support/process/wait.js';

describe.skipIf(inject('postgresUrl') === null)('a queue whose counters began anew', () => {
  let database: TestDatabase | null;
  let backend: QueueBackend;
  let queue: JobQueue;
  let stop: () => Promise<void>;
  const woken: string[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    const ignore = (): void => {};
    backend = openQueueBackend({ kind: 'url', url: database?.url ?? '' }, { failFast: false, onError: ignore });
    await backend.migrate();
    queue = createJobQueue(backend, ignore);
    const nothing = async (): Promise<void> => {};
    stop = queue.work(
      {
        ...{ isDue: async () => false, sync: nothing, part: nothing, proofs: nothing },
        lane: async ({ currency }) => void woken.push(currency),
      },
      { partsAtOnce: 1, lanesAtOnce: 2, lockMs: 5_000, onJobFailed: ignore, onError: ignore },
    );
  });
  afterAll(async () => {
    await stop?.();
    await queue?.close();
    await backend?.close();
    await database?.drop();
  });

  it('wakes every lane all the same', async () => {
    const wake = async (currency: string): Promise<void> => {
      const before = woken.length;
      await queue.wakeLane({ source: '@stripe', currency });
      await until(`${currency} is woken`, () => woken.length > before);
    };
    for (const currency of ['EUR', 'USD', 'JPY']) await wake(currency);
    await restartJobIds(database?.url ?? '');
    for (const currency of ['EUR', 'GBP', 'EUR']) await wake(currency);
    expect(woken).toEqual(['EUR', 'USD', 'JPY', 'EUR', 'GBP', 'EUR']);
  });
});

/** Those that BullMQ makes for each queue when it is first used. */
async function restartJobIds(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const sequences = await sql<{ name: string }[]>`
      select format('%I.%I', schemaname, sequencename) as name from pg_sequences
      where schemaname = 'bullmq' and sequencename like 'bullmq_jid_%'`;
    for (const { name } of sequences) await sql.unsafe(`alter sequence ${name} restart`);
  } finally {
    await sql.end();
  }
}
