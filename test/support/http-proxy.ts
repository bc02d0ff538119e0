/**
 * An HTTP proxy before a stand-in or a real server: every request is passed on, but those that a test intercepts. What is done
 * to those is the test's: answer in the server's place, change the answer, cut the connection, wait, or never answer.
 */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { ownListener, textOf } from './own-server.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a request is recognised by. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

/** One intercepted request. */
export interface Exchange extends Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly response: ServerResponse;
  /** Aborted when the client is gone before it has its whole answer. */
  readonly clientLeft: AbortSignal;
  /** Has the server do it, as it was asked or changed; each call is one more request to the server. */
  forward(change?: Forwarding): Promise<Answer>;
}

export interface Forwarding {
  readonly path?: string;
  /** Besides those of the client. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Cuts the request to the server; absent: the server hears nothing of a client that leaves. */
  readonly signal?: AbortSignal;
  /** The whole request was handed to the server. */
  onSent?(): void;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

export interface HttpProxy {
  readonly url: string;
  readonly port: number;
  /** Requests that were intercepted since the last `intercept`. */
  readonly intercepted: number;
  /** From now on these requests, or all, are given to the handler, which answers them. When it throws, the connection is cut. */
  intercept(handler: Handler, matches?: (asked: Asked) => boolean): void;
  /** From now on every request is passed on. */
  passEverything(): void;
  open(): Promise<void>;
  /** New connections are refused, open ones are cut. It may be opened again. */
  close(): Promise<void>;
}

export async function openHttpProxy(serverUrl: string): Promise<HttpProxy> {
  const target = new URL(serverUrl);
  // Its own connections, so that closing waits for nobody's idle ones.
  const agent = new Agent({ keepAlive: true });
  let intercepted = 0;
  let interception: { readonly handler: Handler; readonly matches: (asked: Asked) => boolean } | null = null;

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const left = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) left.abort();
    });
    const body = await textOf(incoming);
    const { method = 'GET', url: path = '/', headers } = incoming;
    const asked = { method, path, headers, body };
    const forward = (change: Forwarding = {}) => send(target, agent, asked, change);
    if (interception?.matches(asked) !== true) return answerWith(response, await forward());
    intercepted += 1;
    await interception.handler({ ...asked, response, clientLeft: left.signal, forward });
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  const listener = ownListener(server);
  await listener.open();
  return {
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    get intercepted() {
      return intercepted;
    },
    intercept(handler, matches = () => true) {
      intercepted = 0;
      interception = { handler, matches };
    },
    passEverything() {
      interception = null;
    },
    open: listener.open,
    async close() {
      await listener.close();
      agent.destroy();
    },
  };
}

export function answerWith(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Headers of one connection alone, the length, which a changed body changes, and compression, which nothing here undoes. */
const NOT_PASSED_ON = [
  ...['host', 'connection', 'keep-alive', 'transfer-encoding'],
  ...['content-length', 'accept-encoding', 'content-encoding'],
];

function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

async function send(
  { hostname, port }: URL,
  agent: Agent,
  asked: Pick<Exchange, 'method' | 'path' | 'headers' | 'body'>,
  { path = asked.path, body = asked.body, headers = {}, signal, onSent = () => {} }: Forwarding,
): Promise<Answer> {
  const sent = request({
    ...{ hostname, port, path, method: asked.method, agent },
    headers: { ...passedOn(asked.headers), ...headers, 'content-length': Buffer.byteLength(body) },
    ...(signal === undefined ? {} : { signal }),
  });
  sent.once('finish', onSent);
  // What is cut after its answer began is told by the answer.
  sent.on('error', () => {});
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: passedOn(answer.headers), body: await textOf(answer) };
}
