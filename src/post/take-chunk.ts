/**
 * What one chunk of a lane goes through: it is claimed, looked up in every form, waits for its place on the wire, and is posted.
 * Nothing is held or awaited after its outcome.
 */
import type { Clock } from '../core/base/clock.js';
import { describeError, SyncError } from '../core/base/errors.js';
import type { Lane } from '../core/posting/posting.js';
import { type BulkReport, type LanePace, nextPace } from './lane-pace.js';
import { holdLease, type Lease } from './lease.js';
import type { Places } from './places.js';
import type { Claim, NewClaimOptions } from './ports.js';
import { type Chunk, type ChunkOptions, type ChunkOutcome, leaveForLater, postChunk, putOff } from './post-chunk.js';
import { type DoubtPorts, settleByLookUp } from './settle-doubt.js';

export interface TakePorts extends DoubtPorts {
  readonly clock: Clock;
  onRenewalFailed(error: unknown): void;
}

export interface TakeOptions extends ChunkOptions {
  /** Items of a bulk request at most. About 100: more makes the answers slower than Core's lock wait. */
  readonly chunkSize: number;
  /** Bulk requests of a lane on the wire at most. */
  readonly chunksInFlight: number;
}

/** What a lane's ledger takes, as far as it showed. It outlasts a pause. */
export interface LaneLimits {
  pace: LanePace;
  /** Of what was attempted before: a chunk comes back as the one that it was. */
  attemptedMax: number;
}

export interface Taking {
  readonly ports: TakePorts;
  readonly options: TakeOptions;
  readonly limits: LaneLimits;
  readonly places: Places;
  /** Whether no further request is to begin. */
  isOver(): boolean;
  /** A claim holds postings; nothing is asked or sent of them before this is over. */
  onClaimed(): Promise<void>;
  /** A claim shows that there may be more than it took. */
  onMoreDue(): void;
}

/** Null: there was nothing to do. */
export type Turn = (lane: Lane, taking: Taking, first: NewClaimOptions['first']) => Promise<ChunkOutcome | null>;

/** Before it has a place on the wire. */
type HeldClaim = Omit<Chunk, 'place'>;

/**
 * Somebody else may have booked a payment before, in a form under which Blnk does not refuse ours: a split leaves no row
 * under its own reference. So nothing is posted for the first time before all its forms were looked for.
 */
export async function takeNew(
  lane: Lane,
  taking: Taking,
  first: NewClaimOptions['first'],
): Promise<ChunkOutcome | null> {
  const { ports, options, limits } = taking;
  const grantedAtMs = ports.clock.monotonicMs();
  const limit = limits.pace.size;
  const claim = await ports.outbox.claimNew(lane, { limit, leaseMs: options.leaseMs, first });
  if (claim.postings.length === 0) return null;
  if (claim.postings.length >= limit) taking.onMoreDue();
  return withLease(claim, { grantedAtMs, ports, leaseMs: options.leaseMs }, async (lease) => {
    const held = { token: claim.token, postings: claim.postings, lease };
    const settled = taking.onClaimed().then(() => settleByLookUp(claim, ports, options));
    const { absent, failure } = await settled.then(
      ({ absent }) => ({ absent, failure: null }),
      (failure: unknown) => ({ absent: [], failure }),
    );
    if (failure !== null) return stallUnsent(held, failure, taking);
    return postInPlace({ ...held, postings: absent }, taking);
  });
}

/** Nothing of the chunk was sent, so a ledger that cannot be asked leaves no doubt behind: the lane only pauses. */
async function stallUnsent(chunk: HeldClaim, failure: unknown, { ports, options }: Taking): Promise<ChunkOutcome> {
  if (!(failure instanceof SyncError) || failure.kind !== 'transient' || failure.code === 'claim_expired')
    throw failure;
  const [error, retryAfterMs] = [describeError(failure), failure.retryAfterMs ?? null];
  const why = { error, inDoubt: false, atLeastMs: retryAfterMs };
  await putOff(chunk, chunk.postings, { ports, options }, why);
  return { kind: 'stalled', error, retryAfterMs };
}

/** Posts once one of the lane's places is free. Meanwhile the lane may have stalled, or the claim grown old. */
function postInPlace(chunk: HeldClaim, taking: Taking): Promise<ChunkOutcome> {
  const { ports, options, places, isOver } = taking;
  if (chunk.postings.length === 0) return Promise.resolve({ kind: 'progress' });
  return places.take(async (place) => {
    const { waited } = place;
    const setting = { ports, options, isOver, onBulk: (bulk: BulkReport) => keepPace(bulk, taking) };
    if (waited && isOver()) {
      await leaveForLater(chunk, chunk.postings, { ...setting, inDoubt: false });
      return { kind: 'progress' };
    }
    const postings = waited ? await stillHeld(chunk, ports, options) : chunk.postings;
    return postings.length === 0 ? { kind: 'progress' } : postChunk({ ...chunk, postings, place }, setting);
  });
}

/** Single posts say nothing of how large a bulk may be. */
function keepPace(bulk: BulkReport, { limits, options, places }: Taking): void {
  const sizeMin = Math.min(options.singlesMax + 1, options.chunkSize);
  const bounds = { sizeMin, sizeMax: options.chunkSize, inFlightMax: options.chunksInFlight };
  limits.pace = nextPace(limits.pace, bulk, bounds);
  places.allow(limits.pace.inFlight);
}

/** What waited long for its place is marked anew: requests go out within half of the lease only. */
async function stillHeld({ token, postings, lease }: HeldClaim, ports: TakePorts, options: TakeOptions) {
  if (lease.maySend()) return postings;
  const references = postings.map(({ reference }) => reference);
  const held = await lease.extendBy(() => ports.outbox.markAttempt(token, references, options.leaseMs));
  return postings.filter(({ reference }) => held.has(reference));
}

/** Doubt is settled by looking before the same reference is posted again. */
export async function takeAttempted(lane: Lane, taking: Taking): Promise<ChunkOutcome | null> {
  const { ports, options, limits } = taking;
  const grantedAtMs = ports.clock.monotonicMs();
  const claim = await ports.outbox.claimAttempted(lane, {
    limit: Math.min(limits.attemptedMax, limits.pace.size),
    leaseMs: options.leaseMs,
  });
  if (claim.postings.length === 0) return null;
  // Whether there is new work as well is not known, and it must not wait behind what is in doubt.
  taking.onMoreDue();
  const outcome = await withLease(claim, { grantedAtMs, ports, leaseMs: options.leaseMs }, async (lease) => {
    await taking.onClaimed();
    const { absent } = await settleByLookUp(claim, ports, options);
    if (absent.length === 0) return { kind: 'progress' };
    const references = absent.map(({ reference }) => reference);
    const held = await lease.extendBy(() => ports.outbox.markAttempt(claim.token, references, options.leaseMs));
    const postings = absent
      .filter(({ reference }) => held.has(reference))
      .map((posting) => ({ ...posting, sinceLastAttemptMs: 0 }));
    if (postings.length === 0) return { kind: 'progress' };
    return postInPlace({ token: claim.token, postings, lease }, taking);
  });
  limits.attemptedMax = nextLimit(claim.postings.length, outcome, { current: limits.attemptedMax, options });
  return outcome;
}

interface LeaseContext {
  readonly grantedAtMs: number;
  readonly ports: TakePorts;
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
  readonly options: TakeOptions;
}
