/**
 * Metrics for Prometheus (https://prometheus.io/docs/practices/naming/). What stands in the database is the same from every worker,
 * so take the `max` of it; what a process counts is its own, so take the `sum`. No metric names a payment, customer or transaction.
 */
import type { Hono, MiddlewareHandler } from 'hono';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { exitCodeOf, verdictOf } from '../core/verdict/verdict.js';
import type { StatusRecord } from '../db/reads/status.js';
import { type Environment, knownOnly } from './access.js';
import { toDays } from './pages/day-strip.js';
import type { HttpPorts } from './ports.js';

const PREFIX = 'stripe_blnk_sync_';
/** Two scrapers, and several workers, ask the database no more often than this. */
const STATE_KEPT_MS = 10_000;

type Gauges = ReturnType<typeof createGauges>;

export interface Metrics {
  /** Counts requests and how long they took, by route. */
  readonly measure: MiddlewareHandler<Environment>;
  add(app: Hono<Environment>): void;
}

export function createMetrics(
  ports: Pick<HttpPorts, 'reads' | 'version' | 'monotonicMs' | 'onFault' | 'eventCounts' | 'now'>,
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const gauges = createGauges(registry);
  const flows = createFlows(registry);
  gauges.info.set({ version: ports.version }, 1);
  let readAtMs: number | null = null;
  const refresh = async (): Promise<void> => {
    const now = ports.monotonicMs();
    if (readAtMs !== null && now - readAtMs < STATE_KEPT_MS) return;
    readAtMs = now;
    try {
      const status = await ports.reads.status();
      setState(gauges, status);
      const from = new Date(status.now.getTime() - 40 * 86_400_000).toISOString().slice(0, 10);
      setDays(gauges, toDays(await ports.reads.certificates({ from, limit: null })));
      gauges.collected.set((ports.monotonicMs() - now) / 1_000);
    } catch (error) {
      readAtMs = null;
      // Not known is not well: an alert on `ok` has to fire.
      gauges.ok.set(0);
      flows.collectionErrors.inc();
      ports.onFault(error, '/metrics');
    }
  };
  return {
    measure: async (c, next) => {
      const beganAtMs = ports.monotonicMs();
      await next();
      // The route, never the path: ids would make a series each.
      const route = c.req.routePath ?? 'unknown';
      flows.requests.observe(
        { route, method: c.req.method, status: String(c.res.status) },
        (ports.monotonicMs() - beganAtMs) / 1_000,
      );
    },
    add(app) {
      app.get('/metrics', knownOnly, async (c) => {
        await refresh();
        flows.events.reset();
        for (const [event, count] of ports.eventCounts()) flows.events.inc({ event }, count);
        return c.body(await registry.metrics(), 200, { 'content-type': registry.contentType });
      });
    },
  };
}

function createFlows(registry: Registry) {
  const registers = [registry];
  return {
    events: new Counter({
      ...{
        name: `${PREFIX}events_total`,
        help: 'Events of the log of this process, by code',
        labelNames: ['event'],
        registers,
      },
    }),
    requests: new Histogram({
      ...{ name: `${PREFIX}http_request_duration_seconds`, help: 'Requests answered by this process' },
      ...{ labelNames: ['route', 'method', 'status'], buckets: [0.005, 0.02, 0.1, 0.3, 1, 5], registers },
    }),
    collectionErrors: new Counter({
      ...{
        name: `${PREFIX}state_collection_errors_total`,
        help: 'Times that the database could not be asked for the state',
        registers,
      },
    }),
  };
}

function createGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name: `${PREFIX}${name}`, help, labelNames: [...labelNames], registers: [registry] });
  return {
    info: gauge('build_info', 'Version of this process', ['version']),
    mirror: gauge('mirror_info', 'What is mirrored', ['account', 'mode', 'instance']),
    state: gauge('state', '1 for the state that status shows', ['state']),
    needs: gauge('needs', 'What needs somebody, by code and severity', ['code', 'severity']),
    ok: gauge('ok', '1 while no person is needed'),
    from: gauge('complete_from_timestamp_seconds', 'Begin of the time that was completely read'),
    to: gauge('complete_to_timestamp_seconds', 'End of the time that was completely read; absent while nothing is'),
    lag: gauge('lag_seconds', 'How far behind the mirror is, of it the wait by design included'),
    holes: gauge('holes', 'Stretches of time that are to be read again'),
    postings: gauge('postings', 'Postings by currency and state', ['currency', 'state']),
    parked: gauge('parked', 'Payments that need a decision, by reason', ['reason']),
    lanePending: gauge('lane_pending', 'Postings to be posted, by lane', ['source', 'currency']),
    lanePaused: gauge('lane_paused', '1 for a lane that pauses', ['source', 'currency']),
    inDoubt: gauge('in_doubt', 'Postings that were sent and not confirmed'),
    unresolved: gauge('unresolved', 'Postings in doubt for more than 15 minutes'),
    oldestPending: gauge('oldest_pending_timestamp_seconds', 'Since when the oldest pending posting is due'),
    days: gauge('days', 'Days of the last 40 by the state of their newest certificates', ['state']),
    workers: gauge('workers', 'Workers that live'),
    permission: gauge('permission', '1 where the Stripe key may read the feed', ['feed']),
    reads: gauge('stripe_reads_30d', 'Requests to Stripe in the last 30 days'),
    allowance: gauge('stripe_reads_allowance', 'Share of the reads that Stripe allows in 30 days'),
    interval: gauge('poll_interval_seconds', 'Interval between syncs that is in force'),
    lastRun: gauge('last_run_timestamp_seconds', 'When the last run began'),
    collected: gauge('state_collection_seconds', 'How long the database was asked for the state'),
  };
}

const STATES = ['not_started', 'unknown', 'reading', 'incomplete', 'behind', 'complete'] as const;
const seconds = (time: Date) => time.getTime() / 1_000;

/** What is not there any more must not be shown any more. */
function setState(gauges: Gauges, status: StatusRecord): void {
  const verdict = verdictOf(status);
  for (const state of STATES) gauges.state.set({ state }, state === verdict.state ? 1 : 0);
  gauges.ok.set(exitCodeOf(verdict) === 0 ? 1 : 0);
  for (const gauge of [
    gauges.needs,
    gauges.mirror,
    gauges.postings,
    gauges.parked,
    gauges.lanePending,
    gauges.lanePaused,
  ])
    gauge.reset();
  for (const { code, severity } of verdict.needs) gauges.needs.inc({ code, severity });
  const { mirror, complete } = status;
  if (mirror !== null) {
    gauges.mirror.set(
      { account: mirror.stripeAccount ?? '', mode: mirror.livemode ? 'live' : 'test', instance: mirror.blnkInstance },
      1,
    );
    gauges.permission.set({ feed: 'events' }, mirror.eventsRefusedSince === null ? 1 : 0);
    gauges.permission.set({ feed: 'charges' }, mirror.chargesRefusedSince === null ? 1 : 0);
  }
  setOrRemove(gauges.from, complete === null ? null : seconds(complete.from));
  setOrRemove(gauges.to, complete === null ? null : seconds(complete.to));
  setOrRemove(gauges.lag, status.behindMs === null ? null : status.behindMs / 1_000);
  setOrRemove(gauges.allowance, status.stripeReadsAllowed);
  setOrRemove(gauges.lastRun, status.lastRun === null ? null : seconds(status.lastRun.startedAt));
  for (const { currency, postedCount, pendingCount, parkedCount } of status.totals) {
    gauges.postings.set({ currency, state: 'posted' }, postedCount);
    gauges.postings.set({ currency, state: 'pending' }, pendingCount);
    gauges.postings.set({ currency, state: 'parked' }, parkedCount);
  }
  for (const { reason, waiting } of status.parked) gauges.parked.set({ reason: reason ?? 'none' }, waiting);
  for (const { source, currency, pending, pausedSince } of status.lanes) {
    gauges.lanePending.set({ source, currency }, pending);
    gauges.lanePaused.set({ source, currency }, pausedSince === null ? 0 : 1);
  }
  const due = status.lanes.map(({ oldestDue }) => seconds(oldestDue));
  setOrRemove(gauges.oldestPending, due.length === 0 ? null : Math.min(...due));
  gauges.inDoubt.set(status.lanes.reduce((sum, { inDoubt }) => sum + inDoubt, 0));
  gauges.unresolved.set(status.lanes.reduce((sum, { unresolved }) => sum + unresolved, 0));
  gauges.holes.set(status.holes.length);
  gauges.workers.set(status.workers.length);
  gauges.reads.set(status.stripeReads);
  gauges.interval.set(status.intervalMs / 1_000);
}

function setDays({ days }: Gauges, proven: ReturnType<typeof toDays>): void {
  days.reset();
  for (const state of ['sealed', 'sealed_with_exceptions', 'open', 'broken', 'not_covered']) days.set({ state }, 0);
  for (const { state, reopened } of proven) days.inc({ state: reopened ? 'open' : state });
}

function setOrRemove(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
