CREATE TABLE "stripe_blnk_sync"."identities" (
	"customer" text PRIMARY KEY NOT NULL,
	"identity_id" text NOT NULL,
	"is_created" boolean DEFAULT false NOT NULL,
	"is_linked" boolean DEFAULT false NOT NULL,
	"details_as_of" timestamp (3) with time zone,
	"due_at" timestamp (3) with time zone DEFAULT now(),
	"attempts" integer DEFAULT 0 NOT NULL,
	"reason" text,
	"reason_detail" text,
	"last_error" text,
	"wanted_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."identity_balances" (
	"customer" text NOT NULL,
	"currency" text NOT NULL,
	"balance_id" text,
	"linked_at" timestamp (3) with time zone,
	CONSTRAINT "identity_balances_customer_currency_pk" PRIMARY KEY("customer","currency")
);
--> statement-breakpoint
CREATE TABLE "stripe_blnk_sync"."identity_progress" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"mode" text NOT NULL,
	"walked_to" text,
	"walked_at" timestamp (3) with time zone,
	"changes_read_to" timestamp (3) with time zone,
	"customers_refused_since" timestamp (3) with time zone,
	CONSTRAINT "identity_progress_single_row" CHECK ("stripe_blnk_sync"."identity_progress"."id" = 1)
);
--> statement-breakpoint
CREATE INDEX "identities_due" ON "stripe_blnk_sync"."identities" USING btree ("due_at") WHERE "stripe_blnk_sync"."identities"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "identities_open" ON "stripe_blnk_sync"."identities" USING btree ("customer") WHERE not "stripe_blnk_sync"."identities"."is_linked" or "stripe_blnk_sync"."identities"."reason" is not null;--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."identities" IS 'Customers that were posted to while BLNK_IDENTITIES was on, and what became of their identities in Blnk. Holds ids alone, no name and no address.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."customer" IS 'Stripe''s id of the customer.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."identity_id" IS 'Blnk''s id of the identity. It follows from the Stripe account, its mode and the customer.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."is_created" IS 'Blnk was seen to have the identity.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."is_linked" IS 'It is there, and every balance of the customer that is known here is linked to it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."details_as_of" IS 'Stripe''s time when the name and the e-mail address that were written to Blnk last were read. Null: they were not written, or changed since.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."due_at" IS 'When a worker looks at it again; while one does, when its turn is over. Null: there is nothing to do.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."attempts" IS 'Number of turns in a row that came to nothing.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."reason" IS 'Why it gets no further until a person acts: linked_elsewhere or refused_by_blnk. Null: it does.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."reason_detail" IS 'Which balance is linked to which identity, or what Blnk said.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."last_error" IS 'What the last turn ended with, where it is tried again by itself.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identities"."wanted_at" IS 'When the customer was found among those that were posted to.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."identity_balances" IS 'The balances of those customers, one for each currency in which something was posted to them.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_balances"."customer" IS 'Stripe''s id of the customer, in identities.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_balances"."currency" IS 'Currency of the balance.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_balances"."balance_id" IS 'Blnk''s id of the balance; null until it was linked.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_balances"."linked_at" IS 'When it was seen to be linked to the identity; null until then.';--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."identity_progress" IS 'How far customers were looked for. One row, from the first start with BLNK_IDENTITIES on.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_progress"."id" IS 'Always 1.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_progress"."mode" IS 'BLNK_IDENTITIES of the worker that started last: off, ids or full.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_progress"."walked_to" IS 'Name of the balance that the walk through all customers has come to; null between two walks.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_progress"."walked_at" IS 'When the last walk was over.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_progress"."changes_read_to" IS 'Up to which of Stripe''s times changes of customers were read; null until names are kept.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."identity_progress"."customers_refused_since" IS 'Since when the Stripe key may not read customers although BLNK_IDENTITIES is full; null while it may.';
