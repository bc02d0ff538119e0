/**
 * What a supervisor asks. Alive: this process turns; never whether the database answers, because starting anew mends nothing
 * there and ends posts in flight. Ready: it may be sent requests; neither Stripe nor Blnk, whose outage would take pages away.
 */
import type { Hono } from 'hono';
import type { Environment } from './access.js';
import type { HttpPorts, PartHealth } from './ports.js';

export interface Draining {
  /** From here on it answers "not ready", and goes on answering. */
  isDraining(): boolean;
}

export function addHealth(app: Hono<Environment>, ports: Pick<HttpPorts, 'health'>, { isDraining }: Draining): void {
  app.get('/health/live', (c) => c.text('live\n'));
  app.get('/health/ready', async (c) => {
    if (isDraining()) return c.text('[-] process: it is stopping\nnot ready\n', 503);
    const parts = await ports.health();
    const isReady = parts.every((part) => part.isReady);
    const lines = parts.map(lineOf);
    return c.text(`${lines.join('\n')}\n${isReady ? 'ready' : 'not ready'}\n`, isReady ? 200 : 503);
  });
}

function lineOf({ name, isReady, why, tookMs }: PartHealth): string {
  return `[${isReady ? '+' : '-'}] ${name}${why === null ? '' : `: ${why}`} (${Math.round(tookMs)} ms)`;
}
