/**
 * A proxy before a stand-in that takes keys of the test's choice, and answers some requests with errors that quote all that
 * a real gateway could quote: the key, the request, and what the server behind would have said.
 */
import { type Answer, answerWith, type HttpProxy, openHttpProxy } from './http-proxy.js';

export interface QuotingProxy extends Pick<HttpProxy, 'url' | 'close'> {
  /** Every other key is refused from now on, with a text that repeats it. */
  accept(key: string): void;
  /** Requests that were answered with a quotation. */
  quoted(): number;
  /** Requests with a key that is not accepted any more. */
  refused(): number;
}

export type Quotation = Pick<Answer, 'status' | 'body'>;

export interface QuotingProxyOptions {
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

export async function openQuotingProxy({ behind, keyBehind, quote }: QuotingProxyOptions): Promise<QuotingProxy> {
  const proxy = await openHttpProxy(behind);
  let accepted = '';
  const counts = { quoted: 0, refused: 0 };
  proxy.intercept(async ({ path, headers, body, response, forward }) => {
    const key = (headers.authorization ?? '').replace(/^Bearer /, '');
    const pass = () => forward({ headers: { authorization: `Bearer ${keyBehind}` } });
    const refuse = (quotation: Quotation) =>
      answerWith(response, { ...quotation, headers: { 'content-type': 'application/json' } });
    if (key !== accepted) {
      counts.refused += 1;
      return refuse({ status: 401, body: refusal(`Invalid API Key provided: ${key}`) });
    }
    const quotation = await quote({ path, key, body, answer: async () => (await pass()).body });
    if (quotation === null) return answerWith(response, await pass());
    counts.quoted += 1;
    refuse(quotation);
  });
  return {
    ...{ url: proxy.url, close: proxy.close },
    accept(key) {
      accepted = key;
    },
    quoted: () => counts.quoted,
    refused: () => counts.refused,
  };
}

/** Readable by both vendors' clients. */
export function refusal(message: string, code = 'GEN_INTERNAL'): string {
  return JSON.stringify({ error: { type: 'api_error', message }, error_detail: { code, message } });
}
