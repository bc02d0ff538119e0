/**
 * One request, one reply, over a pool of connections with the key attached. Never repeats a request, except after a 401
 * with another key; never aborts a post: Core keeps both balances of an aborted one locked for 300 s. A fault is a value
 * that states whether the request can have left this machine.
 */
import { performance } from 'node:perf_hooks';
import { type Dispatcher, Pool } from 'undici';
import { describeError, SyncError, withoutFullStop } from '../core/base/errors.js';
import { onAbort } from '../core/base/on-abort.js';
import { decompress } from '../decompress.js';
import { accessErrorOf } from './access-error.js';
import { type BlnkAnswer, readAnswer } from './answer.js';
import { hidePrivateTexts } from './private-texts.js';
import type { Route, RouteName, Routes } from './routes.js';

export interface RequestReport {
  readonly route: RouteName;
  /** Null when no answer came. */
  readonly status: number | null;
  /** Why none came; null when one did. */
  readonly fault: string | null;
  readonly durationMs: number;
}

export interface TransportOptions {
  /** Called once at the first request, and again after a 401: tokens expire, and secrets are rotated in place. */
  readonly readKey: () => Promise<string>;
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly responseBytesMax: number;
  readonly onRequest?: ((report: RequestReport) => void) | undefined;
}

export type Reply =
  | { readonly kind: 'answer'; readonly answer: BlnkAnswer }
  /** `notSent`: it is certain that Blnk has not seen the request. */
  | { readonly kind: 'fault'; readonly notSent: boolean; readonly message: string; readonly cause: unknown };

export interface Transport {
  /**
   * @param request.body JSON text; null for a GET
   * @param request.timeoutMs for the answer's final headers, and again for its whole body: what drips in byte by byte, never
   * ends, or never gets beyond informational answers (1xx), would hold a lane for ever. With its headers a post is decided,
   * so ending its body locks nothing.
   * @param request.signal ends it when aborted; never of a post, whose balances Core would keep locked
   * @throws SyncError fatal when key, permission or address are wrong
   */
  send(request: {
    readonly route: Route;
    readonly body: string | null;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  }): Promise<Reply>;
  /** Takes no new requests and waits for those in flight. */
  close(): Promise<void>;
}

export function createTransport(routes: Routes, options: TransportOptions): Transport {
  const pool = new Pool(routes.origin, {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    connectTimeout: options.connectTimeoutMs,
    // Shorter than the idle limits of usual servers and balancers (5 s and more): fewer resets on reused connections.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 60_000,
    maxResponseSize: options.responseBytesMax,
  });
  let key: string | null = null;
  let closing: Promise<void> | null = null;

  const exchange = async (request: Parameters<Transport['send']>[0], withKey: string): Promise<Reply> => {
    const startedAt = performance.now();
    const ending = new AbortController();
    const endWaiting = onAbort(request.signal, () => ending.abort(request.signal?.reason));
    let limit: NodeJS.Timeout | undefined;
    let reply: Reply;
    try {
      const response = await pool.request({
        method: request.route.method,
        path: request.route.path,
        headers: { ...REQUEST_HEADERS, ...routes.authorize(withKey) },
        body: request.body,
        headersTimeout: request.timeoutMs,
        signal: ending.signal,
        // Each of these begins undici's own limit anew.
        onInfo() {
          limit ??= setTimeout(
            () => ending.abort(onlyInformational(request.timeoutMs)),
            Math.max(0, startedAt + request.timeoutMs - performance.now()),
          );
        },
        // Between two pieces; the whole body has its limit below.
        bodyTimeout: request.timeoutMs,
      });
      clearTimeout(limit);
      const header = (name: string): string | null => firstOf(response.headers[name]);
      const bytes = await bytesWithin(response.body, request.timeoutMs);
      const text = await textOf(bytes, { encoding: header('content-encoding'), bytesMax: options.responseBytesMax });
      const hide = (said: string): string => hidePrivateTexts(said, { key: withKey, body: request.body });
      reply = { kind: 'answer', answer: readAnswer({ status: response.statusCode, header, text, hide }) };
    } catch (error) {
      reply = {
        kind: 'fault',
        notSent: wasNotSent(error),
        message: `${request.route.method} ${request.route.url}: ${describeFault(error)}`,
        cause: error,
      };
    } finally {
      clearTimeout(limit);
      endWaiting();
    }
    const outcome =
      reply.kind === 'answer' ? { status: reply.answer.status, fault: null } : { status: null, fault: reply.message };
    options.onRequest?.({ route: request.route.name, ...outcome, durationMs: performance.now() - startedAt });
    return reply;
  };

  return {
    async send(request) {
      const usedKey = key ?? (await readKey(options));
      key = usedKey;
      let reply = await exchange(request, usedKey);
      if (reply.kind === 'answer' && reply.answer.status === 401) {
        key = await readKey(options);
        // A 401 is answered before the body is read, so nothing was done and the repetition is the first attempt.
        if (key !== usedKey) reply = await exchange(request, key);
      }
      if (reply.kind === 'answer') {
        const refused = accessErrorOf(reply.answer, { route: request.route, style: routes.style });
        if (refused !== null) throw refused;
      }
      return reply;
    },
    close() {
      closing ??= pool.close();
      return closing;
    },
  };
}

function onlyInformational(limitMs: number): Error {
  return new Error(`only informational answers (1xx) came, and no final one within ${limitMs} ms`);
}

async function bytesWithin(body: Dispatcher.ResponseData['body'], limitMs: number): Promise<Uint8Array> {
  const timer = setTimeout(() => {
    body.destroy(new Error(`the answer began, and did not end within ${limitMs} ms`));
  }, limitMs);
  try {
    return await body.bytes();
  } finally {
    clearTimeout(timer);
  }
}

/** As `fetch` reads it: a byte order mark is not part of the text. */
async function textOf(bytes: Uint8Array, options: Parameters<typeof decompress>[1]): Promise<string> {
  return new TextDecoder().decode(await decompress(bytes, options));
}

const REQUEST_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'stripe-blnk-sync',
};

async function readKey({ readKey }: TransportOptions): Promise<string> {
  const key = await readKey().then(
    (text) => text.trim(),
    (cause: unknown) => {
      if (cause instanceof SyncError) throw cause;
      // Transient: a secret that is being replaced is missing for a moment.
      throw new SyncError(
        `BLNK_API_KEY could not be read: ${withoutFullStop(describeError(cause))}. Check the file that BLNK_API_KEY_FILE names; ` +
          'it is read again with the next request',
        { kind: 'transient', code: 'blnk_key_unreadable', cause },
      );
    },
  );
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new SyncError(
    `BLNK_API_KEY is ${key === '' ? 'empty' : 'no key: it holds characters that no header can carry'}; put a valid key there`,
    { kind: 'fatal', code: 'blnk_key_refused' },
  );
}

const NOT_SENT_CODES: readonly unknown[] = [
  'UND_ERR_CONNECT_TIMEOUT',
  // The pool is closing, or has closed. It is never destroyed under a request, so these are only said to new ones.
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
];

/** Faults of connecting, and of a pool that takes nothing more; all others may have come after the request was written. */
function wasNotSent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNotSent);
  if (!(error instanceof Error)) return false;
  if ('code' in error && NOT_SENT_CODES.includes(error.code)) return true;
  return 'syscall' in error && (error.syscall === 'connect' || error.syscall === 'getaddrinfo');
}

/** Node leaves some messages empty ("localhost" refused on both families) and gives the reason only in `code`. */
function describeFault(error: unknown): string {
  const text = describeError(error);
  if (text !== '') return text;
  return error instanceof Error && 'code' in error ? String(error.code) : 'no reason given';
}

function firstOf(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
