CREATE TABLE "stripe_blnk_sync"."posting_changes" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"run_id" uuid NOT NULL,
	"day" date NOT NULL,
	"lane" text NOT NULL,
	"currency" text NOT NULL,
	"standing" text NOT NULL,
	"count" integer NOT NULL,
	"amount" numeric NOT NULL
);
--> statement-breakpoint
CREATE INDEX "posting_changes_run" ON "stripe_blnk_sync"."posting_changes" USING btree ("run_id");--> statement-breakpoint
-- One row for each group that the statement changed, none where what it did leaves all sums as they were: a claim, a pause.
-- With the rights of its owner: whoever may write postings need not have rights on this table.
CREATE FUNCTION "stripe_blnk_sync"."note_posting_changes"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
begin
  if tg_op = 'INSERT' then
    insert into stripe_blnk_sync.posting_changes (run_id, day, lane, currency, standing, count, amount)
    select run_id, day, lane, currency, standing, sum(count), sum(amount)
    from (
      select changed.first_run, (changed.effective_at at time zone 'UTC')::date,
        case when changed.state = 'pending' then coalesce(changed.lane, changed.currency || ':' || changed.source, '') else '' end,
        coalesce(changed.currency, ''),
        case
          when changed.state = 'posted' and changed.settled_how = 'already_there' then 'already_there'
          when changed.state = 'parked' and changed.dismissed_at is not null then 'dismissed'
          else changed.state end,
        1, case when changed.kind = 'correction' then 0 else coalesce(changed.amount, 0) end
      from new_rows changed
    ) part (run_id, day, lane, currency, standing, count, amount)
    group by run_id, day, lane, currency, standing
    having sum(count) <> 0 or sum(amount) <> 0;
  elsif tg_op = 'UPDATE' then
    insert into stripe_blnk_sync.posting_changes (run_id, day, lane, currency, standing, count, amount)
    select run_id, day, lane, currency, standing, sum(count), sum(amount)
    from (
      select changed.first_run, (changed.effective_at at time zone 'UTC')::date,
        case when changed.state = 'pending' then coalesce(changed.lane, changed.currency || ':' || changed.source, '') else '' end,
        coalesce(changed.currency, ''),
        case
          when changed.state = 'posted' and changed.settled_how = 'already_there' then 'already_there'
          when changed.state = 'parked' and changed.dismissed_at is not null then 'dismissed'
          else changed.state end,
        1, case when changed.kind = 'correction' then 0 else coalesce(changed.amount, 0) end
      from new_rows changed
      union all
      select changed.first_run, (changed.effective_at at time zone 'UTC')::date,
        case when changed.state = 'pending' then coalesce(changed.lane, changed.currency || ':' || changed.source, '') else '' end,
        coalesce(changed.currency, ''),
        case
          when changed.state = 'posted' and changed.settled_how = 'already_there' then 'already_there'
          when changed.state = 'parked' and changed.dismissed_at is not null then 'dismissed'
          else changed.state end,
        -1, case when changed.kind = 'correction' then 0 else -coalesce(changed.amount, 0) end
      from old_rows changed
    ) part (run_id, day, lane, currency, standing, count, amount)
    group by run_id, day, lane, currency, standing
    having sum(count) <> 0 or sum(amount) <> 0;
  elsif tg_op = 'DELETE' then
    insert into stripe_blnk_sync.posting_changes (run_id, day, lane, currency, standing, count, amount)
    select run_id, day, lane, currency, standing, sum(count), sum(amount)
    from (
      select changed.first_run, (changed.effective_at at time zone 'UTC')::date,
        case when changed.state = 'pending' then coalesce(changed.lane, changed.currency || ':' || changed.source, '') else '' end,
        coalesce(changed.currency, ''),
        case
          when changed.state = 'posted' and changed.settled_how = 'already_there' then 'already_there'
          when changed.state = 'parked' and changed.dismissed_at is not null then 'dismissed'
          else changed.state end,
        -1, case when changed.kind = 'correction' then 0 else -coalesce(changed.amount, 0) end
      from old_rows changed
    ) part (run_id, day, lane, currency, standing, count, amount)
    group by run_id, day, lane, currency, standing
    having sum(count) <> 0 or sum(amount) <> 0;
  else
    insert into stripe_blnk_sync.posting_changes (run_id, day, lane, currency, standing, count, amount)
    select run_id, day, lane, currency, standing, sum(count), sum(amount)
    from (
      select changed.first_run, (changed.effective_at at time zone 'UTC')::date,
        case when changed.state = 'pending' then coalesce(changed.lane, changed.currency || ':' || changed.source, '') else '' end,
        coalesce(changed.currency, ''),
        case
          when changed.state = 'posted' and changed.settled_how = 'already_there' then 'already_there'
          when changed.state = 'parked' and changed.dismissed_at is not null then 'dismissed'
          else changed.state end,
        -1, case when changed.kind = 'correction' then 0 else -coalesce(changed.amount, 0) end
      from stripe_blnk_sync.postings changed
    ) part (run_id, day, lane, currency, standing, count, amount)
    group by run_id, day, lane, currency, standing
    having sum(count) <> 0 or sum(amount) <> 0;
  end if;
  return null;
end
$$;--> statement-breakpoint
CREATE TRIGGER "note_posting_changes_of_insert" AFTER INSERT ON "stripe_blnk_sync"."postings"
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION "stripe_blnk_sync"."note_posting_changes"();--> statement-breakpoint
CREATE TRIGGER "note_posting_changes_of_update" AFTER UPDATE ON "stripe_blnk_sync"."postings"
REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION "stripe_blnk_sync"."note_posting_changes"();--> statement-breakpoint
CREATE TRIGGER "note_posting_changes_of_delete" AFTER DELETE ON "stripe_blnk_sync"."postings"
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION "stripe_blnk_sync"."note_posting_changes"();--> statement-breakpoint
CREATE TRIGGER "note_posting_changes_of_truncate" BEFORE TRUNCATE ON "stripe_blnk_sync"."postings"
FOR EACH STATEMENT EXECUTE FUNCTION "stripe_blnk_sync"."note_posting_changes"();--> statement-breakpoint
COMMENT ON TABLE "stripe_blnk_sync"."posting_changes" IS 'What statements changed in the counts and sums of postings, not yet added to day_totals, run_totals and lane_totals. A total is its row there and all rows here together.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."id" IS 'Number of the row.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."run_id" IS 'The run that stored the postings first, in sync_runs.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."day" IS 'UTC day of the payments'' creation.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."lane" IS 'Of what is pending, the lane as in postings; empty for everything else.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."currency" IS 'Currency; empty where it is not known.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."standing" IS 'pending, posted, already_there (posted, but not by this mirror), parked (to be decided) or dismissed.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."count" IS 'How many postings more; below 0: fewer.';--> statement-breakpoint
COMMENT ON COLUMN "stripe_blnk_sync"."posting_changes"."amount" IS 'By how much their sum grew, in minor units. Corrections are counted and not summed.';--> statement-breakpoint
COMMENT ON FUNCTION "stripe_blnk_sync"."note_posting_changes"() IS 'Appends to posting_changes what a statement changed in postings.';--> statement-breakpoint
-- What share of the postings is in a lane: taken for one in two hundred otherwise, whatever the indexes know, and a backlog is sorted.
CREATE STATISTICS "stripe_blnk_sync"."postings_lane" ON (coalesce(lane, currency || ':' || source)) FROM "stripe_blnk_sync"."postings";
