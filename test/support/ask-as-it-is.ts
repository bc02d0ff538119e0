/** A request with exactly the headers that are given, `Host` too: `fetch` would not send another one. */
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty of a stream, which is cut as soon as it begins. */
  readonly body: string;
}

export function askAsItIs(url: URL, { method = 'GET', headers = {}, body = '' }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers } }, (answer) => {
      const head = { status: answer.statusCode ?? 0, headers: answer.headers };
      if (answer.headers['content-type']?.startsWith('text/event-stream') === true) {
        answer.destroy();
        resolve({ ...head, body: '' });
        return;
      }
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve({ ...head, body: text }));
    });
    sent.on('error', reject).end(body);
  });
}
