/**
 * Stripe's webhook: only wakes the fetching of events, and stores nothing. What the ledger holds never depends on it, so that a
 * forged, repeated or lost one changes nothing but when a sync runs.
 */
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { addressOf, type Environment } from './access.js';
import type { HttpPorts } from './ports.js';
import { answerProblem, problemWith, refuse } from './problem.js';

/** Stripe's events of payments are a few kilobytes. */
const BODY_BYTES_MAX = 256 * 1_024;
/**
 * Checking a signature costs processor time, the more the longer the body is. Below this, everything is checked, so that what Stripe sends
 * comes through a flood of forged ones.
 */
const CHECKS_A_SECOND = 1_000;
const CHECKED_BYTES_A_SECOND = 8 * 1_024 * 1_024;
/** Woken at once, and then not before this passed: bursts of payments are one fetch. */
const WAKE_EVERY_MS = 500;

const TELL_EVERY_MS = 60_000;

const WAKING = new Set(['payment_intent.succeeded', 'charge.succeeded']);

export function addWebhook(
  app: Hono<Environment>,
  ports: Pick<HttpPorts, 'config' | 'verifyWebhook' | 'wakeTail' | 'monotonicMs' | 'onFault' | 'onWebhookRefused'>,
): void {
  const mayCheck = perSecond(ports.monotonicMs);
  const wake = coalesced(ports);
  const refused = countedRefusals(ports);
  const wrong = (c: Context<Environment>, detail: string): Response => {
    refused();
    return answerProblem(c, problemWith(400, 'http_signature_wrong', detail));
  };
  const tooLarge = () => {
    throw refuse(413, 'http_body_too_large', `The body is larger than ${BODY_BYTES_MAX} bytes`);
  };
  const counted = bodyLimit({ maxSize: BODY_BYTES_MAX, onError: tooLarge });
  // Counting a body's bytes takes longer than checking it: the server holds a body to the length that was said.
  const limited: MiddlewareHandler<Environment> = (c, next) => {
    const length = c.req.header('content-length');
    if (length === undefined || c.req.header('transfer-encoding') !== undefined) return counted(c, next);
    return Number(length) > BODY_BYTES_MAX ? tooLarge() : next();
  };
  app.post('/webhooks/stripe', limited, async (c) => {
    const signature = c.req.header('stripe-signature');
    if (ports.config.webhookSecrets.length === 0) {
      throw refuse(404, 'http_not_found', 'No webhook is configured; set STRIPE_WEBHOOK_SECRET to its signing secret');
    }
    if (signature === undefined) return wrong(c, 'The header Stripe-Signature is missing');
    const body = await c.req.text();
    if (!mayCheck(body.length)) {
      const detail = `More came than is checked in a second, the last from ${addressOf(c, ports.config.trustsProxy)}`;
      return answerProblem(c, problemWith(429, 'http_too_many_tries', detail, { retryAfterS: 1 }));
    }
    const event = ports.verifyWebhook(body, signature);
    if (event === null) {
      return wrong(c, 'The signature is of none of STRIPE_WEBHOOK_SECRET, or older than five minutes');
    }
    if (WAKING.has(event.type)) wake();
    return c.text('ok\n');
  });
}

function perSecond(nowMs: () => number): (bytes: number) => boolean {
  let [second, checks, checkedBytes] = [0, 0, 0];
  return (bytes) => {
    const now = Math.floor(nowMs() / 1_000);
    if (now !== second) [second, checks, checkedBytes] = [now, 0, 0];
    if (checks >= CHECKS_A_SECOND || checkedBytes + bytes > CHECKED_BYTES_A_SECOND) return false;
    checks += 1;
    checkedBytes += bytes;
    return true;
  };
}

/** At once for the first one, then with the next one after a minute: whoever forges them fills no log. */
function countedRefusals({
  monotonicMs,
  onWebhookRefused,
}: Pick<HttpPorts, 'monotonicMs' | 'onWebhookRefused'>): () => void {
  let [count, toldAtMs] = [0, Number.NEGATIVE_INFINITY];
  return () => {
    count += 1;
    if (monotonicMs() - toldAtMs < TELL_EVERY_MS) return;
    onWebhookRefused({ count });
    [count, toldAtMs] = [0, monotonicMs()];
  };
}

/** At once when it is quiet; else once for all that come until then. The answer waits for nothing. */
function coalesced({ wakeTail, onFault }: Pick<HttpPorts, 'wakeTail' | 'onFault'>): () => void {
  let isWaiting = false;
  let isWanted = false;
  const begin = (): void => {
    isWaiting = true;
    wakeTail().catch((error: unknown) => onFault(error, '/webhooks/stripe'));
    setTimeout(() => {
      isWaiting = false;
      if (isWanted) begin();
      isWanted = false;
    }, WAKE_EVERY_MS).unref();
  };
  return () => {
    if (isWaiting) isWanted = true;
    else begin();
  };
}
