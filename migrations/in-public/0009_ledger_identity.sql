ALTER TABLE "mirror" ADD COLUMN "source_balance_ids" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "ledger_epoch" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "ledger_state" text DEFAULT 'unchecked' NOT NULL;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "ledger_state_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "ledger_checked_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "ledger_detail" text;--> statement-breakpoint
ALTER TABLE "mirror" ADD COLUMN "ledger_accepted_at" timestamp (3) with time zone;--> statement-breakpoint
COMMENT ON COLUMN "mirror"."source_balances" IS 'As source_balance_ids for the balance in source, by currency alone; kept for workers of earlier versions.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."source_balance_ids" IS 'Ids of the source balance as first seen, by name and currency: what tells this mirror''s ledger from another.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."ledger_epoch" IS 'Raised by each mirror move; workers that started under an earlier one claim nothing.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."ledger_state" IS 'Whether the ledger is the one that was posted to: unchecked, same, rows_missing, in_doubt or other.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."ledger_state_since" IS 'When ledger_state became what it is.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."ledger_checked_at" IS 'When a worker last looked.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."ledger_detail" IS 'What was seen, where it was not the same.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."ledger_accepted_at" IS 'When a person took a restored ledger for the same one: what was posted before is no evidence any more.';
