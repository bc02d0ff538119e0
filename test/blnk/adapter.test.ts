/**
 * What the adapter makes of every answer to a post: Core's, the Cloud's and those of the network between.
 * The rule under test: only what is certain is said, all else is `unclear`.
 */
import { describe, expect, it } from 'vitest';
import { BODY, ROW, scriptedLedger } from '../support/scripted-ledger.js';
import { coreError, json, reset, type ScriptedServer, silent, text, truncated } from '../support/scripted-server.js';

const { server, connect } = scriptedLedger();

const APPLIED_ROW = {
  transactionId: 'txn_1',
  reference: 'pi_1',
  status: 'APPLIED',
  amount: 1250n,
  currency: 'USD',
  source: 'bln_s',
  destination: 'bln_d',
  effectiveDate: new Date('2026-10-01T02:03:04Z'),
  mirrorId: 'm1',
  rejectionReason: null,
};
const DUPLICATE = { kind: 'duplicate' };
/** As Core answered before it had codes. */
const old = (words: string) => json(400, { error: words });
const PAGE = '<html><body><h1>Bad\n gateway</h1></body></html>';

describe('what goes over the wire', () => {
  it('is the prepared text byte for byte, through the proxy of the Cloud with instance and Bearer token', async () => {
    server().script(json(201, ROW));
    await connect({ baseUrl: `${server().url}/some/path/`, instanceId: 'a&b' }).post(BODY);
    const [request] = server().seen;
    expect(request?.url).toBe('/some/path/proxy/transactions?instance_id=a%26b');
    expect(request?.method).toBe('POST');
    expect(request?.body).toBe(BODY);
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer blnk_test_key',
      'content-type': 'application/json',
    });
    expect(request?.headers['x-blnk-key']).toBeUndefined();
  });

  it('goes to Core at the root with its own header', async () => {
    server().script(json(201, ROW));
    await connect({ style: 'core', instanceId: null, readKey: async () => 'master\n' }).post(BODY);
    expect(server().seen[0]?.url).toBe('/transactions');
    expect(server().seen[0]?.headers['x-blnk-key']).toBe('master');
    expect(server().seen[0]?.headers.authorization).toBeUndefined();
  });

  it('joins the texts of a bulk untouched under root skip_queue, not atomic', async () => {
    server().script(json(201, { batch_id: 'bulk_1', status: 'applied', transaction_count: 2 }));
    const big = '{"reference":"pi_2","precise_amount":9007199254740993}';
    expect(await connect().postBulk([BODY, big])).toEqual({ kind: 'applied', row: null });
    expect(server().seen[0]?.url).toBe('/proxy/transactions/bulk?instance_id=inst_test');
    expect(server().seen[0]?.body).toBe(`{"atomic":false,"skip_queue":true,"transactions":[${BODY},${big}]}`);
  });
});

describe('an answer to a single post', () => {
  const cases: Array<[string, Parameters<ScriptedServer['script']>[0], object]> = [
    ['201 APPLIED', json(201, ROW), { kind: 'applied', row: APPLIED_ROW }],
    ['201 QUEUED', json(201, { ...ROW, status: 'QUEUED' }), { kind: 'unclear' }],
    ['201 for another reference', json(201, { ...ROW, reference: 'pi_2' }), { kind: 'unclear' }],
    ['201 that is cut off', truncated(201, JSON.stringify(ROW).slice(0, 60)), { kind: 'unclear' }],
    ['201 with a page', text(201, PAGE), { kind: 'unclear' }],
    ['201 with other JSON', json(201, ['APPLIED']), { kind: 'unclear' }],
    ['200 with the row', json(200, ROW), { kind: 'unclear' }],
    ['409 duplicate', coreError(409, 'TXN_DUPLICATE_REFERENCE'), { kind: 'duplicate' }],
    ['409 conflict', coreError(409, 'GEN_CONFLICT'), { kind: 'busy', retryAfterMs: null }],
    ['409 of somebody else', text(409, 'conflict'), { kind: 'unclear' }],
    ['423', coreError(423, 'GEN_RESOURCE_LOCKED'), { kind: 'busy', retryAfterMs: null }],
    ['429 with seconds', text(429, '', { 'retry-after': '7' }), { kind: 'busy', retryAfterMs: 7_000 }],
    ['429 with years', text(429, '', { 'retry-after': '99999999' }), { kind: 'busy', retryAfterMs: 3_600_000 }],
    ['429 with nonsense', text(429, '', { 'retry-after': 'soon' }), { kind: 'busy', retryAfterMs: null }],
    [
      '503 with a date, counted from the date of the answer',
      text(503, PAGE, { 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' }),
      { kind: 'busy', retryAfterMs: 30_000 },
    ],
    ['400 rule', coreError(400, 'TXN_VALIDATION_ERROR', 'amount: no'), { kind: 'refused' }],
    ['400 unreadable', coreError(400, 'GEN_MALFORMED_REQUEST'), { kind: 'refused' }],
    ['400 of another kind', coreError(400, 'GEN_BAD_REQUEST'), { kind: 'unclear' }],
    ['400 of somebody else', text(400, PAGE), { kind: 'unclear' }],
    ['404 balance', coreError(404, 'TXN_NOT_FOUND'), { kind: 'refused' }],
    ['404 balance, since 0.15.4', coreError(404, 'BAL_NOT_FOUND'), { kind: 'refused' }],
    ['400 amount, since 0.15.4', coreError(400, 'TXN_INVALID_AMOUNT'), { kind: 'refused' }],
    [
      '400 duplicate, before 0.15.0',
      old('transaction validation failed: reference pi_1 has already been used'),
      DUPLICATE,
    ],
    ['400 rule, before 0.15.0', json(400, { errors: 'description: cannot be blank.' }), { kind: 'refused' }],
    ['400 unreadable, before 0.15.0', old('Invalid input'), { kind: 'refused' }],
    [
      '400 balance, before 0.15.0',
      old("failed to get source and destination balances: NOT_FOUND: Balance with ID 'bln_nobody' not found"),
      { kind: 'refused' },
    ],
    [
      '400 conflict, before 0.15.0',
      old('failed to persist transaction with balances: CONFLICT: Optimistic locking failure'),
      { kind: 'busy' },
    ],
    ['400 locked, before 0.15.0', old('failed to acquire lock: failed to acquire all locks'), { kind: 'busy' }],
    [
      '400 of the database, before 0.15.0',
      old('failed to persist transaction with balances: INTERNAL_SERVER_ERROR: Failed to record transaction'),
      { kind: 'unclear' },
    ],
    ['400 with words that only begin otherwise', old('the proxy says: Invalid input'), { kind: 'unclear' }],
    ['404 of Core about something else', coreError(404, 'GEN_NOT_FOUND'), { kind: 'unclear' }],
    ['500', coreError(500, 'GEN_INTERNAL'), { kind: 'unclear' }],
    [
      '502 with a page',
      text(502, PAGE),
      { kind: 'unclear', message: '502 <html><body><h1>Bad gateway</h1></body></html>' },
    ],
    ['504', text(504, ''), { kind: 'unclear' }],
    ['502 that asks to wait', text(502, PAGE, { 'retry-after': '9' }), { kind: 'unclear', retryAfterMs: 9_000 }],
    ['a redirect that may be temporary', text(302, '', { location: 'https://login.test' }), { kind: 'unclear' }],
    ['a reset', reset(), { kind: 'unclear' }],
  ];
  it.each(cases)('%s', async (_name, act, expected) => {
    server().script(act);
    expect(await connect().post(BODY)).toMatchObject(expected);
    expect(server().seen).toHaveLength(1);
  });

  it('that is too large is unclear and not read to its end', async () => {
    server().script(json(201, { ...ROW, description: 'x'.repeat(10_000) }));
    expect(await connect({ responseBytesMax: 1_000 }).post(BODY)).toMatchObject({ kind: 'unclear' });
  });

  it('that does not come in time is unclear', async () => {
    server().script(silent());
    const answer = await connect({ postTimeoutMs: 300 }).post(BODY);
    expect(answer).toMatchObject({ kind: 'unclear', message: expect.stringMatching(/Headers Timeout/i) });
  });

  it('that drips in and never ends is unclear in time, to a look-up as well', async () => {
    const drip =
      (status: number): Parameters<ScriptedServer['script']>[0] =>
      (response) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        const timer = setInterval(() => response.write(' '), 10);
        response.once('close', () => clearInterval(timer));
      };
    server().script(drip(201));
    const answer = await connect({ postTimeoutMs: 300 }).post(BODY);
    expect(answer).toMatchObject({ kind: 'unclear', message: expect.stringContaining('did not end within 300 ms') });
    server().script(drip(200));
    await expect(
      connect({ lookUpTimeoutMs: 300, lookUpAttemptsMax: 2 }).findByReference(['pi_1']),
    ).rejects.toMatchObject({ kind: 'transient', code: 'blnk_unavailable' });
    expect(server().seen).toHaveLength(2);
  });

  it('is quoted without the key, and without what the merchant wrote, however it is spelled', async () => {
    const written = { description: 'Cake for "Ann" & Bob', metadata: { note: "it's private", short: 'no' } };
    const body = JSON.stringify({
      reference: 'pi_1',
      description: written.description,
      meta_data: { stripe_payment_intent_id: 'pi_1', stripe_metadata: written.metadata },
    });
    const quotes: Parameters<ScriptedServer['script']>[0][] = [
      coreError(400, 'TXN_VALIDATION_ERROR', `no: ${body} blnk_test_key`),
      coreError(500, 'GEN_INTERNAL', `no: ${JSON.stringify(body)}`),
      text(
        502,
        `<pre>no: Cake for &quot;Ann&quot; &amp; Bob, it&#39;s private, it&#x27;s private, blnk_test_key</pre>`,
      ),
      text(200, body),
      text(201, body.slice(0, -2)),
      json(201, { data: [JSON.parse(body)] }),
      text(302, '', { location: 'https://login.test/?key=blnk_test_key' }),
    ];
    for (const quote of quotes) {
      for (const post of [() => connect().post(body), () => connect().postBulk([BODY, body])]) {
        server().script(quote);
        expect(JSON.stringify(await post())).not.toMatch(/Cake|Ann|private|blnk_test_key/);
      }
    }
    server().script(coreError(400, 'TXN_VALIDATION_ERROR', `no: ${body}`));
    expect(await connect().post(body)).toMatchObject({
      message: expect.stringMatching(/^400 TXN_VALIDATION_ERROR no: .*"description":"\[not shown\]".*"short":"no"/),
    });
    server().script(text(401, 'bad key blnk_test_key'));
    const refused = await connect()
      .post(body)
      .catch((error: unknown) => error);
    expect(String(refused)).toMatch(/answered: 401 bad key \[not shown\]/);
  });

  it('keeps the text of a refusal, in bounded length and one line', async () => {
    server().script(coreError(400, 'TXN_VALIDATION_ERROR', `reference:\n${'😀'.repeat(2_000)}`));
    const answer = await connect().post(BODY);
    if (answer.kind !== 'refused') throw new Error(`answered ${answer.kind}`);
    expect(answer.message).toMatch(/^400 TXN_VALIDATION_ERROR reference: 😀/);
    expect(answer.message.length).toBeLessThanOrEqual(500);
    expect(answer.message.isWellFormed()).toBe(true);
  });
});

describe('an answer to a bulk', () => {
  const cases: Array<[string, Parameters<ScriptedServer['script']>[0], object]> = [
    ['201 for fewer', json(201, { batch_id: 'b', status: 'applied', transaction_count: 1 }), { kind: 'unclear' }],
    ['202', json(202, { batch_id: 'b', status: 'processing' }), { kind: 'unclear' }],
    ['409', coreError(409, 'TXN_DUPLICATE_REFERENCE'), { kind: 'unclear' }],
    ['423', coreError(423, 'GEN_RESOURCE_LOCKED'), { kind: 'unclear' }],
    [
      '400',
      coreError(400, 'TXN_VALIDATION_ERROR', 'transaction 3'),
      { kind: 'unclear', message: expect.stringContaining('transaction 3') },
    ],
    ['404 balance', coreError(404, 'TXN_NOT_FOUND'), { kind: 'unclear' }],
    ['429', text(429, '', { 'retry-after': '2' }), { kind: 'busy', retryAfterMs: 2_000 }],
    ['503', text(503, ''), { kind: 'unclear' }],
    ['503 that asks to wait', text(503, '', { 'retry-after': '9' }), { kind: 'unclear', retryAfterMs: 9_000 }],
    ['a reset', reset(), { kind: 'unclear' }],
  ];
  it.each(cases)('%s', async (_name, act, expected) => {
    server().script(act);
    expect(await connect().postBulk([BODY, BODY])).toMatchObject(expected);
    expect(server().seen).toHaveLength(1);
  });
});
