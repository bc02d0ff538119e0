DROP INDEX CONCURRENTLY IF EXISTS "postings_newest";--> statement-breakpoint
CREATE INDEX CONCURRENTLY "postings_newest" ON "postings" USING btree ("source","currency",("effective_at" at time zone 'UTC')) WHERE "postings"."state" = 'pending' and "postings"."attempts" = 0;
