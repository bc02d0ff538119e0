/**
 * How much of a lane is sent at a time, from how the ledger took it so far. Pure: what it knows of a bulk is how many postings
 * it held, how long the answer took and whether it was a yes.
 */

export interface LanePace {
  /** Postings of a bulk. */
  readonly size: number;
  /** Bulks on the wire. */
  readonly inFlight: number;
  /** Bulks that the ledger took without asking to wait, since it asked or since two are sent at a time; counted up to what they decide. */
  readonly calm: number;
  /** So many before two are sent at a time again. */
  readonly calmNeeded: number;
}

export interface BulkReport {
  readonly postings: number;
  readonly tookMs: number;
  /** `busy`: it asked to wait, or something else held a balance for too long. `unclear`: no answer, or one that states nothing. */
  readonly answer: 'applied' | 'busy' | 'unclear';
}

export interface PaceLimits {
  readonly sizeMin: number;
  readonly sizeMax: number;
  readonly inFlightMax: number;
}

/**
 * A bulk that takes longer is too large. Blnk's Cloud gives a request 30 s, and the two bulks of a lane wait for each other: a
 * third of it leaves room for both, and for a ledger that slows down between two of them.
 */
export const SLOW_MS = 10_000;

/** What is slow is cut to half of that, so that the next one is not the same again. */
const AIM_MS = SLOW_MS / 2;

/** Below this a larger bulk is tried. */
const QUICK_MS = SLOW_MS / 4;

/** Bulks one after the other before two are sent at a time again, and with two before that is no trial any more. */
const CALM_BULKS = 10;

/** A Core before 0.15.1 refuses the second one of a balance each time, and then trying it again is what costs. */
const CALM_BULKS_MAX = 640;

export function fullPace({ sizeMax, inFlightMax }: PaceLimits): LanePace {
  return { size: sizeMax, inFlight: inFlightMax, calm: CALM_BULKS, calmNeeded: CALM_BULKS };
}

/** The pace after one more bulk, within the limits. What was answered late is about the size that it had, not that of now. */
export function nextPace(pace: LanePace, bulk: BulkReport, limits: PaceLimits): LanePace {
  const size = Math.max(limits.sizeMin, Math.min(limits.sizeMax, nextSize(pace.size, bulk)));
  if (bulk.answer === 'busy') return { size, inFlight: 1, calm: 0, calmNeeded: calmNeededAfterBusy(pace) };
  if (bulk.answer === 'unclear') return { ...pace, size };
  const isTwo = pace.inFlight >= limits.inFlightMax;
  const calm = Math.min(isTwo ? CALM_BULKS : pace.calmNeeded, pace.calm + 1);
  if (isTwo) return { ...pace, size, calm, calmNeeded: calm < CALM_BULKS ? pace.calmNeeded : CALM_BULKS };
  return calm < pace.calmNeeded ? { ...pace, size, calm } : { ...pace, size, inFlight: limits.inFlightMax, calm: 0 };
}

/** Twice as many as the last time, where sending two soon brought it again. */
function calmNeededAfterBusy({ inFlight, calm, calmNeeded }: LanePace): number {
  if (inFlight === 1) return calmNeeded;
  return calm < CALM_BULKS ? Math.min(CALM_BULKS_MAX, calmNeeded * 2) : CALM_BULKS;
}

function nextSize(size: number, { postings, tookMs, answer }: BulkReport): number {
  if (tookMs > SLOW_MS) return Math.min(size, Math.floor((postings * AIM_MS) / tookMs));
  if (answer !== 'applied' || tookMs > QUICK_MS || postings < size) return size;
  return Math.ceil(size * 1.25);
}
