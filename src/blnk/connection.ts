/**
 * One way to Blnk: where things are asked, the connections, and the questions that may be repeated. Posting and listing
 * have one each, so that a proof that lists a large day never makes a post wait for a connection.
 */
import { createLookUps, type LookUps } from './look-ups.js';
import { type BlnkStyle, type Routes, routesOf } from './routes.js';
import { createTransport, type RequestReport, type Transport } from './transport.js';

export interface ConnectionOptions {
  readonly style: BlnkStyle;
  /** `BLNK_API_BASE`; may carry a path. */
  readonly baseUrl: string;
  /** The Cloud's instance; null for a self-hosted Core. */
  readonly instanceId: string | null;
  /** Reads `BLNK_API_KEY` or its file. Asked once, and again after each 401. */
  readonly readKey: () => Promise<string>;
  /** Requests in flight at once. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  readonly lookUpTimeoutMs?: number;
  readonly lookUpAttemptsMax?: number;
  /** Doubles with each attempt. */
  readonly lookUpFirstWaitMs?: number;
  readonly responseBytesMax?: number;
  /** Aborted at shutdown: look-ups are not tried again. Posts are never aborted. */
  readonly signal?: AbortSignal;
  /** Aborted: look-ups in flight end too. */
  readonly abort?: AbortSignal;
  /** Once for each request, for metrics. Must not throw: a post may just have been applied. */
  readonly onRequest?: (report: RequestReport) => void;
}

export interface Connection {
  readonly routes: Routes;
  readonly transport: Transport;
  readonly lookUps: LookUps;
}

/** Opens nothing before the first request. @throws SyncError fatal when the address or the instance id cannot be used */
export function createConnection(options: ConnectionOptions): Connection {
  const routes = routesOf(options);
  const transport = createTransport(routes, {
    readKey: options.readKey,
    connections: options.connections ?? 16,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    responseBytesMax: options.responseBytesMax ?? 8 * 1024 * 1024,
    onRequest: options.onRequest,
  });
  const lookUps = createLookUps(routes, transport, {
    timeoutMs: options.lookUpTimeoutMs ?? 30_000,
    attemptsMax: options.lookUpAttemptsMax ?? 4,
    firstWaitMs: options.lookUpFirstWaitMs ?? 250,
    signal: options.signal,
    abort: options.abort,
  });
  return { routes, transport, lookUps };
}
