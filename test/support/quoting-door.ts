/**
 * A door before a stand-in that takes keys of the test's choice, and answers some requests with errors that quote all that
 * a real gateway could quote: the key, the request, and what the server behind would have said.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { portOf, textOf } from './own-server.js';

export interface QuotingDoor {
  readonly url: string;
  /** Every other key is refused from now on, with a text that repeats it. */
  accept(key: string): void;
  /** Requests that were answered with a quotation. */
  quoted(): number;
  /** Requests with a key that is not accepted any more. */
  refused(): number;
  close(): Promise<void>;
}

export interface Quotation {
  readonly status: number;
  readonly body: string;
}

export interface QuotingDoorOptions {
  readonly behind: string;
  /** What the stand-in behind accepts. */
  readonly keyBehind: string;
  /** Null: the request goes on. */
  quote(asked: {
    readonly path: string;
    readonly key: string;
    readonly body: string;
    /** What would be answered; asking for it sends the request on. */
    answer(): Promise<string>;
  }): Promise<Quotation | null> | Quotation | null;
}

export async function openQuotingDoor({ behind, keyBehind, quote }: QuotingDoorOptions): Promise<QuotingDoor> {
  let accepted = '';
  const counts = { quoted: 0, refused: 0 };
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await textOf(request);
      const key = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      const forward = () => send(new URL(request.url ?? '/', behind), { request, body, key: keyBehind });
      const end = ({ status, body: text }: Quotation, headers: Record<string, string> = {}): void => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(text);
      };
      if (key !== accepted) {
        counts.refused += 1;
        end({ status: 401, body: refusal(`Invalid API Key provided: ${key}`) });
        return;
      }
      const quotation = await quote({
        ...{ path: request.url ?? '', key, body },
        answer: async () => (await forward()).text(),
      });
      if (quotation !== null) {
        counts.quoted += 1;
        end(quotation);
        return;
      }
      const passed = await forward();
      const kept = ['date', 'request-id', 'content-type'].flatMap((name) => {
        const value = passed.headers.get(name);
        return value === null ? [] : [[name, value] as const];
      });
      end({ status: passed.status, body: await passed.text() }, Object.fromEntries(kept));
    };
    answer().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    accept: (key) => {
      accepted = key;
    },
    quoted: () => counts.quoted,
    refused: () => counts.refused,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Readable by both vendors' clients. */
export function refusal(message: string, code = 'GEN_INTERNAL'): string {
  return JSON.stringify({ error: { type: 'api_error', message }, error_detail: { code, message } });
}

function send(
  url: URL,
  { request, body, key }: { readonly request: IncomingMessage; readonly body: string; readonly key: string },
): Promise<Response> {
  const { host: _host, connection: _connection, 'content-length': _length, ...rest } = request.headers;
  const headers = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)]));
  return fetch(url, {
    method: request.method ?? 'GET',
    headers: { ...headers, authorization: `Bearer ${key}` },
    ...(body === '' ? {} : { body }),
  });
}
