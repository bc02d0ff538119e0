/** How an adapter of the matrix is connected to Stripe: tries of production, pauses that are counted and not waited for. */
import type { StripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { createStripeClient, type StripeClient } from '../../src/stripe/client.js';

/** Where a row is not about time, a busy machine must not meet the limit. */
const UNHURRIED_MS = 20_000;

export function connectStripe(
  sandbox: StripeSandbox,
  {
    url,
    limitMs = UNHURRIED_MS,
    readKey,
  }: { readonly url: string; readonly limitMs?: number | undefined; readonly readKey?: () => Promise<string> },
): StripeClient {
  let sleptMs = 0;
  return createStripeClient({
    baseUrl: url,
    readKey: readKey ?? (async () => sandbox.apiKey),
    limiter: { acquire: async () => {} },
    version: '0.0.0',
    clock: {
      monotonicMs: () => sleptMs,
      sleep: async (ms) => {
        sleptMs += ms;
      },
      // The longest of what chance may choose.
      random: () => 0.999_999,
    },
    requestTimeoutMs: limitMs,
    answerBytesMax: 200_000,
  });
}
