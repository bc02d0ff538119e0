-- Comments are part of the public interface: people read these tables with SQL (\d+ in psql shows them).
COMMENT ON TABLE "mirror" IS 'One row: what this database mirrors. One Stripe account and mode into one Blnk instance.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."mirror_id" IS 'Random id of this mirror; stands as stripe_mirror in the metadata of every transaction it posts.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."stripe_account" IS 'acct_…; null while a restricted key may not read it.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."blnk_instance" IS 'Blnk Cloud instance id, or core for a self-hosted Core.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."source_balances" IS 'Balance id of the source per currency, as first seen: what tells one self-hosted ledger from another.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."source" IS 'Balance that payments come from.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."guest_destination" IS 'Balance for payments without a customer.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."mapping_version" IS 'Version of the rules that make a transaction from a payment.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."starts_at" IS 'Payments created from this time on are mirrored. Frozen at the first start; moved back only by backfill.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."hand_over_at" IS 'Ceiling of the first backfill, by Stripe''s clock; the tail begins a little before it. Null until the first run.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."first_post_at" IS 'When the first posting was about to be sent; from then on the identity in this row holds.';--> statement-breakpoint
COMMENT ON TABLE "workers" IS 'Worker processes; a living one renews seen_at every few seconds.';--> statement-breakpoint
COMMENT ON TABLE "lane_pauses" IS 'Lanes of which nothing gets further now, since when and why; a row goes when its lane goes on.';--> statement-breakpoint
COMMENT ON TABLE "rate_tokens" IS 'Limiter shared by all processes: when the next request of a bucket is free.';--> statement-breakpoint
COMMENT ON TABLE "stripe_reads" IS 'Requests to Stripe per hour, for the read allocation over 30 days.';--> statement-breakpoint
COMMENT ON TABLE "sync_runs" IS 'One execution of reading one window of one Stripe feed. The view sync_history adds status and counts of postings.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."parent_id" IS 'The backfill that this run reads a part of.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."feed" IS 'events (tail) or payment_intents (backfill).';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."trigger" IS 'Who asked: schedule, startup, manual. Never changes what a run does.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."window_from" IS 'Begin of the window, inclusive.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."window_to" IS 'End of the window, exclusive; null while it is not known.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."state" IS 'collecting, collected or failed: what reading knows. What people ask for is status in sync_history.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."found" IS 'Succeeded payments seen = known_before + stored.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."known_before" IS 'Seen, but stored by an earlier run.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."stored" IS 'Seen for the first time, and stored as a posting: the batch of this run.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."before_start" IS 'Created before the mirror''s start and succeeded before the hand-over: not mirrored, not in found.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."stripe_requests" IS 'HTTP requests to Stripe that stored pages took.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."error_code" IS 'Stable code of what stopped a failed run; docs/runbook.md explains each.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."heartbeat_at" IS 'Renewed while the worker lives; a silent run is closed as failed.';--> statement-breakpoint
COMMENT ON TABLE "coverage" IS 'Windows of a Stripe feed that were completely read and stored, as the feed was at read_at by Stripe''s clock.';--> statement-breakpoint
COMMENT ON TABLE "postings" IS 'Outbox and proof: one row per ledger transaction that is owed, kept for ever.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."reference" IS 'Reference of the transaction in Blnk, its idempotency key: the PaymentIntent id.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."object_id" IS 'The PaymentIntent, pi_….';--> statement-breakpoint
COMMENT ON COLUMN "postings"."kind" IS 'payment; later also replacement and correction.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."source" IS 'Source balance; with the currency it is the lane. Null when the payment could not be mapped.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."destination" IS 'Destination balance: @ and the customer id, or the balance for guests.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."amount" IS 'Minor units as Stripe counts them (amount_received). Null when it could not be read.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."precision" IS 'Minor units per major unit in Blnk: 1, 100 or 1000.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."effective_at" IS 'Creation of the PaymentIntent; the transaction''s effective date.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."state" IS 'pending: not yet confirmed in the ledger. posted: confirmed APPLIED with equal content. parked: held for a person.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."reason" IS 'Why it is parked (stable code), or will be after a last look-up.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."prepared" IS 'Exact request body to be posted; dropped once posted.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."payment" IS 'The payment as first stored, when it could not be mapped; dropped once posted.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."attempts" IS 'Attempts, each written here before its request was sent.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."claim" IS 'Token of the worker that holds it; every mark needs it.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."claimed_until" IS 'End of the claim by this database''s clock; afterwards another worker may take it over by looking up first.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."due_at" IS 'Not tried again before this time.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."doubt_since" IS 'Since when an attempt''s outcome is not known.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."look_ups" IS 'How often it was put off; the pauses grow with it.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."transaction_id" IS 'The transaction in Blnk, txn_….';--> statement-breakpoint
COMMENT ON COLUMN "postings"."settled_how" IS 'posted: our own transaction. already_there: an equal one of somebody else was found.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."exception" IS 'What differs although it counts as posted: another or missing effective date.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."dismissed_looks" IS 'Look-ups made since it was dismissed, in case an attempt was applied late.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."first_run" IS 'The run that stored it first.';--> statement-breakpoint
COMMENT ON VIEW "sync_history" IS 'One row per run with its status and counts. found = known_before + stored; stored = posted + already_there + parked + pending.';--> statement-breakpoint
COMMENT ON VIEW "payment_status" IS 'One row per payment: where it stands, and what a person has to do about it.';--> statement-breakpoint
COMMENT ON VIEW "daily_totals" IS 'Per UTC day of the effective date and currency: counts and sums by state.';
