CREATE TABLE "stripe_blnk_sync"."proof_attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"day" date NOT NULL,
	"process_id" uuid NOT NULL,
	"heap_limit" bigint NOT NULL,
	"payments" integer NOT NULL,
	"begun_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "proof_attempts_day" ON "stripe_blnk_sync"."proof_attempts" USING btree ("day");--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."proof_attempts" IS 'Proofs of large days that began; gone once they end. A row that stays tells that its process ended in the middle.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."proof_attempts"."heap_limit" IS 'Bytes that V8 of that process may take in all.';
