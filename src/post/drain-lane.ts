/**
 * Drains lanes: claims a chunk, looks it up, posts it, confirms it, marks it, until nothing is due. Two chunks of a lane are on
 * the wire at a time, more would only wait for Core's lock; beside them one is looked up and one confirmed, so that the wire
 * never waits for either.
 *
 * Draining one lane twice at the same time is allowed: claims exclude each other. Exclusivity is for speed only.
 */
import type { Clock } from '../core/base/clock.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { type Lane, laneName } from '../core/posting/posting.js';
import { type BackoffOptions, backoffMs } from './backoff.js';
import { holdLease, type Lease } from './lease.js';
import { createPlaces, type Places } from './places.js';
import type { Claim, NewClaimOptions } from './ports.js';
import { type Chunk, type ChunkOptions, type ChunkOutcome, leaveForLater, postChunk, putOff } from './post-chunk.js';
import { confirmLedger, type DoubtPorts, settleByLookUp } from './settle-doubt.js';

export interface DrainPorts extends DoubtPorts {
  readonly clock: Clock;
  /** Called before the first claim: from then on the mirror's identity holds. */
  markFirstPost(): Promise<void>;
  onRenewalFailed(error: unknown): void;
  /** The lane pauses because a whole chunk got no further. */
  onStalled(lane: Lane, stall: { readonly error: string; readonly pauseMs: number }): void;
  /** A lane that paused got further again, or holds nothing any more; also told of each lane that gets further first. */
  onResumed(lane: Lane): void;
}

export interface DrainOptions extends ChunkOptions {
  /** Items of a bulk request. About 100: more makes the answers slower than Core's lock wait. */
  readonly chunkSize: number;
  readonly chunksInFlight: number;
  /** Chunks that are looked up meanwhile, so that looking before the first posting costs no time of its own. */
  readonly chunksAhead: number;
  /** Chunks that were answered, and are confirmed and settled while the next ones are on the wire. */
  readonly chunksBehind: number;
  /** Pause of a lane whose chunks get no further; doubles while it lasts. */
  readonly pause: BackoffOptions;
}

export interface LaneDrainer {
  /**
   * Drains the lane until nothing is due, it stalls, or `signal` is aborted (then what is in flight ends).
   * @returns milliseconds until the lane has work again; null when nothing is pending
   * Throws SyncError and database faults; the lane pauses then as well.
   */
  drain(lane: Lane, signal: AbortSignal): Promise<number | null>;
}

/** Remembers per lane whether it is pausing, so that a wake does not hammer a ledger that is down, and how much it takes. */
export function createLaneDrainer(ports: DrainPorts, options: DrainOptions): LaneDrainer {
  const pauses = new Map<string, { untilMs: number; stalls: number }>();
  const chunkLimits = new Map<string, ChunkLimit>();
  /** Lanes of which nobody has to think that they pause: not even a worker that died in a pause says so any more. */
  const progressing = new Set<string>();
  const pause = (lane: Lane, stall: { readonly error: string; readonly retryAfterMs: number | null }): number => {
    const name = laneName(lane);
    const stalls = pauses.get(name)?.stalls ?? 0;
    const pauseMs = Math.max(stall.retryAfterMs ?? 0, Math.round(backoffMs(stalls, ports.random, options.pause)));
    pauses.set(name, { untilMs: ports.clock.monotonicMs() + pauseMs, stalls: stalls + 1 });
    progressing.delete(name);
    ports.onStalled(lane, { error: stall.error, pauseMs });
    return pauseMs;
  };
  return {
    async drain(lane, signal) {
      const name = laneName(lane);
      const pausedForMs = (pauses.get(name)?.untilMs ?? 0) - ports.clock.monotonicMs();
      if (pausedForMs > 0) return pausedForMs;
      try {
        await ports.markFirstPost();
        await confirmLedger(lane, ports);
        const chunkLimit = chunkLimits.get(name) ?? { current: options.chunkSize };
        chunkLimits.set(name, chunkLimit);
        const places = createPlaces(options.chunksInFlight);
        const outcome = await drainOnce(lane, { ports, options, chunkLimit, places, isOver: () => signal.aborted });
        if (outcome.kind === 'stalled') return pause(lane, outcome);
        pauses.delete(name);
        const nextMs = await ports.outbox.nextDueInMs(lane);
        // With nothing due nothing got further: what waits for its back-off is as stuck as before.
        if ((outcome.kind === 'progress' || nextMs === null) && !progressing.has(name)) {
          progressing.add(name);
          ports.onResumed(lane);
        }
        return nextMs;
      } catch (error) {
        pause(lane, {
          error: describeError(error),
          retryAfterMs: error instanceof SyncError ? (error.retryAfterMs ?? null) : null,
        });
        throw error;
      }
    },
  };
}

/** Before it has a place on the wire. */
type HeldClaim = Omit<Chunk, 'place'>;

interface Draining {
  readonly ports: DrainPorts;
  readonly options: DrainOptions;
  readonly chunkLimit: ChunkLimit;
  readonly places: Places;
  /** Whether no further chunk is to be taken. */
  isOver(): boolean;
}

/** Of what was attempted before. It outlasts a pause, after which a chunk comes back as the one that it was. */
interface ChunkLimit {
  current: number;
}

/**
 * What makes a whole bulk fail (a proxy that answers 504 whenever a certain posting is within) is found by halves, so that
 * its neighbours are not posted one after the other, each after a bulk that may take its whole time limit to fail, nor wait
 * with it for ever where the proxy asks to wait.
 */
function nextLimit(taken: number, outcome: ChunkOutcome, { current, options }: NextLimitFacts): number {
  const half = Math.floor(taken / 2);
  if (outcome.kind === 'stalled') return Math.max(1, half);
  return outcome.bulkFailed === true ? Math.max(options.singlesMax, half) : Math.min(options.chunkSize, current * 2);
}

interface NextLimitFacts {
  readonly current: number;
  readonly options: DrainOptions;
}

/** `idle`: nothing was due. */
type LaneOutcome = ChunkOutcome | { readonly kind: 'idle' };

/** All streams end before an error or a stall leaves: nothing may be in flight when the lane's job is over. */
async function drainOnce(lane: Lane, draining: Draining): Promise<LaneOutcome> {
  // A flag, not AbortSignal.any: Node 20 keeps some bytes of every signal that was derived from a long-lived one.
  let isEnding = false;
  const isOver = () => isEnding || draining.isOver();
  const { chunksInFlight, chunksAhead, chunksBehind } = draining.options;
  const streams = Array.from({ length: chunksInFlight + chunksAhead + chunksBehind }, async (_, index) => {
    const turns = index % 2 === 0 ? DOUBT_FIRST : NEW_FIRST;
    try {
      const outcome = await drainStream(lane, { ...draining, isOver }, turns);
      if (outcome.kind === 'stalled') isEnding = true;
      return outcome;
    } catch (error) {
      isEnding = true;
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(streams);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  const ended = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const of = (wanted: LaneOutcome['kind']) => ended.find(({ kind }) => kind === wanted);
  return of('stalled') ?? of('progress') ?? { kind: 'idle' };
}

/** Null: there was nothing to do. */
type Turn = (lane: Lane, draining: Draining, first: NewClaimOptions['first']) => Promise<ChunkOutcome | null>;

/**
 * One stream takes up doubt first, the other new work, so that neither waits behind a million of the other. For the same
 * reason every second chunk of new work begins with the newest payments: after an outage, or while years are backfilled,
 * what is paid now is in the ledger within a few chunks, and half of the work still goes to what waits the longest.
 */
async function drainStream(lane: Lane, draining: Draining, turns: readonly Turn[]): Promise<LaneOutcome> {
  // The streams begin at different ends: a lane that stalls again and again gets no further than its first chunks.
  const offset = turns === NEW_FIRST ? 0 : 1;
  let chunk = 0;
  for (; !draining.isOver(); chunk += 1) {
    // The first chunks are sent right after the look with which the lane began. One small request, while the other
    // stream's chunk is being posted.
    if (chunk > 0) await confirmLedger(lane, draining.ports);
    const first = (chunk + offset) % 2 === 0 ? 'newest' : 'waiting';
    let outcome: ChunkOutcome | null = null;
    for (const turn of turns) outcome ??= await turn(lane, draining, first);
    if (outcome === null) break;
    if (outcome.kind === 'stalled') return outcome;
  }
  return { kind: chunk > 0 ? 'progress' : 'idle' };
}

/**
 * Somebody else may have booked a payment before, in a form under which Blnk does not refuse ours: a split leaves no row
 * under its own reference. So nothing is posted for the first time before all its forms were looked for.
 */
async function takeNew(lane: Lane, draining: Draining, first: NewClaimOptions['first']): Promise<ChunkOutcome | null> {
  const { ports, options } = draining;
  const grantedAtMs = ports.clock.monotonicMs();
  const claim = await ports.outbox.claimNew(lane, { limit: options.chunkSize, leaseMs: options.leaseMs, first });
  if (claim.postings.length === 0) return null;
  return withLease(claim, { grantedAtMs, ports, leaseMs: options.leaseMs }, async (lease) => {
    const held = { token: claim.token, postings: claim.postings, lease };
    const { absent, failure } = await settleByLookUp(claim, ports, options).then(
      ({ absent }) => ({ absent, failure: null }),
      (failure: unknown) => ({ absent: [], failure }),
    );
    if (failure !== null) return stallUnsent(held, failure, draining);
    return postInPlace({ ...held, postings: absent }, draining);
  });
}

/** Nothing of the chunk was sent, so a ledger that cannot be asked leaves no doubt behind: the lane only pauses. */
async function stallUnsent(
  chunk: HeldClaim,
  failure: unknown,
  { ports, options, isOver }: Draining,
): Promise<ChunkOutcome> {
  if (!(failure instanceof SyncError) || failure.kind !== 'transient' || failure.code === 'claim_expired')
    throw failure;
  const [error, retryAfterMs] = [describeError(failure), failure.retryAfterMs ?? null];
  const why = { error, inDoubt: false, atLeastMs: retryAfterMs };
  await putOff(chunk, chunk.postings, { ports, options, isOver }, why);
  return { kind: 'stalled', error, retryAfterMs };
}

/** Posts once one of the lane's places is free. Meanwhile the lane may have stalled, or the claim grown old. */
function postInPlace(chunk: HeldClaim, { ports, options, places, isOver }: Draining): Promise<ChunkOutcome> {
  if (chunk.postings.length === 0) return Promise.resolve({ kind: 'progress' });
  return places.take(async (place) => {
    const { waited } = place;
    const setting = { ports, options, isOver };
    if (waited && isOver()) {
      await leaveForLater(chunk, chunk.postings, { ...setting, inDoubt: false });
      return { kind: 'progress' };
    }
    const postings = waited ? await stillHeld(chunk, ports, options) : chunk.postings;
    return postings.length === 0 ? { kind: 'progress' } : postChunk({ ...chunk, postings, place }, setting);
  });
}

/** What waited long for its place is marked anew: requests go out within half of the lease only. */
async function stillHeld({ token, postings, lease }: HeldClaim, ports: DrainPorts, options: DrainOptions) {
  if (lease.maySend()) return postings;
  const references = postings.map(({ reference }) => reference);
  const held = await lease.extendBy(() => ports.outbox.markAttempt(token, references, options.leaseMs));
  return postings.filter(({ reference }) => held.has(reference));
}

const DOUBT_FIRST: readonly Turn[] = [takeAttempted, takeNew];
const NEW_FIRST: readonly Turn[] = [takeNew, takeAttempted];

/** Doubt is settled by looking before the same reference is posted again. */
async function takeAttempted(lane: Lane, draining: Draining): Promise<ChunkOutcome | null> {
  const { ports, options, chunkLimit } = draining;
  const grantedAtMs = ports.clock.monotonicMs();
  const claim = await ports.outbox.claimAttempted(lane, { limit: chunkLimit.current, leaseMs: options.leaseMs });
  if (claim.postings.length === 0) return null;
  const outcome = await withLease(claim, { grantedAtMs, ports, leaseMs: options.leaseMs }, async (lease) => {
    const { absent } = await settleByLookUp(claim, ports, options);
    if (absent.length === 0) return { kind: 'progress' };
    const references = absent.map(({ reference }) => reference);
    const held = await lease.extendBy(() => ports.outbox.markAttempt(claim.token, references, options.leaseMs));
    const postings = absent
      .filter(({ reference }) => held.has(reference))
      .map((posting) => ({ ...posting, sinceLastAttemptMs: 0 }));
    if (postings.length === 0) return { kind: 'progress' };
    return postInPlace({ token: claim.token, postings, lease }, draining);
  });
  chunkLimit.current = nextLimit(claim.postings.length, outcome, { current: chunkLimit.current, options });
  return outcome;
}

interface LeaseContext {
  readonly grantedAtMs: number;
  readonly ports: DrainPorts;
  readonly leaseMs: number;
}

/** An expired claim is not a fault of the lane: its postings are due again, looked up first. */
async function withLease(
  claim: Claim,
  { grantedAtMs, ports, leaseMs }: LeaseContext,
  work: (lease: Lease) => Promise<ChunkOutcome>,
): Promise<ChunkOutcome> {
  const lease = holdLease(ports.outbox, ports.clock, {
    token: claim.token,
    references: claim.postings.map(({ reference }) => reference),
    leaseMs,
    grantedAtMs,
    onRenewalFailed: ports.onRenewalFailed,
  });
  try {
    return await work(lease);
  } catch (error) {
    if (error instanceof SyncError && error.code === 'claim_expired') return { kind: 'progress' };
    throw error;
  } finally {
    lease.stop();
  }
}
