/** Stripe's webhook: what Stripe signed wakes the sync, once for a burst; whatever else comes changes nothing and costs little. */
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

const [OLD, NEW] = ['whsec_of_the_endpoint_before', 'whsec_of_the_endpoint_now'];
const BODY = JSON.stringify({
  id: 'evt_1',
  object: 'event',
  type: 'payment_intent.succeeded',
  data: { object: { id: 'pi_1' } },
});

let database: ReadsDatabase;
let stage: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
});
beforeEach(async () => {
  stage = await startHttp(database, {
    config: { webhookSecrets: [OLD, NEW], adminToken: 'a-token-that-is-not-needed' },
  });
});
afterEach(() => stage.close());
afterAll(() => database.drop());

const nowS = () => Math.floor(Date.now() / 1_000);
const signed = (body: string, secret: string, at = nowS()) =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;

async function send(body: string, signature?: string): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    ...(signature === undefined ? {} : { 'stripe-signature': signature }),
  };
  return (await fetch(`${stage.url}/webhooks/stripe`, { method: 'POST', body, headers })).status;
}

describe('a webhook', () => {
  it.each([OLD, NEW])('that Stripe signed with %s wakes the sync', async (secret) => {
    expect(await send(BODY, signed(BODY, secret))).toBe(200);
    expect(stage.woken).toEqual(['webhook']);
  });

  it('of another kind is taken, and wakes nothing', async () => {
    const body = BODY.replace('payment_intent.succeeded', 'customer.created');
    expect(await send(body, signed(body, NEW))).toBe(200);
    expect(stage.woken).toEqual([]);
  });

  it('comes in bursts, of which the first wakes at once and the others once more', async () => {
    const beganAtMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 30 }, () => send(BODY, signed(BODY, NEW))));
    expect(new Set(answers)).toEqual(new Set([200]));
    await expect.poll(() => stage.woken.length, { timeout: 5_000 }).toBeGreaterThan(1);
    // Once more for each half second that the burst took, on a machine however slow.
    expect(stage.woken.length).toBeLessThanOrEqual(2 + Math.floor((performance.now() - beganAtMs) / 500));
  });

  it.each([
    ['unsigned', undefined],
    ['signed with another secret', signed(BODY, 'whsec_of_somebody_else')],
    ['recorded ten minutes ago', signed(BODY, NEW, nowS() - 600)],
    ['with a signature of another body', signed(`${BODY} `, NEW)],
    ['with nonsense for a signature', 't=,v1='],
  ])('%s is refused, and changes nothing', async (_, signature) => {
    expect(await send(BODY, signature)).toBe(400);
    expect(stage.woken).toEqual([]);
  });

  it('of half a megabyte is not read', async () => {
    const body = `"${'x'.repeat(500_000)}"`;
    expect(await send(body, signed(body, NEW))).toBe(413);
  });

  it('comes through a flood of forged ones', async () => {
    const forged = await Promise.all(Array.from({ length: 200 }, () => send(BODY, signed(BODY, 'whsec_wrong'))));
    expect(new Set(forged)).toEqual(new Set([400]));
    expect(await send(BODY, signed(BODY, NEW))).toBe(200);
    expect(stage.woken).toEqual(['webhook']);
  });

  it('that is refused leaves a trace, once a minute at most with how many there were', async () => {
    const wrong = () => send(BODY, signed(BODY, 'whsec_wrong'));
    for (let sent = 0; sent < 3; sent += 1) await wrong();
    await send(BODY);
    expect(stage.refusedWebhooks).toEqual([1]);
    stage.nowMs += 60_000;
    await wrong();
    expect(stage.refusedWebhooks).toEqual([1, 4]);
    await send(BODY, signed(BODY, NEW));
    const authorization = 'Bearer a-token-that-is-not-needed';
    await fetch(`${stage.url}/health/live`);
    const metrics = await (await fetch(`${stage.url}/metrics`, { headers: { authorization } })).text();
    const counted = (route: string, method: string, status: number) =>
      metrics.match(
        new RegExp(`request_duration_seconds_count{route="${route}",method="${method}",status="${status}"} (\\d+)`),
      )?.[1];
    expect(counted('/webhooks/stripe', 'POST', 400)).toBe('5');
    expect(counted('/webhooks/stripe', 'POST', 200)).toBe('1');
    expect(counted('/health/live', 'GET', 200)).toBe('1');
  });

  it('in a flood of large ones is checked only as far as little time goes', async () => {
    const large = `"${'x'.repeat(250_000)}"`;
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(large, signed(large, 'whsec_wrong'))));
    expect(answers.filter((status) => status === 400)).toHaveLength(33);
    expect(answers.filter((status) => status === 429)).toHaveLength(7);
  });

  it('is not there without a secret', async () => {
    await stage.close();
    stage = await startHttp(database);
    expect(await send(BODY, signed(BODY, NEW))).toBe(404);
  });
});
