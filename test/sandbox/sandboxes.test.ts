/** The sandboxes as a person meets them: every line of docs/engineering/sandboxes.md works, and a port that is taken is said. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { endChildren, startChild } from '../support/process/child.js';
import { until } from '../support/process/wait.js';
import { ROOT } from '../support/source-files.js';

let stripe: StripeSandbox;
let blnk: BlnkSandbox;

beforeAll(async () => {
  const now = Date.now();
  const population = { size: 20, from: new Date(now - 86_400_000), to: new Date(now) };
  [stripe, blnk] = await Promise.all([startStripeSandbox({ population }), startBlnkSandbox({})]);
  // What a worker would have posted for the payment of the page.
  const { status } = await fetch(`${blnk.url}/transactions`, {
    method: 'POST',
    headers: { 'x-blnk-key': blnk.coreKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ reference: 'pi_mine', precise_amount: 1999, precision: 100, currency: 'USD', source: '@stripe' },
      ...{ destination: '@cus_one', description: 'one', allow_overdraft: true, skip_queue: true },
    }),
  });
  expect(status).toBe(201);
});

afterAll(async () => {
  await endChildren();
  await Promise.all([stripe.close(), blnk.close()]);
});

const PAGE = readFileSync(join(ROOT, 'docs/engineering/sandboxes.md'), 'utf8');
const CALL =
  /^curl -fsS(?: -X (?<method>[A-Z]+))? "\$(?<side>STRIPE|BLNK)(?<path>\/_sandbox\/[^"]+)"(?: -d '(?<body>[^']+)')?$/;

describe('the lines of docs/engineering/sandboxes.md', () => {
  const lines = PAGE.split('\n').filter((line) => line.startsWith('curl '));

  it('are all of one form', () => {
    expect(lines.length).toBeGreaterThan(25);
    expect(lines.filter((line) => !CALL.test(line))).toEqual([]);
  });

  it.each(lines)('%s', async (line) => {
    const { method, side, path, body } = CALL.exec(line)?.groups ?? {};
    const url = `${side === 'STRIPE' ? stripe.url : blnk.url}${path}`;
    const answer = await fetch(url, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    expect([answer.ok, text]).toEqual([true, expect.not.stringContaining('"ok":false')]);
  });
});

describe('a sandbox that is started by hand', () => {
  it.each([
    ['sandbox/stripe/cli.ts', ['--intents', '0'], ['STRIPE_API_KEY', 'STRIPE_API_BASE']],
    ['sandbox/blnk/cli.ts', [], ['BLNK_API_KEY', 'BLNK_INSTANCE_ID', 'BLNK_API_BASE', 'BLNK_API_STYLE']],
  ])('%s prints what goes into .env, and says when its port is taken', async (script, more, names) => {
    const first = startChild({ script, words: ['--port', '0', ...more], variables: {} });
    const url = await until(
      'it listens',
      () => /https?:\/\/127\.0\.0\.1:(\d+)[\s\S]*sandboxes\.md/.exec(first.output()) ?? undefined,
      {
        explain: first.errors,
      },
    );
    for (const line of first.output().split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    for (const name of names) expect(first.output()).toMatch(new RegExp(`^${name}=\\S+$`, 'm'));
    const [, port = ''] = url;
    const second = await startChild({ script, words: ['--port', port, ...more], variables: {} }).ended;
    expect(second.code).toBe(1);
    expect(second.errors).toMatch(new RegExp(`^Port ${port} is taken.*npm run sandbox:\\w+ -- --port \\d+`));
    expect(second.errors.trim().split('\n')).toHaveLength(1);
    first.kill('SIGTERM');
    await first.ended;
  });
});
