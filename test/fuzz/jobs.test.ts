/**
 * Any JSON as the payload of any job, as any BullMQ producer may add it: the job is taken for what it says or fails once
 * with a reason, and the worker goes on.
 */
import { Queue } from 'bullmq';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { SyncError } from '../../src/core/base/errors.js';
import { TRIGGERS } from '../../src/core/coverage/sync-run.js';
import { openQueueBackend, type QueueBackend } from '../../src/queue/connection.js';
import { createJobQueue } from '../../src/queue/job-queue.js';
import {
  BACKFILL_QUEUE,
  POST_QUEUE,
  PROVE_QUEUE,
  readLanePayload,
  readPartPayload,
  readSyncPayload,
  SYNC_QUEUE,
} from '../../src/queue/payload.js';
import { damaged } from '../support/fuzz/apply-damage.js';
import { drawDamage } from '../support/fuzz/damage.js';
import { parseTree, renderTree } from '../support/fuzz/json.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { until } from '../support/stages/ledger.js';

const GOOD = {
  [SYNC_QUEUE]: { name: 'sync', payload: '{"trigger":"webhook"}' },
  [BACKFILL_QUEUE]: {
    name: 'backfill-part',
    payload:
      '{"backfillId":"01939e2c-7f6a-7000-8000-000000000001","from":"2026-11-01T00:00:00.000Z","to":"2026-11-02T00:00:00.000Z"}',
  },
  [POST_QUEUE]: { name: 'lane', payload: '{"source":"@stripe","currency":"USD"}' },
  [PROVE_QUEUE]: { name: 'prove', payload: '{}' },
} as const;
type Name = keyof typeof GOOD;
const NAMES = Object.keys(GOOD) as Name[];
const DECISIVE = ['trigger', 'backfillId', 'from', 'to', 'source', 'currency'];

const jobs = fc.tuple(fc.constantFrom(...NAMES), drawDamage()).map(([queue, plan]) => {
  const { name, payload } = GOOD[queue];
  return { queue, name, payload: renderTree(damaged(parseTree(payload), plan, DECISIVE)) };
});

describe('any payload', () => {
  const { timeout, settings } = fuzzRuns(500);
  it('is what a job may carry, or is refused in few words', { timeout }, () => {
    fc.assert(
      fc.property(fc.constantFrom(readSyncPayload, readPartPayload, readLanePayload), jobs, (read, { payload }) => {
        try {
          expectMeant(read(JSON.parse(payload)));
        } catch (error) {
          if (!(error instanceof SyncError)) throw error;
          expect(error).toMatchObject({ kind: 'unpostable', code: 'bad_payload' });
          expect(error.message).toMatch(/^The payload of this [a-z-]+ job is not usable: \P{Cc}+$/u);
          expect(error.message.length).toBeLessThan(600);
        }
      }),
      settings,
    );
  });
});

describe.skipIf(inject('redisUrl') === null)('a worker', () => {
  const url = inject('redisUrl') ?? '';
  const prefix = `odd-jobs-${process.pid}`;
  const failed: Error[] = [];
  const taken: unknown[] = [];
  let backend: QueueBackend;
  let stop: (() => Promise<void>) | undefined;
  let queues: ReadonlyMap<Name, Queue>;

  beforeAll(async () => {
    backend = openQueueBackend({ kind: 'redis', url, prefix }, { failFast: false, onError: () => {} });
    const take = async (payload: unknown) => void taken.push(payload);
    stop = createJobQueue(backend, () => {}).work(
      { isDue: async () => false, sync: take, part: take, lane: take, proofs: async () => {} },
      {
        ...{ partsAtOnce: 2, lanesAtOnce: 2, lockMs: 5_000, onError: () => {} },
        onJobFailed: ({ error }) => void failed.push(error),
      },
    );
    queues = new Map(NAMES.map((name) => [name, new Queue(name, { connection: { url }, prefix })]));
  });
  afterAll(async () => {
    await stop?.();
    for (const queue of queues.values()) {
      await queue.obliterate({ force: true });
      await queue.close();
    }
    await backend.close();
  });

  const { timeout, settings } = fuzzRuns(10);
  // BullMQ's producer writes JSON with calls of its own for each level.
  const addable = jobs.filter(({ payload }) => payload.length < 5_000);
  it('fails each wrong job once, and does the next one', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(addable, { minLength: 1, maxLength: 8 }), async (drawn) => {
        const added = await Promise.all(
          drawn.map(async ({ queue, name, payload }) => queues.get(queue)?.add(name, JSON.parse(payload))),
        );
        const good = await Promise.all(
          NAMES.map(async (name) => queues.get(name)?.add(GOOD[name].name, JSON.parse(GOOD[name].payload))),
        );
        const ended = async (job: (typeof added)[number]) =>
          ['completed', 'failed'].includes((await job?.getState()) ?? '');
        await until(async () => (await Promise.all([...added, ...good].map(ended))).every(Boolean));
        for (const job of good) expect(await job?.getState()).toBe('completed');
        for (const payload of taken) expectMeant(payload);
        for (const error of failed) expect(error).toMatchObject({ code: 'bad_payload' });
      }),
      settings,
    );
  });
});

/** Values of the right form, and nothing beside them. */
function expectMeant(payload: unknown): void {
  const isTrigger = typeof payload === 'string';
  const { trigger, source, currency, window, from, to } = (isTrigger ? { trigger: payload } : payload) as Record<
    string,
    unknown
  >;
  if (trigger !== undefined) expectTrigger(trigger);
  for (const word of [source, currency]) if (word !== undefined) expect(word).toMatch(/^[^\p{Cc}\p{Cs}]{1,300}$/u);
  for (const time of [from, to, ...Object.values(window ?? {})])
    if (time !== undefined) expect(Number.isNaN((time as Date).getTime())).toBe(false);
}

function expectTrigger(trigger: unknown): void {
  expect(TRIGGERS).toContain(trigger);
}
