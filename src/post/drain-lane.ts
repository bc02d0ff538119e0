/**
 * Drains lanes: claims a chunk, looks it up, posts it, confirms it, marks it, until nothing is due. Two chunks of a lane are on
 * the wire at a time, more would only wait for Core's lock; beside them one is looked up and one confirmed, so that the wire
 * never waits for either.
 *
 * Draining one lane twice at the same time is allowed: claims exclude each other. Exclusivity is for speed only.
 */
import { describeError, SyncError } from '../core/base/errors.js';
import { type Lane, laneName } from '../core/posting/posting.js';
import { type BackoffOptions, backoffMs } from './backoff.js';
import { confirmSourceAfresh } from './confirm-source.js';
import { fullPace } from './lane-pace.js';
import { createPlaces } from './places.js';
import type { ChunkOutcome } from './post-chunk.js';
import {
  type LaneLimits,
  type TakeOptions,
  type TakePorts,
  type Taking,
  type Turn,
  takeAttempted,
  takeNew,
} from './take-chunk.js';

export interface DrainPorts extends TakePorts {
  /** Called before the first claim. Throws SyncError when the mirror is another one by now. */
  confirmMirror(): Promise<void>;
  /** On disk before the first request that a claim leads to: from then on the mirror's identity holds. */
  markFirstPost(): Promise<void>;
  /** The lane pauses because a whole chunk got no further. */
  onStalled(lane: Lane, stall: { readonly error: string; readonly pauseMs: number }): void;
  /** A lane that paused got further again, or holds nothing any more; also told of each lane that gets further first. */
  onResumed(lane: Lane): void;
}

export interface DrainOptions extends TakeOptions {
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
   * @param mayGoOn asked before each chunk: when it may not, what was claimed is posted and no more is
   * @returns milliseconds until the lane has work again; null when nothing is pending
   * Throws SyncError and database faults; the lane pauses then as well.
   */
  drain(lane: Lane, signal: AbortSignal, mayGoOn?: () => boolean): Promise<number | null>;
}

/** Remembers per lane whether it is pausing, so that a wake does not hammer a ledger that is down, and how much it takes. */
export function createLaneDrainer(ports: DrainPorts, options: DrainOptions): LaneDrainer {
  const pauses = new Map<string, { untilMs: number; stalls: number }>();
  const laneLimits = new Map<string, LaneLimits>();
  /** Lanes of which nobody has to think that they pause: not even a worker that died in a pause reports it any more. */
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
    async drain(lane, signal, mayGoOn = () => true) {
      const name = laneName(lane);
      const pausedForMs = (pauses.get(name)?.untilMs ?? 0) - ports.clock.monotonicMs();
      if (pausedForMs > 0) return pausedForMs;
      try {
        await ports.confirmMirror();
        await confirmSourceAfresh(lane, ports);
        const limits = laneLimits.get(name) ?? fullLimits(options);
        laneLimits.set(name, limits);
        const places = createPlaces(limits.pace.inFlight);
        const isOver = () => signal.aborted;
        const marked = createOnce(() => ports.markFirstPost());
        const taking = { ports, options, limits, places, isOver, onClaimed: marked };
        const outcome = await drainOnce(lane, { ...taking, isEnough: () => !mayGoOn() });
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

/** All streams of a lane wait for the same one. */
function createOnce(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= run();
    return running;
  };
}

function fullLimits({ chunkSize, chunksInFlight }: DrainOptions): LaneLimits {
  return { pace: fullPace({ sizeMin: 1, sizeMax: chunkSize, inFlightMax: chunksInFlight }), attemptedMax: chunkSize };
}

interface Draining extends Taking {
  readonly ports: DrainPorts;
  readonly options: DrainOptions;
  /** Whether others are to have their turn: what was claimed is posted, and no more is. */
  isEnough(): boolean;
}

/** `idle`: nothing was due. */
type LaneOutcome = ChunkOutcome | { readonly kind: 'idle' };

/**
 * All streams end before an error or a stall leaves: nothing may be in flight when the lane's job is over. A stream begins when
 * the one before it saw that there may be more: most lanes hold less than a chunk, and each stream that finds nothing asks twice.
 */
async function drainOnce(lane: Lane, draining: Omit<Draining, 'onMoreDue'>): Promise<LaneOutcome> {
  // A flag, not AbortSignal.any: Node 20 keeps some bytes of every signal that was derived from a long-lived one.
  let isEnding = false;
  const isOver = () => isEnding || draining.isOver();
  const { chunksInFlight, chunksAhead, chunksBehind } = draining.options;
  const streamsMax = chunksInFlight + chunksAhead + chunksBehind;
  const streams: Promise<PromiseSettledResult<LaneOutcome>>[] = [];
  const startStream = () => {
    const index = streams.length;
    if (index === streamsMax || isOver()) return;
    const onMoreDue = () => {
      if (streams.length === index + 1) startStream();
    };
    streams.push(
      settled(drainStream(lane, { ...draining, isOver, onMoreDue }, index % 2 === 0 ? DOUBT_FIRST : NEW_FIRST)),
    );
  };
  const settled = async (stream: Promise<LaneOutcome>): Promise<PromiseSettledResult<LaneOutcome>> => {
    const [result] = await Promise.allSettled([stream]);
    if (result.status === 'rejected' || result.value.kind === 'stalled') isEnding = true;
    return result;
  };
  startStream();
  const outcomes: PromiseSettledResult<LaneOutcome>[] = [];
  // It grows while it is waited for; whoever could let it grow is within it.
  for (const stream of streams) outcomes.push(await stream);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  const ended = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const of = (wanted: LaneOutcome['kind']) => ended.find(({ kind }) => kind === wanted);
  return of('stalled') ?? of('progress') ?? { kind: 'idle' };
}

const DOUBT_FIRST: readonly Turn[] = [takeAttempted, takeNew];
const NEW_FIRST: readonly Turn[] = [takeNew, takeAttempted];

/**
 * One stream takes up doubt first, the other new work, so that neither waits behind a million of the other. For the same
 * reason every second chunk of new work begins with the newest payments: after an outage, or while years are backfilled,
 * what is paid now is in the ledger within a few chunks, and half of the work still goes to what waits the longest.
 */
async function drainStream(lane: Lane, draining: Draining, turns: readonly Turn[]): Promise<LaneOutcome> {
  // The streams begin at different ends: a lane that stalls again and again gets no further than its first chunks.
  const offset = turns === NEW_FIRST ? 0 : 1;
  let chunk = 0;
  for (; !draining.isOver() && !(chunk > 0 && draining.isEnough()); chunk += 1) {
    // The first chunks are sent right after the look with which the lane began. One small request, while the other
    // stream's chunk is being posted.
    if (chunk > 0) await confirmSourceAfresh(lane, draining.ports);
    const first = (chunk + offset) % 2 === 0 ? 'newest' : 'waiting';
    let outcome: ChunkOutcome | null = null;
    for (const turn of turns) outcome ??= await turn(lane, draining, first);
    if (outcome === null) break;
    if (outcome.kind === 'stalled') return outcome;
  }
  return { kind: chunk > 0 ? 'progress' : 'idle' };
}
