/**
 * What a loop without anything else reaches: stripe-node, cursor chains over equal parts of the time, a place in line for
 * each request, nothing stored. What the worker reads at is told as a share of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';

export interface BareLoopOptions {
  readonly url: string;
  readonly apiKey: string;
  /** Unix seconds, half-open. */
  readonly from: number;
  readonly to: number;
  readonly chains: number;
  readonly requestsPerSecond: number;
}

export interface BareLoopFigures {
  readonly intents: number;
  readonly requests: number;
  readonly ms: number;
}

export async function readBare(options: BareLoopOptions): Promise<BareLoopFigures> {
  const { hostname, port } = new URL(options.url);
  const stripe = new Stripe(options.apiKey, {
    ...{ host: hostname, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 },
  });
  const place = createLine(options.requestsPerSecond);
  const begunMs = performance.now();
  let intents = 0;
  let requests = 0;
  const readPart = async (gte: number, lt: number): Promise<void> => {
    for (let after: string | undefined; ; ) {
      await place();
      requests += 1;
      const cursor = after === undefined ? {} : { starting_after: after };
      const page = await stripe.paymentIntents.list({ limit: 100, created: { gte, lt }, ...cursor });
      intents += page.data.length;
      if (!page.has_more) return;
      after = page.data.at(-1)?.id;
    }
  };
  const length = Math.ceil((options.to - options.from) / options.chains);
  const parts = Array.from({ length: options.chains }, (_, index) => options.from + index * length);
  await Promise.all(parts.map((from) => readPart(from, Math.min(from + length, options.to))));
  return { intents, requests, ms: performance.now() - begunMs };
}

function createLine(perSecond: number): () => Promise<void> {
  let nextFreeMs = 0;
  return async () => {
    const nowMs = performance.now();
    const waitMs = Math.max(0, nextFreeMs - nowMs);
    nextFreeMs = nowMs + waitMs + 1_000 / perSecond;
    if (waitMs > 0) await sleep(waitMs);
  };
}
