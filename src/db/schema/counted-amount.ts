/**
 * What a posting counts in sums, in minor units, so that what is posted adds up to what the ledger holds. A correction adds
 * nothing to a payment that is posted as well: the row in the ledger has another amount than the posting, and the two rows
 * together are the payment. Where a dismissed payment has a correction, the first one posted stands for the whole of it.
 */
import { type SQL, sql } from 'drizzle-orm';

/**
 * Rows of postings with what each counts as `counted`, to be used as a table. Corrections stand in a branch of their own:
 * only they ask for other postings, one by one, and a planner that expects such questions for every row takes a statement
 * of three rows for one of millions and compiles it first, which takes half a second.
 * @param columns names of columns of `postings`
 * @param condition on `posting`, in both branches: where it follows from another table, the planner does not move it there
 */
export function countedPostings(columns: readonly string[], condition?: string): SQL {
  const listed = columns.map((column) => `posting.${column}`).join(', ');
  const only = condition === undefined ? '' : ` and ${condition}`;
  return sql.raw(`(
    select ${listed}, posting.amount as counted from stripe_blnk_sync.postings posting where posting.kind <> 'correction'${only}
    union all
    select ${listed}, ${correctionCounts('posting')} from stripe_blnk_sync.postings posting where posting.kind = 'correction'${only}
  )`);
}

function correctionCounts(posting: string): string {
  const first = (what: string, condition: string) =>
    `(select ${what} from stripe_blnk_sync.postings other where other.object_id = ${posting}.object_id and ${condition} limit 1)`;
  const whole = (state: string) => first('true', `other.kind <> 'correction' and other.state = '${state}'`);
  const earlier = `other.kind = 'correction' and other.state = 'posted' and other.reference < ${posting}.reference`;
  // A correction that takes back goes from the customer's balance to the source.
  const signed = `case when ${posting}.destination = (select source from stripe_blnk_sync.mirror) then -${posting}.amount else ${posting}.amount end`;
  return `case
      when ${posting}.state <> 'posted' or ${whole('pending')} then ${signed}
      when ${whole('posted')} then 0
      when ${first('true', earlier)} then 0
      else coalesce(${first('other.amount', "other.kind = 'payment'")}, ${signed})
    end`;
}
