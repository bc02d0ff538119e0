CREATE TABLE "stripe_blnk_sync"."login_links" (
	"hash" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"made_by" text NOT NULL,
	"made_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);
--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."login_links" IS 'Links for one log-in each, as the command login-link makes them. A row is deleted a day after its link has expired, when another one is made.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."login_links"."hash" IS 'SHA-256 of what the link ends with, in hexadecimal digits: nobody can log in with it.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."login_links"."role" IS 'Whose session it begins: admin or viewer.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."login_links"."made_by" IS 'Who made it: the operating system''s user, or the name that was given.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."login_links"."made_at" IS 'When it was made, by the database''s clock.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."login_links"."expires_at" IS 'From when on it is refused, by the database''s clock.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."login_links"."used_at" IS 'When somebody logged in with it; null while nobody has.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."kind" IS 'sync, backfill, retry, dismiss, accept, take_back, prove, repair_plan, repair_apply, rebuild, move, adopt, login_link or login.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."subject" IS 'What it was about: a run of sync_runs, the reference of a payment, a reason for all that is parked for it, a day or days, a repair plan, the first eight digits of the hash of a link. Null when it was about nothing in particular.';
