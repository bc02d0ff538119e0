// The Stripe stand-in as a process of its own: a million intents in flat memory, the control API, and a clean end.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type Stripe from 'stripe';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compiled } from '../support/process/child.js';
import { client } from '../support/sandbox-stripe-session.js';
import { itInFull } from '../support/tier.js';

const open: ChildProcess[] = [];

afterEach(async () => {
  for (const child of open.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly stripe: Stripe;
  readonly control: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
}

async function run(...args: string[]): Promise<Running> {
  const command = [...compiled('sandbox/stripe/cli.ts'), '--port', '0', ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  open.push(child);
  const url = await addressOf(child);
  const { hostname, port } = new URL(url);
  const stripe = client({ host: hostname, port: Number(port) });
  const control: Running['control'] = async (method, path, body) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const answer = await fetch(`${url}/_sandbox/${path}`, init);
    return (await answer.json()) as Record<string, unknown>;
  };
  return { child, url, stripe, control };
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the process has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /Stripe sandbox on (\S+)/.exec(line);
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error('the process ended without an address');
}

async function usage(running: Running): Promise<{ rss: number; cpuMs: number }> {
  const { memory, cpu } = await running.control('GET', 'stats');
  const { rss } = memory as { rss: number };
  const { user, system } = cpu as { user: number; system: number };
  return { rss, cpuMs: (user + system) / 1000 };
}

describe('the process', () => {
  itInFull('holds a million intents in flat memory and jumps into their middle', async () => {
    const running = await run('--intents', '1000000', '--days', '300');
    const { stripe } = running;
    const now = Date.parse(String((await running.control('GET', 'clock')).now)) / 1000;
    const middle = Math.floor(now - 150 * 86_400);
    const page = async (list: (after: string | undefined) => Promise<{ data: { id: string }[] }>, pages: number) => {
      const ids = new Set<string>();
      let after: string | undefined;
      for (let n = 0; n < pages; n++) {
        const { data } = await list(after);
        for (const item of data) ids.add(item.id);
        after = data.at(-1)?.id;
      }
      return ids;
    };
    const cursor = (after: string | undefined) => (after === undefined ? {} : { starting_after: after });
    await page((after) => stripe.paymentIntents.list({ limit: 100, ...cursor(after) }), 50);
    const before = await usage(running);
    const newest = await page((after) => stripe.paymentIntents.list({ limit: 100, ...cursor(after) }), 150);
    const older = await page(
      (after) => stripe.paymentIntents.list({ limit: 100, created: { lt: middle }, ...cursor(after) }),
      150,
    );
    const events = await page(
      (after) => stripe.events.list({ limit: 100, type: 'payment_intent.succeeded', ...cursor(after) }),
      100,
    );
    const after = await usage(running);
    expect([newest.size, older.size, events.size]).toEqual([15_000, 15_000, 10_000]);
    const [someone] = older;
    const intent = await stripe.paymentIntents.retrieve(someone ?? '');
    expect(middle - intent.created).toBeGreaterThan(0);
    expect(middle - intent.created).toBeLessThan(600);
    // A million objects would take more than a gigabyte; what grows here is only the collector's slack.
    expect(after.rss).toBeLessThan(300 * 1024 ** 2);
    expect(after.rss - before.rss).toBeLessThan(100 * 1024 ** 2);
    // Some 2 ms a page with HTTP; the bound only catches a search that walks the whole history.
    expect((after.cpuMs - before.cpuMs) / 400).toBeLessThan(15);
  });

  it('is steered from another process: clock, intents, faults, limits, expectations', async () => {
    const { control, stripe } = await run('--intents', '250', '--days', '10', '--now', '2026-06-01T00:00:00Z');
    await control('POST', 'clock', { to: '2026-06-02T00:00:00Z' });
    const { id } = await control('POST', 'intents', { amount: 1234, currency: 'eur', created: '2026-06-01T10:00:00Z' });
    await control('POST', `intents/${id}/succeed`, { at: '2026-06-01T11:00:00Z', amountReceived: 1200 });
    expect(await stripe.paymentIntents.retrieve(String(id))).toMatchObject({
      status: 'succeeded',
      amount_received: 1200,
      created: Date.parse('2026-06-01T10:00:00Z') / 1000,
    });
    await control('POST', 'faults', { effect: 'status', status: 500, route: 'events.list', times: 1 });
    await expect(stripe.events.list()).rejects.toMatchObject({ statusCode: 500 });
    expect((await control('GET', 'faults')).recent_hits).toMatchObject([{ effect: 'status' }]);
    await control('POST', 'limits', { endpointPerSecond: 1 });
    await stripe.charges.list();
    await expect(stripe.charges.list()).rejects.toMatchObject({ statusCode: 429 });
    await control('POST', 'limits', {});

    const rows: unknown[] = [];
    let next: unknown = 0;
    while (next !== null) {
      const page = await control('GET', `expected?limit=100&from=${next}`);
      rows.push(...(page.data as unknown[]));
      next = page.next;
    }
    expect(rows).toHaveLength(251);
    expect(rows.at(-1)).toMatchObject({ id, expected: { outcome: 'unstated' } });
    const { intents, posted, none } = await control('GET', 'totals');
    expect(intents).toBe(251);
    expect(Number(posted) + Number(none)).toBeGreaterThan(200);
    expect(await control('POST', 'clock', { to: 'yesterday' })).toEqual({ error: expect.stringContaining('date') });
    expect(await control('GET', 'nothing')).toEqual({ error: expect.stringContaining('/_sandbox/nothing') });
  });

  it.each([
    { what: 'an ordinary shop has nothing that must be parked', words: ['--ordinary'], parked: false },
    { what: 'a history by itself has', words: [], parked: true },
  ])('$what', async ({ words, parked }) => {
    const { control } = await run('--intents', '400', ...words);
    const totals = await control('GET', 'totals');
    expect(Number(totals.posted)).toBeGreaterThan(200);
    expect(Object.keys(totals.parked as object).length > 0).toBe(parked);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 0 on %s, a hanging client or not', async (signal) => {
    const { child, control, stripe } = await run('--intents', '10');
    await control('POST', 'faults', { effect: 'hang' });
    const hanging = stripe.paymentIntents.list().catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await control('GET', 'faults')).toMatchObject({ hanging: 1 }), {
      timeout: 5000,
    });
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await hanging).toMatchObject({ type: 'StripeConnectionError' });
  });
});
