/**
 * What one process did, as counters for Prometheus: requests, payments, jobs, lines of the log. What stands in the database is no
 * matter of this file. No label names a payment, customer or transaction: each value of a label is a series that is kept for ever.
 */
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Log } from './log.js';

/** Of all metrics of this software. */
export const METRIC_PREFIX = 'stripe_blnk_sync_';

export type RequestOutcome = 'ok' | 'refused' | 'limited' | 'unavailable' | 'lost';

export interface Flows {
  /** A request to Stripe or Blnk was answered, or was not. */
  requestEnded(ended: {
    readonly side: 'stripe' | 'blnk';
    /** Which endpoint or route; of a fixed set. */
    readonly operation: string;
    readonly outcome: RequestOutcome;
    readonly durationMs: number;
  }): void;
  /** A request to Stripe waited for the limits that all processes share. */
  limiterWaited(ms: number): void;
  runEnded(run: {
    readonly feed: string;
    readonly trigger: string;
    readonly status: string;
    /** Of reading; null where it was never finished. */
    readonly durationMs: number | null;
  }): void;
  paymentsRead(read: { readonly feed: string; readonly found: number; readonly stored: number }): void;
  settled(how: 'posted' | 'already_there' | 'parked', payments: number): void;
  /** From storing to seen as `APPLIED`, of each payment. */
  storedToPosted(waitedMs: readonly number[]): void;
  jobEnded(job: string, outcome: 'done' | 'failed'): void;
  /** The same log, whose lines and events are counted, whether or not their level is shown. */
  counted(log: Log): Log;
  /** As Prometheus reads it. */
  text(): Promise<string>;
  readonly contentType: string;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export function createFlows(): Flows {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
  const metrics = createMetrics(registry);
  return {
    requestEnded({ side, operation, outcome, durationMs }) {
      metrics.requests.inc({ side, operation, outcome });
      metrics.requestSeconds.observe({ side, operation }, durationMs / 1_000);
    },
    limiterWaited: (ms) => metrics.limiterWait.inc(Math.max(0, ms) / 1_000),
    runEnded({ feed, trigger, status, durationMs }) {
      metrics.runs.inc({ feed, trigger, status });
      if (durationMs !== null) metrics.runSeconds.observe({ feed }, durationMs / 1_000);
    },
    paymentsRead({ feed, found, stored }) {
      metrics.found.inc({ feed }, found);
      metrics.stored.inc({ feed }, stored);
    },
    settled: (how, payments) => metrics.settled.inc({ how }, payments),
    storedToPosted(waitedMs) {
      for (const ms of waitedMs) metrics.storedToPosted.observe(Math.max(0, ms) / 1_000);
    },
    jobEnded: (job, outcome) => metrics.jobs.inc({ job, outcome }),
    counted: (log) =>
      Object.fromEntries(
        LEVELS.map((level) => [
          level,
          (fields: { readonly event?: string }, text: string) => {
            metrics.lines.inc({ level });
            if (fields.event !== undefined) metrics.events.inc({ event: fields.event });
            log[level](fields, text);
          },
        ]),
      ) as unknown as Log,
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function createMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name: `${METRIC_PREFIX}${name}`, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []) =>
    new Histogram({
      ...{ name: `${METRIC_PREFIX}${name}`, help, labelNames: [...labelNames] },
      ...{ buckets: [...buckets], registers },
    });
  return {
    events: counter('events_total', 'Events of the log, by code', ['event']),
    lines: counter('log_lines_total', 'Lines for the log by level, also of levels that are not shown', ['level']),
    requests: counter('requests_total', 'Requests to Stripe and Blnk', ['side', 'operation', 'outcome']),
    requestSeconds: histogram(
      'request_duration_seconds',
      'How long Stripe and Blnk took to answer',
      [0.02, 0.1, 0.5, 2, 10, 30],
      ['side', 'operation'],
    ),
    limiterWait: counter(
      'limiter_wait_seconds_total',
      'How long requests to Stripe waited for the limits that all processes share',
    ),
    runs: counter('runs_total', 'Runs that stored something, or that a person asked for', [
      'feed',
      'trigger',
      'status',
    ]),
    runSeconds: histogram(
      'run_duration_seconds',
      'How long these runs read',
      [0.3, 1, 5, 30, 120, 600, 3_600],
      ['feed'],
    ),
    found: counter('payments_found_total', 'Succeeded payments that were seen while reading', ['feed']),
    stored: counter('payments_stored_total', 'Of these, those that were seen first', ['feed']),
    settled: counter('postings_settled_total', 'Postings that were posted, found in the ledger or parked', ['how']),
    storedToPosted: histogram(
      'stored_to_posted_seconds',
      'From storing a payment to seeing it as APPLIED in the ledger',
      [0.1, 0.3, 1, 3, 10, 60, 600],
    ),
    jobs: counter('jobs_total', 'Pieces of work that ended', ['job', 'outcome']),
  };
}
