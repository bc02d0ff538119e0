/**
 * The lanes that this process drains: each once at a time, and a bounded number of them together. Whoever asks for one that
 * is being drained makes it look once more, because it may have passed what was asked for. One with much to do gives its place
 * to those that wait, and takes its next turn after them.
 */
import type { Clock } from '../core/base/clock.js';
import { SECOND_MS } from '../core/base/window.js';
import { type Lane, laneName } from '../core/posting/posting.js';
import { createPlaces } from '../post/places.js';

export interface LaneTurns {
  /** Resolves when the lane was drained after this call; at once when whoever drains it looks once more. */
  drain(lane: Lane): Promise<void>;
  /** Whether it is drained here, or waits for its turn. */
  has(lane: Lane): boolean;
}

/** Of a lane, while others wait. Some chunks, so that the look at the ledger with which a turn begins is a small part of it. */
const TURN_MS = 3 * SECOND_MS;

export interface LaneTurnOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly atOnce: number;
  /** Drains one lane until nothing of it is due, or it may not go on; then it is asked for again by itself. */
  drainOnce(lane: Lane, mayGoOn: () => boolean): Promise<void>;
}

export function createLaneTurns({ clock, atOnce, drainOnce }: LaneTurnOptions): LaneTurns {
  const places = createPlaces(atOnce);
  const inHand = new Map<string, { isAskedAgain: boolean }>();
  const takeTurn = (lane: Lane): Promise<void> => {
    const begunAtMs = clock.monotonicMs();
    return drainOnce(lane, () => !places.areWaitedFor() || clock.monotonicMs() - begunAtMs < TURN_MS);
  };
  return {
    has: (lane) => inHand.has(laneName(lane)),
    async drain(lane) {
      const name = laneName(lane);
      const held = inHand.get(name);
      if (held !== undefined) {
        held.isAskedAgain = true;
        return;
      }
      const turn = { isAskedAgain: true };
      inHand.set(name, turn);
      try {
        while (turn.isAskedAgain) {
          turn.isAskedAgain = false;
          await places.take(() => takeTurn(lane));
        }
      } finally {
        // At once with the last look at what was asked: what is asked from here on begins a turn of its own.
        inHand.delete(name);
      }
    },
  };
}

export interface LaneStartPorts {
  readonly turns: LaneTurns;
  /** No other worker lives, that may drain the same lane. */
  isAlone(): boolean;
  /** Nothing new begins any more. */
  isStopping(): boolean;
  /** Asks the queue, which gives it to one worker. */
  ask(lane: Lane): Promise<void>;
  onFailed(error: unknown): void;
}

export interface LaneStarts {
  /** Begins to drain it here when no other worker lives or it is drained here already; else the queue is asked. */
  start(lane: Lane): Promise<void>;
  /** Waits for what was begun here. */
  settled(): Promise<void>;
}

export function createLaneStarts({ turns, isAlone, isStopping, ask, onFailed }: LaneStartPorts): LaneStarts {
  const begun = new Set<Promise<void>>();
  return {
    async start(lane) {
      if (!isAlone() && !turns.has(lane)) return ask(lane);
      if (isStopping()) return;
      const draining: Promise<void> = turns
        .drain(lane)
        .catch(onFailed)
        .finally(() => begun.delete(draining));
      begun.add(draining);
    },
    async settled() {
      await Promise.all(begun);
    },
  };
}
