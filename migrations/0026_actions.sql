CREATE TABLE "stripe_blnk_sync"."actions" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"origin" text NOT NULL,
	"kind" text NOT NULL,
	"subject" text,
	"why" text,
	"result" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "actions_subject" ON "stripe_blnk_sync"."actions" USING btree ("subject","id");--> statement-breakpoint
CREATE FUNCTION "stripe_blnk_sync"."refuse_change_of_actions"() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
begin
  raise exception 'actions are only ever added: % is refused', tg_op;
end
$$;--> statement-breakpoint
CREATE TRIGGER "refuse_change_of_actions" BEFORE UPDATE OR DELETE OR TRUNCATE ON "stripe_blnk_sync"."actions"
FOR EACH STATEMENT EXECUTE FUNCTION "stripe_blnk_sync"."refuse_change_of_actions"();--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."actions" IS 'What people did, and what was asked for in their name. Rows are never changed or deleted.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."id" IS 'Number of the row, in the order of storing.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."at" IS 'When, by the database''s clock.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."actor" IS 'Who: the operating system''s user, or the name of the token that was shown.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."origin" IS 'Where it was asked for: cli, api or web.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."kind" IS 'sync, backfill, retry, dismiss, accept, take_back, prove, repair_plan, repair_apply, rebuild, move or adopt.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."subject" IS 'What it was about: a run of sync_runs, the reference of a payment, a reason for all that is parked for it, a day or days, a repair plan. Null when it was about nothing in particular.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."why" IS 'Why, in the words of that person; null where nobody was asked.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."actions"."result" IS 'What came of it.';--> statement-breakpoint
COMMENT ON FUNCTION "stripe_blnk_sync"."refuse_change_of_actions"() IS 'Keeps actions as they were stored.';
