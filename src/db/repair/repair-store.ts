/**
 * Keeps repair plans and does their items. An item's postings, the run that they belong to and the item's end are one
 * database transaction that holds the plan's row: two who apply at once do each item once, and a killed one leaves it
 * either reversed or done.
 */

import { and, asc, desc, eq, gte, inArray, isNull, lte, not, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { SyncError } from '../../core/base/errors.js';
import { commandLine } from '../../core/base/own-command.js';
import { DAY_MS } from '../../core/base/window.js';
import type { OwnRow } from '../../core/repair/repair-facts.js';
import { dismisserOf, isPlansDismissal, type RepairItem, type RepairPlan } from '../../core/repair/repair-plan.js';
import type { DayRange, ItemToApply, RepairStore } from '../../prove/repair-ports.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { markPosted } from '../postings/mark-posted.js';
import { dismissInstead, type Opened, storeOwed, type Written } from '../postings/store-owed.js';
import { stoodFor } from '../reads/outbox-status.js';
import { readDatabaseNow } from '../reads/status.js';
import {
  certificates,
  dayCertificates,
  type RepairItemRow,
  type RepairRow,
  repairItems,
  repairs,
} from '../schema/certificates.js';
import { postings, roleOf } from '../schema/postings.js';
import { syncRuns } from '../schema/sync-runs.js';

/** Ends the transaction without a trace: what was decided on is not so any more. */
class Changed extends Error {}

/** @param version of this software, kept with each plan */
export function createRepairStore(db: Drizzle, version: string): RepairStore {
  return {
    async newestCertificates(range) {
      return db
        .select({
          day: certificates.day,
          state: certificates.state,
          findings: certificates.findings,
          findingsCount: certificates.findingsCount,
        })
        .from(dayCertificates)
        .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
        .where(
          range === null
            ? undefined
            : and(gte(dayCertificates.day, range.fromDay), lte(dayCertificates.day, range.toDay)),
        )
        .orderBy(asc(certificates.day), asc(certificates.currency));
    },

    parkedPayments: (range) => selectParked(db, range),

    async postingsOf(paymentIds) {
      const rows = await selectOwn(db, paymentIds);
      const byPayment = new Map<string, OwnRow[]>();
      for (const { objectId, ...row } of rows) byPayment.set(objectId, [...(byPayment.get(objectId) ?? []), row]);
      return byPayment;
    },

    now: () => readDatabaseNow(db),

    async savePlan({ fromDay, toDay, plannedBy, plannedAt, items }) {
      const id = uuidv7();
      await db.transaction(async (transaction) => {
        await transaction.insert(repairs).values({ id, fromDay, toDay, plannedBy, plannedAt, version });
        // A statement takes 65,535 parameters at most.
        for (let start = 0; start < items.length; start += ITEMS_PER_INSERT) {
          const some = items.slice(start, start + ITEMS_PER_INSERT);
          await transaction.insert(repairItems).values(some.map((item) => ({ ...item, repairId: id })));
        }
      });
      return readPlan(db, id);
    },

    async findPlan(prefix) {
      const found = await db
        .select({ id: repairs.id })
        .from(repairs)
        .where(
          prefix === null ? isNull(repairs.appliedAt) : sql`starts_with(${repairs.id}::text, ${prefix.toLowerCase()})`,
        )
        .orderBy(desc(repairs.plannedAt), desc(repairs.id))
        .limit(prefix === null ? 1 : 2);
      const [plan, other] = found;
      if (plan === undefined) throw planUnknown(prefix);
      if (other !== undefined) throw planAmbiguous(prefix ?? '');
      return readPlan(db, plan.id);
    },

    async applyItem(item) {
      try {
        return await db.transaction((transaction) => applyItem(transaction, item, version));
      } catch (error) {
        if (error instanceof Changed) return 'changed';
        throw error;
      }
    },

    async endItem({ repairId, item, state, detail }) {
      await db
        .update(repairItems)
        .set({ state, detail, doneAt: sql`now()` })
        .where(and(eq(repairItems.repairId, repairId), eq(repairItems.item, item), eq(repairItems.state, 'planned')));
    },

    async finishPlan(repairId, by) {
      await db
        .update(repairs)
        .set({ appliedAt: sql`now()`, appliedBy: by })
        .where(
          and(
            eq(repairs.id, repairId),
            isNull(repairs.appliedAt),
            sql`not exists (select 1 from ${repairItems} where ${repairItems.repairId} = ${repairId} and ${repairItems.state} = 'planned')`,
          ),
        );
      return readPlan(db, repairId);
    },
  };
}

const ITEMS_PER_INSERT = 1_000;

async function applyItem(transaction: Transaction, request: ItemToApply, version: string): Promise<'done' | 'handled'> {
  const { repairId, item, paymentId, act, own, by } = request;
  const [repair] = await transaction.select().from(repairs).where(eq(repairs.id, repairId)).for('update');
  const ofItem = and(eq(repairItems.repairId, repairId), eq(repairItems.item, item));
  const [held] = await transaction.select({ state: repairItems.state }).from(repairItems).where(ofItem);
  if (repair === undefined || held?.state !== 'planned') return 'handled';
  if (describeOwn(await selectOwn(transaction, [paymentId], true)) !== describeOwn(own)) throw new Changed();
  const known = new Set(own.map(({ reference }) => reference));
  const written = act.original === null ? act.stores : [...act.stores, act.original.transaction];
  const isNew = written.some(({ reference }) => !known.has(reference));
  const runId = isNew ? (repair.runId ?? (await openRun(transaction, repair, version))) : '';
  const opened: Opened = { paymentId, runId, by: dismisserOf(repairId, by), known };
  const inserted: Written[] = [];
  for (const owed of act.stores) inserted.push(await storeOwed(transaction, owed, opened));
  if (act.original !== null) inserted.push(await dismissInstead(transaction, act.original, opened));
  if (inserted.includes('taken')) throw new Changed();
  if (act.marks !== null) await markPosted(transaction, act.marks);
  const stored = inserted.filter((outcome) => outcome === 'inserted').length;
  if (stored > 0) {
    await transaction
      .update(syncRuns)
      .set({ found: sql`${syncRuns.found} + ${stored}`, stored: sql`${syncRuns.stored} + ${stored}` })
      .where(eq(syncRuns.id, runId));
  }
  // Not when the transaction began: a proof that begins meanwhile does not see it yet, and must not count as a later one.
  await transaction.update(repairItems).set({ state: 'done', doneAt: sql`clock_timestamp()` }).where(ofItem);
  return 'done';
}

/** The run that everything which this plan stores belongs to: nothing is read for it, so it covers nothing. */
async function openRun(transaction: Transaction, { id, fromDay, toDay }: RepairRow, version: string): Promise<string> {
  const runId = uuidv7();
  await transaction.insert(syncRuns).values({
    id: runId,
    feed: 'payment_intents',
    trigger: 'manual',
    windowFrom: new Date(`${fromDay}T00:00:00Z`),
    windowTo: new Date(new Date(`${toDay}T00:00:00Z`).getTime() + DAY_MS),
    state: 'collected',
    finishedAt: sql`now()`,
    version,
  });
  await transaction.update(repairs).set({ runId }).where(eq(repairs.id, id));
  return runId;
}

async function selectOwn(db: Pick<Drizzle, 'select'>, paymentIds: readonly string[], lock = false) {
  const query = db
    .select({
      objectId: postings.objectId,
      reference: postings.reference,
      role: roleOf(),
      state: postings.state,
      reason: postings.reason,
      dismissed: sql<boolean>`${postings.dismissedAt} is not null`,
      dismissedBy: postings.dismissedBy,
      amount: postings.amount,
      currency: postings.currency,
      destination: postings.destination,
    })
    .from(postings)
    .where(inArray(postings.objectId, [...paymentIds]))
    .orderBy(asc(postings.reference));
  const rows = await (lock ? query.for('update') : query);
  return rows.map(({ dismissedBy, ...row }) => ({ ...row, dismissedByPlan: isPlansDismissal(dismissedBy) }));
}

/** What deciding depends on; attempts and pauses of a posting may change meanwhile. */
function describeOwn(own: readonly OwnRow[]): string {
  return own
    .map(({ reference, state, reason, dismissed, dismissedByPlan, amount, currency, destination }) =>
      JSON.stringify([
        reference,
        state,
        state === 'parked' ? reason : null,
        dismissed,
        dismissedByPlan,
        `${amount}`,
        currency,
        destination,
      ]),
    )
    .sort()
    .join();
}

async function selectParked(db: Drizzle, range: DayRange | null) {
  const day = sql<string>`((${postings.effectiveAt} at time zone 'UTC')::date)::text`;
  return db
    .select({
      paymentId: postings.objectId,
      reference: postings.reference,
      day,
      dismissed: sql<boolean>`${postings.dismissedAt} is not null`,
    })
    .from(postings)
    .where(
      and(
        eq(postings.state, 'parked'),
        not(stoodFor),
        ...(range === null
          ? []
          : [
              sql`(${postings.effectiveAt} at time zone 'UTC')::date between ${range.fromDay}::date and ${range.toDay}::date`,
            ]),
      ),
    )
    .orderBy(asc(postings.effectiveAt), asc(postings.reference));
}

async function readPlan(db: Drizzle, id: string): Promise<RepairPlan> {
  const [plan] = await db.select().from(repairs).where(eq(repairs.id, id));
  if (plan === undefined) throw planUnknown(id);
  const items = await db.select().from(repairItems).where(eq(repairItems.repairId, id)).orderBy(asc(repairItems.item));
  const { fromDay, toDay, plannedBy, plannedAt, appliedBy, appliedAt } = plan;
  return { id, fromDay, toDay, plannedBy, plannedAt, appliedBy, appliedAt, items: items.map(toItem) };
}

function toItem({ repairId: _repairId, doneAt: _doneAt, ...item }: RepairItemRow): RepairItem {
  return item;
}

function planUnknown(prefix: string | null): SyncError {
  return new SyncError(
    prefix === null
      ? `There is no repair plan that was not applied; make one with: ${commandLine('repair plan')}`
      : `No repair plan has an id that begins with ${JSON.stringify(prefix)}; make one with: ${commandLine('repair plan')}`,
    { kind: 'fatal', code: 'repair_plan_unknown' },
  );
}

function planAmbiguous(prefix: string): SyncError {
  return new SyncError(
    `More than one repair plan has an id that begins with ${JSON.stringify(prefix)}; name more of it`,
    {
      kind: 'fatal',
      code: 'repair_plan_ambiguous',
    },
  );
}
