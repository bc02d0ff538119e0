/** Webhooks to a worker: as Stripe sends them, and as somebody makes them up. */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const FORGED_AT_ONCE = 32;

export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

export interface Flood {
  /** How many were answered, by status. */
  end(): Promise<ReadonlyMap<number, number>>;
}

/** One `payment_intent.succeeded`, about as long as Stripe's are. */
export async function tellOfSuccess({ url, secret }: WebhookTarget, paymentIntent: string): Promise<void> {
  await send(url, bodyOf(paymentIntent), secret);
}

/** Signed with another secret, evenly over each minute. */
export function startFlood({ url }: WebhookTarget, perMinute: number): Flood {
  const statuses = new Map<number, number>();
  const beganAtMs = performance.now();
  let sent = 0;
  let isEnded = false;
  const sender = async (): Promise<void> => {
    while (!isEnded) {
      if (sent >= ((performance.now() - beganAtMs) / 60_000) * perMinute) {
        await sleep(5);
        continue;
      }
      sent += 1;
      const status = await send(url, bodyOf(`pi_forged${sent}`), 'whsec_made_up');
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const senders = Array.from({ length: FORGED_AT_ONCE }, sender);
  return {
    async end() {
      isEnded = true;
      await Promise.all(senders);
      return statuses;
    },
  };
}

async function send(url: string, body: string, secret: string): Promise<number> {
  const at = Math.floor(Date.now() / 1_000);
  const mac = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${mac}` };
  const answer = await fetch(`${url}/webhooks/stripe`, { method: 'POST', body, headers });
  await answer.arrayBuffer();
  return answer.status;
}

function bodyOf(paymentIntent: string): string {
  return JSON.stringify({
    ...{ id: `evt_of_${paymentIntent}`, object: 'event', type: 'payment_intent.succeeded' },
    data: { object: { id: paymentIntent, object: 'payment_intent', padding: 'x'.repeat(2_000) } },
  });
}
