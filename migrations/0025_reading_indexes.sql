DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_run_state";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_run_state" ON "stripe_blnk_sync"."postings" USING btree ("first_run","state","reference");--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_run_corrections";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_run_corrections" ON "stripe_blnk_sync"."postings" USING btree ("first_run") WHERE "stripe_blnk_sync"."postings"."kind" = 'correction';--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_customer";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_customer" ON "stripe_blnk_sync"."postings" USING btree ("destination","effective_at") WHERE "stripe_blnk_sync"."postings"."state" = 'posted';--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_transaction";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_transaction" ON "stripe_blnk_sync"."postings" USING hash ("transaction_id") WHERE "stripe_blnk_sync"."postings"."transaction_id" is not null;--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."sync_runs_feed";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "sync_runs_feed" ON "stripe_blnk_sync"."sync_runs" USING btree ("feed","started_at") WHERE "stripe_blnk_sync"."sync_runs"."parent_id" is null;--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."sync_runs_failed";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "sync_runs_failed" ON "stripe_blnk_sync"."sync_runs" USING btree ("started_at") WHERE "stripe_blnk_sync"."sync_runs"."state" = 'failed';--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."sync_runs_told";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "sync_runs_told" ON "stripe_blnk_sync"."sync_runs" USING btree ("started_at") WHERE "stripe_blnk_sync"."sync_runs"."parent_id" is null and ("stripe_blnk_sync"."sync_runs"."state" <> 'collected' or "stripe_blnk_sync"."sync_runs"."stored" > 0 or "stripe_blnk_sync"."sync_runs"."worker_id" is null);--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."sync_runs_collected";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "sync_runs_collected" ON "stripe_blnk_sync"."sync_runs" USING btree ("feed",(coalesce("finished_at", "started_at"))) WHERE "stripe_blnk_sync"."sync_runs"."state" = 'collected';--> statement-breakpoint
DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."postings_run";
