COMMENT ON COLUMN "mirror"."lag_ms" IS 'SYNC_LAG of the worker that started last, in milliseconds.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."events_refused_since" IS 'Since when the Stripe key may not read events; null while it may. Sweeps then take the tail''s place.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."charges_refused_since" IS 'Since when the Stripe key may not read charges; null while it may. No sweep can be read then.';--> statement-breakpoint
COMMENT ON COLUMN "mirror"."rebuilding_since" IS 'When a rebuild began that is not finished; no worker starts until it is.';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."feed" IS 'events (tail), payment_intents (backfill) or charges (sweep).';--> statement-breakpoint
COMMENT ON COLUMN "sync_runs"."parent_id" IS 'The backfill or sweep that this run reads a part of.';--> statement-breakpoint
COMMENT ON COLUMN "postings"."kind" IS 'payment; replacement (of a burnt reference); correction (of a wrong amount).';--> statement-breakpoint
COMMENT ON COLUMN "postings"."reference" IS 'Reference of the transaction in Blnk, its idempotency key: the PaymentIntent id; with :r<n> a replacement, with :adj:<n> a correction.';--> statement-breakpoint
COMMENT ON TABLE "payments_before_start" IS 'Succeeded payments that a sweep saw and the mirror does not claim: created before its start, charged before the hand-over.';--> statement-breakpoint
COMMENT ON TABLE "certificates" IS 'Proofs: one row per proof, UTC day and currency, never changed. The view day_certificates shows the newest proof of each day.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."day" IS 'UTC day of the payments'' creation.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."currency" IS 'Null for a day without any payment on any side.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."state" IS 'not_covered, open, sealed, sealed_with_exceptions or broken.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."stripe_sum" IS 'Minor units that Stripe shows as received.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."stripe_hash" IS 'SHA-256 over the sorted lines id|amount|currency|effective date.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."ledger_sum" IS 'Minor units in the ledger, replacements and corrections counted with their payment.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."postings_count" IS 'What postings says, as a third side; nothing else is computed from it.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."movement" IS 'By how much the source balance fell over the day; null when it could not be seen.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."unexplained" IS 'The part of movement that the rows of the day do not explain.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."findings" IS 'What keeps the day from being sealed: kind, payment, both sides, in words.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."not_seen" IS 'What could not be seen, and why.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."reopens" IS 'The sealed certificate that this one takes back.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."proved_at" IS 'When the proof began, by this database''s clock.';--> statement-breakpoint
COMMENT ON COLUMN "certificates"."stripe_as_of" IS 'Stripe''s clock when its side was listed.';--> statement-breakpoint
COMMENT ON TABLE "repairs" IS 'Repair plans, and who applied them.';--> statement-breakpoint
COMMENT ON TABLE "repair_items" IS 'What a plan does about each finding, and what it needs to find unchanged.';--> statement-breakpoint
COMMENT ON COLUMN "repair_items"."action" IS 'post, replace, correct, mark_posted or report.';--> statement-breakpoint
COMMENT ON COLUMN "repair_items"."seen" IS 'The payment''s rows in the ledger when it was planned; the item is refused when they changed.';--> statement-breakpoint
COMMENT ON COLUMN "repair_items"."state" IS 'planned, done, skipped (done by somebody else), refused (changed since) or reported.';--> statement-breakpoint
COMMENT ON VIEW "sync_history" IS 'One row per run with its status and counts. found = known_before + stored; stored = posted + already_there + parked + pending.';--> statement-breakpoint
COMMENT ON VIEW "payment_status" IS 'One row per posting: where it stands, and what a person has to do about it.';--> statement-breakpoint
COMMENT ON VIEW "daily_totals" IS 'Per UTC day of the effective date and currency: counts and sums by state.';--> statement-breakpoint
COMMENT ON VIEW "day_certificates" IS 'The certificates of the newest proof of each UTC day; reopened when a payment of that day was stored after it.';
