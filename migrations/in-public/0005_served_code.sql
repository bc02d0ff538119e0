CREATE TABLE "served_code" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"oldest_generation" integer NOT NULL,
	"oldest_version" text NOT NULL,
	"raised_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "served_code_single_row" CHECK ("served_code"."id" = 1)
);
--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "generation" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
INSERT INTO "served_code" ("oldest_generation", "oldest_version") VALUES (1, '0.1.0');--> statement-breakpoint
COMMENT ON TABLE "served_code" IS 'One row: the oldest code that may work on this schema. Raised by a migration that older code could not work on.';--> statement-breakpoint
COMMENT ON COLUMN "served_code"."oldest_generation" IS 'Code of an earlier generation refuses to start, and stops in order when it is running.';--> statement-breakpoint
COMMENT ON COLUMN "served_code"."oldest_version" IS 'The first version of this software with that generation, for people.';--> statement-breakpoint
COMMENT ON COLUMN "served_code"."raised_at" IS 'When the migration was applied that wrote this.';--> statement-breakpoint
COMMENT ON COLUMN "workers"."generation" IS 'Generation of its code; migrate waits for workers that the next step of the schema does not serve.';
