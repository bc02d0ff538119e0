DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_lane_due";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_lane_due" ON "stripe_blnk_sync"."postings" USING btree ((coalesce(lane, currency || ':' || source)),"due_at") WHERE "stripe_blnk_sync"."postings"."state" = 'pending';--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_lane_newest";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_lane_newest" ON "stripe_blnk_sync"."postings" USING btree ((coalesce(lane, currency || ':' || source)),("effective_at" at time zone 'UTC')) WHERE "stripe_blnk_sync"."postings"."state" = 'pending' and "stripe_blnk_sync"."postings"."attempts" = 0;--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_lane_attempted";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_lane_attempted" ON "stripe_blnk_sync"."postings" USING btree ((coalesce(lane, currency || ':' || source)),"due_at") WHERE "stripe_blnk_sync"."postings"."state" = 'pending' and "stripe_blnk_sync"."postings"."attempts" > 0;--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_due";--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_newest";--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_attempted";
