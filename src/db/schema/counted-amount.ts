/**
 * What a posting counts in sums, in minor units, so that what is posted adds up to what the ledger holds. A correction adds
 * nothing to a payment that is posted as well: the row in the ledger has another amount than the posting, and the two rows
 * together are the payment. Where a dismissed payment has a correction, the first one posted stands for the whole of it.
 */
import { type SQL, sql } from 'drizzle-orm';

/**
 * Nothing but corrections asks for other postings, one by one: as `exists` they would be planned as a scan of the whole table.
 * @param posting name or alias of `postings` in the statement
 */
export function countedAmount(posting: string): SQL {
  const first = (what: string, condition: string) =>
    `(select ${what} from postings other where other.object_id = ${posting}.object_id and ${condition} limit 1)`;
  const whole = (state: string) => first('true', `other.kind <> 'correction' and other.state = '${state}'`);
  const earlier = `other.kind = 'correction' and other.state = 'posted' and other.reference < ${posting}.reference`;
  // A correction that takes back goes from the customer's balance to the source.
  const signed = `case when ${posting}.destination = (select source from mirror) then -${posting}.amount else ${posting}.amount end`;
  return sql.raw(`case
      when ${posting}.kind <> 'correction' then ${posting}.amount
      when ${posting}.state <> 'posted' or ${whole('pending')} then ${signed}
      when ${whole('posted')} then 0
      when ${first('true', earlier)} then 0
      else coalesce(${first('other.amount', "other.kind = 'payment'")}, ${signed})
    end`);
}
