/**
 * Listens, with limits on what a stranger may take: header bytes, time for a request, connections. Stops in this order: streams
 * are told, then nothing new is taken, then what is open is closed, so that a stopping worker keeps all of its grace.
 */
import type { Server } from 'node:http';
import { type Http2Bindings, type HttpBindings, serve } from '@hono/node-server';
import { SyncError } from '../core/base/errors.js';

const HEADER_BYTES_MAX = 16 * 1_024;
const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;
const CONNECTIONS_MAX = 500;
/** What is being answered may end. */
const CLOSE_WITHIN_MS = 1_000;

export interface Listening {
  /** The port that is listened on. */
  readonly port: number;
  close(): Promise<void>;
}

/** Throws SyncError `http_port_taken`, and `http_not_listening` for an address that is not of this machine. */
export function listen(
  fetch: (request: Request, env: HttpBindings | Http2Bindings) => Response | Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch,
        ...{ hostname: host, port },
        // Else the Response of the whole process would be another one.
        overrideGlobalObjects: false,
        serverOptions: {
          ...{ maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_WITHIN_MS },
          ...{ requestTimeout: REQUEST_WITHIN_MS, keepAliveTimeout: KEEP_ALIVE_MS },
        },
      },
      (address) => resolve({ port: address.port, close: () => close(server) }),
    ) as Server;
    server.maxConnections = CONNECTIONS_MAX;
    server.on('error', (error: NodeJS.ErrnoException) => reject(notListening(error, { host, port })));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS).unref();
  });
}

function notListening(
  error: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): SyncError {
  if (error.code === 'EADDRINUSE') {
    return new SyncError(
      `Port ${port} of ${host} is taken, by another worker or by something else. Set HTTP_PORT to a free one, or to off`,
      { kind: 'fatal', code: 'http_port_taken', cause: error },
    );
  }
  return new SyncError(
    `Nothing can listen on ${host}, port ${port} (${error.code ?? error.message}). Set HTTP_HOST and HTTP_PORT to what this machine has`,
    { kind: 'fatal', code: 'http_not_listening', cause: error },
  );
}
