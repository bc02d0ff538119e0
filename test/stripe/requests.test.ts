/**
 * One request to Stripe, when things go wrong: what is sent again and how often, what every fault becomes, which key is
 * used. The stand-in makes the faults that Stripe has; a small server the answers that only a proxy or a defect gives.
 */
import { afterEach, expect, test } from 'vitest';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import type { FeedPage } from '../../src/collect/ports.js';
import { describeError, SyncError } from '../../src/core/base/errors.js';
import { createStripeAccountReader } from '../../src/stripe/account.js';
import { createStripeClient, type StripeClient, type StripeClientOptions } from '../../src/stripe/client.js';
import { createPaymentFeeds } from '../../src/stripe/feeds.js';
import type { RetryNotice } from '../../src/stripe/request.js';
import { type Act, json, startScriptedServer } from '../support/scripted-server.js';

const KEY = 'sk_test_sandbox';
const open: { close(): void | Promise<void> }[] = [];

afterEach(async () => {
  for (const closing of open.splice(0).reverse()) await closing.close();
});

test.each([
  ['a limit of the account', { effect: 'rate_limited', reason: 'global-rate' }, 'stripe_rate_limited'],
  ['a limit of the endpoint', { effect: 'rate_limited', reason: 'endpoint-concurrency' }, 'stripe_rate_limited'],
  ['a limit told with status 400', { effect: 'rate_limited_400' }, 'stripe_rate_limited'],
  ['a lock', { effect: 'lock_timeout' }, 'stripe_lock_timeout'],
  ['status 500', { effect: 'status', status: 500 }, 'stripe_unavailable'],
  ['status 503', { effect: 'status', status: 503 }, 'stripe_unavailable'],
  ['status 409', { effect: 'status', status: 409 }, 'stripe_unavailable'],
  ['a reset connection', { effect: 'reset' }, 'stripe_unavailable'],
  ['a truncated body', { effect: 'truncated' }, 'stripe_unavailable'],
  ['a page of HTML', { effect: 'html' }, 'stripe_unavailable'],
  ['a body that is no JSON', { effect: 'wrong_json' }, 'stripe_unavailable'],
  ['a body that is a JSON text', { effect: 'wrong_json', body: '"ok"' }, 'stripe_unavailable'],
  ['a body that is null', { effect: 'wrong_json', body: 'null' }, 'stripe_unavailable'],
] as const)('%s is sent again, six times in all, and then told as transient', async (_name, fault, code) => {
  const { sandbox, read, notices, slept } = await startSandboxed();
  const twice = sandbox.faults.add({ ...fault, times: 2 });
  expect(await read()).toMatchObject({ requests: 3 });
  expect(notices.map((notice) => notice.error.code)).toEqual([code, code]);
  twice.remove();

  sandbox.journal.reset();
  slept.length = 0;
  sandbox.faults.add(fault);
  const failed = await failureOf(read());
  expect(failed).toMatchObject({ kind: 'transient', code });
  expect(failed.message).toContain('given up after 6 attempts');
  expect(sandbox.journal.requests['payment_intents.list']).toBe(6);
  // Full jitter below a ceiling that doubles; the clock of this test always draws 0.5.
  // Before the first one of these, what was refused before may be minded.
  expect(slept.slice(-5)).toEqual([250, 500, 1_000, 2_000, 4_000]);
});

test('the reason of a rate limit is told', async () => {
  const { sandbox, read } = await startSandboxed();
  sandbox.faults.add({ effect: 'rate_limited', reason: 'endpoint-concurrency' });
  expect((await failureOf(read())).message).toContain('endpoint-concurrency');
});

test('an answer that does not come is given up in time, and sent again', async () => {
  const { sandbox, read, notices } = await startSandboxed({ requestTimeoutMs: 400 });
  sandbox.faults.add({ effect: 'hang', times: 1 });
  expect(await read()).toMatchObject({ requests: 2 });
  expect(notices[0]?.error.message).toContain('timeout');
});

test('the time limit holds for a whole answer that drips in, too', async () => {
  const { read, notices } = await startServer(
    [
      (response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const drip = setInterval(() => response.write(' '), 10);
        response.once('close', () => clearInterval(drip));
      },
      emptyPage,
    ],
    { requestTimeoutMs: 400 },
  );
  expect(await read()).toMatchObject({ requests: 2 });
  expect(notices[0]?.error).toMatchObject({ code: 'stripe_unavailable' });
});

test('all attempts together end within the total time', async () => {
  const { sandbox, read } = await startSandboxed({ retries: { totalTimeMaxMs: 2_000 } });
  sandbox.faults.add({ effect: 'status', status: 500 });
  // Waits of 250, 500 and 1000 ms fit into 2 s; one of 2000 ms more would not.
  expect((await failureOf(read())).message).toContain('given up after 4 attempts');
});

test('no wait is longer than the longest', async () => {
  const { sandbox, read, slept } = await startSandboxed({ retries: { attemptsMax: 10, backoffMaxMs: 3_000 } });
  sandbox.faults.add({ effect: 'reset' });
  await failureOf(read());
  expect(slept).toEqual([250, 500, 1_000, 1_500, 1_500, 1_500, 1_500, 1_500, 1_500]);
});

test('a wait that Stripe requests is kept, and one that is too long is left to the caller', async () => {
  const patient = await startServer([json(429, LIMITED, { 'Retry-After': '7' }), emptyPage]);
  expect(await patient.read()).toMatchObject({ requests: 2 });
  expect(patient.slept).toEqual([7_000]);

  const dated = await startServer([
    json(503, REFUSAL, {
      'Retry-After': 'Wed, 21 Oct 2015 07:28:30 GMT',
      Date: 'Wed, 21 Oct 2015 07:28:00 GMT',
    }),
    emptyPage,
  ]);
  expect(await dated.read()).toMatchObject({ requests: 2 });
  expect(dated.slept).toEqual([30_000]);

  const impatient = await startServer([json(503, REFUSAL, { 'Retry-After': '900' })]);
  expect(await failureOf(impatient.read())).toMatchObject({ code: 'stripe_unavailable', retryAfterMs: 900_000 });
  expect(impatient.slept).toEqual([]);
});

test('Stripe-Should-Retry is heeded, but a rate limit is sent again whatever it states', async () => {
  const no = { 'Stripe-Should-Retry': 'false' };
  const server = await startServer([json(500, REFUSAL, no)]);
  expect(await failureOf(server.read())).toMatchObject({ kind: 'transient', code: 'stripe_unavailable' });
  expect(server.served()).toBe(1);

  const asked = await startServer([json(400, REFUSAL, { 'Stripe-Should-Retry': 'true' }), emptyPage]);
  expect(await asked.read()).toMatchObject({ requests: 2 });

  const limited = await startServer([json(429, LIMITED, no), emptyPage]);
  expect(await limited.read()).toMatchObject({ requests: 2 });
});

test('what does not answer as Stripe does may be somebody else: the variable of its address is named', async () => {
  const elsewhere = await startServer([
    (response) => {
      response.writeHead(404, { 'Stripe-Should-Retry': 'false' }).end('<html>not found</html>');
    },
  ]);
  expect(await failureOf(elsewhere.read())).toMatchObject({
    message: expect.stringMatching(/HTTP 404 with a body that is not JSON; if it lasts, check STRIPE_API_BASE/),
  });
  await elsewhere.close();
  expect((await failureOf(elsewhere.read())).message).toContain('could not be reached (STRIPE_API_BASE; ');
});

test('what Stripe refuses is fatal and not sent again', async () => {
  const server = await startServer([json(400, REFUSAL)]);
  expect(await failureOf(server.read())).toMatchObject({ kind: 'fatal', code: 'stripe_request_refused' });
  expect(server.served()).toBe(1);
});

test.each([
  ['an error page without its error', 502, {}],
  ['a redirect', 302, {}],
  ['an error that is a text', 500, { error: 'bad_gateway' }],
  ['a list', 200, []],
])('%s is not taken for an answer', async (_name, status, body) => {
  const { read } = await startServer([json(status, body), emptyPage]);
  expect(await read()).toMatchObject({ requests: 2 });
});

test('the key that is read after a refusal is confirmed by Stripe itself, not by the JSON of something in between', async () => {
  const keys = ['sk_test_withdrawn'];
  const opening = { readKey: async () => keys.shift() ?? KEY };
  const account = (body: object) => json(200, body);
  const refused = json(401, REFUSAL);
  const fooled = await startServer([refused, account({ success: true })], opening);
  fooled.client.expectAccount('acct_1');
  expect(await failureOf(fooled.read())).toMatchObject({ kind: 'transient', code: 'stripe_answer_unreadable' });

  keys.push('sk_test_withdrawn');
  const other = await startServer([refused, account({ id: 'acct_2' })], opening);
  other.client.expectAccount('acct_1');
  expect(await failureOf(other.read())).toMatchObject({ kind: 'fatal', code: 'other_account' });
});

test('neither a permission nor the time is taken from an answer that is no list', async () => {
  const { account } = await startServer([json(200, { success: true })]);
  expect(await failureOf(account.checkPermissions())).toMatchObject({ code: 'stripe_answer_unreadable' });
  expect(await failureOf(account.serverTime())).toMatchObject({ code: 'stripe_answer_unreadable' });
});

test.each([
  ['no data', { object: 'list', has_more: false }],
  ['no has_more', { object: 'list', data: [] }],
  ['more behind nothing', { data: [], has_more: true }],
  ['an object without an id', { data: [{ object: 'payment_intent', created: 5 }], has_more: false }],
  ['an object that is none', { data: [null], has_more: false }],
  ['no time at all', { data: [{ id: 'pi_1', status: 'succeeded' }], has_more: false }],
  [
    'an order that is not newest first',
    {
      data: [
        { id: 'pi_1', status: 'processing', created: 5 },
        { id: 'pi_2', status: 'processing', created: 6 },
      ],
      has_more: false,
    },
  ],
])('a page with %s proves nothing and is refused whole', async (_name, body) => {
  const { read } = await startServer([json(200, body)]);
  expect(await failureOf(read())).toMatchObject({ kind: 'transient', code: 'stripe_answer_unreadable' });
});

test('an intent without a time of its own stands where the list puts it', async () => {
  const intents = [
    { id: 'pi_1', status: 'succeeded', created: 'lately' },
    { id: 'pi_2', status: 'processing', created: 90 },
    { id: 'pi_3', status: 'succeeded', created: null },
  ];
  const { read } = await startServer([json(200, { data: intents, has_more: false })]);
  const page = await read();
  expect(page).toMatchObject({ newest: new Date(90_000), oldest: new Date(90_000) });
  expect(page.payments.map(({ payment, seenAt }) => [payment.id, payment.kind, seenAt])).toEqual([
    ['pi_1', 'unreadable', new Date(90_000)],
    ['pi_3', 'unreadable', new Date(90_000)],
  ]);
});

test('an event whose intent is gone, or not succeeded, is a payment that a person must look at', async () => {
  const event = (id: string) => ({
    id: `evt_${id}`,
    type: 'payment_intent.succeeded',
    created: 100,
    api_version: '2019-02-11',
    data: { object: { id, created: 90 } },
  });
  const missing = {
    error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such payment_intent' },
  };
  const { feeds } = await startServer([
    json(200, { data: [event('pi_gone'), event('pi_other')], has_more: false }),
    (response, asked) => {
      const act = asked.url.endsWith('pi_gone')
        ? json(404, missing)
        : json(200, { id: 'pi_other', status: 'canceled' });
      act(response, asked);
    },
  ]);
  const page = await feeds.succeededEvents({ from: new Date(0), to: null, after: null });
  expect(page.payments).toEqual(
    ['pi_gone', 'pi_other'].map((id) => ({
      seenAt: new Date(100_000),
      payment: {
        kind: 'unreadable',
        id,
        created: new Date(90_000),
        problem: expect.stringContaining('its event says'),
      },
    })),
  );
});

test('an aged-out cursor is known by its text alone', async () => {
  const message = "The event 'evt_1' is no longer available because it's aged out of our retention policy.";
  const { feeds } = await startServer([json(400, { error: { type: 'invalid_request_error', message } })]);
  const reading = feeds.succeededEvents({ from: new Date(0), to: null, after: 'evt_1' });
  expect(await failureOf(reading)).toMatchObject({ kind: 'transient', code: 'cursor_gone' });
});

test('another intent than the one asked for is not taken for it', async () => {
  const { account } = await startServer([json(200, { id: 'pi_2', status: 'canceled' })]);
  const reading = account.readIntent('pi_1');
  expect(await failureOf(reading)).toMatchObject({ kind: 'transient', code: 'stripe_answer_unreadable' });
});

test('nobody there: the address and the reason are told', async () => {
  const server = await startServer([]);
  await server.close();
  const failed = await failureOf(server.read());
  expect(failed).toMatchObject({ kind: 'transient', code: 'stripe_unavailable' });
  expect(describeError(failed)).toContain('ECONNREFUSED');
});

test('a refused key is read again once, and the request repeated with the new one', async () => {
  const readings = ['sk_test_old', KEY];
  const { sandbox, read, account } = await startSandboxed({ readKey: () => Promise.resolve(readings.shift() ?? KEY) });
  expect(await read()).toMatchObject({ requests: 2 });
  expect(sandbox.journal.answers).toEqual({ 401: 1, 200: 1 });
  await account.readAccount();
  expect(readings).toEqual([]);
});

test('requests that are refused together read the key once', async () => {
  const readings = ['sk_test_old', KEY, 'sk_test_one_too_many'];
  const { account, sandbox } = await startSandboxed({ readKey: () => Promise.resolve(readings.shift() ?? '') });
  expect(await account.checkPermissions()).toEqual({ missing: [] });
  expect(readings).toEqual(['sk_test_one_too_many']);
  expect(sandbox.journal.answers).toEqual({ 401: 3, 200: 3 });
});

test('a key that stays refused is fatal', async () => {
  const { sandbox, read } = await startSandboxed({ readKey: () => Promise.resolve('sk_test_wrong') });
  const failed = await failureOf(read());
  expect(failed).toMatchObject({ kind: 'fatal', code: 'stripe_key_refused' });
  expect(failed.message).toContain('STRIPE_API_KEY');
  expect(sandbox.journal.answers).toEqual({ 401: 1 });
});

test('a key that is another one at every reading is tried twice, not for ever', async () => {
  let count = 0;
  const readKey = () => {
    count += 1;
    return Promise.resolve(`sk_test_number_${count}`);
  };
  const { sandbox, read } = await startSandboxed({ readKey });
  expect(await failureOf(read())).toMatchObject({ kind: 'fatal', code: 'stripe_key_refused' });
  expect(sandbox.journal.answers).toEqual({ 401: 2 });
});

test('a key that changes from test to live is refused, not used', async () => {
  const readings = ['sk_test_old', 'sk_live_new'];
  const { sandbox, read } = await startSandboxed({ readKey: () => Promise.resolve(readings.shift() ?? '') });
  expect(await failureOf(read())).toMatchObject({ kind: 'fatal', code: 'stripe_key_refused' });
  expect(sandbox.journal.answers).toEqual({ 401: 1 });
});

test.each(['', 'sk_test_with\nnewline', ' sk_test'])('the key %j is refused before anything is sent', async (key) => {
  const { sandbox, read } = await startSandboxed({ readKey: () => Promise.resolve(key) });
  expect(await failureOf(read())).toMatchObject({ kind: 'fatal', code: 'stripe_key_refused' });
  expect(sandbox.journal.requests).toEqual({});
});

test('an expired key is named as such', async () => {
  const body = { error: { code: 'api_key_expired', message: 'Expired API Key provided: sk_test_********box1' } };
  const { read } = await startServer([json(401, body)]);
  const failed = await failureOf(read());
  expect(failed).toMatchObject({ kind: 'fatal', code: 'stripe_key_refused' });
  expect(failed.message).toContain('has expired');
});

test.each([400, 401, 403, 429, 500])('no error of status %i carries a key or a client secret', async (status) => {
  const oddKey = 'a-key-of-another-form';
  const message = `The keys ${KEY}, ${oddKey} and rk_live_51Habc***xyz may not see pi_3Abc_secret_Def`;
  const { read } = await startServer([json(status, { error: { message } }, { 'Stripe-Should-Retry': 'false' })], {
    retries: { attemptsMax: 1 },
    readKey: () => Promise.resolve(oddKey),
  });
  const failed = await failureOf(read());
  const everything = `${describeError(failed)} ${failed.stack} ${JSON.stringify(failed)} ${JSON.stringify(failed.cause)}`;
  expect(everything).toContain('may not see');
  for (const secret of [KEY, oddKey, '51Habc', 'xyz', 'Def']) expect(everything).not.toContain(secret);
});

test('at shutdown no further attempt begins', async () => {
  const stopping = new AbortController();
  const { sandbox, read } = await startSandboxed({
    signal: stopping.signal,
    onRetry: () => stopping.abort(),
  });
  sandbox.faults.add({ effect: 'status', status: 500 });
  expect(await failureOf(read())).toMatchObject({ kind: 'transient', code: 'stopped' });
  expect(sandbox.journal.requests).toEqual({ 'payment_intents.list': 1 });
  await failureOf(read());
  expect(sandbox.journal.requests).toEqual({ 'payment_intents.list': 1 });
});

test('what the limiter throws goes through as it is', async () => {
  const fault = new SyncError('the database is away', { kind: 'transient', code: 'database_unreachable' });
  const { read } = await startSandboxed({ limiter: { acquire: () => Promise.reject(fault) } });
  expect(await failureOf(read())).toBe(fault);
});

test('requests carry the pinned version, the name of this software and no telemetry; notices are not printed', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on('warning', listener);
  const { read, seen } = await startServer([
    json(200, EMPTY_PAGE, { 'Stripe-Notice': 'Read our news', 'Request-Id': 'req_1' }),
  ]);
  await read();
  await read();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  expect(warnings).toEqual([]);
  expect(seen[1]?.headers).toMatchObject({
    'stripe-version': '2026-10-28.endive',
    authorization: `Bearer ${KEY}`,
    'user-agent': expect.stringContaining('stripe-blnk-sync/0.0.0-test'),
  });
  expect(seen[1]?.headers).not.toHaveProperty('x-stripe-client-telemetry');
});

test('an answer that does not end is given up at its largest size, and told as transient', async () => {
  let sent = 0;
  const endless: Act = (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const more = (): void => {
      if (response.destroyed) return;
      sent += 65_536;
      if (response.write('['.repeat(65_536))) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  };
  const { read, served } = await startServer([endless, emptyPage], { answerBytesMax: 1_000_000 });
  expect(await read()).toMatchObject({ requests: 2 });
  expect(served()).toBe(2);
  // What the buffers of both sides hold comes on top.
  expect(sent).toBeLessThan(30_000_000);
  const { read: readAgain } = await startServer([endless], { answerBytesMax: 1_000_000, retries: { attemptsMax: 1 } });
  expect(await failureOf(readAgain())).toMatchObject({
    kind: 'transient',
    code: 'stripe_unavailable',
    message: expect.stringContaining('a body of more than 1000000 bytes'),
  });
});

test.each(['not a url', 'ftp://host', 'http://host/path', 'http://host?x=1', 'http://user@host', ''])(
  'the base %j is refused',
  (baseUrl) => {
    expect(() => createStripeClient({ ...optionsFor(baseUrl), baseUrl })).toThrowError(
      expect.objectContaining({ kind: 'fatal', code: 'stripe_api_base_invalid' }),
    );
  },
);

const EMPTY_PAGE = { object: 'list', data: [], has_more: false, url: '/v1/payment_intents' };
const REFUSAL = { error: { type: 'invalid_request_error', message: 'no' } };
const LIMITED = { error: { type: 'invalid_request_error', code: 'rate_limit', message: 'too many' } };
const emptyPage = json(200, EMPTY_PAGE);

/** A server that gives these answers in turn, the last one for ever. */
async function startServer(answers: readonly Act[], options: Partial<StripeClientOptions> = {}) {
  const server = await startScriptedServer();
  server.script(...answers);
  open.push(server);
  const { seen, close } = server;
  return { ...connect(server.url, options), served: () => seen.length, seen, close };
}

async function startSandboxed(options: Partial<StripeClientOptions> = {}) {
  const sandbox: StripeSandbox = await startStripeSandbox({ apiKey: KEY });
  open.push(sandbox);
  return { ...connect(sandbox.url, options), sandbox };
}

function connect(baseUrl: string, options: Partial<StripeClientOptions>) {
  const notices: RetryNotice[] = [];
  const slept: number[] = [];
  const client: StripeClient = createStripeClient({ ...optionsFor(baseUrl, { notices, slept }), ...options });
  open.push(client);
  const feeds = createPaymentFeeds({ client });
  const read = (): Promise<FeedPage> => feeds.paymentIntents({ from: new Date(0), to: null, after: null });
  return { client, feeds, read, account: createStripeAccountReader({ client }), notices, slept };
}

/** Waits take no time here, and only they move the clock: the load of the machine decides nothing. */
function optionsFor(
  baseUrl: string,
  seen: { notices: RetryNotice[]; slept: number[] } = { notices: [], slept: [] },
): StripeClientOptions {
  let sleptMs = 0;
  return {
    baseUrl,
    readKey: () => Promise.resolve(KEY),
    version: '0.0.0-test',
    limiter: { acquire: () => Promise.resolve() },
    onRetry: (notice) => seen.notices.push(notice),
    clock: {
      monotonicMs: () => sleptMs,
      sleep: (durationMs) => {
        sleptMs += durationMs;
        seen.slept.push(durationMs);
        return Promise.resolve();
      },
      random: () => 0.5,
    },
  };
}

async function failureOf(reading: Promise<unknown>): Promise<SyncError> {
  const outcome = await reading.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
  if (!(outcome instanceof SyncError))
    throw new Error(`expected a SyncError, got ${String(outcome)}`, { cause: outcome });
  return outcome;
}
