// Stripe's limiters: token buckets for the account and for each endpoint, and ceilings on requests in flight.
// Buckets hold one second's worth and refill by real time, not by the sandbox clock: they measure load, not history.

import { type RateLimitReason, rateLimited } from './refusal.js';

/** Absent: not limited. Stripe's own: 25 (test) or 100 (live) a second an account, 25 a second an endpoint. */
export interface Limits {
  readonly globalPerSecond?: number;
  readonly endpointPerSecond?: number;
  readonly globalConcurrency?: number;
  readonly endpointConcurrency?: number;
}

export class Limiter {
  private readonly buckets = new Map<string, { tokens: number; filledAtMs: number }>();
  private readonly inFlight = new Map<string, number>();

  constructor(
    private limits: Limits,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Puts other limits in force at once, with full buckets. */
  change(limits: Limits): void {
    this.limits = limits;
    this.buckets.clear();
  }

  /** Lets a request in and returns how to let it out again; throws the 429 it deserves. */
  enter(endpoint: string): () => void {
    const { globalConcurrency, endpointConcurrency, globalPerSecond, endpointPerSecond } = this.limits;
    this.refuseWhen(this.busy(ALL) >= (globalConcurrency ?? Number.POSITIVE_INFINITY), 'global-concurrency');
    this.refuseWhen(this.busy(endpoint) >= (endpointConcurrency ?? Number.POSITIVE_INFINITY), 'endpoint-concurrency');
    this.refuseWhen(!this.take(ALL, globalPerSecond), 'global-rate');
    this.refuseWhen(!this.take(endpoint, endpointPerSecond), 'endpoint-rate');
    this.inFlight.set(ALL, this.busy(ALL) + 1);
    this.inFlight.set(endpoint, this.busy(endpoint) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.inFlight.set(ALL, this.busy(ALL) - 1);
      this.inFlight.set(endpoint, this.busy(endpoint) - 1);
    };
  }

  private refuseWhen(refused: boolean, reason: RateLimitReason): void {
    if (refused) throw rateLimited(reason);
  }

  private busy(name: string): number {
    return this.inFlight.get(name) ?? 0;
  }

  private take(name: string, perSecond: number | undefined): boolean {
    if (perSecond === undefined) return true;
    const nowMs = this.nowMs();
    const bucket = this.buckets.get(name) ?? { tokens: perSecond, filledAtMs: nowMs };
    bucket.tokens = Math.min(perSecond, bucket.tokens + ((nowMs - bucket.filledAtMs) / 1000) * perSecond);
    bucket.filledAtMs = nowMs;
    this.buckets.set(name, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

const ALL = '*';
