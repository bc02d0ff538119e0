/** Reads repair plans for people: which there are and what is left of them, and one plan item by item. Asks neither side. */
import { and, asc, desc, eq, gt, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { SyncError } from '../../core/base/errors.js';
import type { DayFinding } from '../../core/proof/certificate.js';
import type { ItemState, RepairItem, RepairPlan } from '../../core/repair/repair-plan.js';
import { type RepairSums, sumsToApply } from '../../core/repair/repair-sums.js';
import type { Drizzle } from '../connection/open.js';
import { certificates, dayCertificates, repairItems, repairs } from '../schema/certificates.js';

export interface RepairRecord extends Omit<RepairPlan, 'items'> {
  /** Items by how they stand; states that none has are missing. */
  readonly counts: Readonly<Partial<Record<ItemState, number>>>;
  /** What is confirmed before it is applied. */
  readonly left: RepairSums;
}

export interface RepairPage {
  readonly repairs: readonly RepairRecord[];
  /** Pass as `after` for the next page; null on the last one. */
  readonly next: string | null;
}

export interface RepairsQuery {
  readonly limit: number;
  /** Id of the last plan of the page before. */
  readonly after?: string;
}

/**
 * Whether a proof after the plan shows the same of the payment: `found`, `gone`, or `not_proven` since. The ledger is only asked
 * when the item is applied.
 */
export type ItemStanding = 'found' | 'gone' | 'not_proven';

export interface RepairItemRecord extends Omit<RepairItem, 'seen'> {
  readonly doneAt: Date | null;
  readonly standing: ItemStanding;
}

export interface ItemsQuery {
  readonly limit: number;
  /** Number of the last item of the page before. */
  readonly after?: number;
}

export interface RepairShown {
  readonly repair: RepairRecord;
  readonly items: readonly RepairItemRecord[];
  readonly next: number | null;
}

export async function listRepairs(db: Drizzle, { limit, after }: RepairsQuery): Promise<RepairPage> {
  const conditions: SQL[] = [];
  if (after !== undefined) {
    const [cursor] = await db
      .select({ at: repairs.plannedAt, id: repairs.id })
      .from(repairs)
      .where(eq(repairs.id, after));
    if (cursor === undefined) throw planUnknown(after);
    const older = or(
      lt(repairs.plannedAt, cursor.at),
      and(eq(repairs.plannedAt, cursor.at), lt(repairs.id, cursor.id)),
    );
    if (older !== undefined) conditions.push(older);
  }
  const rows = await selectPlans(db, and(...conditions), limit + 1);
  const shown = await withCounts(db, rows.slice(0, limit));
  return { repairs: shown, next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

/** Null: there is no such plan. @param id a whole one */
export async function showRepair(db: Drizzle, id: string, { limit, after }: ItemsQuery): Promise<RepairShown | null> {
  const [repair] = await withCounts(db, await selectPlans(db, eq(repairs.id, id), 1));
  if (repair === undefined) return null;
  const rows = await db
    .select()
    .from(repairItems)
    .where(and(eq(repairItems.repairId, id), after === undefined ? undefined : gt(repairItems.item, after)))
    .orderBy(asc(repairItems.item))
    .limit(limit + 1);
  const shown = rows.slice(0, limit).map(({ repairId: _repairId, seen: _seen, ...item }) => item);
  const later = await provenLater(db, repair, shown);
  const items = shown.map((item) => ({ ...item, standing: standingOf(item, later) }));
  return { repair, items, next: rows.length > limit ? (shown.at(-1)?.item ?? null) : null };
}

function selectPlans(db: Drizzle, condition: SQL | undefined, limit: number) {
  const { id, fromDay, toDay, plannedBy, plannedAt, appliedBy, appliedAt } = repairs;
  return db
    .select({ id, fromDay, toDay, plannedBy, plannedAt, appliedBy, appliedAt })
    .from(repairs)
    .where(condition)
    .orderBy(desc(repairs.plannedAt), desc(repairs.id))
    .limit(limit);
}

/** Summed by the database: a plan may have very many items. */
async function withCounts(db: Drizzle, plans: Awaited<ReturnType<typeof selectPlans>>): Promise<RepairRecord[]> {
  if (plans.length === 0) return [];
  const { repairId, state, action, currency } = repairItems;
  const groups = await db
    .select({
      ...{ repairId, state, action, currency },
      count: sql`count(*)`.mapWith(Number),
      sum: sql<bigint | null>`sum(${repairItems.amount})`.mapWith((text) => BigInt(text)),
    })
    .from(repairItems)
    .where(
      inArray(
        repairItems.repairId,
        plans.map(({ id }) => id),
      ),
    )
    .groupBy(repairId, state, action, currency);
  return plans.map((plan) => {
    const own = groups.filter((group) => group.repairId === plan.id);
    const counts: Partial<Record<ItemState, number>> = {};
    for (const group of own) counts[group.state] = (counts[group.state] ?? 0) + group.count;
    const { sums } = sumsToApply(own.map((group) => ({ ...group, amount: group.sum })));
    return { ...plan, counts, left: { items: counts.planned ?? 0, sums } };
  });
}

/** Of the days of these items, those that were proven after the plan, with what was found of each payment. */
async function provenLater(
  db: Drizzle,
  { plannedAt }: Pick<RepairPlan, 'plannedAt'>,
  items: ReadonlyArray<Pick<RepairItem, 'day'>>,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const days = [...new Set(items.map(({ day }) => day))];
  if (days.length === 0) return new Map();
  const rows = await db
    .select({ day: certificates.day, findings: sql<DayFinding[]>`${certificates.findings}` })
    .from(dayCertificates)
    .innerJoin(certificates, eq(certificates.id, dayCertificates.certificateId))
    .where(and(inArray(dayCertificates.day, days), gt(dayCertificates.provedAt, plannedAt)));
  const proven = new Map<string, Set<string>>();
  for (const { day, findings } of rows) {
    const found = proven.get(day) ?? new Set();
    for (const { paymentId, accepted } of findings) if (accepted === undefined) found.add(paymentId ?? 'day');
    proven.set(day, found);
  }
  return proven;
}

function standingOf(
  { day, paymentId }: Pick<RepairItem, 'day' | 'paymentId'>,
  proven: ReadonlyMap<string, ReadonlySet<string>>,
): ItemStanding {
  const found = proven.get(day);
  if (found === undefined) return 'not_proven';
  return found.has(paymentId) ? 'found' : 'gone';
}

function planUnknown(id: string): SyncError {
  return new SyncError(`There is no repair plan ${JSON.stringify(id)}; allowed are the ids of the list of plans`, {
    kind: 'fatal',
    code: 'repair_plan_unknown',
  });
}
