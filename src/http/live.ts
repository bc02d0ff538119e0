/**
 * Tells open pages that something changed, over server-sent events. One look at the database every second serves all of them, and
 * none is taken while nobody listens.
 */
import type { Hono } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
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
  const followers = new Set<Follower>();
  let timer: NodeJS.Timeout | undefined;
  let known: string | null = null;
  let isLooking = false;
  let isOver = false;
  let firstLook: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const now = await ports.reads.lastChange();
      if (known !== null && now !== known) for (const follower of followers) follower.send(CHANGED);
      known = now;
    } catch (error) {
      ports.onFault(error, '/events');
    }
    if (followers.size > 0) timer = setTimeout(look, LOOK_EVERY_MS).unref();
    else isLooking = false;
  };
  app.get('/events', (c) => {
    // Nobody would read its body, and so never end it.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream' });
    if (isOver) return c.text('This process is stopping\n', 503);
    if (followers.size >= STREAMS_MAX) return c.text('Too many pages follow already\n', 503, { 'retry-after': '60' });
    return streamSSE(c, async (stream) => {
      const follower = createFollower(stream, () => c.env?.outgoing?.destroy());
      followers.add(follower);
      if (!isLooking) {
        isLooking = true;
        known = null;
        firstLook = look();
      }
      // What changes from that look on is told. What changed before it, the page reads once more at this word.
      await firstLook;
      follower.send(HELLO);
      const ping = setInterval(() => follower.send(PING), PING_EVERY_MS).unref();
      await follower.ended;
      clearInterval(ping);
      followers.delete(follower);
    });
  });
  return {
    end() {
      isOver = true;
      clearTimeout(timer);
      isLooking = false;
      for (const follower of followers) follower.end();
      followers.clear();
    },
  };
}

const CHANGED = 'event: changed\ndata: \n\n';
const HELLO = `event: hello\ndata: \nretry: ${RETRY_MS}\n\n`;
const PING = ': ping\n\n';

/** One open page. */
interface Follower {
  /** Whoever has not taken what was sent before is cut off: what is kept for one who reads nothing would grow for ever. */
  send(text: string): void;
  end(): void;
  readonly ended: Promise<void>;
}

function createFollower(stream: SSEStreamingApi, cut: () => void): Follower {
  let isTaken = true;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  stream.onAbort(end);
  const write = async (text: string): Promise<void> => {
    isTaken = false;
    await stream.write(text);
    isTaken = true;
  };
  return {
    send(text) {
      if (isTaken) return void write(text);
      end();
      cut();
    },
    end,
    ended,
  };
}
