/**
 * How large a day may be: its proof holds both sides in memory. A process that runs out of memory ends in the middle of
 * whatever else it does, so a day that does not fit is refused, and the others are proven. Because that is reckoned and not
 * known, a proof of a large day is noted on disk before it begins: one that ended its process is not tried again by a restart.
 */
import { SyncError } from '../core/base/errors.js';
import { memoryOption } from '../core/base/memory-option.js';
import type { ProofAttempts } from './ports.js';

/**
 * Bytes that a payment takes while its day is compared, with what V8 has not thrown away yet: 180,000 payments of one day
 * took 1.1 GB (docs/engineering/performance.md).
 */
const BYTES_A_PAYMENT = 6_000;
/** Of what is free when the proof begins: a worker collects and posts beside it. */
const SHARE_OF_FREE = 0.5;
/** Below this share of what fits, memory is not what ends a process. */
const LARGE_SHARE = 0.1;

/** Of V8's heap. */
export interface HeapUse {
  /** What it may take in all: `heap_size_limit` of `v8.getHeapStatistics()`. */
  readonly limitBytes: number;
  readonly usedBytes: number;
}

export interface MemoryPorts {
  /** @param bytesWanted that are to be free: garbage counts as used only where they are */
  heap(bytesWanted: number): HeapUse;
  readonly attempts: ProofAttempts;
}

export interface DayGuard {
  /** Throws SyncError `day_too_large` when a day of so many does not fit, or ended another process. */
  check(count: number, of?: 'payments' | 'rows of the ledger'): Promise<void>;
  /** The proof ended, in whatever way. */
  end(): Promise<void>;
}

export function guardDay(day: string, { heap, attempts }: MemoryPorts, expected: number): DayGuard {
  const use = heap(expected * (BYTES_A_PAYMENT / SHARE_OF_FREE));
  const paymentsMax = paymentsThatFit(use);
  let noteEnd: (() => Promise<void>) | null = null;
  return {
    async check(count, of = 'payments') {
      if (count > paymentsMax) throw tooLarge(`${day} has ${count} ${of} or more`, count, { use, paymentsMax });
      const isLarge = count > paymentsMax * LARGE_SHARE;
      if (isLarge && noteEnd === null) noteEnd = await attempts.begin({ day, payments: count });
    },
    async end() {
      await noteEnd?.();
    },
  };
}

export function paymentsThatFit({ limitBytes, usedBytes }: HeapUse): number {
  return Math.max(0, Math.floor(((limitBytes - usedBytes) * SHARE_OF_FREE) / BYTES_A_PAYMENT));
}

function tooLarge(
  what: string,
  count: number,
  { use, paymentsMax }: { readonly use: HeapUse; readonly paymentsMax: number },
): SyncError {
  const bytes = (count * BYTES_A_PAYMENT) / SHARE_OF_FREE + use.usedBytes;
  return new SyncError(
    `${what}, and the memory of this process is enough to compare ${paymentsMax}. ` +
      `Give it more and run prove again: ${memoryOption(bytes)}`,
    { kind: 'transient', code: 'day_too_large' },
  );
}
