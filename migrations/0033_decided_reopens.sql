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
    ) else false end or case when newest.state = 'sealed_with_exceptions' then exists (
      select 1 from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
        and (posting.dismissed_at is not null or posting.past_dismissals is not null)
        and posting.currency is not distinct from newest.currency
        and greatest(
          (posting.past_dismissals -> -1 ->> 'endedAt')::timestamptz,
          case when posting.dismissed_at is not null then posting.posted_at end
        ) > newest.proved_at
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
COMMENT ON COLUMN "stripe_blnk_sync"."day_certificates"."reopened" IS 'Whether a payment of the day was stored after it was sealed, an acceptance was taken back, or a dismissal ended. The day is then proven again.';
