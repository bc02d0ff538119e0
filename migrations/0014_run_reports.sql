ALTER TABLE "stripe_blnk_sync"."postings" ADD COLUMN "past_dismissals" jsonb;--> statement-breakpoint
ALTER TABLE "stripe_blnk_sync"."sync_runs" ADD COLUMN "reported_at" timestamp (3) with time zone DEFAULT now();--> statement-breakpoint
ALTER TABLE "stripe_blnk_sync"."sync_runs" ALTER COLUMN "reported_at" DROP DEFAULT;--> statement-breakpoint
CREATE OR REPLACE VIEW "stripe_blnk_sync"."sync_history" AS (
  select
    run.id,
    run.parent_id,
    part.parts,
    run.feed,
    run.trigger,
    run.window_from,
    run.window_to,
    case
      when run.state = 'failed' and run.error_code = 'stopped' then 'stopped'
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
    select posting.currency, posting.state, posting.settled_how, posting.dismissed_at, posting.amount as counted from stripe_blnk_sync.postings posting where posting.kind <> 'correction' and posting.first_run = any(array(
        select run.id union all select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ))
    union all
    select posting.currency, posting.state, posting.settled_how, posting.dismissed_at, case
      when posting.state <> 'posted' or (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when posting.destination = (select source from stripe_blnk_sync.mirror) then -posting.amount else posting.amount end
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when posting.destination = (select source from stripe_blnk_sync.mirror) then -posting.amount else posting.amount end)
    end from stripe_blnk_sync.postings posting where posting.kind = 'correction' and posting.first_run = any(array(
        select run.id union all select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ))
  ) posting
      group by posting.currency
    ) of_currency
  ) batch
);--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."postings"."past_dismissals" IS 'Dismissals that do not hold any more, because it was retried or repaired: at, by, why, reason, endedAt.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_runs"."reported_at" IS 'When a worker wrote the end of this run to its log. Null: it goes on, or nobody has yet.';
