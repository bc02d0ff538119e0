// Faults on demand: which request is hit by which one. How a fault looks on the wire is fault-answers.ts.
// Rules are asked in the order in which they were added; the first that matches takes the request.

import { randomUUID } from 'node:crypto';
import type { RateLimitReason } from './refusal.js';
import { fractionSource } from './scramble.js';

export type FaultEffect =
  | { readonly effect: 'rate_limited'; readonly reason: RateLimitReason }
  | { readonly effect: 'rate_limited_400' }
  | { readonly effect: 'lock_timeout' }
  | { readonly effect: 'status'; readonly status: number }
  /** The connection is reset before any answer. */
  | { readonly effect: 'reset' }
  /** Half of the body, then a closed connection. */
  | { readonly effect: 'truncated' }
  /** No answer until released, or until the client leaves. */
  | { readonly effect: 'hang' }
  | { readonly effect: 'slow'; readonly delayMs: number }
  | { readonly effect: 'html'; readonly status?: number }
  /** Status 200 and a body that is no JSON, or the given one. */
  | { readonly effect: 'wrong_json'; readonly body?: string }
  | { readonly effect: 'no_date' }
  /** A `Date` that is ahead of the clock by so much, or behind it: a cache, a proxy that writes its own. */
  | { readonly effect: 'wrong_date'; readonly aheadMs: number };

export interface FaultRule {
  readonly fault: FaultEffect;
  /** Route name, as `payment_intents.list`; absent: every route. */
  readonly route?: string;
  /** Only the n-th matching request since the rule was added, from 1. */
  readonly nth?: number;
  /** Seeded; 1 when absent. */
  readonly probability?: number;
  /** At most so many hits; absent: no end, or once with `nth`. */
  readonly times?: number;
}

export interface FaultHit {
  readonly id: string;
  readonly effect: FaultEffect['effect'];
  readonly route: string;
  readonly url: string;
}

export class Faults {
  private rules: { id: string; rule: FaultRule; seen: number; hits: number }[] = [];
  private readonly recent: FaultHit[] = [];
  private readonly waiting = new Set<() => void>();
  private readonly draw: () => number;

  constructor(seed: number) {
    this.draw = fractionSource(seed + 7);
  }

  /** Adds a rule and returns its id. */
  add(rule: FaultRule): string {
    const id = randomUUID();
    this.rules.push({ id, rule, seen: 0, hits: 0 });
    return id;
  }

  /** Removes one rule or all, and lets go what hangs when all go. Hits stay on record. */
  clear(id?: string): void {
    this.rules = id === undefined ? [] : this.rules.filter((entry) => entry.id !== id);
    if (id === undefined) this.release();
  }

  /** Lets every hanging request go on to its real answer. */
  release(): void {
    for (const go of [...this.waiting]) go();
  }

  /** What was added and is still in force, with how often it hit. */
  get inForce(): readonly { readonly id: string; readonly rule: FaultRule; readonly hits: number }[] {
    return this.rules.map(({ id, rule, hits }) => ({ id, rule, hits }));
  }

  /** How many requests hang now. */
  get hanging(): number {
    return this.waiting.size;
  }

  /** The last thousand hits, oldest first. */
  get hits(): readonly FaultHit[] {
    return this.recent;
  }

  /** The fault that this request gets, if any. */
  take(request: { route: string; url: string }): FaultEffect | undefined {
    for (const entry of this.rules) {
      const { rule } = entry;
      if (rule.route !== undefined && rule.route !== request.route) continue;
      entry.seen += 1;
      const timesMax = rule.times ?? (rule.nth === undefined ? Number.POSITIVE_INFINITY : 1);
      if (entry.hits >= timesMax) continue;
      if (rule.nth !== undefined && entry.seen < rule.nth) continue;
      if (rule.probability !== undefined && this.draw() >= rule.probability) continue;
      entry.hits += 1;
      this.recent.push({ id: entry.id, effect: rule.fault.effect, route: request.route, url: request.url });
      if (this.recent.length > HITS_KEPT) this.recent.shift();
      return rule.fault;
    }
    return undefined;
  }

  /** Resolves `true` on release, `false` once the client has gone. */
  hang(onGone: (listener: () => void) => void): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (released: boolean) => {
        this.waiting.delete(go);
        resolve(released);
      };
      const go = () => end(true);
      this.waiting.add(go);
      onGone(() => end(false));
    });
  }
}

const HITS_KEPT = 1000;
