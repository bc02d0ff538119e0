/** Ctrl-C while Stripe or Blnk does not answer: it is heard at once, and ends what only reads. A post is never ended. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilInterrupted } from '../../src/app/process-life.js';
import { createLedger } from '../../src/blnk/ledger.js';
import { createLedgerSide } from '../../src/blnk/listings.js';
import { createStripeAccountReader } from '../../src/stripe/account.js';
import { createStripeClient } from '../../src/stripe/client.js';
import { until } from '../support/process/wait.js';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.js';

/** A request that hangs ends by itself after 20 s or more. */
const AT_ONCE_MS = 2_000;

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const HANGS = [
  ['before its headers', () => {}],
  ['within its body', (response: import('node:http').ServerResponse) => response.writeHead(200).write('{')],
] as const;

describe.each(HANGS)('an answer that hangs %s', (_where, hang) => {
  const ended = async (begin: (signal: AbortSignal) => Promise<unknown>) => {
    server.script(hang);
    const interrupted = new AbortController();
    const outcome = begin(interrupted.signal).then(
      () => 'answered',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    );
    await until('the request is there', () => server.seen.length > 0);
    const abortedAt = performance.now();
    interrupted.abort();
    return { outcome: await outcome, requests: server.seen.length, atOnce: performance.now() - abortedAt < AT_ONCE_MS };
  };
  const AT_ONCE = { outcome: 'stopped', requests: 1, atOnce: true };

  it('of Stripe ends', async () => {
    const read = (signal: AbortSignal) =>
      createStripeAccountReader({
        client: createStripeClient({
          ...{ baseUrl: server.url, readKey: async () => 'sk_test_1', version: '0', signal },
          limiter: { acquire: async () => {} },
        }),
      }).readAccount();
    expect(await ended(read)).toEqual(AT_ONCE);
  });

  const blnk = () => ({ style: 'core' as const, baseUrl: server.url, instanceId: null, readKey: async () => 'key' });

  it('of a look-up in Blnk ends', async () => {
    expect(await ended((abort) => createLedger({ ...blnk(), abort }).findByReference(['pi_1']))).toEqual(AT_ONCE);
  });

  it('of a listing in Blnk ends', async () => {
    expect(await ended((abort) => createLedgerSide({ ...blnk(), abort }).listOfPayment('pi_1'))).toEqual(AT_ONCE);
  });

  it('of a post does not end: Core would keep its balances locked', async () => {
    const post = (abort: AbortSignal) =>
      createLedger({ ...blnk(), abort, postTimeoutMs: 300 })
        .post('{"reference":"pi_1"}')
        .then(({ kind }) => {
          throw Object.assign(new Error(), { code: kind });
        });
    expect(await ended(post)).toMatchObject({ outcome: 'unclear', requests: 1 });
  });
});

describe('Ctrl-C', () => {
  it.each([
    [true, /^Left at once\. What was in flight is looked up/],
    [false, /^Left at once\.$/],
  ])('a second time speaks of what is in flight only where something may be: %s', async (mayPost, words) => {
    const { interrupt, said, exits } = hear(() => mayPost);
    interrupt();
    const toldAt = performance.now();
    // Sooner it is the same one, handed on.
    await until('it is another one', () => performance.now() - toldAt > 1_000);
    interrupt();
    expect([said.at(-1), exits]).toEqual([expect.stringMatching(words), [1]]);
  });

  it('is acknowledged at once, and prints what a second one does', () => {
    const { interrupt, signal, said, exits } = hear(() => true);
    interrupt();
    expect([signal.aborted, said, exits]).toEqual([true, ['Stopping. Ctrl-C once more leaves at once.'], []]);
    // npm hands the same Ctrl-C on.
    interrupt();
    expect([said.length, exits]).toEqual([1, []]);
  });

  function hear(mayPost: () => boolean) {
    const listeners = new Map<string, () => void>();
    const said: string[] = [];
    const exits: unknown[] = [];
    const own = {
      on: (signal: NodeJS.Signals, listener: () => void) => listeners.set(signal, listener),
      exit: ((code?: number) => exits.push(code)) as unknown as (code?: number) => never,
    };
    const signal = untilInterrupted(own, (line) => said.push(line), mayPost);
    return { signal, said, exits, interrupt: () => listeners.get('SIGINT')?.() };
  }
});
