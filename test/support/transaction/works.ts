/** Transactions whose halves would be a lost payment: a page of collecting, a repair's item, a page of a rebuild. */
import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { NewPosting } from '../../../src/collect/ports.js';

import type { PreparedTransaction } from '../../../src/core/posting/posting.js';
import { createCollectStore } from '../../../src/db/collect/collect-store.js';
import type { Drizzle } from '../../../src/db/connection/open.js';
import { createRebuildStore } from '../../../src/db/repair/rebuild-store.js';
import { createRepairStore } from '../../../src/db/repair/repair-store.js';
import { repairItems } from '../../../src/db/schema/certificates.js';
import { postings } from '../../../src/db/schema/postings.js';
import { coverage, syncRuns } from '../../../src/db/schema/sync-runs.js';
import type { ItemToApply } from '../../../src/prove/repair-ports.js';

export interface TransactionWork {
  /** Everything that the transaction needs, over a connection that is not cut. @param mark makes its rows tell apart */
  prepare(direct: Drizzle, mark: string): Promise<Prepared>;
}

export interface Prepared {
  attempt(db: Drizzle): Promise<unknown>;
  stored(direct: Drizzle): Promise<'all' | 'half' | 'none'>;
}

const OPTIONS = { version: 'test', mirrorId: null };
const CREATED = new Date('2026-05-29T12:00:00Z');
const WINDOW = { from: new Date('2026-05-29T00:00:00Z'), to: new Date('2026-05-30T00:00:00Z') };

export const TRANSACTION_WORKS: Readonly<Record<string, TransactionWork>> = {
  collect: {
    async prepare(direct, mark) {
      const workerId = randomUUID();
      const run = await openRun(direct, workerId);
      const page = {
        ...{ postings: [posting(mark)], beforeStart: 0, requests: 1 },
        covers: { ...WINDOW, readAt: WINDOW.to },
        judgedByStart: (await mirrorStart(direct)) ?? CREATED,
        listedBeforeStart: [{ paymentId: `pi_early_${mark}`, created: null, chargedAt: CREATED }],
      };
      return {
        attempt: (db) => createCollectStore(db, { ...OPTIONS, workerId }).storePage(run, page),
        stored: (db) => pageStored(db, { mark, runId: run.id }),
      };
    },
  },

  rebuild: {
    async prepare(direct, mark) {
      const workerId = randomUUID();
      const run = await openRun(direct, workerId);
      const verdict = { kind: 'parked', reason: 'rebuild', detail: 'not there', dismissedWhy: null } as const;
      const page = {
        ...{ postings: [{ found: posting(mark), verdict, repairs: [] }], beforeStart: 0, requests: 1 },
        covers: { ...WINDOW, readAt: WINDOW.to },
      };
      return {
        attempt: (db) => createRebuildStore(db, { workerId, version: 'test' }).storePage(run, page),
        stored: (db) => pageStored(db, { mark, runId: run.id }),
      };
    },
  },

  repair: {
    async prepare(direct, mark) {
      const paymentId = `pi_${mark}`;
      const plan = await createRepairStore(direct, 'test').savePlan({
        ...{ fromDay: '2026-05-29', toDay: '2026-05-29', plannedBy: 'test', plannedAt: new Date() },
        items: [
          {
            item: 1,
            day: '2026-05-29',
            paymentId,
            finding: 'missing',
            action: 'post',
            reference: paymentId,
            currency: 'USD',
            amount: 100n,
            seen: [],
            state: 'planned',
            detail: 'nothing in the ledger',
          },
        ],
      });
      const act: ItemToApply['act'] = {
        kind: 'act',
        action: 'post',
        reference: paymentId,
        currency: 'USD',
        amount: 100n,
        detail: '',
        stores: [transactionOf(paymentId)],
        original: null,
        marks: null,
      };
      return {
        attempt: (db) =>
          createRepairStore(db, 'test').applyItem({
            ...{ repairId: plan.id, item: 1, paymentId, act, own: [], by: 'test' },
          }),
        async stored(db) {
          const [item] = await db.select().from(repairItems).where(eq(repairItems.repairId, plan.id));
          return wholeOf([await hasPosting(db, paymentId), item?.state === 'done']);
        },
      };
    },
  },
};

async function openRun(direct: Drizzle, workerId: string) {
  const store = createCollectStore(direct, { ...OPTIONS, workerId });
  return store.openRun({ feed: 'payment_intents', trigger: 'manual', window: WINDOW, parentId: null });
}

async function mirrorStart(direct: Drizzle): Promise<Date | null> {
  const store = createCollectStore(direct, { ...OPTIONS, workerId: randomUUID() });
  return (await store.mirror()).startsAt;
}

async function pageStored(db: Drizzle, { mark, runId }: { readonly mark: string; readonly runId: string }) {
  const covered = await db.select().from(coverage).where(eq(coverage.runId, runId));
  const [run] = await db.select().from(syncRuns).where(eq(syncRuns.id, runId));
  return wholeOf([await hasPosting(db, `pi_${mark}`), covered.length > 0, (run?.found ?? 0) > 0]);
}

async function hasPosting(db: Drizzle, reference: string): Promise<boolean> {
  return (await db.select().from(postings).where(eq(postings.reference, reference))).length > 0;
}

function wholeOf(parts: readonly boolean[]): 'all' | 'half' | 'none' {
  if (parts.every(Boolean)) return 'all';
  return parts.some(Boolean) ? 'half' : 'none';
}

function posting(mark: string): NewPosting {
  const id = `pi_${mark}`;
  return {
    payment: {
      kind: 'payment',
      id,
      amountReceived: 100n,
      currency: 'usd',
      created: CREATED,
      livemode: false,
      customerId: null,
      chargeId: null,
      description: null,
      metadata: [],
    },
    seenAt: CREATED,
    object: 'payment',
    preparation: { kind: 'prepared', transaction: transactionOf(id) },
  };
}

function transactionOf(reference: string): PreparedTransaction {
  return {
    ...{ object: 'payment', role: 'original', lane: { source: '@stripe', currency: 'USD' } },
    ...{ reference, amount: 100n, precision: 100, currency: 'USD', source: '@stripe', destination: '@guests' },
    ...{ effectiveDate: CREATED, body: '{}' },
  };
}
