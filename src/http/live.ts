/**
 * Tells open pages that something changed, over server-sent events. One look at the database every second serves all of them, and
 * none is taken while nobody listens.
 */
import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Environment } from './access.js';
import type { HttpPorts } from './ports.js';

const LOOK_EVERY_MS = 1_000;
/** Proxies close what is silent for longer. */
const PING_EVERY_MS = 15_000;
const STREAMS_MAX = 300;
const RETRY_MS = 3_000;

export interface LiveStreams {
  /** Ends all of them: they come back to whoever answers then. */
  end(): void;
}

export function addLive(app: Hono<Environment>, ports: Pick<HttpPorts, 'reads' | 'onFault'>): LiveStreams {
  const listeners = new Set<() => void>();
  const enders = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let known: string | null = null;
  let isLooking = false;
  let isOver = false;
  let firstLook: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const now = await ports.reads.lastChange();
      if (known !== null && now !== known) for (const tell of listeners) tell();
      known = now;
    } catch (error) {
      ports.onFault(error, '/events');
    }
    if (listeners.size > 0) timer = setTimeout(look, LOOK_EVERY_MS).unref();
    else isLooking = false;
  };
  app.get('/events', (c) => {
    if (isOver) return c.text('This process is stopping\n', 503);
    if (enders.size >= STREAMS_MAX) return c.text('Too many pages follow already\n', 503, { 'retry-after': '60' });
    return streamSSE(c, async (stream) => {
      const ended = new Promise<void>((resolve) => {
        enders.add(resolve);
        stream.onAbort(() => resolve());
        stream.onAbort(() => void enders.delete(resolve));
      });
      const tell = () => void stream.writeSSE({ event: 'changed', data: '' });
      listeners.add(tell);
      if (!isLooking) {
        isLooking = true;
        known = null;
        firstLook = look();
      }
      // What changes from that look on is told. What changed before it, the page reads once more at this word.
      await firstLook;
      await stream.writeSSE({ event: 'hello', data: '', retry: RETRY_MS });
      const ping = setInterval(() => void stream.write(': ping\n\n'), PING_EVERY_MS).unref();
      await ended;
      clearInterval(ping);
      listeners.delete(tell);
    });
  });
  return {
    end() {
      isOver = true;
      clearTimeout(timer);
      isLooking = false;
      listeners.clear();
      for (const end of enders) end();
      enders.clear();
    },
  };
}
