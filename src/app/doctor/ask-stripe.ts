/** Asks Stripe whose the key is and what it may read, by the requests of a worker's start, and takes the time from the answers. */
import { setMaxListeners } from 'node:events';
import type { ConfigSurvey } from '../../config/survey.js';
import type { Answer, StripeFacts } from '../../core/doctor/facts.js';
import { packageVersion } from '../../package-root.js';
import { createStripeAccountReader } from '../../stripe/account.js';
import { createStripeClient, type StripeClient } from '../../stripe/client.js';
import { permissionMissing } from '../../stripe/permissions.js';
import { askWithin, type Limits, unasked } from './ask-within.js';

export interface StripeAsked {
  readonly answer: Answer<StripeFacts>;
  /** Requests that were sent. */
  readonly reads: number;
  /** Stripe's time against this machine's; null without an answer. */
  readonly aheadMs: number | null;
}

export interface AskStripeOptions extends Limits {
  machineNow(): Date;
}

export async function askStripe(config: ConfigSurvey['stripe'], options: AskStripeOptions): Promise<StripeAsked> {
  if (config === null) {
    return { answer: unasked('not asked: STRIPE_API_KEY or its address is not usable'), reads: 0, aheadMs: null };
  }
  let reads = 0;
  let aheadMs: number | null = null;
  const answer = await askWithin(options, async (signal) => {
    setMaxListeners(0, signal);
    const client = createStripeClient({
      ...{ baseUrl: config.apiBase, readKey: config.readKey, version: packageVersion(), signal },
      // Once: whoever asks for this looks now, and asks again.
      retries: { attemptsMax: 1 },
      // Few, and one to an endpoint: a small share of the limits must not look like a Stripe that is slow.
      limiter: {
        async acquire() {
          reads += 1;
        },
      },
      time: {
        async judge(stated) {
          aheadMs = stated.getTime() - options.machineNow().getTime();
          return { now: stated, fault: null };
        },
      },
    });
    try {
      return await readFacts(client, config);
    } finally {
      client.close();
    }
  });
  return { answer, reads, aheadMs };
}

async function readFacts(client: StripeClient, { livemode }: { readonly livemode: boolean }): Promise<StripeFacts> {
  const account = createStripeAccountReader({ client });
  const [{ missing }, { id }] = await Promise.all([account.checkPermissions(), account.readAccount()]);
  return {
    accountId: id,
    missing: missing
      .filter((permission) => permission !== 'payment_intents')
      .map((permission) => ({ permission, message: permissionMissing([permission], { livemode }).message })),
  };
}
