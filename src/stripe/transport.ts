/**
 * The SDK's HTTP client, in place of its own, so that one request of ours is one request on the wire and every
 * answer ends as a value or an error:
 * - a socket closed by the other side is not sent again behind our back (the SDK does so once even with 0 retries, past
 *   the rate limiter and the request counts);
 * - the time limit holds for the whole answer, not between two of its packets, nor anew for each informational one (1xx);
 * - an answer has a largest size: the SDK would gather whatever comes until the memory is full;
 * - an answer that somebody in between compressed is read as it was before;
 * - an answer that is not a JSON object is an error (the SDK would let `"text"` or `1` escape as an unhandled rejection,
 *   and would take a 502 with `{}` for a success), and so is an error whose words are no texts;
 * - a number of more digits than a double holds is infinite, so that no amount is ever a rounded one;
 * - `Stripe-Notice` headers are dropped: the SDK prints them as process warnings, which only an environment variable
 *   turns off, and the environment belongs to the configuration.
 */
import {
  type Agent as HttpAgent,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  request as requestByHttp,
} from 'node:http';
import { type Agent as HttpsAgent, request as requestByHttps } from 'node:https';
import Stripe from 'stripe';
import { describeError } from '../core/base/errors.js';
import { parseWithoutRounding } from '../core/base/exact-json.js';
import { onAbort } from '../core/base/on-abort.js';
import { decompress } from '../decompress.js';
import { isRecord } from './read-payment.js';

type Client = Stripe.HttpClient;
type Answer = Stripe.HttpClientResponse;
type Headers = ReturnType<Answer['getHeaders']>;

/** Text came back where Stripe sends an object: an HTML page of a proxy, an empty body, an error without its object. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';

  constructor(
    readonly statusCode: number,
    readonly headers: Headers,
    problem: string,
  ) {
    super(`HTTP ${statusCode} with ${problem}`);
  }
}

export interface TransportOptions {
  /** Bounds and keeps the connections. */
  readonly agent: HttpAgent | HttpsAgent;
  /** For one whole request. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  /** Aborted: a request in flight ends. They only read, so ending one changes nothing at Stripe. */
  readonly signal: AbortSignal | undefined;
}

export function createTransport(options: TransportOptions): Client {
  return {
    // The SDK's telemetry is off, so that nobody is told.
    getClientName: () => 'node',
    async makeRequest(host, port, path, method, headers, body, protocol) {
      const deadline = performance.now() + options.timeoutMs;
      const request = { host, port, path, method, headers: headers as OutgoingHttpHeaders, agent: options.agent };
      const response = await exchange({
        request,
        body,
        protocol,
        timeoutMs: options.timeoutMs,
        signal: options.signal,
      }).catch((error: unknown) => {
        throw withoutHiddenRetry(error);
      });
      return answerOf(response, () =>
        readObject(response, { ...options, timeoutMs: Math.max(0, deadline - performance.now()) }),
      );
    },
  };
}

interface Exchange {
  readonly request: RequestOptions;
  readonly body: string;
  readonly protocol: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Ends with the final headers. Node's own limit begins anew with every byte, also of informational answers (1xx). */
function exchange({ request: options, body, protocol, timeoutMs, signal }: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (protocol === 'http' ? requestByHttp : requestByHttps)(options);
    const timer = setTimeout(() => request.destroy(Stripe.HttpClient.makeTimeoutError()), timeoutMs);
    const stop = onAbort(signal, () => request.destroy(new Error('stopped')));
    request.once('close', stop);
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(body);
  });
}

/** The SDK sends again by these codes alone; the error behind keeps its code for the message. */
function withoutHiddenRetry(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' ? new Error('the connection was closed', { cause: error }) : error;
}

function answerOf(response: IncomingMessage, read: () => Promise<unknown>): Answer {
  return {
    getStatusCode: () => statusOf(response),
    getHeaders: () => headersOf(response),
    getRawResponse: () => response,
    toStream: (onComplete) => {
      response.once('end', onComplete);
      return response;
    },
    toJSON: read,
  };
}

/** Only answers to a server have none. */
function statusOf(response: IncomingMessage): number {
  return response.statusCode ?? 0;
}

function headersOf(response: IncomingMessage): Headers {
  const { 'stripe-notice': _notice, ...rest } = response.headers;
  return rest as Headers;
}

type Limits = Pick<TransportOptions, 'timeoutMs' | 'answerBytesMax'>;

async function readObject(response: IncomingMessage, limits: Limits): Promise<unknown> {
  const unreadable = (problem: string): UnreadableAnswer =>
    new UnreadableAnswer(statusOf(response), headersOf(response), problem);
  const bytes = await readBytes(response, limits);
  if (bytes === null) throw unreadable(`a body of more than ${limits.answerBytesMax} bytes`);
  const encoding = response.headers['content-encoding'] ?? null;
  const plain = await decompress(bytes, { encoding, bytesMax: limits.answerBytesMax }).catch((error: unknown) => {
    throw unreadable(`a compressed body: ${describeError(error)}`);
  });
  const body = parse(new TextDecoder().decode(plain));
  // The parser's error carries the whole body; it stays here.
  if (body === NOT_JSON) throw unreadable('a body that is not JSON');
  if (!isRecord(body)) throw unreadable('JSON that is not an object');
  const fault = body.error;
  if (isRecord(fault)) {
    // The SDK takes them for texts, whatever they are.
    const words = [fault.message, fault.type, fault.code];
    if (words.every((word) => word === undefined || word === null || typeof word === 'string')) return body;
  }
  if (statusOf(response) !== 200 || fault !== undefined) throw unreadable("JSON that is not Stripe's");
  return body;
}

/** Null: there are more than allowed. */
async function readBytes(response: IncomingMessage, { timeoutMs, answerBytesMax }: Limits): Promise<Buffer | null> {
  const timer = setTimeout(() => response.destroy(Stripe.HttpClient.makeTimeoutError()), timeoutMs);
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of response) {
      bytes += piece.length;
      // Leaving the loop closes the connection.
      if (bytes > answerBytesMax) return null;
      pieces.push(piece);
    }
  } catch (error) {
    // By this kind the SDK knows that no answer came.
    throw Stripe.HttpClient.makeResponseBodyError(error);
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(pieces);
}

const NOT_JSON = Symbol('not JSON');

function parse(text: string): unknown {
  try {
    return parseWithoutRounding(text);
  } catch {
    return NOT_JSON;
  }
}
