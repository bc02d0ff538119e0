/**
 * Notes on disk which proofs of large days began. Memory that runs out leaves no process that could say so: the row that
 * stays does. Rows are removed when their proof ends, and after a day.
 */
import { and, desc, eq, gte, ne, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { SyncError } from '../../core/base/errors.js';
import { memoryOption } from '../../core/base/memory-option.js';
import { formatTime } from '../../core/base/time-text.js';
import type { ProofAttempts } from '../../prove/ports.js';
import type { Drizzle } from '../connection/open.js';
import { proofAttempts } from '../schema/proof-attempts.js';

export interface ProofAttemptsOptions {
  readonly processId: string;
  /** Bytes that V8 of this process may take in all. */
  readonly heapLimit: number;
  /** A person asks: what became of earlier attempts is no reason to refuse them theirs. */
  readonly isAsked: boolean;
}

/** A day that ended a process is left alone for so long, by processes with no more memory. */
const LEFT_ALONE = '1 day';

export function createProofAttempts(
  db: Drizzle,
  { processId, heapLimit, isAsked }: ProofAttemptsOptions,
): ProofAttempts {
  return {
    async begin({ day, payments }) {
      await db.delete(proofAttempts).where(sql`${proofAttempts.begunAt} < now() - ${LEFT_ALONE}::interval`);
      if (!isAsked) await assertNoneEndedIn(db, { day, processId, heapLimit });
      const id = uuidv7();
      const begunAt = sql`clock_timestamp()`;
      await db.insert(proofAttempts).values({ id, day, processId, heapLimit, payments, begunAt });
      return async () => {
        await db.delete(proofAttempts).where(eq(proofAttempts.id, id));
      };
    },
  };
}

/** What this process began and did not note the end of did not end this process. */
async function assertNoneEndedIn(
  db: Drizzle,
  { day, processId, heapLimit }: Omit<ProofAttemptsOptions, 'isAsked'> & { readonly day: string },
): Promise<void> {
  const { heapLimit: limit } = proofAttempts;
  const [attempt] = await db
    .select()
    .from(proofAttempts)
    .where(and(eq(proofAttempts.day, day), ne(proofAttempts.processId, processId), gte(limit, heapLimit)))
    .orderBy(desc(limit))
    .limit(1);
  if (attempt === undefined) return;
  throw new SyncError(
    `${day} is left alone: a proof of its ${attempt.payments} payments or more began at ${formatTime(attempt.begunAt)} UTC and has not ended. ` +
      'Either it still runs, or its process ended in the middle, as one does that is out of memory. It is tried again a ' +
      `day later, or once a process has more: ${memoryOption(2 * attempt.heapLimit)}`,
    { kind: 'transient', code: 'day_too_large' },
  );
}
