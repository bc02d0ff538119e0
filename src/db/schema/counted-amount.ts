/**
 * What a posting counts in sums, in minor units, so that what is posted adds up to what the ledger holds. A correction adds
 * nothing to a payment that is posted as well: the row in the ledger has another amount than the posting, and the two rows
 * together are the payment. Where a dismissed payment has a correction, the first one posted stands for the whole of it.
 */
const first = (what: string, condition: string) =>
  `(select ${what} from stripe_blnk_sync.postings other where other.object_id = posting.object_id and ${condition} limit 1)`;
const whole = (state: string) => first('true', `other.kind <> 'correction' and other.state = '${state}'`);
const EARLIER = "other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference";
/** A correction that takes back goes from the customer's balance to the mirror's own, which names its lane. */
const TAKES_BACK = `(posting.destination = (select source from stripe_blnk_sync.mirror)
          or posting.lane = posting.currency || ':' || posting.destination)`;
const SIGNED = `case when ${TAKES_BACK} then -posting.amount else posting.amount end`;

/** In minor units, of a row of `postings` that is a correction and is called `posting`. */
export const CORRECTION_COUNTS = `case
      when posting.state <> 'posted' or ${whole('pending')} then ${SIGNED}
      when ${whole('posted')} then 0
      when ${first('true', EARLIER)} then 0
      else coalesce(${first('other.amount', "other.kind = 'payment'")}, ${SIGNED})
    end`;
