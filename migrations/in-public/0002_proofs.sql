CREATE TABLE "certificates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"proof_id" uuid NOT NULL,
	"day" date NOT NULL,
	"currency" text,
	"state" text NOT NULL,
	"trigger" text NOT NULL,
	"stripe_count" integer NOT NULL,
	"stripe_sum" numeric(40, 0) NOT NULL,
	"stripe_hash" text NOT NULL,
	"ledger_count" integer NOT NULL,
	"ledger_sum" numeric(40, 0) NOT NULL,
	"ledger_hash" text NOT NULL,
	"postings_count" integer NOT NULL,
	"postings_sum" numeric(40, 0) NOT NULL,
	"postings_hash" text NOT NULL,
	"movement" numeric(40, 0),
	"unexplained" numeric(40, 0),
	"findings" jsonb NOT NULL,
	"findings_count" integer NOT NULL,
	"not_seen" jsonb NOT NULL,
	"reopens" uuid,
	"reopened_because" text,
	"stripe_requests" integer NOT NULL,
	"ledger_requests" integer NOT NULL,
	"stripe_as_of" timestamp (3) with time zone NOT NULL,
	"proved_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"version" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "repair_items" (
	"repair_id" uuid NOT NULL,
	"item" integer NOT NULL,
	"day" date NOT NULL,
	"payment_id" text NOT NULL,
	"finding" text NOT NULL,
	"action" text NOT NULL,
	"reference" text,
	"currency" text,
	"amount" bigint,
	"seen" jsonb NOT NULL,
	"state" text NOT NULL,
	"detail" text NOT NULL,
	"done_at" timestamp (3) with time zone,
	CONSTRAINT "repair_items_repair_id_item_pk" PRIMARY KEY("repair_id","item")
);
--> statement-breakpoint
CREATE TABLE "repairs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"from_day" date NOT NULL,
	"to_day" date NOT NULL,
	"planned_by" text NOT NULL,
	"planned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"applied_by" text,
	"applied_at" timestamp (3) with time zone,
	"run_id" uuid,
	"version" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payments_before_start" (
	"payment_id" text PRIMARY KEY NOT NULL,
	"created" timestamp (3) with time zone,
	"charged_at" timestamp (3) with time zone NOT NULL,
	"first_run" uuid NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP VIEW "public"."daily_totals";--> statement-breakpoint
DROP VIEW "public"."payment_status";--> statement-breakpoint
DROP VIEW "public"."sync_history";--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "lag_ms" integer;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "events_refused_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "charges_refused_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "rebuilding_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "repair_items" ADD CONSTRAINT "repair_items_repair_id_repairs_id_fk" FOREIGN KEY ("repair_id") REFERENCES "public"."repairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "certificates_day" ON "certificates" USING btree ("day","proved_at");--> statement-breakpoint
CREATE INDEX "certificates_proved" ON "certificates" USING btree ("proved_at");--> statement-breakpoint
CREATE INDEX "repair_items_open" ON "repair_items" USING btree ("repair_id") WHERE "repair_items"."state" = 'planned';--> statement-breakpoint
CREATE INDEX "postings_day" ON "postings" USING btree ((("effective_at" at time zone 'UTC')::date),"stored_at");--> statement-breakpoint
CREATE VIEW "public"."day_certificates" AS (
  select
    newest.day,
    newest.currency,
    newest.state,
    newest.state in ('sealed', 'sealed_with_exceptions') and exists (
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
    ) as reopened,
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
CREATE VIEW "public"."daily_totals" AS (
  select
    (posting.effective_at at time zone 'UTC')::date as day,
    posting.currency,
    count(*) filter (where posting.state = 'posted') as posted_count,
    coalesce(sum(counted.amount) filter (where posting.state = 'posted'), 0) as posted_amount,
    count(*) filter (where posting.state = 'pending') as pending_count,
    coalesce(sum(counted.amount) filter (where posting.state = 'pending'), 0) as pending_amount,
    count(*) filter (where posting.state = 'parked') as parked_count,
    coalesce(sum(counted.amount) filter (where posting.state = 'parked'), 0) as parked_amount,
    count(*) filter (where posting.state = 'parked' and posting.dismissed_at is not null) as dismissed_count,
    coalesce(sum(counted.amount) filter (where posting.state = 'parked' and posting.dismissed_at is not null), 0)
      as dismissed_amount
  from postings posting
  cross join lateral (select case
      when posting.kind <> 'correction' then posting.amount
      when posting.state <> 'posted' or (select true from postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when posting.destination = (select source from mirror) then -posting.amount else posting.amount end
      when (select true from postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when posting.destination = (select source from mirror) then -posting.amount else posting.amount end)
    end as amount) counted
  group by 1, 2
);--> statement-breakpoint
CREATE VIEW "public"."payment_status" AS (
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
    posting.stored_at
  from postings posting
);--> statement-breakpoint
CREATE VIEW "public"."sync_history" AS (
  select
    run.id,
    run.parent_id,
    part.parts,
    run.feed,
    run.trigger,
    run.window_from,
    run.window_to,
    case
      when run.state <> 'collected' then run.state
      when batch.pending > 0 then 'posting'
      when batch.parked > batch.dismissed then 'attention'
      else 'succeeded'
    end as status,
    run.found + part.found as found,
    run.known_before + part.known_before as known_before,
    run.stored + part.stored as stored,
    batch.posted,
    batch.already_there,
    batch.parked,
    batch.dismissed,
    batch.pending,
    run.before_start + part.before_start as before_start,
    batch.totals,
    batch.ledger_totals,
    run.stripe_requests + part.stripe_requests as stripe_requests,
    run.error_code,
    run.error,
    run.started_at,
    run.finished_at,
    run.finished_at - run.started_at as duration,
    run.worker_id,
    run.version
  from sync_runs run
  cross join lateral (
    select
      count(*)::integer as parts,
      coalesce(sum(child.found), 0)::integer as found,
      coalesce(sum(child.known_before), 0)::integer as known_before,
      coalesce(sum(child.stored), 0)::integer as stored,
      coalesce(sum(child.before_start), 0)::integer as before_start,
      coalesce(sum(child.stripe_requests), 0)::integer as stripe_requests
    from sync_runs child
    where child.parent_id = run.id
  ) part
  cross join lateral (
    select
      coalesce(sum(of_currency.posted), 0)::integer as posted,
      coalesce(sum(of_currency.already_there), 0)::integer as already_there,
      coalesce(sum(of_currency.parked), 0)::integer as parked,
      coalesce(sum(of_currency.dismissed), 0)::integer as dismissed,
      coalesce(sum(of_currency.pending), 0)::integer as pending,
      coalesce(
        jsonb_object_agg(of_currency.currency, of_currency.amount::text) filter (where of_currency.amount is not null),
        '{}'::jsonb
      ) as totals,
      coalesce(
        jsonb_object_agg(of_currency.currency, of_currency.ledger_amount::text)
          filter (where of_currency.ledger_amount is not null),
        '{}'::jsonb
      ) as ledger_totals
    from (
      select
        posting.currency,
        count(*) filter (where posting.state = 'posted' and posting.settled_how is distinct from 'already_there') as posted,
        count(*) filter (where posting.state = 'posted' and posting.settled_how = 'already_there') as already_there,
        count(*) filter (where posting.state = 'parked') as parked,
        count(*) filter (where posting.state = 'parked' and posting.dismissed_at is not null) as dismissed,
        count(*) filter (where posting.state = 'pending') as pending,
        sum(counted.amount) filter (where posting.currency is not null) as amount,
        sum(counted.amount) filter (where posting.state = 'posted') as ledger_amount
      from (
        select run.id as run_id
        union all
        select child.id from sync_runs child where child.parent_id = run.id
      ) member
      join postings posting on posting.first_run = member.run_id
      cross join lateral (select case
      when posting.kind <> 'correction' then posting.amount
      when posting.state <> 'posted' or (select true from postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when posting.destination = (select source from mirror) then -posting.amount else posting.amount end
      when (select true from postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when posting.destination = (select source from mirror) then -posting.amount else posting.amount end)
    end as amount) counted
      group by posting.currency
    ) of_currency
  ) batch
);