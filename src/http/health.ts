/**
 * What a supervisor asks. Alive: this process turns; never whether the database answers, because starting anew mends nothing
 * there and ends posts in flight. Ready: it may be sent requests; neither Stripe nor Blnk, whose outage would take pages away.
 */
import type { Hono } from 'hono';
import { addressOf, type Environment } from './access.js';
import type { HttpPorts, PartHealth } from './ports.js';
import { isLoopbackAddress } from './security/addresses.js';
import { isOwnHost } from './security/hosts.js';

export interface Draining {
  /** From here on it answers "not ready", and goes on answering. */
  isDraining(): boolean;
}

/** However many ask, and they need no token: the servers are asked once in this time, and never twice at once. */
const LOOK_KEPT_MS = 1_000;

export function addHealth(
  app: Hono<Environment>,
  ports: Pick<HttpPorts, 'config' | 'health' | 'monotonicMs'>,
  { isDraining }: Draining,
): void {
  app.get('/health/live', (c) => c.text('live\n'));
  const look = sharedFor(LOOK_KEPT_MS, ports);
  app.get('/health/ready', async (c) => {
    if (isDraining()) return c.text('[-] process: it is stopping\nnot ready\n', 503);
    const parts = await look();
    const isReady = parts.every((part) => part.isReady);
    // Reasons name servers and roles: for whoever is on this machine, as the command `health` is. Behind a proxy on this machine
    // everybody comes from here, and so does a page of another site whose name was led to this machine.
    const mayKnow =
      isOwnHost(c.req.header('host'), ports.config) &&
      isLoopbackAddress(c.env?.incoming?.socket?.remoteAddress) &&
      (!ports.config.trustsProxy || isLoopbackAddress(addressOf(c, true)));
    const lines = parts.map((part) => lineOf(mayKnow ? part : { ...part, why: null }));
    return c.text(`${lines.join('\n')}\n${isReady ? 'ready' : 'not ready'}\n`, isReady ? 200 : 503);
  });
}

function lineOf({ name, isReady, why, tookMs }: PartHealth): string {
  return `[${isReady ? '+' : '-'}] ${name}${why === null ? '' : `: ${why}`} (${Math.round(tookMs)} ms)`;
}

function sharedFor(keptMs: number, { health, monotonicMs }: Pick<HttpPorts, 'health' | 'monotonicMs'>) {
  let last: { readonly atMs: number; readonly parts: Promise<readonly PartHealth[]> } | null = null;
  let isAsking = false;
  return (): Promise<readonly PartHealth[]> => {
    if (last !== null && (isAsking || monotonicMs() - last.atMs < keptMs)) return last.parts;
    isAsking = true;
    const parts = health().finally(() => {
      isAsking = false;
    });
    last = { atMs: monotonicMs(), parts };
    return parts;
  };
}
