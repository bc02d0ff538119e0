/**
 * How fast requests go out where Stripe refuses some, whatever its documented limits are: it may lower them, and other
 * software of the merchant uses them too. Learnt from refusals alone, and forgotten again by itself: a rate falls to what was
 * just accepted, is held for a while, and grows back faster and faster; a number in flight falls by a quarter and grows back
 * one by one. Each process learns for itself, as each sender on a network does.
 *
 * Reasons of a 429: https://docs.stripe.com/rate-limits
 */
import type { Clock } from '../core/base/clock.js';
import type { StripeEndpoint } from './endpoint.js';

/** What a refusal was about; null: about that one object (`resource-specific`, a lock), which other requests need not mind. */
export interface Limited {
  readonly what: 'rate' | 'concurrency';
  readonly where: 'account' | 'endpoint';
}

/** The header's value; unknown ones, and none at all, count as a rate of the endpoint. */
export function limitedBy(reason: unknown): Limited | null {
  if (reason === 'resource-specific') return null;
  const [where, what] = typeof reason === 'string' ? reason.split('-') : [];
  return {
    what: what === 'concurrency' ? 'concurrency' : 'rate',
    where: where === 'global' ? 'account' : 'endpoint',
  };
}

export interface Pace {
  /**
   * Resolves when a request may be sent; one that was sent before has waited for its back-off, and is only counted.
   *
   * @returns to be called once, with how it ended
   */
  enter(sending: Sending): Promise<(limited: Limited | null) => void>;
}

export interface Sending {
  readonly endpoint: StripeEndpoint;
  readonly isRepeat: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface PaceOptions extends Pick<Clock, 'monotonicMs' | 'sleep'> {
  /** Requests a second that are asked of one endpoint at most: up to there a rate grows back. */
  readonly perSecond: number;
  /** Others come first: after a refusal half of what was accepted is left to them, and for longer. */
  readonly yields?: boolean;
}

/** @returns one pace for all requests of a process to one account */
export function createPace({ perSecond, yields = false, monotonicMs, sleep }: PaceOptions): Pace {
  const policy = { perSecond, ...(yields ? YIELDING : KEEPING) };
  const account = createLevels(policy);
  const endpoints = new Map<StripeEndpoint, Levels>();
  const levelsOf = (endpoint: StripeEndpoint): Levels => {
    const known = endpoints.get(endpoint) ?? createLevels(policy);
    endpoints.set(endpoint, known);
    return known;
  };
  return {
    async enter({ endpoint, isRepeat, signal }) {
      const both = [account, levelsOf(endpoint)];
      const leave = (isAccepted: boolean): void => {
        for (const levels of both) levels.ended(monotonicMs(), isAccepted);
      };
      if (isRepeat) for (const levels of both) levels.joinFlight();
      else {
        for (const levels of both) await levels.place(monotonicMs);
        const waitMs = Math.max(...both.map((levels) => levels.lineUp(monotonicMs())));
        if (waitMs > 0)
          await sleep(waitMs, signal).catch((stopped: unknown) => {
            leave(false);
            throw stopped;
          });
      }
      return (limited) => {
        if (limited !== null) {
          const levels = limited.where === 'account' ? account : levelsOf(endpoint);
          levels.limited(monotonicMs(), limited.what);
        }
        leave(limited === null);
      };
    },
  };
}

interface Levels {
  /** Resolves when there is a place in flight, and takes it. */
  place(monotonicMs: () => number): Promise<void>;
  /** Takes one without waiting. */
  joinFlight(): void;
  /** How long the next in line has to wait. */
  lineUp(nowMs: number): number;
  limited(nowMs: number, what: Limited['what']): void;
  ended(nowMs: number, isAccepted: boolean): void;
}

/** What was accepted in the last seconds is what is allowed; in the last one, less precisely, also just after that changed. */
const WINDOW_MS = 3_000;
const SHORT_WINDOW_MS = 1_000;
/** Requests that were on their way together are refused together. */
const ONCE_IN_MS = 1_000;
/** After a refusal, so that those which were refused with it and come again find room. */
const PAUSE_MS = 500;
const RATE_MIN = 0.5;
/**
 * What a rate falls to, of what was just accepted, and for how long it is held. Somewhat less, so that the next requests are
 * accepted too: a held rate costs a twentieth of what is allowed, and each try to raise it a refusal. Or half, so that whoever else
 * was refused finds room, and is disturbed by a try once a minute.
 */
const KEEPING = { below: 0.95, holdMs: 20_000 };
const YIELDING = { below: 0.5, holdMs: 60_000 };
/** Of the highest rate, in the first second after it was held; doubled with each further one. */
const GROWTH = 0.02;
const CONCURRENCY_KEPT = 0.75;
const CONCURRENCY_GROWS_EVERY_MS = 2_000;
/** As many are never in flight. */
const CONCURRENCY_MAX = 64;
/** More than any account may ask in the window. */
const ACCEPTED_KEPT_MAX = 2_000;

interface Level {
  readonly level: number;
  readonly setAtMs: number;
}

interface Policy {
  readonly perSecond: number;
  readonly below: number;
  readonly holdMs: number;
}

function createLevels({ perSecond, below, holdMs }: Policy): Levels {
  const waiting: Array<() => void> = [];
  let rate: Level | null = null;
  let flight: Level | null = null;
  let accepted: number[] = [];
  let lastPlaceMs = Number.NEGATIVE_INFINITY;
  let inFlight = 0;

  const rateAt = (nowMs: number): number | null => {
    if (rate === null) return null;
    const growingForS = Math.max(0, nowMs - rate.setAtMs - holdMs) / 1_000;
    const level = rate.level + perSecond * GROWTH * (2 ** growingForS - 1);
    if (level >= perSecond) rate = null;
    return rate === null ? null : level;
  };
  const isHeld = (nowMs: number): boolean => rate !== null && nowMs - rate.setAtMs > holdMs;
  const flightAt = (nowMs: number): number => {
    if (flight === null) return CONCURRENCY_MAX;
    const level = flight.level + Math.floor((nowMs - flight.setAtMs) / CONCURRENCY_GROWS_EVERY_MS);
    if (level >= CONCURRENCY_MAX) flight = null;
    return Math.min(level, CONCURRENCY_MAX);
  };
  /** A second. One more in the short window, which begins and ends between two of them. */
  const acceptedLately = (nowMs: number): number => {
    accepted = accepted.filter((atMs) => nowMs - atMs <= WINDOW_MS);
    const short = accepted.filter((atMs) => nowMs - atMs <= SHORT_WINDOW_MS).length;
    return short === 0 ? 0 : Math.min(accepted.length / (WINDOW_MS / 1_000), short + 1);
  };

  return {
    async place(monotonicMs) {
      // Whoever leaves lets the next one look.
      while (inFlight >= flightAt(monotonicMs())) await new Promise<void>((look) => waiting.push(look));
      inFlight += 1;
      if (inFlight < flightAt(monotonicMs())) waiting.shift()?.();
    },
    joinFlight() {
      inFlight += 1;
    },
    lineUp(nowMs) {
      const level = rateAt(nowMs);
      lastPlaceMs = level === null ? nowMs : Math.max(nowMs, lastPlaceMs + 1_000 / level);
      return lastPlaceMs - nowMs;
    },
    limited(nowMs, what) {
      if (what === 'rate') {
        lastPlaceMs = Math.max(lastPlaceMs, nowMs + PAUSE_MS);
        if (rate !== null && nowMs - rate.setAtMs < ONCE_IN_MS) return;
        // What was held without a refusal was allowed, whatever a bucket that had filled meanwhile let through since.
        const level = isHeld(nowMs) ? rate?.level : Math.min(acceptedLately(nowMs), rateAt(nowMs) ?? perSecond) * below;
        rate = { level: Math.max(RATE_MIN, level ?? 0), setAtMs: nowMs };
        return;
      }
      const level = Math.floor(Math.min(inFlight, flightAt(nowMs)) * CONCURRENCY_KEPT);
      flight = { level: Math.max(1, level), setAtMs: nowMs };
    },
    ended(nowMs, isAccepted) {
      inFlight -= 1;
      if (isAccepted) {
        accepted.push(nowMs);
        if (accepted.length > ACCEPTED_KEPT_MAX) accepted.shift();
      }
      waiting.shift()?.();
    },
  };
}
