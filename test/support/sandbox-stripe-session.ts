// What the tests of the Stripe stand-in share: a sandbox at a frozen time with the SDK in front of it, and the slow,
// obvious way to say what a list must contain.

import Stripe from 'stripe';
import { SandboxClock } from '../../sandbox/clock.js';
import { type StripeSandbox, type StripeSandboxOptions, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { compareEntries, type Entry, type FeedName, tracesOf } from '../../sandbox/stripe/trace.js';

export const NOW = new Date('2026-06-01T12:00:00Z');
export const DAY_MS = 86_400_000;
const open: StripeSandbox[] = [];

/** A sandbox at `NOW` that `closeAll` ends, and a client that tries nothing twice. */
export async function start(options: StripeSandboxOptions = {}): Promise<{ sandbox: StripeSandbox; stripe: Stripe }> {
  const sandbox = await startStripeSandbox({ clock: SandboxClock.frozen(NOW), ...options });
  open.push(sandbox);
  return { sandbox, stripe: client(sandbox) };
}

export async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
}

export function client(at: { host: string; port: number }, options: { key?: string; retries?: number } = {}): Stripe {
  return new Stripe(options.key ?? 'sk_test_sandbox', {
    host: at.host,
    port: at.port,
    protocol: 'http',
    maxNetworkRetries: options.retries ?? 0,
    telemetry: false,
  });
}

/** A population whose last day is yet to come. */
export function history(size: number, days = 20): NonNullable<StripeSandboxOptions['population']> {
  return { size, from: new Date(NOW.getTime() - days * DAY_MS), to: new Date(NOW.getTime() + DAY_MS) };
}

/** All ids of a feed that are to be seen now, newest first, without any search. */
export function allIds(sandbox: StripeSandbox, feed: FeedName, keep: (entry: Entry) => boolean = () => true): string[] {
  const { world } = sandbox;
  const ranks = Array.from({ length: world.population.size }, (_, rank) => rank);
  for (const plan of world.held()) if (plan.rank >= world.population.size) ranks.push(plan.rank);
  const entries = ranks.flatMap((rank) => {
    const plan = world.planOf(rank);
    return plan === undefined ? [] : tracesOf(feed, plan).map((trace): Entry => ({ ...trace, rank }));
  });
  return entries
    .filter((entry) => entry.at * 1000 <= world.clock.nowMs() && keep(entry))
    .sort((a, b) => compareEntries(b, a))
    .map((entry) => world.idOf(feed, entry));
}

export interface Page {
  data: { id: string; created: number }[];
  has_more: boolean;
}

export type Cursor = { starting_after?: string; ending_before?: string };

/** All ids from a cursor on, page after page, newest first. */
export async function walk(
  list: (cursor: Cursor) => Promise<Page>,
  direction: keyof Cursor,
  from?: string,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor = from;
  for (;;) {
    const page = await list(cursor === undefined ? {} : { [direction]: cursor });
    const pageIds = page.data.map((item) => item.id);
    if (direction === 'starting_after') ids.push(...pageIds);
    else ids.unshift(...pageIds);
    cursor = direction === 'starting_after' ? pageIds.at(-1) : pageIds[0];
    if (!page.has_more) return ids;
    if (cursor === undefined) throw new Error('an empty page said that there is more');
  }
}
