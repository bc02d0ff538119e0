CREATE TABLE "stripe_blnk_sync"."day_totals" (
	"day" date NOT NULL,
	"currency" text NOT NULL,
	"standing" text NOT NULL,
	"count" integer NOT NULL,
	"amount" numeric NOT NULL,
	CONSTRAINT "day_totals_day_currency_standing_pk" PRIMARY KEY("day","currency","standing")
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."lane_totals" (
	"lane" text PRIMARY KEY NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."run_totals" (
	"run_id" uuid NOT NULL,
	"currency" text NOT NULL,
	"standing" text NOT NULL,
	"count" integer NOT NULL,
	"amount" numeric NOT NULL,
	CONSTRAINT "run_totals_run_id_currency_standing_pk" PRIMARY KEY("run_id","currency","standing")
);
--> statement-breakpoint
CREATE INDEX "run_totals_none" ON "stripe_blnk_sync"."run_totals" USING btree ("run_id") WHERE "stripe_blnk_sync"."run_totals"."count" = 0 and "stripe_blnk_sync"."run_totals"."amount" = 0;--> statement-breakpoint
CREATE INDEX "run_totals_open" ON "stripe_blnk_sync"."run_totals" USING btree ("standing","run_id") WHERE "stripe_blnk_sync"."run_totals"."standing" in ('pending', 'parked');--> statement-breakpoint
-- What is stored already. The changes that each statement sees are taken off again: they are kept, and are added later.
INSERT INTO "stripe_blnk_sync"."day_totals" (day, currency, standing, count, amount)
select day, currency, standing, sum(count), sum(amount) from (
  select (posting.effective_at at time zone 'UTC')::date, coalesce(posting.currency, ''), case
      when posting.state = 'posted' and posting.settled_how = 'already_there' then 'already_there'
      when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed'
      else posting.state end, 1, case when posting.kind = 'correction' then 0 else coalesce(posting.amount, 0) end
  from stripe_blnk_sync.postings posting
  union all
  select day, currency, standing, -count, -amount from stripe_blnk_sync.posting_changes
) part (day, currency, standing, count, amount)
group by 1, 2, 3 having sum(count) <> 0 or sum(amount) <> 0;--> statement-breakpoint
INSERT INTO "stripe_blnk_sync"."run_totals" (run_id, currency, standing, count, amount)
select run_id, currency, standing, sum(count), sum(amount) from (
  select posting.first_run, coalesce(posting.currency, ''), case
      when posting.state = 'posted' and posting.settled_how = 'already_there' then 'already_there'
      when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed'
      else posting.state end, 1, case when posting.kind = 'correction' then 0 else coalesce(posting.amount, 0) end
  from stripe_blnk_sync.postings posting
  union all
  select run_id, currency, standing, -count, -amount from stripe_blnk_sync.posting_changes
) part (run_id, currency, standing, count, amount)
group by 1, 2, 3 having sum(count) <> 0 or sum(amount) <> 0;--> statement-breakpoint
INSERT INTO "stripe_blnk_sync"."lane_totals" (lane, count)
select lane, sum(count) from (
  select coalesce(posting.lane, posting.currency || ':' || posting.source, ''), 1
  from stripe_blnk_sync.postings posting where posting.state = 'pending'
  union all
  select lane, -count from stripe_blnk_sync.posting_changes where standing = 'pending'
) part (lane, count)
group by 1 having sum(count) <> 0;--> statement-breakpoint
CREATE OR REPLACE VIEW "stripe_blnk_sync"."daily_totals" AS (
  select
    total.*,
    total.posted_amount as posted_minor,
    total.pending_amount as pending_minor,
    total.parked_amount as parked_minor,
    total.dismissed_amount as dismissed_minor,
    case when total.currency in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0 when total.currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 3 when total.currency in ('AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF', 'CNY', 'COP', 'CRC', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HRK', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'ISK', 'JMD', 'KES', 'KGS', 'KHR', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'MAD', 'MDL', 'MKD', 'MMK', 'MNT', 'MOP', 'MRO', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'QAR', 'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SEK', 'SGD', 'SHP', 'SLE', 'SLL', 'SOS', 'SRD', 'STD', 'STN', 'SVC', 'SZL', 'THB', 'TJS', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'UGX', 'USD', 'UYU', 'UZS', 'VES', 'WST', 'XCD', 'XCG', 'YER', 'ZAR', 'ZMW') then 2 end as currency_decimals
  from (
    select
      total.day,
      nullif(total.currency, '') as currency,
      coalesce(sum(total.count) filter (where total.standing in ('posted', 'already_there')), 0) as posted_count,
      coalesce(sum(total.counted) filter (where total.standing in ('posted', 'already_there')), 0) as posted_amount,
      coalesce(sum(total.count) filter (where total.standing = 'pending'), 0) as pending_count,
      coalesce(sum(total.counted) filter (where total.standing = 'pending'), 0) as pending_amount,
      coalesce(sum(total.count) filter (where total.standing in ('parked', 'dismissed')), 0) as parked_count,
      coalesce(sum(total.counted) filter (where total.standing in ('parked', 'dismissed')), 0) as parked_amount,
      coalesce(sum(total.count) filter (where total.standing = 'dismissed'), 0) as dismissed_count,
      coalesce(sum(total.counted) filter (where total.standing = 'dismissed'), 0) as dismissed_amount
    from (
    select total.day, total.currency, total.standing, total.count, total.amount as counted
    from stripe_blnk_sync.day_totals total
    union all
    select total.day, total.currency, total.standing, total.count, total.amount
    from stripe_blnk_sync.posting_changes total
    union all
    select (posting.effective_at at time zone 'UTC')::date, coalesce(posting.currency, ''), case
      when posting.state = 'posted' and posting.settled_how = 'already_there' then 'already_there'
      when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed'
      else posting.state end, 0, case
      when posting.state <> 'posted' or (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when (posting.destination = (select source from stripe_blnk_sync.mirror)
          or posting.lane = posting.currency || ':' || posting.destination) then -posting.amount else posting.amount end
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when (posting.destination = (select source from stripe_blnk_sync.mirror)
          or posting.lane = posting.currency || ':' || posting.destination) then -posting.amount else posting.amount end)
    end
    from stripe_blnk_sync.postings posting where posting.kind = 'correction'
  ) total
    group by total.day, total.currency
    having sum(total.count) > 0
  ) total
);--> statement-breakpoint
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
    run.version,
    batch.totals as totals_minor,
    batch.ledger_totals as ledger_totals_minor
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
        sum(total.count) filter (where total.standing = 'posted') as posted,
        sum(total.count) filter (where total.standing = 'already_there') as already_there,
        sum(total.count) filter (where total.standing in ('parked', 'dismissed')) as parked,
        sum(total.count) filter (where total.standing = 'dismissed') as dismissed,
        sum(total.count) filter (where total.standing = 'pending') as pending,
        total.currency,
        case when total.currency <> '' then sum(total.counted) end as amount,
        case when sum(total.count) filter (where total.standing in ('posted', 'already_there')) > 0
          then sum(total.counted) filter (where total.standing in ('posted', 'already_there')) end as ledger_amount
      from (
    select total.run_id, total.currency, total.standing, total.count, total.amount as counted
    from stripe_blnk_sync.run_totals total where total.run_id = any(array(
        select run.id union all select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ))
    union all
    select total.run_id, total.currency, total.standing, total.count, total.amount
    from stripe_blnk_sync.posting_changes total where total.run_id = any(array(
        select run.id union all select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ))
    union all
    select posting.first_run, coalesce(posting.currency, ''), case
      when posting.state = 'posted' and posting.settled_how = 'already_there' then 'already_there'
      when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed'
      else posting.state end, 0, case
      when posting.state <> 'posted' or (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'pending' limit 1) then case when (posting.destination = (select source from stripe_blnk_sync.mirror)
          or posting.lane = posting.currency || ':' || posting.destination) then -posting.amount else posting.amount end
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind <> 'correction' and other.state = 'posted' limit 1) then 0
      when (select true from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'correction' and other.state = 'posted' and other.reference < posting.reference limit 1) then 0
      else coalesce((select other.amount from stripe_blnk_sync.postings other where other.object_id = posting.object_id and other.kind = 'payment' limit 1), case when (posting.destination = (select source from stripe_blnk_sync.mirror)
          or posting.lane = posting.currency || ':' || posting.destination) then -posting.amount else posting.amount end)
    end
    from stripe_blnk_sync.postings posting where posting.kind = 'correction'  and posting.first_run = any(array(
        select run.id union all select child.id from stripe_blnk_sync.sync_runs child where child.parent_id = run.id
      ))
  ) total
      group by total.currency
      having sum(total.count) > 0
    ) of_currency
  ) batch
);--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."day_totals" IS 'Postings of each UTC day, currency and standing: their number and sum, without what posting_changes holds beside. Read daily_totals.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_totals"."day" IS 'UTC day of the payments'' creation.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_totals"."currency" IS 'Currency; empty where it is not known.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_totals"."standing" IS 'pending, posted, already_there (posted, but not by this mirror), parked (to be decided) or dismissed.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_totals"."count" IS 'Number of postings.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_totals"."amount" IS 'Their sum in minor units, without corrections.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."run_totals" IS 'Postings of each run that stored them first, currency and standing: their number and sum, without what posting_changes holds beside. Read sync_history.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."run_totals"."run_id" IS 'The run, in sync_runs.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."run_totals"."currency" IS 'Currency; empty where it is not known.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."run_totals"."standing" IS 'pending, posted, already_there (posted, but not by this mirror), parked (to be decided) or dismissed.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."run_totals"."count" IS 'Number of postings.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."run_totals"."amount" IS 'Their sum in minor units, without corrections.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."lane_totals" IS 'How many postings each lane has pending, without what posting_changes holds beside.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."lane_totals"."lane" IS 'The lane, as in postings; empty for what has none.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."lane_totals"."count" IS 'Number of pending postings.';
