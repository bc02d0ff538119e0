/** One process at a time proves by schedule. A second one would find the same days; what a person asks for needs no lock. */
import type postgres from 'postgres';

/** Any number that no other software on the same server is likely to use for its advisory locks. */
const PROVING_LOCK = 7_318_204_512;

/**
 * Works while holding the lock; does nothing when another process holds it. Locks of a connection that breaks are lost:
 * then two prove the same day, which is waste, not harm.
 *
 * @returns whether the work was done
 */
export async function whileProvingAlone(sql: postgres.Sql, work: () => Promise<void>): Promise<boolean> {
  const holder = await sql.reserve();
  try {
    const [row] = await holder<{ held: boolean }[]>`select pg_try_advisory_lock(${PROVING_LOCK}) as held`;
    if (row?.held !== true) return false;
    try {
      await work();
    } finally {
      await holder`select pg_advisory_unlock(${PROVING_LOCK})`;
    }
    return true;
  } finally {
    holder.release();
  }
}
