// What was asked of a sandbox: a counter for each route, one for each status, and the last requests. Bounded, so that a load
// test leaves nothing behind; bodies are not kept.

export interface LoggedRequest {
  readonly at: Date;
  readonly route: string;
  /** 0 when no answer was sent: the connection was reset, or the client had gone. */
  readonly status: number;
}

export class RequestLog<Entry extends LoggedRequest> {
  readonly #counts = new Map<string, number>();
  readonly #statuses = new Map<number, number>();
  readonly #recent: Entry[] = [];

  count(route: string): void {
    this.#counts.set(route, (this.#counts.get(route) ?? 0) + 1);
  }

  record(entry: Entry): void {
    this.#statuses.set(entry.status, (this.#statuses.get(entry.status) ?? 0) + 1);
    this.#recent.push(entry);
    if (this.#recent.length > KEPT * 2) this.#recent.splice(0, this.#recent.length - KEPT);
  }

  /** Requests by route, those included that got a fault or a refusal. */
  get requests(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#statuses);
  }

  /** The last requests, at least a thousand of them when there were so many, oldest first. */
  get log(): readonly Entry[] {
    return this.#recent;
  }

  reset(): void {
    this.#counts.clear();
    this.#statuses.clear();
    this.#recent.length = 0;
  }
}

const KEPT = 1_000;
