/**
 * A proxy between workers and a real Core: reports when Core works on a post, so that its sender can be killed meanwhile, and
 * keeps when Core said that balances are locked. A sender that is gone is gone for Core too.
 */
import { type Answer, answerWith, type Exchange, type HttpProxy, openHttpProxy } from '../http-proxy.js';

export interface CoreProxy extends Pick<HttpProxy, 'url' | 'close'> {
  /**
   * Resolves while Core works on the next post: `afterMs` after all of it was handed on, unless it is answered by then. The
   * answer tells whether that post's connection was cut without an answer.
   */
  nextPostInFlight(afterMs: number): Promise<() => Promise<boolean>>;
  /** From now on listings of transactions hold only those of these source balances, as a Core that has no others answers. */
  showOnly(sourceIds: readonly string[]): void;
  /** Between the first and the last answer that balances are locked; 0 when there was none. */
  lockedMs(): number;
}

type Watch = { readonly afterMs: number; tell(wasCut: () => Promise<boolean>): void };

export async function openCoreProxy(coreUrl: string): Promise<CoreProxy> {
  const proxy = await openHttpProxy(coreUrl);
  const lockedAt: number[] = [];
  let watch: Watch | null = null;
  let shown: readonly string[] | null = null;

  proxy.intercept(async (exchange) => {
    const { method, path, body, response, clientLeft, forward } = exchange;
    let isAnswered = false;
    const isCut = new Promise<boolean>((resolve) => response.once('close', () => resolve(!isAnswered)));
    const onSent = () => {
      const watching = method === 'POST' && /^\/transactions(\/bulk)?$/.test(path) ? watch : null;
      if (watching === null) return;
      setTimeout(() => {
        if (isAnswered || watch !== watching) return;
        watch = null;
        watching.tell(() => isCut);
      }, watching.afterMs);
    };
    const narrowed = shown !== null && path === '/transactions/filter' ? narrow(exchange, shown) : body;
    const answer = await forward({ body: narrowed, signal: clientLeft, onSent });
    isAnswered = true;
    if (saysLocked(answer)) lockedAt.push(performance.now());
    answerWith(response, answer);
  });
  return {
    ...{ url: proxy.url, close: proxy.close },
    nextPostInFlight: (afterMs) =>
      new Promise((resolve) => {
        watch = { afterMs, tell: resolve };
      }),
    showOnly(sourceIds) {
      shown = sourceIds;
    },
    lockedMs: () => (lockedAt.length === 0 ? 0 : (lockedAt.at(-1) ?? 0) - (lockedAt[0] ?? 0)),
  };
}

function narrow({ body }: Exchange, sourceIds: readonly string[]): string {
  const asked = JSON.parse(body) as { readonly filters: readonly object[] };
  const filters = [...asked.filters, { field: 'source', operator: 'in', values: sourceIds }];
  return JSON.stringify({ ...asked, filters });
}

/** 423, or a bulk of which an item met a lock. */
function saysLocked({ status, body }: Answer): boolean {
  return status === 423 || (status >= 400 && /RESOURCE_LOCKED|acquire lock/i.test(body));
}
