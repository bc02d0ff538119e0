/** A door before a stand-in: requests go through as they are, and of some answers the test makes what it likes. */
import { once } from 'node:events';
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { textOf } from '../own-server.js';
import { type Json, parseTree, renderTree } from './json.js';

export interface Passing {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly status: number;
}

/** @returns what the client gets instead; null: the answer as it is */
export type ChangeAnswer = (answer: Json, passing: Passing) => Json | null;

export interface DamagingDoor {
  readonly url: string;
  /** From now on; null lets everything through. */
  change(how: ChangeAnswer | null): void;
  /** Answers that were changed since the last call. */
  takeChanged(): number;
  close(): Promise<void>;
}

/** Not those of one connection, and not the length of what is changed. */
const HEADERS_OF_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding', 'host'];

export async function openDamagingDoor(behind: string): Promise<DamagingDoor> {
  let change: ChangeAnswer | null = null;
  let changed = 0;
  // Its own connections, so that closing waits for nobody's idle ones.
  const agent = new Agent({ keepAlive: true });
  const pass = async (request: IncomingMessage) => {
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const body = await textOf(request);
    const going = send(new URL(path, behind), { method, agent, headers: passedOn(request.headers) });
    going.end(body);
    const [passed] = (await once(going, 'response')) as [IncomingMessage];
    const text = await textOf(passed);
    const status = passed.statusCode ?? 0;
    const tree = change === null || !/^\s*[[{]/.test(text) ? null : parseTree(text);
    const instead = tree === null ? null : (change?.(tree, { method, path, status }) ?? null);
    if (instead !== null) changed += 1;
    return { status, headers: passedOn(passed.headers), body: instead === null ? text : renderTree(instead) };
  };
  const server = createServer((request, response) => {
    pass(request).then(
      ({ status, headers, body }) => {
        response.writeHead(status, headers);
        response.end(body);
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    change(how) {
      change = how;
    },
    takeChanged() {
      const taken = changed;
      changed = 0;
      return taken;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HEADERS_OF_HOP.includes(name)));
}
