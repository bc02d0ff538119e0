CREATE TABLE "stripe_blnk_sync"."account_balances" (
	"name" text NOT NULL,
	"currency" text NOT NULL,
	"balance_id" text,
	"mapped_at" timestamp (3) with time zone,
	"missing_since" timestamp (3) with time zone,
	"attempted_at" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT now(),
	"reason" text,
	"last_error" text,
	"wanted_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "account_balances_name_currency_pk" PRIMARY KEY("name","currency"),
	CONSTRAINT "account_balances_balance_id_unique" UNIQUE("balance_id")
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."account_balances_seen" (
	"balance_id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"currency" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"amount" bigint,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"mark_lost_at" timestamp (3) with time zone,
	"mark_now" text
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."accounts_ledger" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"ledger_id" text,
	"name" text,
	"surplus_ids" text[] DEFAULT '{}' NOT NULL,
	"attempted_at" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"reason" text,
	"last_error" text,
	"read_to" timestamp with time zone,
	"checked_at" timestamp (3) with time zone,
	"sums" jsonb,
	CONSTRAINT "accounts_ledger_single_row" CHECK (id = 1)
);
--> statement-breakpoint
CREATE INDEX "account_balances_due" ON "stripe_blnk_sync"."account_balances" USING btree ("due_at") WHERE "stripe_blnk_sync"."account_balances"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "account_balances_open" ON "stripe_blnk_sync"."account_balances" USING btree ("name") WHERE "stripe_blnk_sync"."account_balances"."balance_id" is null or "stripe_blnk_sync"."account_balances"."missing_since" is not null;--> statement-breakpoint
CREATE INDEX "account_balances_seen_name" ON "stripe_blnk_sync"."account_balances_seen" USING btree ("name","currency");--> statement-breakpoint
CREATE VIEW "stripe_blnk_sync"."surplus_balances" AS (
  select seen.balance_id, seen.name, seen.currency, seen.amount as amount_minor, seen.created_at, seen.seen_at,
    used.balance_id as used_balance_id
  from stripe_blnk_sync.account_balances_seen seen
    left join stripe_blnk_sync.account_balances used on used.name = seen.name and used.currency = seen.currency
  where seen.balance_id is distinct from used.balance_id
);--> statement-breakpoint
CREATE OR REPLACE VIEW "stripe_blnk_sync"."payment_status" AS (
  select
    posting.reference,
    posting.object_id as payment_id,
    posting.kind,
    case when posting.state = 'parked' and posting.dismissed_at is not null then 'dismissed' else posting.state end as state,
    posting.reason,
    posting.reason_detail,
    case when posting.state = 'parked' and posting.dismissed_at is null then case posting.reason when 'unknown_currency' then 'Update to a version that knows this currency, then run: parked retry.' when 'amount_not_positive' then 'Look at the payment in Stripe; when nothing was collected, dismiss it.' when 'three_decimal_amount' then 'Ask Stripe why the last digit is not 0; dismiss it when the amount is wrong.' when 'wrong_livemode' then 'Check which Stripe key is configured; dismiss payments of the other mode.' when 'same_balance' then 'Post it by hand to a balance of its own, then dismiss it.' when 'unreadable_payment' then 'Look at the payment in Stripe; update this software, then backfill the day it was created on.' when 'conflict' then 'Compare both sides with: parked show. When only the amount is wrong: repair plan. Else dismiss it once the books are right.' when 'burnt_reference' then 'This reference can never be used again. A replacement is posted by: repair plan, repair apply.' when 'refused_by_blnk' then 'Read why Blnk refuses it with: parked show. Remove the cause, then run: parked retry.' when 'balance_missing' then 'Restore the ledger, or have the balance of the customer made anew (see: status), then run: parked retry.' when 'rebuild' then 'Decide whether it belongs in the ledger: parked retry posts it, parked dismiss leaves it out.' end end as what_to_do,
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
COMMENT ON TABLE "stripe_blnk_sync"."accounts_ledger" IS 'The ledger in Blnk that this mirror made for its customers. One row, from the first start with BLNK_ACCOUNTS=ledger.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."id" IS 'Always 1.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."ledger_id" IS 'Blnk''s id of the ledger in use; null until there is one. Written once.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."name" IS 'Its name in Blnk when it was looked at last.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."surplus_ids" IS 'Other ledgers that carry the mark of this mirror. Nothing is in use of them.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."attempted_at" IS 'When a request that makes the ledger was about to be sent; null when none was, or it is certain that it made none.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."attempts" IS 'Number of requests that may have made a ledger.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."reason" IS 'refused_by_blnk where Blnk refuses to make it; null otherwise.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."last_error" IS 'Why there is no ledger yet, where something went wrong.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."read_to" IS 'Blnk''s time up to which all balances of the ledger were read; null until they were.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."checked_at" IS 'When every balance of the ledger was looked at last.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."accounts_ledger"."sums" IS 'Of that look, for each currency: what the balances in use came to, what went out of the source before it and after, and what surplus balances hold. Minor units.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."account_balances" IS 'The map: which balance in the ledger of the mirror stands for a customer, or for guests, in a currency. Empty unless BLNK_ACCOUNTS is ledger.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."name" IS 'Name of the balance in prepared transactions: @ and the customer, or BLNK_GUEST_DESTINATION.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."currency" IS 'Currency of the balance.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."balance_id" IS 'Blnk''s id of the balance, to which payments are posted; null while it is wanted. Written once.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."mapped_at" IS 'When the balance came into use.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."missing_since" IS 'Since when Blnk does not know the balance although it is in use; null while it does.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."attempted_at" IS 'When a request that makes the balance was about to be sent; null when none was, or it is certain that it made none.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."attempts" IS 'Number of requests that may have made a balance.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."due_at" IS 'When a worker looks at it again; while one does, when its turn is over. Null: there is nothing to do.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."reason" IS 'Why it is not made until a person acts: refused_by_blnk or not_shown. Null: it is, or will be.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."last_error" IS 'What the last try came to, where it made nothing that Blnk shows.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances"."wanted_at" IS 'When a payment was first stored that needs it.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."account_balances_seen" IS 'Every balance in the ledger of the mirror that was ever seen with its mark, in use or not.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."balance_id" IS 'Blnk''s id of the balance.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."name" IS 'Name of the balance that its mark stood for when it was seen first.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."currency" IS 'Currency of the balance in Blnk.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."created_at" IS 'When it was made, by Blnk''s clock. Of several with one mark the oldest comes into use.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."amount" IS 'Minor units on it when it was seen last; null where Blnk shows no whole number.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."seen_at" IS 'When Blnk showed it last.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."mark_lost_at" IS 'When it was first seen without that mark; null while it carries it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."mark_now" IS 'Name that its mark stands for instead; null when it carries none of this mirror, or the right one.';--> statement-breakpoint
COMMENT ON VIEW "stripe_blnk_sync"."surplus_balances" IS 'Balances that carry a mark of this mirror and are not in use: made by requests whose answers were lost or repeated. Nothing is posted to them.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."balance_id" IS 'Blnk''s id of the balance that is not in use.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."name" IS 'Name of the balance that its mark stands for.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."currency" IS 'Currency of the balance.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."amount_minor" IS 'Minor units on it when it was seen last; 0 as it should be.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."created_at" IS 'When it was made, by Blnk''s clock.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."seen_at" IS 'When Blnk showed it last.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."surplus_balances"."used_balance_id" IS 'The balance that is in use in its place; null when there is none yet.';
