/**
 * What the embedded server must bring back after a crash besides rows: sequences. BullMQ makes those of its job ids in the
 * transaction that first uses them; an id that is given out again leaves a lane asleep for ever.
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded/open.js';
import { until } from '../support/process/wait.js';

it('a sequence goes on after a crash, also one that was made in the transaction that first used it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sequences-'));
  // As root the server runs as nobody, who has to pass.
  await chmod(dataDir, 0o755);
  const embedded = await openEmbeddedPostgres({ dataDir });
  const sql = postgres({ ...embedded.connection, max: 1, onnotice: () => {} });
  const next = async (): Promise<number> => {
    const [row] = await sql<{ id: string }[]>`select nextval('job_ids') as id`;
    return Number(row?.id);
  };
  const startedAt = async (): Promise<string | undefined> => {
    const [row] = await sql<{ at: string }[]>`select pg_postmaster_start_time()::text as at`;
    return row?.at;
  };
  try {
    await sql.begin(async (transaction) => {
      await transaction`create sequence job_ids`;
      await transaction`select nextval('job_ids')`;
    });
    const before = [await next(), await next(), await next()];
    expect(before).toEqual([2, 3, 4]);

    const first = await startedAt();
    // SIGQUIT ends the server at once: it recovers at its next start, which is this process's.
    process.kill(Number.parseInt(await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT');
    await until('another server answers', async () => (await startedAt().catch(() => first)) !== first);
    expect(await next()).toBeGreaterThan(4);
  } finally {
    await sql.end();
    await embedded.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});
