/** The process of the stand-in for Stripe, as its parent sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface StripeOrder {
  readonly intents: number;
  /** Unix seconds, half-open. */
  readonly from: number;
  readonly to: number;
  readonly latencyMs: number;
  /** Requests a second to one endpoint; null: no limit. */
  readonly endpointPerSecond: number | null;
  /** The share of all payments that the newest tenth of the time holds; null: as much as any other. */
  readonly newestTenth: number | null;
}

export interface StripeProcess {
  readonly url: string;
  readonly apiKey: string;
  readonly child: ChildProcess;
}

export async function startStripe(order: StripeOrder): Promise<StripeProcess> {
  const file = fileURLToPath(new URL('stripe-child.ts', import.meta.url));
  const child = fork(file, [JSON.stringify(order)], { execArgv: ['--import', import.meta.resolve('tsx')] });
  const left = once(child, 'exit').then(([code]) => {
    throw new Error(`the stand-in for Stripe left with ${code}`);
  });
  const [answer] = (await Promise.race([once(child, 'message'), left])) as [{ url: string; apiKey: string }];
  left.catch(() => {
    // Told to stop.
  });
  return { ...answer, child };
}
