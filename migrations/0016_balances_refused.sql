ALTER TABLE "stripe_blnk_sync"."mirror" ADD COLUMN "balances_refused_since" timestamp (3) with time zone;--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."mirror"."balances_refused_since" IS 'Since when the Blnk key may not read balances; null while it may. Then proofs do not see what the source balance moved by.';
