CREATE TABLE "lane_pauses" (
	"source" text NOT NULL,
	"currency" text NOT NULL,
	"since" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"error" text NOT NULL,
	CONSTRAINT "lane_pauses_source_currency_pk" PRIMARY KEY("source","currency")
);
--> statement-breakpoint
CREATE TABLE "mirror" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"mirror_id" uuid NOT NULL,
	"stripe_account" text,
	"livemode" boolean NOT NULL,
	"blnk_instance" text NOT NULL,
	"source_balances" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"source" text NOT NULL,
	"source_shards" integer NOT NULL,
	"guest_destination" text NOT NULL,
	"accounts_mode" text NOT NULL,
	"mapping_version" integer NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"hand_over_at" timestamp (3) with time zone,
	"first_post_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mirror_single_row" CHECK ("mirror"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "rate_tokens" (
	"bucket" text PRIMARY KEY NOT NULL,
	"next_free_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_reads" (
	"hour" timestamp (3) with time zone PRIMARY KEY NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "workers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"version" text NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "postings" (
	"reference" text PRIMARY KEY NOT NULL,
	"object_id" text NOT NULL,
	"kind" text NOT NULL,
	"source" text,
	"destination" text,
	"currency" text,
	"amount" bigint,
	"precision" integer,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"reason_detail" text,
	"prepared" text,
	"payment" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"first_attempt_at" timestamp (3) with time zone,
	"last_attempt_at" timestamp (3) with time zone,
	"claim" uuid,
	"claimed_until" timestamp (3) with time zone,
	"due_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"doubt_since" timestamp (3) with time zone,
	"look_ups" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"transaction_id" text,
	"posted_at" timestamp (3) with time zone,
	"settled_how" text,
	"exception" text,
	"dismissed_at" timestamp (3) with time zone,
	"dismissed_by" text,
	"dismissed_why" text,
	"dismissed_looks" integer DEFAULT 0 NOT NULL,
	"first_run" uuid NOT NULL,
	"stored_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "coverage" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"feed" text NOT NULL,
	"covered_from" timestamp (3) with time zone NOT NULL,
	"covered_to" timestamp (3) with time zone NOT NULL,
	"read_at" timestamp (3) with time zone NOT NULL,
	"run_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"parent_id" uuid,
	"feed" text NOT NULL,
	"trigger" text NOT NULL,
	"window_from" timestamp (3) with time zone NOT NULL,
	"window_to" timestamp (3) with time zone,
	"state" text NOT NULL,
	"found" integer DEFAULT 0 NOT NULL,
	"known_before" integer DEFAULT 0 NOT NULL,
	"stored" integer DEFAULT 0 NOT NULL,
	"before_start" integer DEFAULT 0 NOT NULL,
	"stripe_requests" integer DEFAULT 0 NOT NULL,
	"error_code" text,
	"error" text,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"heartbeat_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"worker_id" uuid,
	"version" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "postings_due" ON "postings" USING btree ("source","currency","due_at") WHERE "postings"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "postings_attempted" ON "postings" USING btree ("source","currency","due_at") WHERE "postings"."state" = 'pending' and "postings"."attempts" > 0;--> statement-breakpoint
CREATE INDEX "postings_run" ON "postings" USING btree ("first_run","state");--> statement-breakpoint
CREATE INDEX "postings_object" ON "postings" USING btree ("object_id");--> statement-breakpoint
CREATE INDEX "postings_effective" ON "postings" USING btree ("effective_at");--> statement-breakpoint
CREATE INDEX "postings_parked" ON "postings" USING btree ("stored_at") WHERE "postings"."state" = 'parked';--> statement-breakpoint
CREATE INDEX "coverage_feed_to" ON "coverage" USING btree ("feed","covered_to");--> statement-breakpoint
CREATE INDEX "coverage_run" ON "coverage" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "sync_runs_started" ON "sync_runs" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "sync_runs_parent" ON "sync_runs" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "sync_runs_collecting" ON "sync_runs" USING btree ("heartbeat_at") WHERE "sync_runs"."state" = 'collecting';--> statement-breakpoint
CREATE VIEW "public"."daily_totals" AS (
  select
    (posting.effective_at at time zone 'UTC')::date as day,
    posting.currency,
    count(*) filter (where posting.state = 'posted') as posted_count,
    coalesce(sum(posting.amount) filter (where posting.state = 'posted'), 0) as posted_amount,
    count(*) filter (where posting.state = 'pending') as pending_count,
    coalesce(sum(posting.amount) filter (where posting.state = 'pending'), 0) as pending_amount,
    count(*) filter (where posting.state = 'parked') as parked_count,
    coalesce(sum(posting.amount) filter (where posting.state = 'parked'), 0) as parked_amount,
    count(*) filter (where posting.state = 'parked' and posting.dismissed_at is not null) as dismissed_count,
    coalesce(sum(posting.amount) filter (where posting.state = 'parked' and posting.dismissed_at is not null), 0)
      as dismissed_amount
  from postings posting
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
    case when posting.state = 'parked' and posting.dismissed_at is null then case posting.reason when 'unknown_currency' then 'Update to a version that knows this currency, then run: parked retry.' when 'amount_not_positive' then 'Look at the payment in Stripe; when nothing was collected, dismiss it.' when 'three_decimal_amount' then 'Ask Stripe why the last digit is not 0; dismiss it when the amount is wrong.' when 'wrong_livemode' then 'Check which Stripe key is configured; dismiss payments of the other mode.' when 'same_balance' then 'Post it by hand to a balance of its own, then dismiss it.' when 'unreadable_payment' then 'Look at the payment in Stripe; update this software, then backfill the day it was created on.' when 'conflict' then 'Compare both sides with: parked show. Post the difference in Blnk by hand, then dismiss it.' when 'burnt_reference' then 'This reference can never be used again: post it under another one by hand, then dismiss it.' when 'refused_by_blnk' then 'Read why Blnk refuses it with: parked show. Mend the cause, then run: parked retry.' end end as what_to_do,
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
        sum(posting.amount) filter (where posting.currency is not null) as amount,
        sum(posting.amount) filter (where posting.state = 'posted') as ledger_amount
      from (
        select run.id as run_id
        union all
        select child.id from sync_runs child where child.parent_id = run.id
      ) member
      join postings posting on posting.first_run = member.run_id
      group by posting.currency
    ) of_currency
  ) batch
);