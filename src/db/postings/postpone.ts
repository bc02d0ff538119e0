/** Pending as before, and tried again later, for whoever holds the claim; it ends with that. */
import type postgres from 'postgres';
import type { Postponement } from '../../post/ports.js';
import { isHeldPending } from './transitions.js';

/**
 * What goes on at once waited for nothing, so its next pause must not be longer. An attempt that was certainly not applied
 * ends its own doubt, not that of an attempt before it; a verdict on the transaction itself ends both.
 */
export async function postpone(
  sql: postgres.Sql,
  token: string,
  postponements: readonly Postponement[],
): Promise<number> {
  if (postponements.length === 0) return 0;
  // Truth as 0 and 1: the driver sends an array of booleans as one boolean.
  const rows = await sql`
    update stripe_blnk_sync.postings
    set due_at = now() + given.due_in_ms * interval '1 millisecond', last_error = given.error,
        look_ups = case when given.first_look = 1 then 1
                        else postings.look_ups + case when given.due_in_ms > 0 then 1 else 0 end end,
        doubt_since = case when given.in_doubt = 1 then coalesce(postings.doubt_since, now())
                           when given.reason is null and postings.doubt_since < postings.last_attempt_at
                             then postings.doubt_since end,
        reason = coalesce(given.reason, postings.reason),
        reason_detail = coalesce(given.reason_detail, postings.reason_detail),
        claim = null, claimed_until = null
    from unnest(${postponements.map((s) => s.reference)}::text[], ${postponements.map((s) => Math.round(s.dueInMs))}::int8[],
      ${postponements.map((s) => s.error)}::text[], ${postponements.map((s) => (s.inDoubt ? 1 : 0))}::int4[],
      ${postponements.map((s) => s.reason ?? null)}::text[], ${postponements.map((s) => s.reasonDetail ?? null)}::text[],
      ${postponements.map((s) => (s.firstLook === true ? 1 : 0))}::int4[])
      as given(reference, due_in_ms, error, in_doubt, reason, reason_detail, first_look)
    where postings.reference = given.reference and ${isHeldPending(sql, token)}`;
  return rows.count;
}
