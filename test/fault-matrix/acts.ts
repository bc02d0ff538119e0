/** What is done to an intercepted request: what networks, proxies or vendors do. None knows who asked. */
import { type Answer, answerWith, type Handler } from '../support/http-proxy.js';

/** Longer than every time limit that the matrix hands to an adapter is waited for nothing: the limit ends it. */
const DRIP_EVERY_MS = 20;

/** The connection is reset before anything is done. */
export const resetBefore: Handler = ({ response }) => void response.socket?.resetAndDestroy();

/** It is done, and the connection is reset before the answer. */
export const resetAfter: Handler = async ({ response, forward }) => {
  await forward();
  response.socket?.resetAndDestroy();
};

/** Nothing is done and nothing answered; the connection stays. */
export const silentBefore: Handler = () => {};

/** It is done, and never answered. */
export const silentAfter: Handler = async ({ forward }) => {
  await forward();
};

/** It is done, and its answer comes byte by byte and never ends. */
export const drip: Handler = async ({ response, forward }) => {
  const { status, headers, body } = await forward();
  response.writeHead(status, headers);
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body[sent] ?? ' ');
    sent += 1;
  }, DRIP_EVERY_MS);
  response.once('close', () => clearInterval(timer));
};

/** It is done, and the connection ends in the middle of the answer. */
export const truncated: Handler = async ({ response, forward }) => {
  const { status, headers, body } = await forward();
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) + 100 });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.destroy());
};

/** The proxy sends it twice and passes the second answer on. */
export const repeated: Handler = async ({ response, forward }) => {
  await forward();
  answerWith(response, await forward());
};

/** Something else answers, and nothing is done. */
export function answer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Handler {
  return ({ response }) => answerWith(response, { status, headers, body });
}

/** It is done, and something else answers. */
export function doneBut(handler: Handler): Handler {
  return async (exchange) => {
    await exchange.forward();
    await handler(exchange);
  };
}

/** It is done, and the answer is changed on its way. */
export function rewritten(change: (answer: Answer, asked: { readonly body: string }) => Answer): Handler {
  return async ({ response, body, forward }) => answerWith(response, change(await forward(), { body }));
}

/** An object of an answer, as it came. */
export type Json = Record<string, unknown>;

/** The same for a JSON body. */
export function rewrittenJson(change: (json: unknown) => unknown): Handler {
  return rewritten((given) => ({ ...given, body: JSON.stringify(change(JSON.parse(given.body))) }));
}

/** A page as proxies make them. */
export function page(title: string): string {
  return `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`;
}

/** A status with the page of a proxy: not one of the vendor's own errors. */
export function proxyPage(status: number, title: string, headers: Readonly<Record<string, string>> = {}): Handler {
  return answer(status, page(`${status} ${title}`), { 'content-type': 'text/html', ...headers });
}

/** It is done, and the answer comes without a header. */
export function answerWithout(header: string): Handler {
  return async (exchange) => {
    const { status, headers, body } = await exchange.forward();
    if (header === 'date') exchange.response.sendDate = false;
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== header));
    answerWith(exchange.response, { status, headers: kept, body });
  };
}
