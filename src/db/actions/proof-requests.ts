/**
 * Days that a person asked to be proven: an action for each, which counts until a proof of the day began after it. Workers look for
 * them; jobs of the queue carry no truth.
 */
import { sql } from 'drizzle-orm';
import type { Actor } from '../../core/base/action.js';
import type { Drizzle } from '../connection/open.js';

/** What came of asking, in words: what tells a request from the proof that a command made itself. */
const REQUESTED = 'a worker was asked';

export interface ProofRequests {
  /** Those that waited for a proof already are not asked for once more. @returns the days that were not */
  keep(days: readonly string[]): Promise<readonly string[]>;
}

export function createProofRequests(db: Drizzle, { name, origin }: Actor): ProofRequests {
  return {
    async keep(days) {
      const kept = await db.execute<{ subject: string }>(sql`
        insert into stripe_blnk_sync.actions (actor, origin, kind, subject, result)
        select ${name}, ${origin}, 'prove', asked.day, ${REQUESTED}
        from json_array_elements_text(${JSON.stringify(days)}::json) asked (day)
        where not exists (
          select 1 from stripe_blnk_sync.actions known
          where known.subject = asked.day and known.kind = 'prove' and known.result = ${REQUESTED}
            and known.at > coalesce((
              select max(proved_at) from stripe_blnk_sync.certificates where day = asked.day::date
            ), '-infinity')
        )
        returning subject`);
      return kept.map(({ subject }) => subject).sort();
    },
  };
}

/** When each of the days was asked for last; days that never were are missing. One probe of an index for each day. */
export async function readProofRequests(db: Drizzle, days: readonly string[]): Promise<Map<string, Date>> {
  if (days.length === 0) return new Map();
  const rows = await db.execute<{ day: string; at: string }>(sql`
    select asked.day, to_json(requested.at) #>> '{}' as at
    from json_array_elements_text(${JSON.stringify(days)}::json) asked (day)
    cross join lateral (
      select max(at) as at from stripe_blnk_sync.actions
      where subject = asked.day and kind = 'prove' and result = ${REQUESTED}
    ) requested
    where requested.at is not null`);
  return new Map(rows.map(({ day, at }) => [day, new Date(at)]));
}
