ALTER TABLE "stripe_blnk_sync"."account_balances_seen" ADD COLUMN "has_moved" boolean;--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."account_balances_seen"."has_moved" IS 'Whether anything was ever posted to it or from it, as far as Blnk showed; null when it was seen before that was looked at.';
