CREATE OR REPLACE VIEW "stripe_blnk_sync"."day_certificates" AS (
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
    newest.id as certificate_id,
    newest.stripe_sum as stripe_sum_minor,
    newest.ledger_sum as ledger_sum_minor,
    newest.postings_sum as postings_sum_minor,
    newest.unexplained as unexplained_minor,
    case when newest.currency in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0 when newest.currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 3 when newest.currency in ('AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF', 'CNY', 'COP', 'CRC', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HRK', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'ISK', 'JMD', 'KES', 'KGS', 'KHR', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'MAD', 'MDL', 'MKD', 'MMK', 'MNT', 'MOP', 'MRO', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'QAR', 'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SEK', 'SGD', 'SHP', 'SLE', 'SLL', 'SOS', 'SRD', 'STD', 'STN', 'SVC', 'SZL', 'THB', 'TJS', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'UGX', 'USD', 'UYU', 'UZS', 'VES', 'WST', 'XCD', 'XCG', 'YER', 'ZAR', 'ZMW') then 2 end as currency_decimals
  from (
    select distinct on (day) day, proof_id from stripe_blnk_sync.certificates order by day, proved_at desc, id desc
  ) proof
  join stripe_blnk_sync.certificates newest on newest.day = proof.day and newest.proof_id = proof.proof_id
);--> statement-breakpoint
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
COMMENT ON COLUMN "stripe_blnk_sync"."day_certificates"."stripe_sum" IS 'In minor units; an older name of stripe_sum_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_certificates"."ledger_sum" IS 'In minor units; an older name of ledger_sum_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_certificates"."postings_sum" IS 'In minor units; an older name of postings_sum_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."day_certificates"."unexplained" IS 'In minor units; an older name of unexplained_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."daily_totals"."posted_amount" IS 'In minor units; an older name of posted_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."daily_totals"."pending_amount" IS 'In minor units; an older name of pending_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."daily_totals"."parked_amount" IS 'In minor units; an older name of parked_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."daily_totals"."dismissed_amount" IS 'In minor units; an older name of dismissed_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_history"."totals" IS 'In minor units; an older name of totals_minor.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."sync_history"."ledger_totals" IS 'In minor units; an older name of ledger_totals_minor.';
