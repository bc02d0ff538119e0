DROP INDEX CONCURRENTLY IF EXISTS "stripe_blnk_sync"."sync_runs_unreported";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "sync_runs_unreported" ON "stripe_blnk_sync"."sync_runs" USING btree ("started_at") WHERE "stripe_blnk_sync"."sync_runs"."reported_at" is null and "stripe_blnk_sync"."sync_runs"."parent_id" is null;
