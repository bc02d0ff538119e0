// One request as the handlers see it, whichever of the three APIs it came through. A fault may ride on it.

import type { IncomingHttpHeaders } from 'node:http';

/** Core's own API, the Cloud's /proxy before it, or the Cloud's own routes. */
export type Api = 'core' | 'proxy' | 'cloud';

/** A pause inside a post, while its balances are locked: before item `atItem` is applied, or after the last one was. */
interface Hold {
  readonly phase: 'before' | 'after';
  readonly atItem: number;
  /** Resolves when the pause is over, or when the client has gone. */
  wait(call: Call): Promise<void>;
}

export interface Call {
  readonly method: string;
  /** Decoded path segments, without /proxy. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly tooLarge: boolean;
  readonly api: Api;
  /** The client dropped its connection before it was answered. */
  readonly aborted: boolean;
  readonly untilAborted: Promise<void>;
  hold?: Hold;
  /** From this item on (counted from 1) the balances count as locked by somebody else. */
  lockedAtItem?: number;
  /** Reads see only the rows below this number: a replica that lags. */
  visibleRows?: number;
  /** The same of ledgers, balances and identities: those that were made before this time of the clock. */
  visibleUntilMicros?: number | undefined;
}
