CREATE OR REPLACE VIEW "stripe_blnk_sync"."payment_status" AS (
  select
    posting.reference,
    posting.object_id as payment_id,
    posting.kind,
    case when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed' else posting.state end as state,
    posting.reason,
    posting.reason_detail,
    case when posting.state = 'parked' and posting.dismissed_at is null then case posting.reason when 'unknown_currency' then 'Update to a version that knows this currency, then run: parked retry.' when 'amount_not_positive' then 'Look at the payment in Stripe; when nothing was collected, dismiss it.' when 'three_decimal_amount' then 'Ask Stripe why the last digit is not 0; dismiss it when the amount is wrong.' when 'wrong_livemode' then 'Check which Stripe key is configured; dismiss payments of the other mode.' when 'same_balance' then 'Post it by hand to a balance of its own, then dismiss it.' when 'unreadable_payment' then 'Look at the payment in Stripe; update this software, then backfill the day it was created on.' when 'conflict' then 'Compare both sides with: parked show. When only the amount is wrong: repair plan. Else dismiss it once the books are right.' when 'burnt_reference' then 'This reference can never be used again. A replacement is posted by: repair plan, repair apply.' when 'refused_by_blnk' then 'Read why Blnk refuses it with: parked show. Remove the cause, then run: parked retry.' when 'rebuild' then 'Decide whether it belongs in the ledger: parked retry posts it, parked dismiss leaves it out.' end end as what_to_do,
    posting.amount as amount_minor,
    round(posting.amount::numeric / posting.precision, length(posting.precision::text) - 1) as amount,
    posting.currency,
    posting.destination as customer_balance,
    posting.effective_at as created,
    posting.attempts,
    case when posting.state = 'pending' then posting.doubt_since end as in_doubt_since,
    posting.state = 'pending' and posting.doubt_since is not null
      and posting.doubt_since < now() - interval '15 minutes' as unresolved,
    posting.last_error,
    posting.transaction_id,
    posting.posted_at,
    posting.settled_how,
    posting.exception,
    posting.dismissed_at,
    posting.dismissed_by,
    posting.dismissed_why,
    posting.first_run as run,
    posting.stored_at,
    coalesce(posting.object, 'payment') as object,
    coalesce(posting.role, case when posting.kind = 'payment' then 'original' else posting.kind end) as role
  from stripe_blnk_sync.postings posting
);
