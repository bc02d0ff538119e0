// Counts every request by door and route, and keeps the last ones. Bodies are not kept.

import type { Door } from './call.js';

export interface LoggedRequest {
  at: Date;
  door: Door;
  route: string;
  /** 0: the connection was reset, or the client had gone. */
  status: number;
  bodyBytes: number;
  fault: string | undefined;
}

const keptMax = 1_000;

export class RequestLog {
  readonly recent: LoggedRequest[] = [];
  readonly #counts = new Map<string, number>();

  add(request: LoggedRequest): void {
    const key = `${request.door} ${request.route}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.recent.push(request);
    if (this.recent.length > keptMax * 2) {
      this.recent.splice(0, keptMax);
    }
  }

  /** How many requests came in per door and route, for example `proxy POST /transactions/bulk`. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** How many came in over one route, through any door. */
  count(route: string): number {
    return [...this.#counts].reduce(
      (sum, [key, count]) => (key.slice(key.indexOf(' ') + 1) === route ? sum + count : sum),
      0,
    );
  }
}
