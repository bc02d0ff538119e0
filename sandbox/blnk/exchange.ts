// One HTTP request and its answer: reading the body, noticing a client that goes away, writing, resetting.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answers.js';

/** Core reads at most 5 MiB of a body. */
const bodyBytesMax = 5 * 1024 * 1024;

export class Exchange {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly url: URL;
  aborted = false;
  #untilAborted: Promise<void> | undefined;
  #onAborted: () => void = () => undefined;
  #isReset = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.#response = response;
    this.url = new URL(request.url ?? '/', 'http://sandbox');
    response.on('close', () => {
      if (!response.writableFinished && !this.#isReset) {
        this.aborted = true;
        this.#onAborted();
      }
    });
  }

  /** Resolves when the client drops the connection before it was answered; else never. */
  get untilAborted(): Promise<void> {
    this.#untilAborted ??= new Promise((resolve) => {
      this.#onAborted = resolve;
      if (this.aborted) {
        resolve();
      }
    });
    return this.#untilAborted;
  }

  /** The whole body; what is beyond Core's limit is read and thrown away. Undefined when the client went in the middle of it. */
  readBody(): Promise<{ text: string; bytes: number; tooLarge: boolean } | undefined> {
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      this.request.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes <= bodyBytesMax) {
          parts.push(part);
        }
      });
      this.request.on('end', () =>
        resolve({ text: Buffer.concat(parts).toString('utf8'), bytes, tooLarge: bytes > bodyBytesMax }),
      );
      this.request.on('error', () => resolve(undefined));
      this.request.on('close', () => resolve(undefined));
    });
  }

  answer({ status, body, type = 'application/json; charset=utf-8', headers }: Answer): void {
    if (this.aborted) {
      return;
    }
    this.#response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
    this.#response.end(body);
    this.request.resume();
  }

  /** Drops the connection without an answer. */
  reset(): void {
    this.#isReset = true;
    this.request.socket.resetAndDestroy();
  }
}
