CREATE UNLOGGED TABLE "stripe_blnk_sync"."staged_days" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "stripe_blnk_sync"."staged_days_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"day" date NOT NULL,
	"begun_at" timestamp (3) with time zone NOT NULL,
	"settings" text NOT NULL,
	"token" uuid NOT NULL,
	"renewed_at" timestamp (3) with time zone NOT NULL,
	"progress" jsonb,
	"sequence" integer NOT NULL
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "stripe_blnk_sync"."staged_items" (
	"staged_day" integer NOT NULL,
	"key" text collate "C" NOT NULL,
	"kind" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"sequence" integer NOT NULL,
	"marks" smallint NOT NULL,
	"todo" smallint NOT NULL,
	"transaction_id" text collate "C",
	"body" text NOT NULL,
	CONSTRAINT "staged_items_staged_day_key_kind_id_pk" PRIMARY KEY("staged_day","key","kind","id")
);
--> statement-breakpoint
CREATE INDEX "staged_days_day" ON "stripe_blnk_sync"."staged_days" USING btree ("day");--> statement-breakpoint
CREATE INDEX "staged_items_transaction" ON "stripe_blnk_sync"."staged_items" USING btree ("staged_day","transaction_id") WHERE "stripe_blnk_sync"."staged_items"."transaction_id" is not null;--> statement-breakpoint
CREATE INDEX "staged_items_todo" ON "stripe_blnk_sync"."staged_items" USING btree ("staged_day","sequence") WHERE "stripe_blnk_sync"."staged_items"."todo" <> 0;--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."staged_days" IS 'What proofs of large days have listed so far, so that the memory of a process does not limit them and another process can go on. Unlogged, as staged_items: after a crash of the server both are empty and the proof begins anew. A row is deleted when the certificates are stored.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."id" IS 'Id of the row.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."day" IS 'UTC day that is being proven.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."begun_at" IS 'When the proof began, by the clock of the database.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."settings" IS 'What the items depend on: the version of the software and the settings of the mirror. Empty: it is being removed.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."token" IS 'Random id of the process that has the proof in hand.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."renewed_at" IS 'When that process last stored or read something. A quarter of a minute later another process may go on with it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."progress" IS 'How far each list was read, when Stripe was listed, and how many requests that took, as JSON.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_days"."sequence" IS 'Number of items so far: the place of the next one.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."staged_items" IS 'What proofs of large days have listed: payments of Stripe, rows of the ledger and our postings, and what follows from them. Copies, of which nothing is truth.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."staged_day" IS 'The proof, in staged_days.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."key" IS 'The piece of the day in which it is compared: the id up to its first vertical bar, that one included, in ASCII.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."kind" IS 'payment, unreadable, row (of the ledger), placed (such a row with its payment), posting, other (a payment of another day), line (of the hash), alias or wanted.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."id" IS 'What tells items of one key and kind apart.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."name" IS 'The payment, or the reference where it is of none.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."sequence" IS 'Place in the order in which items came.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."marks" IS 'What can be asked of it without reading it, as bits: MARKS in src/core/proof/staged.ts.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."todo" IS 'What is still to be done with it, as bits: TODO in src/core/proof/staged.ts.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."transaction_id" IS 'Of a row of the ledger, its transaction.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."staged_items"."body" IS 'What comparing needs, as JSON. Amounts are text in minor units, times are milliseconds since 1970.';
