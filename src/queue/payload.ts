/**
 * What jobs carry: as little as possible, because merged jobs keep only the last one's payload and none of it is truth.
 * Names and payload of the `sync` job are a public interface: any BullMQ producer may add it.
 */
import * as z from 'zod';
import { SyncError } from '../core/base/errors.js';
import { TRIGGERS } from '../core/coverage/sync-run.js';

/** Queue that a manual trigger goes to. The others are ours alone. */
export const SYNC_QUEUE = 'stripe-blnk-sync';
export const BACKFILL_QUEUE = 'stripe-blnk-sync-backfill';
export const POST_QUEUE = 'stripe-blnk-sync-post';
export const PROVE_QUEUE = 'stripe-blnk-sync-prove';

/** Job of the scheduler; it only adds the deduplicated `sync` job. */
export const TICK_JOB = 'tick';
export const SYNC_JOB = 'sync';
export const PART_JOB = 'backfill-part';
export const LANE_JOB = 'lane';
export const PROVE_JOB = 'prove';

/** A balance is named after a customer at most, whose id has 200 characters. */
const LANE_CHARACTERS_MAX = 300;

/** Anybody may add jobs: what is said about a wrong one stays short, however large it is. */
const PROBLEMS_CHARACTERS_MAX = 500;

const syncPayload = z.strictObject({ trigger: z.enum(TRIGGERS).default('manual') });
const instant = z.iso.datetime().transform((text) => new Date(text));
const partPayload = z.strictObject({ backfillId: z.uuid(), from: instant, to: instant });
/** What no database takes in a text is no name of a lane. */
const laneWord = z
  .string()
  .min(1)
  .max(LANE_CHARACTERS_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'allowed is a name without control characters' });
const lanePayload = z.strictObject({ source: laneWord, currency: laneWord });

export type SyncPayload = z.infer<typeof syncPayload>;
export type PartPayload = z.infer<typeof partPayload>;
export type LanePayload = z.infer<typeof lanePayload>;

/** Each throws SyncError `bad_payload` that names the field; only that job fails. */
export const readSyncPayload = (payload: unknown): SyncPayload => read(SYNC_JOB, syncPayload, payload);
export const readPartPayload = (payload: unknown): PartPayload => read(PART_JOB, partPayload, payload);
export const readLanePayload = (payload: unknown): LanePayload => read(LANE_JOB, lanePayload, payload);

function read<T>(name: string, schema: z.ZodType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'payload'}: ${issue.message}`)
    .join('; ')
    .slice(0, PROBLEMS_CHARACTERS_MAX)
    .replace(/\p{Cc}+/gu, ' ')
    .toWellFormed();
  throw new SyncError(`The payload of this ${name} job is not usable: ${problems}`, {
    kind: 'unpostable',
    code: 'bad_payload',
  });
}
