// How the Stripe stand-in refuses and fails: keys, permissions, limits, and faults on demand, seen through the SDK.

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FaultEffect } from '../../sandbox/stripe/faults.js';
import { SANDBOX_API_VERSION, type StripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { client, closeAll, NOW, start } from '../support/sandbox-stripe-session.js';

afterEach(closeAll);

function rawList(sandbox: StripeSandbox): Promise<Response> {
  return fetch(`${sandbox.url}/v1/payment_intents`, { headers: { Authorization: `Bearer ${sandbox.apiKey}` } });
}

describe('answers', () => {
  it("carry the sandbox clock's Date, a request id of their own and the version that was asked", async () => {
    const { sandbox, stripe } = await start();
    const { headers, apiVersion, requestId } = (await stripe.paymentIntents.list()).lastResponse;
    expect(headers.date).toBe('Mon, 01 Jun 2026 12:00:00 GMT');
    expect(apiVersion).toBe(SANDBOX_API_VERSION);
    sandbox.clock.advance(61_000);
    const next = (await stripe.paymentIntents.list()).lastResponse;
    expect(next.headers.date).toBe('Mon, 01 Jun 2026 12:01:01 GMT');
    expect(requestId).toMatch(/^req_/);
    expect(next.requestId).not.toBe(requestId);
  });

  it('are counted by endpoint, refused ones too, in a log that stays bounded', async () => {
    const { sandbox, stripe } = await start();
    for (let n = 0; n < 3; n++) await stripe.events.list();
    await stripe.charges.retrieve('ch_none').catch(() => undefined);
    expect(sandbox.journal.requests).toEqual({ 'events.list': 3, 'charges.retrieve': 1 });
    expect(sandbox.journal.answers).toEqual({ 200: 3, 404: 1 });
    for (let n = 0; n < 5000; n++) {
      sandbox.journal.record({ at: NOW, method: 'GET', url: '/', route: 'unknown', status: 200, requestId: '' });
    }
    expect(sandbox.journal.log.length).toBeLessThanOrEqual(2000);
  });
});

describe('keys', () => {
  it('must be the right one', async () => {
    const { sandbox } = await start();
    const wrong = client(sandbox, { key: 'sk_test_wrong_key_of_somebody' });
    await expect(wrong.paymentIntents.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
      statusCode: 401,
      message: expect.stringContaining('Invalid API Key provided: sk_test_'),
    });
    expect((await fetch(`${sandbox.url}/v1/events`)).status).toBe(401);
  });

  it('that are restricted may do what their permissions name, and are told which one is missing', async () => {
    const key = 'rk_test_only_payment_intents';
    const { sandbox } = await start({ restrictedKeys: { [key]: ['rak_payment_intent_read'] } });
    const restricted = client(sandbox, { key });
    expect((await restricted.paymentIntents.list()).data).toEqual([]);
    const refusals = {
      rak_event_read: restricted.events.list(),
      rak_charge_read: restricted.charges.list(),
      rak_accounts_kyc_basic_read: restricted.accounts.retrieveCurrent(),
    };
    for (const [permission, refusal] of Object.entries(refusals)) {
      await expect(refusal).rejects.toMatchObject({
        type: 'StripePermissionError',
        statusCode: 403,
        message: expect.stringMatching(
          new RegExp(`^The provided key 'rk_test_.*does not have the required permissions.*Having the '${permission}'`),
        ),
      });
    }
  });
});

describe('limits', () => {
  it.each([
    ['endpoint-rate', { endpointPerSecond: 2 }],
    ['global-rate', { globalPerSecond: 2 }],
    ['endpoint-concurrency', { endpointConcurrency: 2 }],
    ['global-concurrency', { globalConcurrency: 2 }],
  ] as const)('answer 429 with the reason %s', async (reason, limits) => {
    const { stripe } = await start({ limits, latencyMs: 50 });
    const answers = await Promise.allSettled(Array.from({ length: 6 }, () => stripe.paymentIntents.list()));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused).toHaveLength(4);
    for (const error of refused) {
      expect(error).toMatchObject({ type: 'StripeRateLimitError', statusCode: 429, code: 'rate_limit' });
      expect(error.headers['stripe-rate-limited-reason']).toBe(reason);
    }
  });

  it('count endpoints apart, refill, and are off unless asked for', async () => {
    const { sandbox, stripe } = await start({ limits: { endpointPerSecond: 1 } });
    await stripe.paymentIntents.list();
    await stripe.events.list();
    await expect(stripe.events.list()).rejects.toMatchObject({ statusCode: 429 });
    await vi.waitFor(() => stripe.events.list(), { timeout: 5000, interval: 100 });
    sandbox.setLimits({});
    await Promise.all(Array.from({ length: 50 }, () => stripe.events.list()));
  });
});

describe('faults', () => {
  it.each<[FaultEffect, object]>([
    [
      { effect: 'rate_limited', reason: 'resource-specific' },
      { type: 'StripeRateLimitError', statusCode: 429 },
    ],
    [{ effect: 'rate_limited_400' }, { type: 'StripeRateLimitError', statusCode: 400, code: 'rate_limit' }],
    [{ effect: 'lock_timeout' }, { type: 'StripeRateLimitError', statusCode: 429, code: 'lock_timeout' }],
    [
      { effect: 'status', status: 503 },
      { type: 'StripeAPIError', statusCode: 503 },
    ],
    [{ effect: 'truncated' }, { type: 'StripeConnectionError' }],
    [{ effect: 'html' }, { type: 'StripeAPIError' }],
    [{ effect: 'wrong_json' }, { type: 'StripeAPIError' }],
  ])('show as the SDK shows them: %o', async (fault, seen) => {
    const { sandbox, stripe } = await start();
    sandbox.faults.add({ ...fault, times: 1 });
    await expect(stripe.paymentIntents.list()).rejects.toMatchObject(seen);
    expect(sandbox.faults.recentHits).toMatchObject([{ effect: fault.effect, route: 'payment_intents.list' }]);
    expect((await stripe.paymentIntents.list()).data).toEqual([]);
  });

  it('lock_timeout carries no reason and no request id, and asks to be tried again, which the SDK does', async () => {
    const { sandbox } = await start();
    sandbox.faults.add({ effect: 'lock_timeout', times: 2 });
    const answer = await rawList(sandbox);
    expect(answer.headers.get('stripe-should-retry')).toBe('true');
    expect(answer.headers.has('stripe-rate-limited-reason')).toBe(false);
    expect(answer.headers.has('request-id')).toBe(false);
    await client(sandbox, { retries: 1 }).paymentIntents.list();
    expect(sandbox.journal.requests['payment_intents.list']).toBe(3);
  });

  it('reset the connection before any answer', async () => {
    const { sandbox, stripe } = await start();
    // The SDK tries once more by itself when a connection is reset.
    sandbox.faults.add({ effect: 'reset', times: 2 });
    await expect(stripe.paymentIntents.list()).rejects.toMatchObject({ type: 'StripeConnectionError' });
    expect(sandbox.faults.hits).toBe(2);
  });

  it('slow an answer down, leave out its Date, or give it another body', async () => {
    const { sandbox, stripe } = await start();
    sandbox.faults.add({ effect: 'slow', delayMs: 80, nth: 1 });
    sandbox.faults.add({ effect: 'no_date', nth: 1 });
    sandbox.faults.add({ effect: 'wrong_json', body: '{"object":"list"}', nth: 1 });
    const begun = performance.now();
    await stripe.paymentIntents.list();
    expect(performance.now() - begun).toBeGreaterThan(75);
    expect((await rawList(sandbox)).headers.has('date')).toBe(false);
    expect(await (await rawList(sandbox)).json()).toEqual({ object: 'list' });
    expect((await rawList(sandbox)).headers.has('date')).toBe(true);
  });
});
