/**
 * A door before a stand-in that lets requests pass, and does to those that a cell of the matrix names what networks,
 * proxies and vendors do to them. The real adapters speak to it over real sockets; it knows nothing of either vendor.
 */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { textOf } from '../support/own-server.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One struck request. */
export interface Struck {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body: string;
  readonly response: ServerResponse;
  /** Has the stand-in do it, or what another path asks; each call is one more request to it. */
  pass(path?: string): Promise<Answer>;
}

export type Act = (struck: Struck) => void | Promise<void>;

export interface Door {
  readonly url: string;
  readonly port: number;
  /** Requests that were struck since the last `strike`. */
  readonly hits: number;
  /** From now on these requests are struck. */
  strike(matches: (asked: { readonly method: string; readonly path: string }) => boolean, act: Act): void;
  /** From now on every request passes. */
  heal(): void;
  /** Nobody listens any more: new connections are refused, open ones are cut. */
  shut(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function openDoor(behind: string): Promise<Door> {
  const target = new URL(behind);
  const agent = new Agent({ keepAlive: true });
  let hits = 0;
  let port = 0;
  let fault: { readonly matches: Parameters<Door['strike']>[0]; readonly act: Act } | null = null;

  const serve = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(asked);
    const { method = 'GET', url: path = '/', headers } = asked;
    const pass = (other = path) => send(target, agent, { method, path: other, headers, body });
    if (fault?.matches({ method, path }) !== true) return answerWith(response, await pass());
    hits += 1;
    await fault.act({ method, path, body, response, pass });
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, (asked, response) => {
    serve(asked, response).catch(() => response.destroy());
  });
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const shut = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  await listen();
  return {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get hits() {
      return hits;
    },
    strike(matches, act) {
      hits = 0;
      fault = { matches, act };
    },
    heal() {
      fault = null;
    },
    shut,
    async open() {
      if (!server.listening) await listen();
    },
    async close() {
      await shut();
      agent.destroy();
    },
  };
}

export function answerWith(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Headers that belong to one connection, and the length, which a rewritten body changes. */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

function send(
  target: URL,
  agent: Agent,
  asked: { readonly method: string; readonly path: string; readonly headers: object; readonly body: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, path, body } = asked;
    const kept = Object.entries(asked.headers).filter(([name]) => !OF_THE_CONNECTION.has(name));
    const headers = { ...Object.fromEntries(kept), 'content-length': Buffer.byteLength(body) };
    const passed = request({ host: target.hostname, port: target.port, method, path, headers, agent }, (response) => {
      textOf(response).then((text) => {
        const answered = Object.entries(response.headers).flatMap(([name, value]) =>
          OF_THE_CONNECTION.has(name) || value === undefined ? [] : [[name, String(value)] as const],
        );
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(answered), body: text });
      }, reject);
    });
    passed.on('error', reject);
    passed.end(body);
  });
}
