/** Removes what was listed of a day. */
import { eq, sql } from 'drizzle-orm';
import type { Drizzle } from '../connection/open.js';
import { stagedDays, stagedItems } from '../schema/staged-days.js';

/** Items of one statement: a whole day would take longer than a statement may. */
const ITEMS_AT_ONCE = 50_000;

/** Nobody goes on with it from the first moment on, however far this gets. */
export async function removeStaged(db: Drizzle, id: number): Promise<void> {
  await db.update(stagedDays).set({ settings: '', progress: null }).where(eq(stagedDays.id, id));
  await removeItems(db, id);
  await db.delete(stagedDays).where(eq(stagedDays.id, id));
}

/** Those of a condition, or all. */
export async function removeItems(db: Drizzle, id: number, condition = sql`true`): Promise<void> {
  for (;;) {
    const removed = await db.execute(sql`
      delete from ${stagedItems} where ctid = any(array(
        select ctid from ${stagedItems} where ${stagedItems.stagedDay} = ${id} and ${condition} limit ${ITEMS_AT_ONCE}))`);
    if (removed.count < ITEMS_AT_ONCE) return;
  }
}
