ALTER TABLE "stripe_blnk_sync"."workers" ADD COLUMN "queue_faults" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."workers"."queue_faults" IS 'What keeps the queue from delivering to this worker: kind, queue, detail, since. It begins by itself what is due.';
