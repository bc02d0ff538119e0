/**
 * What servers between us and a vendor make of answers: informational ones (1xx) without an end, and compression that
 * nobody asked for. Both vendors: a limit of time counts to the final headers, and a compressed answer is read as it was.
 */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createStripeAccountReader } from '../../src/stripe/account.js';
import { createStripeClient } from '../../src/stripe/client.js';
import { BODY, ROW, scriptedLedger } from '../support/scripted-ledger.js';
import { type Act, json } from '../support/scripted-server.js';

const { server, connect } = scriptedLedger();

const EMPTY_LIST = { object: 'list', data: [], has_more: false, url: '/v1/payment_intents' };
const DATE = { Date: 'Sat, 21 Nov 2026 12:00:00 GMT' };

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function stripeAccount(options: { readonly requestTimeoutMs?: number; readonly answerBytesMax?: number } = {}) {
  const client = createStripeClient({
    baseUrl: server().url,
    readKey: async () => 'sk_test_answers',
    limiter: { acquire: async () => {} },
    version: '0.0.0',
    retries: { attemptsMax: 1 },
    ...options,
  });
  open.push(client);
  return createStripeAccountReader({ client });
}

/** One informational answer after another; then the final one, or never. */
function informational(times: number, final?: Act): Act {
  return (response, asked) => {
    let sent = 0;
    const timer = setInterval(() => {
      response.writeProcessing();
      sent += 1;
      if (sent !== times || final === undefined) return;
      clearInterval(timer);
      final(response, asked);
    }, 20);
    response.once('close', () => clearInterval(timer));
  };
}

function compressed(status: number, body: unknown, encoding: string, compress: (text: string) => Uint8Array): Act {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-encoding': encoding, ...DATE });
    response.end(compress(JSON.stringify(body)));
  };
}

describe('informational answers', () => {
  it('without an end are given up in time: a post is in doubt, and nothing holds the process', async () => {
    server().script(informational(Number.POSITIVE_INFINITY));
    const ledger = connect({ postTimeoutMs: 400 });
    const begunAt = performance.now();
    expect(await ledger.post(BODY)).toMatchObject({
      kind: 'unclear',
      message: expect.stringContaining('only informational answers (1xx) came'),
    });
    expect(performance.now() - begunAt).toBeGreaterThanOrEqual(390);
    await ledger.close();
  });

  it('before the final one are no fault', async () => {
    server().script(informational(3, json(201, ROW)));
    expect(await connect({ postTimeoutMs: 10_000 }).post(BODY)).toMatchObject({ kind: 'applied' });
    server().script(informational(3, json(200, EMPTY_LIST, DATE)));
    expect(await stripeAccount({ requestTimeoutMs: 10_000 }).serverTime()).toBeInstanceOf(Date);
  });

  it('without an end are given up by the reading of Stripe, as transient', async () => {
    server().script(informational(Number.POSITIVE_INFINITY));
    await expect(stripeAccount({ requestTimeoutMs: 400 }).serverTime()).rejects.toMatchObject({
      kind: 'transient',
      code: 'stripe_unavailable',
    });
  });

  it('and headers that drip in count to the same limit', async () => {
    const dripping: Act = (response) => {
      const socket = response.socket;
      socket?.write('HTTP/1.1 200 OK\r\nX-Slow: ');
      const timer = setInterval(() => socket?.write('x'), 20);
      socket?.once('close', () => clearInterval(timer));
    };
    server().script(dripping);
    await expect(stripeAccount({ requestTimeoutMs: 400 }).serverTime()).rejects.toMatchObject({ kind: 'transient' });
    expect(await connect({ postTimeoutMs: 400 }).post(BODY)).toMatchObject({ kind: 'unclear' });
  });
});

describe('compression that nobody asked for', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['gzip, br', (text: string) => brotliCompressSync(gzipSync(text))],
  ] as const)('%s is reversed', async (encoding, compress) => {
    server().script(compressed(201, ROW, encoding, compress));
    expect(await connect().post(BODY)).toMatchObject({ kind: 'applied', row: { reference: 'pi_1' } });
    server().script(compressed(200, EMPTY_LIST, encoding, compress));
    expect(await stripeAccount().serverTime()).toBeInstanceOf(Date);
    expect(server().seen[0]?.headers['accept-encoding'] ?? 'identity').toBe('identity');
  });

  it.each([
    ['compress', (text: string) => Buffer.from(text), /compressed \(compress\), which nobody asked for/],
    ['gzip', (text: string) => Buffer.from(text), /said to be compressed \(gzip\), which nobody asked for/],
  ] as const)('%s that cannot be reversed is refused with words', async (encoding, compress, words) => {
    server().script(compressed(201, ROW, encoding, compress));
    expect(await connect().post(BODY)).toMatchObject({ kind: 'unclear', message: expect.stringMatching(words) });
    server().script(compressed(200, EMPTY_LIST, encoding, compress));
    await expect(stripeAccount().serverTime()).rejects.toMatchObject({
      kind: 'transient',
      message: expect.stringMatching(words),
    });
  });

  it('does not get around the largest size of an answer', async () => {
    const large = { ...EMPTY_LIST, padding: 'x'.repeat(1_000_000) };
    server().script(compressed(201, { ...ROW, padding: large.padding }, 'gzip', gzipSync));
    expect(await connect({ responseBytesMax: 100_000 }).post(BODY)).toMatchObject({ kind: 'unclear' });
    server().script(compressed(200, large, 'gzip', gzipSync));
    await expect(stripeAccount({ answerBytesMax: 100_000 }).serverTime()).rejects.toMatchObject({ kind: 'transient' });
  });
});
