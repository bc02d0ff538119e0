/** A real worker with its HTTP server: ready when it works, asked over the API, woken by a webhook, and no slower to stop. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const STREAMS = 200;
const SECRET = 'whsec_of_this_endpoint';

const home = homes().find(({ name }) => name === 'postgres') ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

describe('a worker with its HTTP server', () => {
  let session: Session;
  let worker: Child;
  let url: string;
  let variables: Record<string, string>;

  beforeAll(async () => {
    session = await startSession(home, { population: population(100) });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    variables = { HTTP_PORT: String(port), STRIPE_WEBHOOK_SECRET: SECRET, SYNC_EVERY: '12h', SYNC_LAG: '60s' };
    worker = session.quickWorker({ variables });
    await session.untilSettled();
    await until('it listens', () => worker.log().some(({ event }) => event === 'http_listening'), {
      explain: () => worker.output(),
    });
  }, 60_000);
  afterAll(() => session.close());

  const get = async (path: string) => (await fetch(url + path)).json() as Promise<Record<string, never>>;
  const runs = async () =>
    (await get('/api/v1/runs?limit=100&empty=true')).data as unknown as Array<{ trigger: string; status: string }>;

  it('is ready, for a supervisor and for the command beside it', async () => {
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const outcome = await session.run(['health'], variables);
    expect([outcome.code, outcome.output]).toEqual([0, expect.stringContaining('[+] database')]);
    const nobody = await session.run(['health'], { ...variables, HTTP_PORT: String(await freePort()) });
    expect([nobody.code, nobody.output]).toEqual([1, expect.stringContaining('nobody answers at')]);
  });

  it('does what the API asks for, and notes who asked', async () => {
    const body = JSON.stringify({});
    const asked = await fetch(`${url}/api/v1/runs`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(asked.status).toBe(202);
    await until('the run is over', async () =>
      (await runs()).some(({ trigger, status }) => trigger === 'manual' && status === 'succeeded'),
    );
    const { data } = (await get('/api/v1/actions')) as unknown as { data: unknown[] };
    expect(data[0]).toMatchObject({ kind: 'sync', origin: 'api', actor: 'somebody on this machine' });
  });

  it('fetches a payment when Stripe tells of it, long before the next sync', async () => {
    const { stripe } = session;
    stripe.succeed(stripe.createIntent({ kind: 'card_usd' }));
    const body = JSON.stringify({ id: 'evt_1', object: 'event', type: 'payment_intent.succeeded' });
    const at = Math.floor(Date.now() / 1_000);
    const mac = createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex');
    const sent = await fetch(`${url}/webhooks/stripe`, {
      method: 'POST',
      body,
      headers: { 'stripe-signature': `t=${at},v1=${mac}` },
    });
    expect(sent.status).toBe(200);
    await until('it is in the ledger', async () => (await runs()).some(({ trigger }) => trigger === 'webhook'));
  });

  it('lets a second one on the same port work without pages', async () => {
    const second = session.quickWorker({ variables });
    await until('it starts', () => second.log().some(({ event }) => event === 'worker_started'), {
      explain: () => second.output(),
    });
    await until('it tells why', () => second.log().some(({ code }) => code === 'http_port_taken'), {
      explain: () => second.output(),
    });
    second.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
  });

  it(`ends as soon with ${STREAMS} open streams as without`, async () => {
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => fetch(`${url}/events`)));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    const ends = streams.map((stream) =>
      stream.text().then(
        () => true,
        () => true,
      ),
    );
    const begun = performance.now();
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    // The grace of this worker is far longer: nothing of it was spent on them.
    expect(performance.now() - begun).toBeLessThan(8_000);
    expect(await Promise.all(ends)).toHaveLength(STREAMS);
  }, 60_000);
});
