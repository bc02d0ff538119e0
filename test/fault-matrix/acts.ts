/** What is done to a struck request. Each act is a thing that networks, proxies or vendors do; none knows who asked. */
import { type Act, type Answer, answerWith } from './door.js';

/** Longer than every time limit that the matrix hands to an adapter is waited for nothing: the limit ends it. */
const DRIP_EVERY_MS = 20;

/** The connection is reset before anything is done. */
export const resetBefore: Act = ({ response }) => void response.socket?.resetAndDestroy();

/** It is done, and the connection is reset before the answer. */
export const resetAfter: Act = async ({ response, pass }) => {
  await pass();
  response.socket?.resetAndDestroy();
};

/** Nothing is done and nothing answered; the connection stays. */
export const silentBefore: Act = () => {};

/** It is done, and never answered. */
export const silentAfter: Act = async ({ pass }) => {
  await pass();
};

/** It is done, and its answer comes byte by byte and never ends. */
export const drip: Act = async ({ response, pass }) => {
  const { status, headers, body } = await pass();
  response.writeHead(status, headers);
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body[sent] ?? ' ');
    sent += 1;
  }, DRIP_EVERY_MS);
  response.once('close', () => clearInterval(timer));
};

/** It is done, and the connection ends in the middle of the answer. */
export const truncated: Act = async ({ response, pass }) => {
  const { status, headers, body } = await pass();
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) + 100 });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.destroy());
};

/** The proxy sends it twice and passes the second answer on. */
export const repeated: Act = async ({ response, pass }) => {
  await pass();
  answerWith(response, await pass());
};

/** Something else answers, and nothing is done. */
export function answer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Act {
  return ({ response }) => answerWith(response, { status, headers, body });
}

/** It is done, and something else answers. */
export function doneBut(act: Act): Act {
  return async (struck) => {
    await struck.pass();
    await act(struck);
  };
}

/** It is done, and the answer is changed on its way. */
export function rewritten(change: (answer: Answer, asked: { readonly body: string }) => Answer): Act {
  return async ({ response, body, pass }) => answerWith(response, change(await pass(), { body }));
}

/** An object of an answer, as it came. */
export type Json = Record<string, unknown>;

/** The same for a JSON body. */
export function rewrittenJson(change: (json: unknown) => unknown): Act {
  return rewritten((given) => ({ ...given, body: JSON.stringify(change(JSON.parse(given.body))) }));
}

/** A page as proxies make them. */
export function page(title: string): string {
  return `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`;
}

/** A status with the page of a proxy: not one of the vendor's own errors. */
export function proxyPage(status: number, title: string, headers: Readonly<Record<string, string>> = {}): Act {
  return answer(status, page(`${status} ${title}`), { 'content-type': 'text/html', ...headers });
}

/** It is done, and the answer comes without a header. */
export function answerWithout(header: string): Act {
  return async (struck) => {
    const { status, headers, body } = await struck.pass();
    if (header === 'date') struck.response.sendDate = false;
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== header));
    answerWith(struck.response, { status, headers: kept, body });
  };
}
