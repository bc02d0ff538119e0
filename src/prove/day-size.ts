/**
 * How large a day may be: its proof holds both sides in memory. A process that runs out of memory ends in the middle of
 * whatever else it does, so a day that does not fit is refused, and the others are proven.
 */
import { SyncError } from '../core/errors.js';

/**
 * Bytes that a payment takes while its day is compared, with what V8 has not thrown away yet: 180,000 payments of one day
 * took 1.1 GB (docs/performance.md).
 */
const BYTES_A_PAYMENT = 6_000;
/** Of the heap: a worker collects and posts beside the proof. */
const SHARE_OF_HEAP = 0.6;

/** @param heapBytes what V8 may take in all: `v8.getHeapStatistics().heap_size_limit` */
export function paymentsThatFit(heapBytes: number): number {
  return Math.floor((heapBytes * SHARE_OF_HEAP) / BYTES_A_PAYMENT);
}

/** Throws SyncError `day_too_large` with the memory that the day needs. */
export function assertFits(
  day: string,
  { payments, paymentsMax }: { readonly payments: number; readonly paymentsMax: number },
): void {
  if (payments <= paymentsMax) return;
  const megabytes = Math.ceil((payments * BYTES_A_PAYMENT) / SHARE_OF_HEAP / 1e8) * 100;
  throw new SyncError(
    `${day} has ${payments} payments or more, and the memory of this process is enough to compare ${paymentsMax}. ` +
      `Give it more and run prove again: NODE_OPTIONS=--max-old-space-size=${megabytes}`,
    { kind: 'transient', code: 'day_too_large' },
  );
}
