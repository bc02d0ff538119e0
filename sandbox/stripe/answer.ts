// An answer and how it goes out. Node's own `Date` is never sent: it would be the machine's, not the sandbox's.

import type { ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const bytes = Buffer.from(answer.body, 'utf8');
  response.sendDate = false;
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': bytes.length });
  response.end(bytes);
}

/** Promises a whole body and breaks off in its middle. */
export function sendHalf(response: ServerResponse, answer: Answer): Promise<void> {
  const bytes = Buffer.from(answer.body, 'utf8');
  response.sendDate = false;
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': bytes.length });
  return new Promise((resolve) => {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => {
      response.destroy();
      resolve();
    });
  });
}
