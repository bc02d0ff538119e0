CREATE TABLE "acceptances" (
	"id" uuid PRIMARY KEY NOT NULL,
	"day" date NOT NULL,
	"payment_id" text NOT NULL,
	"differences" jsonb NOT NULL,
	"proof_id" uuid NOT NULL,
	"accepted_at" timestamp (3) with time zone NOT NULL,
	"accepted_by" text NOT NULL,
	"accepted_why" text NOT NULL,
	"taken_back_at" timestamp (3) with time zone,
	"taken_back_by" text,
	"taken_back_why" text,
	"version" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "acceptances_day" ON "acceptances" USING btree ("day");--> statement-breakpoint
CREATE INDEX "acceptances_payment" ON "acceptances" USING btree ("payment_id");--> statement-breakpoint
CREATE OR REPLACE VIEW "public"."day_certificates" AS (
  select
    newest.day,
    newest.currency,
    newest.state,
    newest.state = 'sealed_with_exceptions' and exists (
      select 1 from acceptances acceptance
      where acceptance.day = newest.day and acceptance.taken_back_at > newest.proved_at
        and newest.findings @> jsonb_build_array(jsonb_build_object('accepted', jsonb_build_object('id', acceptance.id)))
    ) or case when newest.state in ('sealed', 'sealed_with_exceptions') and (
      -- One probe of an index, which settles it for all days but those with late payments.
      select max(posting.stored_at) from postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
    ) > newest.proved_at then exists (
      select 1 from postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
        and posting.stored_at > newest.proved_at
        and (
          posting.currency is not distinct from newest.currency
          or not exists (
            select 1 from certificates sibling
            where sibling.day = newest.day and sibling.proof_id = newest.proof_id and sibling.currency = posting.currency
          )
        )
    ) else false end as reopened,
    newest.stripe_count,
    newest.stripe_sum,
    newest.ledger_count,
    newest.ledger_sum,
    newest.postings_count,
    newest.postings_sum,
    newest.unexplained,
    newest.findings_count,
    newest.reopened_because,
    newest.proved_at,
    newest.stripe_as_of,
    newest.id as certificate_id
  from (
    select distinct on (day) day, proof_id from certificates order by day, proved_at desc, id desc
  ) proof
  join certificates newest on newest.day = proof.day and newest.proof_id = proof.proof_id
);--> statement-breakpoint
COMMENT ON TABLE "acceptances" IS 'Differences between Stripe and the ledger that a person accepted; a proof that finds the very same lists it as an exception. Never deleted.';--> statement-breakpoint
COMMENT ON COLUMN "acceptances"."payment_id" IS 'The PaymentIntent; for a row of the ledger without one its reference.';--> statement-breakpoint
COMMENT ON COLUMN "acceptances"."differences" IS 'What was accepted: kind of the finding, what Stripe showed, and the rows of the ledger.';--> statement-breakpoint
COMMENT ON COLUMN "acceptances"."proof_id" IS 'The proof in certificates that showed it.';--> statement-breakpoint
COMMENT ON COLUMN "acceptances"."taken_back_at" IS 'Null while it is in force.';--> statement-breakpoint
COMMENT ON VIEW "day_certificates" IS 'The certificates of the newest proof of each UTC day; reopened when a payment of that day was stored after it, or an acceptance taken back.';
