/**
 * The postings of a page of a rebuild, with what the ledger holds of them: posted, parked or dismissed, and never pending.
 * What is known is left alone.
 */
import { sql } from 'drizzle-orm';
import type { NewPosting, OpenRun } from '../../collect/ports.js';
import { cleanText } from '../../core/posting/metadata.js';
import type { Judged } from '../../prove/rebuild-ports.js';
import type { Drizzle } from '../connection/open.js';
import { kindOf, postings } from '../schema/postings.js';
import { toRow } from './insert-found.js';
import { posted } from './transitions.js';
import { clearedBy } from './write-transition.js';

type RebuiltRow = { readonly reference: string } & Readonly<Record<string, unknown>>;

/** One JSON parameter a page, sorted by reference, as in collecting. `found` counts what repairs made as well. */
export async function insertRebuilt(
  transaction: Pick<Drizzle, 'execute'>,
  run: OpenRun,
  judged: readonly Judged<NewPosting>[],
): Promise<{ readonly found: number; readonly stored: number }> {
  const rows = judged.flatMap(toRows).sort((a, b) => (a.reference < b.reference ? -1 : 1));
  if (rows.length === 0) return { found: 0, stored: 0 };
  const inserted = await transaction.execute(sql`
    insert into ${postings} (reference, object_id, object, role, kind, lane, source, destination, currency, amount, precision, effective_at,
      state, reason, reason_detail, prepared, payment, transaction_id, settled_how, exception, posted_at,
      dismissed_at, dismissed_by, dismissed_why, first_run)
    select reference, object_id, object, role, kind, lane, source, destination, currency, amount, precision, effective_at,
      state, reason, reason_detail, prepared, payment, transaction_id, settled_how, exception,
      case when state = 'posted' then now() end, case when dismissed_why is not null then now() end,
      case when dismissed_why is not null then 'rebuild' end, dismissed_why, ${run.id}
    from json_to_recordset(${JSON.stringify(rows)}) as page (
      reference text, object_id text, object text, role text, kind text, lane text, source text, destination text, currency text, amount bigint,
      precision integer, effective_at timestamptz, state text, reason text, reason_detail text, prepared text, payment text,
      transaction_id text, settled_how text, exception text, dismissed_why text)
    on conflict (reference) do nothing`);
  return { found: rows.length, stored: inserted.count };
}

function toRows({ found, verdict, repairs }: Judged<NewPosting>): RebuiltRow[] {
  const row = toRow(found);
  const own = { ...row, object_id: row.reference, role: 'original' };
  const made = repairs.map((repair) => ({
    ...own,
    ...{ reference: repair.reference, role: repair.role, kind: kindOf({ object: found.object, role: repair.role }) },
    ...{ source: repair.source, destination: repair.destination },
    ...{ amount: repair.amount.toString(), effective_at: repair.effectiveDate },
    ...toPosted({ ...repair, exception: null }),
  }));
  return [{ ...own, ...toState(verdict) }, ...made];
}

function toState(verdict: Judged<NewPosting>['verdict']): Readonly<Record<string, unknown>> {
  switch (verdict.kind) {
    case 'unmappable':
      return {};
    case 'posted':
      return toPosted(verdict);
    case 'parked': {
      const { reason, detail, dismissedWhy } = verdict;
      return { state: 'parked', reason, reason_detail: cleanText(detail), dismissed_why: dismissedWhy };
    }
    default:
      return verdict satisfies never;
  }
}

type Seen = Pick<Extract<Judged<NewPosting>['verdict'], { kind: 'posted' }>, 'transactionId' | 'how' | 'exception'>;

function toPosted({ transactionId, how, exception }: Seen) {
  return { ...clearedBy(posted), state: 'posted', transaction_id: transactionId, settled_how: how, exception };
}
