/**
 * The SDK's own Node client with six corrections, so that one request of ours is one request on the wire and every
 * answer ends as a value or an error:
 * - a socket closed by the other side is not sent again behind our back (the SDK does so once even with 0 retries, past
 *   the rate limiter and the request counts);
 * - the time limit holds for the whole answer, not between two of its packets;
 * - an answer has a largest size: the SDK would gather whatever comes until the memory is full;
 * - an answer that is not a JSON object is an error (the SDK would let `"text"` or `1` escape as an unhandled rejection,
 *   and would take a 502 with `{}` for a success), and so is an error whose words are no texts;
 * - a number of more digits than a double holds is infinite, so that no amount is ever a rounded one;
 * - `Stripe-Notice` headers are dropped: the SDK prints them as process warnings, which only an environment variable
 *   turns off, and the environment belongs to the configuration.
 */
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import Stripe from 'stripe';
import { mayLoseDigits, parseWithoutRounding } from '../core/exact-json.js';
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
}

export function createTransport(options: TransportOptions): Client {
  const node = Stripe.createNodeHttpClient(options.agent);
  return {
    getClientName: () => node.getClientName(),
    async makeRequest(...request) {
      const deadline = performance.now() + options.timeoutMs;
      const answer = await node.makeRequest(...request).catch((error: unknown) => {
        throw withoutHiddenRetry(error);
      });
      return {
        ...delegate(answer),
        toJSON: () => readObject(answer, { ...options, timeoutMs: deadline - performance.now() }),
      };
    },
  };
}

/** The SDK sends again by these codes alone; the error behind keeps its code for the message. */
function withoutHiddenRetry(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' ? new Error('the connection was closed', { cause: error }) : error;
}

function delegate(answer: Answer): Answer {
  return {
    getStatusCode: () => answer.getStatusCode(),
    getHeaders: () => withoutNotice(answer.getHeaders()),
    getRawResponse: () => answer.getRawResponse(),
    toStream: (onComplete) => answer.toStream(onComplete),
    toJSON: () => answer.toJSON(),
  };
}

function withoutNotice(headers: Headers): Headers {
  const { 'stripe-notice': _notice, ...rest } = headers;
  return rest;
}

async function readObject(
  answer: Answer,
  { timeoutMs, answerBytesMax }: Pick<TransportOptions, 'timeoutMs' | 'answerBytesMax'>,
): Promise<unknown> {
  const unreadable = (problem: string): UnreadableAnswer =>
    new UnreadableAnswer(answer.getStatusCode(), answer.getHeaders(), problem);
  const timer = setTimeout(() => destroy(answer.getRawResponse()), Math.max(0, timeoutMs));
  let bytes = 0;
  let body: unknown;
  const pieces: string[] = [];
  try {
    const whole = answer.toJSON();
    onPieces(answer.getRawResponse(), (piece) => {
      bytes += piece.length;
      pieces.push(piece);
      if (bytes > answerBytesMax) destroy(answer.getRawResponse());
    });
    body = await whole;
    const text = pieces.join('');
    if (mayLoseDigits(text)) body = parseWithoutRounding(text);
  } catch (error) {
    if (bytes > answerBytesMax) throw unreadable(`a body of more than ${answerBytesMax} bytes`);
    // The parser's error carries the whole body; it stays here.
    throw error instanceof SyntaxError ? unreadable('a body that is not JSON') : error;
  } finally {
    clearTimeout(timer);
  }
  if (!isRecord(body)) throw unreadable('JSON that is not an object');
  const fault = body.error;
  if (isRecord(fault)) {
    // The SDK takes them for texts, whatever they are.
    const words = [fault.message, fault.type, fault.code];
    if (words.every((word) => word === undefined || word === null || typeof word === 'string')) return body;
  }
  if (answer.getStatusCode() !== 200 || fault !== undefined) throw unreadable("JSON that is not Stripe's");
  return body;
}

/** After `toJSON` began to read, so that nothing flows past it. Pieces are texts; characters count as bytes. */
function onPieces(raw: unknown, see: (piece: string) => void): void {
  if (raw instanceof Readable) raw.on('data', see);
}

function destroy(raw: unknown): void {
  if (typeof raw === 'object' && raw !== null && 'destroy' in raw && typeof raw.destroy === 'function') {
    raw.destroy(Stripe.HttpClient.makeTimeoutError());
  }
}
