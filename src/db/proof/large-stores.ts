/**
 * Days of which what was listed is kept in the database, because memory does not hold it. A process that goes on after another
 * one takes over what that had stored, unless it is too old, was listed with other settings, or stands in a certificate already.
 * Each is one process's at a time, for as long as it renews its lease; who else proves the same day meanwhile has rows of its own.
 */
import { randomUUID } from 'node:crypto';
import { and, eq, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Clock } from '../../core/base/clock.js';
import type { DayProgress, DayRequest, DayStore, LargeStores } from '../../prove/day-store.js';
import type { Drizzle } from '../connection/open.js';
import { certificates } from '../schema/certificates.js';
import { stagedDays } from '../schema/staged-days.js';
import { removeStaged } from './remove-staged.js';
import { createStagedDay } from './staged-day.js';

export interface LargeStoresOptions extends Pick<Clock, 'every'> {
  /** Of this software: other code may hold items in another form. */
  readonly version: string;
  readonly pieceItems: number;
  sleep(durationMs: number): Promise<void>;
}

/** What was listed longer ago says too little of now. */
const USABLE = sql`interval '6 hours'`;
/** A process that renewed nothing for so long has ended, or is cut off from the database. */
const LEASE_MS = 15_000;
const LEASE = sql`interval '15 seconds'`;
const LOOK_EVERY_MS = 1_000;

export function createLargeStores(db: Drizzle, options: LargeStoresOptions): LargeStores {
  const settingsOf = (request: DayRequest) => `${options.version} ${request.settings}`;
  const opened = (row: OpenedRow, token: string): DayStore => {
    const { id, begunAt, progress, sequence } = row;
    return createStagedDay(db, { id, token, begunAt: new Date(begunAt), progress, sequence, ...options });
  };
  return {
    async findEarlier(request) {
      await removeUseless(db);
      const settings = settingsOf(request);
      const token = randomUUID();
      let seen: string | null = null;
      for (let waitedMs = 0; waitedMs <= LEASE_MS + 2 * LOOK_EVERY_MS; waitedMs += LOOK_EVERY_MS) {
        const claimed = await claim(db, { day: request.day, settings, token });
        if (claimed !== null) return opened(claimed, token);
        const renewed = await lastRenewal(db, request.day, settings);
        // There is none, or its process is at work: then this one begins with rows of its own.
        if (renewed === null || (seen !== null && renewed !== seen)) return null;
        seen = renewed;
        await options.sleep(LOOK_EVERY_MS);
      }
      return null;
    },

    async open(request) {
      const { day, begunAt } = request;
      const token = randomUUID();
      const [row] = await db
        .insert(stagedDays)
        .values({ day, begunAt, settings: settingsOf(request), token, renewedAt: NOW, sequence: 0 })
        .returning({ id: stagedDays.id });
      if (row === undefined) throw new Error('an insert answered no row');
      return opened({ id: row.id, begunAt: begunAt.toISOString(), progress: null, sequence: 0 }, token);
    },
  };
}

const NOW = sql`clock_timestamp()`;

interface OpenedRow extends Record<string, unknown> {
  readonly id: number;
  readonly begunAt: string;
  readonly progress: DayProgress | null;
  readonly sequence: number;
}

/** Not too old, and of no certificate yet. */
function isUsable(): SQL {
  return sql`${stagedDays.begunAt} > ${NOW} - ${USABLE} and not exists (
    select from ${certificates} where ${certificates.day} = ${stagedDays.day} and ${certificates.provedAt} >= ${stagedDays.begunAt})`;
}

const isFree = sql`${stagedDays.renewedAt} < ${NOW} - ${LEASE}`;

/** The one that got furthest, when nobody has it. */
async function claim(
  db: Drizzle,
  { day, settings, token }: { readonly day: string; readonly settings: string; readonly token: string },
): Promise<OpenedRow | null> {
  const free = db
    .select({ id: stagedDays.id })
    .from(stagedDays)
    .where(and(eq(stagedDays.day, day), eq(stagedDays.settings, settings), isFree, isUsable()))
    .orderBy(sql`${stagedDays.sequence} desc`)
    .limit(1)
    .for('update', { skipLocked: true });
  const [row] = await db
    .update(stagedDays)
    .set({ token, renewedAt: NOW })
    .where(sql`${stagedDays.id} = (${free})`)
    .returning({
      id: stagedDays.id,
      begunAt: stagedDays.begunAt,
      progress: stagedDays.progress,
      sequence: stagedDays.sequence,
    });
  return row === undefined ? null : { ...row, begunAt: row.begunAt.toISOString() };
}

async function lastRenewal(db: Drizzle, day: string, settings: string): Promise<string | null> {
  const [row] = await db
    .select({ renewed: sql<string | null>`max(${stagedDays.renewedAt})::text` })
    .from(stagedDays)
    .where(and(eq(stagedDays.day, day), eq(stagedDays.settings, settings), isUsable()));
  return row?.renewed ?? null;
}

/** What nobody can go on with. Of days that somebody has in hand nothing is removed. */
async function removeUseless(db: Drizzle): Promise<void> {
  const useless = await db
    .select({ id: stagedDays.id })
    .from(stagedDays)
    .where(
      and(
        isFree,
        or(eq(stagedDays.settings, ''), lt(stagedDays.begunAt, sql`${NOW} - ${USABLE}`), sql`not (${isUsable()})`),
      ),
    );
  for (const { id } of useless) await removeStaged(db, id);
}
