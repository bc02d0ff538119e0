/**
 * What a loop without anything else reaches: bulks of the same transactions, so many on the wire, from a balance of its own,
 * nothing remembered. What the worker posts at is told as a share of it.
 */
import type { Ledger } from '../../src/post/ports.js';

export interface BulkLoopOptions {
  readonly ledger: Ledger;
  /** Prepared transactions with their references, to be posted again and again under references of their own. */
  readonly prepared: readonly PreparedText[];
  readonly chunkSize: number;
  readonly inFlight: number;
  /** Each chunk is looked up after its answer, as whoever wants to know has to. */
  readonly looksUp: boolean;
  readonly durationMs: number;
  /** Of all loops of a run: references are made of it. */
  readonly name: string;
}

export interface PreparedText {
  readonly reference: string;
  readonly prepared: string;
}

/** @returns payments a second, of bulks that were answered as applied. */
export async function postBulks(options: BulkLoopOptions): Promise<number> {
  const { ledger, prepared, chunkSize, inFlight, looksUp, durationMs, name } = options;
  const begunMs = performance.now();
  let taken = 0;
  let posted = 0;
  const postOne = async (): Promise<void> => {
    const chunk = Array.from({ length: chunkSize }, () => {
      taken += 1;
      return renamed(prepared[taken % prepared.length], `${name}_${taken}`);
    });
    const answer = await ledger.postBulk(chunk.map(({ body }) => body));
    // A lock that was not had in time, with many at once: a loop that remembers nothing has lost this bulk.
    if (answer.kind !== 'applied') return;
    if (looksUp) {
      const rows = await ledger.findByReference(chunk.map(({ reference }) => reference));
      if (rows.length !== chunkSize) throw new Error(`${rows.length} of ${chunkSize} rows were found`);
    }
    if (performance.now() - begunMs <= durationMs) posted += chunkSize;
  };
  const stream = async (): Promise<void> => {
    while (performance.now() - begunMs < durationMs) await postOne();
  };
  await Promise.all(Array.from({ length: inFlight }, stream));
  return posted / (durationMs / 1_000);
}

function renamed(
  one: PreparedText | undefined,
  reference: string,
): { readonly reference: string; readonly body: string } {
  if (one === undefined) throw new RangeError('nothing was prepared');
  return { reference, body: one.prepared.replaceAll(one.reference, reference).replaceAll('"@stripe', '"@bare') };
}
