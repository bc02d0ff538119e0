// Splits: one post that becomes a row per share, `X-1`, `X-2`, …, and no row `X`. They are applied one after another and what
// was applied before a failure stays. Which share is the first is chance, as in Core, where a Go map decides.

import type { Failure } from './answers.js';
import type { CoreState } from './core-state.js';
import { minorUnits, type PostRequest } from './post-request.js';
import type { Poster, PostOutcome, PostPlace } from './poster.js';
import { shareOut } from './split-shares.js';
import type { Metadata } from './transaction-row.js';

/** One share, ready to be posted. */
export interface Leg {
  request: PostRequest;
  idNumber: number;
}

export type SplitOutcome = { kind: 'applied' } | Extract<PostOutcome, { kind: 'refused' | 'aborted' }>;

export function isSplit({ sources, destinations }: PostRequest): boolean {
  return sources.length + destinations.length > 0;
}

/** The legs of a split in their order, or why it cannot be split. */
export function legsOf(core: CoreState, request: PostRequest): Leg[] | Failure {
  const bySource = request.sources.length > 0;
  const shares = shareOut(
    minorUnits(request),
    bySource ? request.sources : request.destinations,
    request.precision || 1,
  );
  if (typeof shares === 'string') {
    return { status: 400, code: 'TXN_VALIDATION_ERROR', message: `failed to split transaction: ${shares}` };
  }
  return shuffled([...shares]).map(([identifier, preciseAmount], index) => ({
    idNumber: core.transactions.takeIdNumber(),
    request: {
      ...request,
      sources: [],
      destinations: [],
      ...(bySource ? { source: identifier } : { destination: identifier }),
      preciseAmount,
      amount: 0,
      reference: `${request.reference}-${index + 1}`,
    },
  }));
}

/** Applies the legs now, in order, until one is refused. */
export async function applyLegs(
  poster: Poster,
  legs: readonly Leg[],
  { metadata, place }: { metadata: Metadata; place: PostPlace },
): Promise<SplitOutcome> {
  for (const [index, { request, idNumber }] of legs.entries()) {
    const outcome = await poster.apply(request, metadata, { ...place, idNumber });
    if (outcome.kind === 'refused') {
      return { ...outcome, failure: inSplit(outcome.failure, index) };
    }
    if (outcome.kind === 'aborted') {
      return outcome;
    }
  }
  return { kind: 'applied' };
}

/** Core's errors from below have a text of their own, which hides that a leg failed; a bulk shows both. */
function inSplit(failure: Failure, index: number): Failure {
  const prefix = `failed to record split transaction ${index}: `;
  return failure.inBulk === undefined
    ? { ...failure, message: prefix + failure.message }
    : { ...failure, inBulk: prefix + failure.inBulk };
}

function shuffled<Item>(items: Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}
