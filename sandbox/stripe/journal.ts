// What was asked: a counter for each endpoint and the last requests. Bounded, so that a load test leaves nothing behind.

import { IdCodec } from './scramble.js';

export interface RequestRecord {
  readonly at: Date;
  readonly method: string;
  readonly url: string;
  readonly route: string;
  /** 0 when no answer was sent. */
  readonly status: number;
  readonly requestId: string;
}

export class Journal {
  private readonly counters = new Map<string, number>();
  private readonly statuses = new Map<number, number>();
  private readonly records: RequestRecord[] = [];

  private readonly requestIds = new IdCodec('req_', 0);
  private issued = 0;

  nextRequestId(): string {
    return this.requestIds.encode(this.issued++);
  }

  count(route: string): void {
    this.counters.set(route, (this.counters.get(route) ?? 0) + 1);
  }

  record(entry: RequestRecord): void {
    this.statuses.set(entry.status, (this.statuses.get(entry.status) ?? 0) + 1);
    this.records.push(entry);
    if (this.records.length > RECORDS_KEPT * 2) this.records.splice(0, this.records.length - RECORDS_KEPT);
  }

  /** Requests by route name, those included that got a fault or a refusal. */
  get requests(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counters);
  }

  get answers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.statuses);
  }

  /** The last requests, at least a thousand of them when there were so many, oldest first. */
  get log(): readonly RequestRecord[] {
    return this.records;
  }

  reset(): void {
    this.counters.clear();
    this.statuses.clear();
    this.records.length = 0;
  }
}

const RECORDS_KEPT = 1000;
