DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_decided";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_decided" ON "stripe_blnk_sync"."postings" USING btree ((("effective_at" at time zone 'UTC')::date)) WHERE "stripe_blnk_sync"."postings"."dismissed_at" is not null or "stripe_blnk_sync"."postings"."past_dismissals" is not null;
