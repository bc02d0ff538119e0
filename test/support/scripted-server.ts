/**
 * An HTTP server that answers what a test tells it, answer by answer, and keeps what it was asked. It knows nothing of
 * Blnk: for answers of gateways and for faults on the wire, which no real ledger gives on demand.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { ownListener, textOf } from './own-server.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Act = (response: ServerResponse, asked: SeenRequest) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** One act for each request to come; the last one stays for all further requests. */
  script(...acts: Act[]): void;
  close(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  let acts: Act[] = [];
  const seen: SeenRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const asked = { method, url, headers, body: await textOf(request) };
    seen.push(asked);
    const act = acts.length > 1 ? acts.shift() : acts[0];
    if (act === undefined) response.destroy();
    else act(response, asked);
  };
  const listener = ownListener(
    createServer((request, response) => {
      answer(request, response).catch(() => response.destroy());
    }),
  );
  await listener.open();
  return {
    url: `http://127.0.0.1:${listener.port}`,
    seen,
    script(...next) {
      acts = next;
      seen.length = 0;
    },
    close: listener.close,
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Act {
  return text(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

export function text(status: number, body: string, headers: Record<string, string> = {}): Act {
  return (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** One of Core's errors. */
export function coreError(
  status: number,
  code: string,
  message = 'because',
  headers: Record<string, string> = {},
): Act {
  return json(status, { error: message, error_detail: { code, message } }, headers);
}

/** The connection ends without an answer. */
export function reset(): Act {
  return (response) => {
    response.socket?.resetAndDestroy();
  };
}

/** Promises more bytes than come. */
export function truncated(status: number, body: string): Act {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': String(body.length + 100) });
    response.write(body, () => response.destroy());
  };
}

/** Never answers; the connection stays open. */
export function silent(): Act {
  return () => undefined;
}
