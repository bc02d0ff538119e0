/** A proxy before a stand-in: requests go through as they are, and of some answers the test makes what it likes. */
import { type Asked, answerWith, type HttpProxy, openHttpProxy } from '../http-proxy.js';
import { type Json, parseTree, renderTree } from './json.js';

/** @returns what the client gets instead; null: the answer as it is */
export type ChangeAnswer = (answer: Json, asked: Asked & { readonly status: number }) => Json | null;

export interface DamagingProxy extends Pick<HttpProxy, 'url' | 'close'> {
  /** From now on; null lets everything through. */
  change(how: ChangeAnswer | null): void;
  /** Answers that were changed since the last call. */
  takeChanged(): number;
}

export async function openDamagingProxy(serverUrl: string): Promise<DamagingProxy> {
  const proxy = await openHttpProxy(serverUrl);
  let changed = 0;
  return {
    ...{ url: proxy.url, close: proxy.close },
    change(how) {
      if (how === null) return proxy.passEverything();
      proxy.intercept(async ({ method, path, response, forward }) => {
        const answer = await forward();
        const tree = /^\s*[[{]/.test(answer.body) ? parseTree(answer.body) : null;
        const instead = tree === null ? null : how(tree, { method, path, status: answer.status });
        if (instead !== null) changed += 1;
        answerWith(response, instead === null ? answer : { ...answer, body: renderTree(instead) });
      });
    },
    takeChanged() {
      const taken = changed;
      changed = 0;
      return taken;
    },
  };
}
