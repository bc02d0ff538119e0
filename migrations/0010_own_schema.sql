-- The schema itself is made by src/db/migrate.ts, which keeps its journal in it.
CREATE TABLE "stripe_blnk_sync"."acceptances" (
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
CREATE TABLE "stripe_blnk_sync"."certificates" (
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
CREATE TABLE "stripe_blnk_sync"."repair_items" (
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
CREATE TABLE "stripe_blnk_sync"."repairs" (
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
CREATE TABLE "stripe_blnk_sync"."lane_pauses" (
	"source" text NOT NULL,
	"currency" text NOT NULL,
	"since" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"error" text NOT NULL,
	CONSTRAINT "lane_pauses_source_currency_pk" PRIMARY KEY("source","currency")
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."mirror" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"mirror_id" uuid NOT NULL,
	"stripe_account" text,
	"livemode" boolean NOT NULL,
	"blnk_instance" text NOT NULL,
	"source_balances" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"source_balance_ids" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"source" text NOT NULL,
	"source_shards" integer NOT NULL,
	"guest_destination" text NOT NULL,
	"accounts_mode" text NOT NULL,
	"mapping_version" integer NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"hand_over_at" timestamp (3) with time zone,
	"first_post_at" timestamp (3) with time zone,
	"lag_ms" integer,
	"events_refused_since" timestamp (3) with time zone,
	"charges_refused_since" timestamp (3) with time zone,
	"rebuilding_since" timestamp (3) with time zone,
	"ledger_epoch" integer DEFAULT 0 NOT NULL,
	"ledger_state" text DEFAULT 'unchecked' NOT NULL,
	"ledger_state_since" timestamp (3) with time zone,
	"ledger_checked_at" timestamp (3) with time zone,
	"ledger_detail" text,
	"ledger_accepted_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mirror_single_row" CHECK ("stripe_blnk_sync"."mirror"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."rate_tokens" (
	"bucket" text PRIMARY KEY NOT NULL,
	"next_free_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."stripe_reads" (
	"hour" timestamp (3) with time zone PRIMARY KEY NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."workers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"version" text NOT NULL,
	"generation" integer DEFAULT 1 NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."postings" (
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
CREATE TABLE "stripe_blnk_sync"."served_code" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"oldest_generation" integer NOT NULL,
	"oldest_version" text NOT NULL,
	"raised_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "served_code_single_row" CHECK ("stripe_blnk_sync"."served_code"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."coverage" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"feed" text NOT NULL,
	"covered_from" timestamp (3) with time zone NOT NULL,
	"covered_to" timestamp (3) with time zone NOT NULL,
	"read_at" timestamp (3) with time zone NOT NULL,
	"run_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."payments_before_start" (
	"payment_id" text PRIMARY KEY NOT NULL,
	"created" timestamp (3) with time zone,
	"charged_at" timestamp (3) with time zone NOT NULL,
	"first_run" uuid NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."sync_runs" (
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
ALTER TABLE "stripe_blnk_sync"."repair_items" ADD CONSTRAINT "repair_items_repair_id_repairs_id_fk" FOREIGN KEY ("repair_id") REFERENCES "stripe_blnk_sync"."repairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "acceptances_day" ON "stripe_blnk_sync"."acceptances" USING btree ("day");--> statement-breakpoint
CREATE INDEX "acceptances_payment" ON "stripe_blnk_sync"."acceptances" USING btree ("payment_id");--> statement-breakpoint
CREATE INDEX "certificates_day" ON "stripe_blnk_sync"."certificates" USING btree ("day","proved_at");--> statement-breakpoint
CREATE INDEX "certificates_proved" ON "stripe_blnk_sync"."certificates" USING btree ("proved_at");--> statement-breakpoint
CREATE INDEX "repair_items_open" ON "stripe_blnk_sync"."repair_items" USING btree ("repair_id") WHERE "stripe_blnk_sync"."repair_items"."state" = 'planned';--> statement-breakpoint
CREATE INDEX "postings_due" ON "stripe_blnk_sync"."postings" USING btree ("source","currency","due_at") WHERE "stripe_blnk_sync"."postings"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "postings_newest" ON "stripe_blnk_sync"."postings" USING btree ("source","currency",("effective_at" at time zone 'UTC')) WHERE "stripe_blnk_sync"."postings"."state" = 'pending' and "stripe_blnk_sync"."postings"."attempts" = 0;--> statement-breakpoint
CREATE INDEX "postings_attempted" ON "stripe_blnk_sync"."postings" USING btree ("source","currency","due_at") WHERE "stripe_blnk_sync"."postings"."state" = 'pending' and "stripe_blnk_sync"."postings"."attempts" > 0;--> statement-breakpoint
CREATE INDEX "postings_run" ON "stripe_blnk_sync"."postings" USING btree ("first_run","state");--> statement-breakpoint
CREATE INDEX "postings_object" ON "stripe_blnk_sync"."postings" USING btree ("object_id");--> statement-breakpoint
CREATE INDEX "postings_corrections" ON "stripe_blnk_sync"."postings" USING btree ("object_id") WHERE "stripe_blnk_sync"."postings"."kind" = 'correction';--> statement-breakpoint
CREATE INDEX "postings_effective" ON "stripe_blnk_sync"."postings" USING btree ("effective_at");--> statement-breakpoint
CREATE INDEX "postings_day" ON "stripe_blnk_sync"."postings" USING btree ((("effective_at" at time zone 'UTC')::date),"stored_at");--> statement-breakpoint
CREATE INDEX "postings_parked" ON "stripe_blnk_sync"."postings" USING btree ("stored_at") WHERE "stripe_blnk_sync"."postings"."state" = 'parked';--> statement-breakpoint
CREATE INDEX "coverage_feed_to" ON "stripe_blnk_sync"."coverage" USING btree ("feed","covered_to");--> statement-breakpoint
CREATE INDEX "coverage_run" ON "stripe_blnk_sync"."coverage" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "sync_runs_started" ON "stripe_blnk_sync"."sync_runs" USING btree ("started_at");--> statement-breakpoint
CREATE INDEX "sync_runs_parent" ON "stripe_blnk_sync"."sync_runs" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "sync_runs_collecting" ON "stripe_blnk_sync"."sync_runs" USING btree ("heartbeat_at") WHERE "stripe_blnk_sync"."sync_runs"."state" = 'collecting';--> statement-breakpoint
CREATE VIEW "stripe_blnk_sync"."day_certificates" AS (
  select
    newest.day,
    newest.currency,
    newest.state,
    newest.state = 'sealed_with_exceptions' and exists (
      select 1 from stripe_blnk_sync.acceptances acceptance
      where acceptance.day = newest.day and acceptance.taken_back_at > newest.proved_at
        and newest.findings @> jsonb_build_array(jsonb_build_object('accepted', jsonb_build_object('id', acceptance.id)))
    ) or case when newest.state in ('sealed', 'sealed_with_exceptions') and (
      -- One probe of an index, which settles it for all days but those with late payments.
      select max(posting.stored_at) from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
    ) > newest.proved_at then exists (
      select 1 from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
        and posting.stored_at > newest.proved_at
        and (
          posting.currency is not distinct from newest.currency
          or not exists (
            select 1 from stripe_blnk_sync.certificates sibling
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
    select distinct on (day) day, proof_id from stripe_blnk_sync.certificates order by day, proved_at desc, id desc
  ) proof
  join stripe_blnk_sync.certificates newest on newest.day = proof.day and newest.proof_id = proof.proof_id
);--> statement-breakpoint
CREATE VIEW "stripe_blnk_sync"."daily_totals" AS (
  select
    (posting.effective_at at time zone 'UTC')::date as day,
    posting.currency,
    count(*) filter (where posting.state = 'posted') as posted_count,
    coalesce(sum(posting.counted) filter (where posting.state = 'posted'), 0) as posted_amount,
    count(*) filter (where posting.state = 'pending') as pending_count,
    coalesce(sum(posting.counted) filter (where posting.state = 'pending'), 0) as pending_amount,
    count(*) filter (where posting.state = 'parked') as parked_count,
    coalesce(sum(posting.counted) filter (where posting.state = 'parked'), 0) as parked_amount,
    count(*) filter (where posting.state = 'parked' and posting.dismissed_at is not null) as dismissed_count,
    coalesce(sum(posting.counted) filter (where posting.state = 'parked' and posting.dismissed_at is not null), 0)
      as dismissed_amount
  from (
    select posting.effective_at, posting.currency, posting.state, posting.dismissed_at, posting.amount as counted from stripe_blnk_sync.postings posting where posting.kind <> 'correction'
    union all
    select posting.effective_at, posting.currency, posting.state, posting.dismissed_at, case
      when posting.state <> 'posted' or (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when posting.destination = (select source from stripe_blnk_sync.mirror) then -posting.amount else posting.amount end
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when posting.destination = (select source from stripe_blnk_sync.mirror) then -posting.amount else posting.amount end)
    end from stripe_blnk_sync.postings posting where posting.kind = 'correction'
  ) posting
  group by 1, 2
);--> statement-breakpoint
CREATE VIEW "stripe_blnk_sync"."payment_status" AS (
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
  from stripe_blnk_sync.postings posting
);--> statement-breakpoint
CREATE VIEW "stripe_blnk_sync"."sync_history" AS (
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
  from stripe_blnk_sync.sync_runs run
  cross join lateral (
    select
      count(*)::integer as parts,
      coalesce(sum(child.found), 0)::integer as found,
      coalesce(sum(child.known_before), 0)::integer as known_before,
      coalesce(sum(child.stored), 0)::integer as stored,
      coalesce(sum(child.before_start), 0)::integer as before_start,
      coalesce(sum(child.stripe_requests), 0)::integer as stripe_requests
    from stripe_blnk_sync.sync_runs child
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
        sum(posting.counted) filter (where posting.currency is not null) as amount,
        sum(posting.counted) filter (where posting.state = 'posted') as ledger_amount
      from (
        select run.id as run_id
        union all
        select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ) member
      join (
    select posting.first_run, posting.currency, posting.state, posting.settled_how, posting.dismissed_at, posting.amount as counted from stripe_blnk_sync.postings posting where posting.kind <> 'correction'
    union all
    select posting.first_run, posting.currency, posting.state, posting.settled_how, posting.dismissed_at, case
      when posting.state <> 'posted' or (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when posting.destination = (select source from stripe_blnk_sync.mirror) then -posting.amount else posting.amount end
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when posting.destination = (select source from stripe_blnk_sync.mirror) then -posting.amount else posting.amount end)
    end from stripe_blnk_sync.postings posting where posting.kind = 'correction'
  ) posting
        on posting.first_run = member.run_id
      group by posting.currency
    ) of_currency
  ) batch
);--> statement-breakpoint
INSERT INTO "stripe_blnk_sync"."served_code" ("oldest_generation", "oldest_version") VALUES (1, '0.1.0');--> statement-breakpoint
-- Comments are part of the public interface: people read these tables with SQL (\d+ in psql shows them).
COMMENT ON TABLE "stripe_blnk_sync"."mirror" IS 'One row: what this database mirrors. One Stripe account and mode into one Blnk instance.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."mirror_id" IS 'Random id of this mirror; stands as stripe_mirror in the metadata of every transaction it posts.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."stripe_account" IS 'acct_…; null while a restricted key may not read it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."blnk_instance" IS 'Blnk Cloud instance id, or core for a self-hosted Core.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."source_balances" IS 'As source_balance_ids for the balance in source, by currency alone; kept for workers of earlier versions.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."source" IS 'Balance that payments come from.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."guest_destination" IS 'Balance for payments without a customer.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."mapping_version" IS 'Version of the rules that make a transaction from a payment.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."starts_at" IS 'Payments created from this time on are mirrored. Frozen at the first start; moved back only by backfill.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."hand_over_at" IS 'Ceiling of the first backfill, by Stripe''s clock; the tail begins a little before it. Null until the first run.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."first_post_at" IS 'When the first posting was about to be sent; from then on the identity in this row holds.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."workers" IS 'Worker processes; a living one renews seen_at every few seconds.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."lane_pauses" IS 'Lanes of which nothing gets further now, since when and why; a row goes when its lane goes on.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."rate_tokens" IS 'Limiter shared by all processes: when the next request of a bucket is free.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."stripe_reads" IS 'Requests to Stripe per hour, for the read allocation over 30 days.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."sync_runs" IS 'One execution of reading one window of one Stripe feed. The view sync_history adds status and counts of postings.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."parent_id" IS 'The backfill or sweep that this run reads a part of.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."feed" IS 'events (tail), payment_intents (backfill) or charges (sweep).';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."trigger" IS 'Who asked: schedule, startup, manual. Never changes what a run does.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."window_from" IS 'Begin of the window, inclusive.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."window_to" IS 'End of the window, exclusive; null while it is not known.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."state" IS 'collecting, collected or failed: what reading knows. What people ask for is status in sync_history.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."found" IS 'Succeeded payments seen = known_before + stored.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."known_before" IS 'Seen, but stored by an earlier run.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."stored" IS 'Seen for the first time, and stored as a posting: the batch of this run.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."before_start" IS 'Created before the mirror''s start and succeeded before the hand-over: not mirrored, not in found.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."stripe_requests" IS 'HTTP requests to Stripe that stored pages took.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."error_code" IS 'Stable code of what stopped a failed run; docs/runbook.md explains each.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."heartbeat_at" IS 'Renewed while the worker lives; a silent run is closed as failed.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."coverage" IS 'Windows of a Stripe feed that were completely read and stored, as the feed was at read_at by Stripe''s clock.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."postings" IS 'Outbox and proof: one row per ledger transaction that is owed, kept for ever.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."reference" IS 'Reference of the transaction in Blnk, its idempotency key: the PaymentIntent id; with :r<n> a replacement, with :adj:<n> a correction.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."object_id" IS 'The PaymentIntent, pi_….';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."kind" IS 'payment; replacement (of a burnt reference); correction (of a wrong amount).';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."source" IS 'Source balance; with the currency it is the lane. Null when the payment could not be mapped.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."destination" IS 'Destination balance: @ and the customer id, or the balance for guests.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."amount" IS 'Minor units as Stripe counts them (amount_received). Null when it could not be read.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."precision" IS 'Minor units per major unit in Blnk: 1, 100 or 1000.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."effective_at" IS 'Creation of the PaymentIntent; the transaction''s effective date.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."state" IS 'pending: not yet confirmed in the ledger. posted: confirmed APPLIED with equal content. parked: held for a person.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."reason" IS 'Why it is parked (stable code), or will be after a last look-up.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."prepared" IS 'Exact request body to be posted; dropped once posted.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."payment" IS 'The payment as first stored, when it could not be mapped; dropped once posted.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."attempts" IS 'Attempts, each written here before its request was sent.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."claim" IS 'Token of the worker that holds it; every mark needs it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."claimed_until" IS 'End of the claim by this database''s clock; afterwards another worker may take it over by looking up first.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."due_at" IS 'Not tried again before this time.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."doubt_since" IS 'Since when an attempt''s outcome is not known.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."look_ups" IS 'How often it was put off; the pauses grow with it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."transaction_id" IS 'The transaction in Blnk, txn_….';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."settled_how" IS 'posted: our own transaction. already_there: an equal one of somebody else was found.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."exception" IS 'What differs although it counts as posted: another or missing effective date.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."dismissed_looks" IS 'Look-ups made since it was dismissed, in case an attempt was applied late.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."first_run" IS 'The run that stored it first.';--> statement-breakpoint
COMMENT ON VIEW "stripe_blnk_sync"."sync_history" IS 'One row per run with its status and counts. found = known_before + stored; stored = posted + already_there + parked + pending.';--> statement-breakpoint
COMMENT ON VIEW "stripe_blnk_sync"."payment_status" IS 'One row per posting: where it stands, and what a person has to do about it.';--> statement-breakpoint
COMMENT ON VIEW "stripe_blnk_sync"."daily_totals" IS 'Per UTC day of the effective date and currency: counts and sums by state.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."lag_ms" IS 'SYNC_LAG of the worker that started last, in milliseconds.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."events_refused_since" IS 'Since when the Stripe key may not read events; null while it may. Sweeps then take the tail''s place.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."charges_refused_since" IS 'Since when the Stripe key may not read charges; null while it may. No sweep can be read then.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."rebuilding_since" IS 'When a rebuild began that is not finished; no worker starts until it is.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."payments_before_start" IS 'Succeeded payments that a sweep saw and the mirror does not claim: created before its start, charged before the hand-over.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."certificates" IS 'Proofs: one row per proof, UTC day and currency, never changed. The view day_certificates shows the newest proof of each day.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."day" IS 'UTC day of the payments'' creation.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."currency" IS 'Null for a day without any payment on any side.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."state" IS 'not_covered, open, sealed, sealed_with_exceptions or broken.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."stripe_sum" IS 'Minor units that Stripe shows as received.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."stripe_hash" IS 'SHA-256 over the sorted lines id|amount|currency|effective date.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."ledger_sum" IS 'Minor units in the ledger, replacements and corrections counted with their payment.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."postings_count" IS 'What postings says, as a third side; nothing else is computed from it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."movement" IS 'By how much the source balance fell over the day; null when it could not be seen.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."unexplained" IS 'The part of movement that the rows of the day do not explain.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."findings" IS 'What keeps the day from being sealed: kind, payment, both sides, in words.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."not_seen" IS 'What could not be seen, and why.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."reopens" IS 'The sealed certificate that this one takes back.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."proved_at" IS 'When the proof began, by this database''s clock.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."certificates"."stripe_as_of" IS 'Stripe''s clock when its side was listed.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."repairs" IS 'Repair plans, and who applied them.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."repair_items" IS 'What a plan does about each finding, and what it needs to find unchanged.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."repair_items"."action" IS 'post, replace, correct, mark_posted or report.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."repair_items"."seen" IS 'The payment''s rows in the ledger when it was planned; the item is refused when they changed.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."repair_items"."state" IS 'planned, done, skipped (done by somebody else), refused (changed since) or reported.';--> statement-breakpoint
COMMENT ON VIEW "stripe_blnk_sync"."day_certificates" IS 'The certificates of the newest proof of each UTC day; reopened when a payment of that day was stored after it, or an acceptance taken back.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."served_code" IS 'One row: the oldest code that may work on this schema. Raised by a migration that older code could not work on.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."served_code"."oldest_generation" IS 'Code of an earlier generation refuses to start, and stops in order when it is running.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."served_code"."oldest_version" IS 'The first version of this software with that generation, for people.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."served_code"."raised_at" IS 'When the migration was applied that wrote this.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."workers"."generation" IS 'Generation of its code; migrate waits for workers that the next step of the schema does not serve.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."acceptances" IS 'Differences between Stripe and the ledger that a person accepted; a proof that finds the very same lists it as an exception. Never deleted.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."acceptances"."payment_id" IS 'The PaymentIntent; for a row of the ledger without one its reference.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."acceptances"."differences" IS 'What was accepted: kind of the finding, what Stripe showed, and the rows of the ledger.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."acceptances"."proof_id" IS 'The proof in certificates that showed it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."acceptances"."taken_back_at" IS 'Null while it is in force.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."source_balance_ids" IS 'Ids of the source balance as first seen, by name and currency: what tells this mirror''s ledger from another.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."ledger_epoch" IS 'Raised by each mirror move; workers that started under an earlier one claim nothing.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."ledger_state" IS 'Whether the ledger is the one that was posted to: unchecked, same, rows_missing, in_doubt or other.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."ledger_state_since" IS 'When ledger_state became what it is.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."ledger_checked_at" IS 'When a worker last looked.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."ledger_detail" IS 'What was seen, where it was not the same.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."ledger_accepted_at" IS 'When a person took a restored ledger for the same one: what was posted before is no evidence any more.';
