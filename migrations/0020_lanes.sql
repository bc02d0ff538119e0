ALTER TABLE "stripe_blnk_sync"."postings" ADD COLUMN "object" text;--> statement-breakpoint
ALTER TABLE "stripe_blnk_sync"."postings" ADD COLUMN "role" text;--> statement-breakpoint
ALTER TABLE "stripe_blnk_sync"."postings" ADD COLUMN "lane" text;--> statement-breakpoint
-- For code of generation 1, which knows `kind` instead and names a lane by the source, be that a customer's balance. Rows
-- from before stay as they are until such code changes them: whoever reads them takes what is missing from the old columns.
-- With the rights of its owner: a role that writes through the old names in public may have no right on what lies here.
CREATE FUNCTION "stripe_blnk_sync"."fill_posting_of_generation_1"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
begin
  new.object := coalesce(new.object, 'payment');
  new.role := coalesce(new.role, case when new.kind = 'payment' then 'original' else new.kind end);
  new.lane := coalesce(new.lane, new.currency || ':' || coalesce(
    (select mirror.source from stripe_blnk_sync.mirror where mirror.source in (new.source, new.destination) limit 1),
    new.source));
  return new;
end
$$;--> statement-breakpoint
CREATE TRIGGER "fill_posting_of_generation_1" BEFORE INSERT OR UPDATE OF "kind", "source", "destination", "currency" ON "stripe_blnk_sync"."postings"
FOR EACH ROW WHEN (new.object is null or new.role is null or (new.lane is null and new.source is not null))
EXECUTE FUNCTION "stripe_blnk_sync"."fill_posting_of_generation_1"();--> statement-breakpoint
CREATE OR REPLACE VIEW "stripe_blnk_sync"."payment_status" AS (
  select
    posting.reference,
    posting.object_id as payment_id,
    posting.kind,
    case when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed' else posting.state end as state,
    posting.reason,
    posting.reason_detail,
    case when posting.state = 'parked' and posting.dismissed_at is null then case posting.reason when 'unknown_currency' then 'Update to a version that knows this currency, then run: parked retry.' when 'amount_not_positive' then 'Look at the payment in Stripe; when nothing was collected, dismiss it.' when 'three_decimal_amount' then 'Ask Stripe why the last digit is not 0; dismiss it when the amount is wrong.' when 'wrong_livemode' then 'Check which Stripe key is configured; dismiss payments of the other mode.' when 'same_balance' then 'Post it by hand to a balance of its own, then dismiss it.' when 'unreadable_payment' then 'Look at the payment in Stripe; update this software, then backfill the day it was created on.' when 'conflict' then 'Compare both sides with: parked show. When only the amount is wrong: repair plan. Else dismiss it once the books are right.' when 'burnt_reference' then 'This reference can never be used again. A replacement is posted by: repair plan, repair apply.' when 'refused_by_blnk' then 'Read why Blnk refuses it with: parked show. Mend the cause, then run: parked retry.' when 'rebuild' then 'Decide whether it belongs in the ledger: parked retry posts it, parked dismiss leaves it out.' end end as what_to_do,
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
);--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."object" IS 'Kind of Stripe object that it is made of: payment. Null in rows from before the column: payment.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."role" IS 'Why it exists: original, replacement (its reference could not be used) or correction (the difference to what the ledger has). Null in rows from before the column: kind says it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."lane" IS 'What it is posted together with: currency, a colon, and the balance of the mirror. Null when there is no transaction, and in rows from before the column: currency and source.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."kind" IS 'For older workers, in the place of object and role: payment, replacement or correction. It goes one release later.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."payment_status"."object" IS 'Kind of Stripe object: payment.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."payment_status"."role" IS 'Why it exists: original, replacement or correction.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."payment_status"."kind" IS 'An older name of role, with payment for original.';--> statement-breakpoint
COMMENT ON FUNCTION "stripe_blnk_sync"."fill_posting_of_generation_1"() IS 'Fills object, role and lane of what workers from before these columns write. It goes one release later.';
