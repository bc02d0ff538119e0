/**
 * Metrics for Prometheus (https://prometheus.io/docs/practices/naming/). What stands in the database is the same from every worker,
 * so take the `max` of it; what a process counts is its own, so take the `sum`. No metric names a payment, customer or transaction.
 */
import type { Hono, MiddlewareHandler } from 'hono';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DAY_MS, utcDay } from '../core/base/window.js';
import { CERTIFICATE_STATES } from '../core/proof/certificate.js';
import { exitCodeOf, verdictOf } from '../core/verdict/verdict.js';
import type { CertificateRecord } from '../db/reads/certificates.js';
import type { StatusRecord } from '../db/reads/status.js';
import { type Environment, knownOnly } from './access.js';
import { toDays } from './pages/month.js';
import type { HttpPorts } from './ports.js';

const PREFIX = 'stripe_blnk_sync_';
/** For sealed days, and for findings. */
const DAYS_LOOKED_BACK = 40;
/** Two scrapers, and several workers, ask the database no more often than this. */
const STATE_KEPT_MS = 10_000;

type Gauges = ReturnType<typeof createGauges>;

export interface Metrics {
  /** Counts requests and how long they took, by route. */
  readonly measure: MiddlewareHandler<Environment>;
  add(app: Hono<Environment>): void;
}

export function createMetrics(
  ports: Pick<HttpPorts, 'reads' | 'version' | 'monotonicMs' | 'onFault' | 'flows' | 'now'>,
): Metrics {
  const registry = new Registry();
  const gauges = createGauges(registry);
  const own = createOwn(registry);
  gauges.info.set({ version: ports.version }, 1);
  const collect = async (): Promise<boolean> => {
    const beganAtMs = ports.monotonicMs();
    try {
      const status = await ports.reads.status();
      const from = utcDay(new Date(status.now.getTime() - DAYS_LOOKED_BACK * DAY_MS));
      const certificates = await ports.reads.certificates({ from, limit: null });
      // At once, and only when all of it is known: nobody reads a half.
      setState(gauges, status);
      setDays(gauges, certificates, status.proofs);
      gauges.collected.set((ports.monotonicMs() - beganAtMs) / 1_000);
      return true;
    } catch (error) {
      // What was known would be told for as long as the database is away. Not known is not well: an alert on `ok` has to fire.
      forgetState(gauges);
      gauges.ok.set(0);
      own.collectionErrors.inc();
      ports.onFault(error, '/metrics');
      return false;
    }
  };
  let last: { readonly atMs: number; readonly done: Promise<boolean> } | null = null;
  const refresh = async (): Promise<void> => {
    const now = ports.monotonicMs();
    // Whoever comes while it is asked waits for the same answer.
    if (last === null || now - last.atMs >= STATE_KEPT_MS) last = { atMs: now, done: collect() };
    const waitedFor = last;
    if (!(await waitedFor.done) && last === waitedFor) last = null;
  };
  return {
    measure: async (c, next) => {
      const beganAtMs = ports.monotonicMs();
      await next();
      // The route, never the path: ids would make a series each.
      const route = c.req.routePath ?? 'unknown';
      own.requests.observe(
        { route, method: c.req.method, status: String(c.res.status) },
        (ports.monotonicMs() - beganAtMs) / 1_000,
      );
    },
    add(app) {
      app.get('/metrics', knownOnly, async (c) => {
        await refresh();
        const texts = await Promise.all([registry.metrics(), ports.flows.text()]);
        return c.body(texts.join(''), 200, { 'content-type': registry.contentType });
      });
    },
  };
}

/** Of this server. */
function createOwn(registry: Registry) {
  const registers = [registry];
  return {
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
    lagByDesign: gauge('lag_by_design_seconds', 'Of it, the wait by design (SYNC_LAG)'),
    holes: gauge('holes', 'Stretches of time that are to be read again'),
    postings: gauge('postings', 'Postings by currency and state', ['currency', 'state']),
    parked: gauge('parked', 'Payments that need a decision, by reason', ['reason']),
    lanePending: gauge('lane_pending', 'Postings to be posted, by lane', ['source', 'currency']),
    lanePaused: gauge('lane_paused', '1 for a lane that pauses', ['source', 'currency']),
    inDoubt: gauge('in_doubt', 'Postings that were sent and not confirmed'),
    unresolved: gauge('unresolved', 'Postings in doubt for more than 15 minutes'),
    oldestPending: gauge(
      'oldest_pending_timestamp_seconds',
      'Since when the oldest pending posting is due, or its lane gets no further',
    ),
    oldestUnresolved: gauge('oldest_unresolved_timestamp_seconds', 'Since when the oldest unresolved one is in doubt'),
    days: gauge(
      'days',
      'Days by the state of their newest certificates: all that are not sealed, and the sealed ones of the last 40',
      ['state'],
    ),
    findings: gauge('findings', 'Findings of the newest certificates of the last 40 days, by their state', ['state']),
    provenTo: gauge('proven_to_timestamp_seconds', 'End of the last day that was proven; absent while none was'),
    identities: gauge('identities', 'Customers by how their identity in Blnk stands', ['state']),
    balances: gauge('account_balances', 'Balances of the ledger of its own, by how they stand', ['state']),
    workers: gauge('workers', 'Workers that live'),
    permission: gauge('permission', '1 where the Stripe key may read the feed', ['feed']),
    reads: gauge('stripe_reads_30d', 'Requests to Stripe in the last 30 days'),
    allowance: gauge('stripe_reads_allowance', 'Requests to Stripe that this mirror may make in 30 days'),
    interval: gauge('poll_interval_seconds', 'Interval between syncs that is in force'),
    lastRun: gauge('last_run_timestamp_seconds', 'When the newest run began', ['feed', 'status']),
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
  for (const gauge of [gauges.needs, gauges.mirror, gauges.postings, gauges.parked, gauges.lastRun]) gauge.reset();
  for (const { code, severity } of verdict.needs) gauges.needs.inc({ code, severity });
  const { mirror } = status;
  if (mirror !== null) {
    gauges.mirror.set(
      { account: mirror.stripeAccount ?? '', mode: mirror.livemode ? 'live' : 'test', instance: mirror.blnkInstance },
      1,
    );
    gauges.permission.set({ feed: 'events' }, mirror.eventsRefusedSince === null ? 1 : 0);
    gauges.permission.set({ feed: 'charges' }, mirror.chargesRefusedSince === null ? 1 : 0);
  }
  if (status.lastRun !== null) {
    const { feed, status: ended, startedAt } = status.lastRun;
    gauges.lastRun.set({ feed, status: ended }, seconds(startedAt));
  }
  for (const { currency, postedCount, pendingCount, parkedCount } of status.totals) {
    gauges.postings.set({ currency, state: 'posted' }, postedCount);
    gauges.postings.set({ currency, state: 'pending' }, pendingCount);
    gauges.postings.set({ currency, state: 'parked' }, parkedCount);
  }
  for (const { reason, waiting } of status.parked) gauges.parked.set({ reason: reason ?? 'none' }, waiting);
  setTimes(gauges, status);
  setLanes(gauges, status);
  setIdentities(gauges, status.identities);
  setBalances(gauges, status.accounts);
  gauges.holes.set(status.holes.length);
  gauges.workers.set(status.workers.length);
  gauges.reads.set(status.stripeReads);
  setOrRemove(gauges.allowance, status.stripeReadsAllowed);
  gauges.interval.set(status.intervalMs / 1_000);
}

function forgetState({ info: _kept, ...state }: Gauges): void {
  for (const gauge of Object.values(state)) {
    gauge.reset();
    // One without labels is 0 after that, and would tell it.
    gauge.remove({});
  }
}

function setIdentities({ identities }: Gauges, facts: StatusRecord['identities']): void {
  identities.reset();
  if (facts === null || facts.mode === 'off') return;
  const parked = facts.parked.reduce((sum, { count }) => sum + count, 0);
  identities.set({ state: 'linked' }, facts.linked);
  identities.set({ state: 'parked' }, parked);
  identities.set({ state: 'waiting' }, Math.max(0, facts.customers - facts.linked - parked));
}

function setBalances({ balances }: Gauges, facts: StatusRecord['accounts']): void {
  balances.reset();
  if (facts === null) return;
  const parked = facts.parked.reduce((sum, { count }) => sum + count, 0);
  balances.set({ state: 'in_use' }, facts.balances);
  balances.set({ state: 'parked' }, parked);
  balances.set({ state: 'waiting' }, Math.max(0, facts.wanted - parked));
  balances.set({ state: 'surplus' }, facts.surplus.count);
}

function setTimes(gauges: Gauges, { complete, behindMs, lagMs, proofs, oldestUnresolved }: StatusRecord): void {
  setOrRemove(gauges.from, complete === null ? null : seconds(complete.from));
  setOrRemove(gauges.to, complete === null ? null : seconds(complete.to));
  setOrRemove(gauges.lag, behindMs === null ? null : behindMs / 1_000);
  gauges.lagByDesign.set(lagMs / 1_000);
  setOrRemove(gauges.provenTo, proofs.to === null ? null : (Date.parse(proofs.to) + DAY_MS) / 1_000);
  setOrRemove(gauges.oldestUnresolved, oldestUnresolved === null ? null : seconds(oldestUnresolved.since));
}

function setLanes(gauges: Gauges, { lanes }: StatusRecord): void {
  gauges.lanePending.reset();
  gauges.lanePaused.reset();
  for (const { source, currency, pending, pausedSince } of lanes) {
    gauges.lanePending.set({ source, currency }, pending);
    gauges.lanePaused.set({ source, currency }, pausedSince === null ? 0 : 1);
  }
  // What was tried in vain is due only at its next try; its lane has paused since the first one.
  const due = lanes.map(({ oldestDue, pausedSince }) =>
    Math.min(seconds(oldestDue), seconds(pausedSince ?? oldestDue)),
  );
  setOrRemove(gauges.oldestPending, due.length === 0 ? null : Math.min(...due));
  gauges.inDoubt.set(lanes.reduce((sum, { inDoubt }) => sum + inDoubt, 0));
  gauges.unresolved.set(lanes.reduce((sum, { unresolved }) => sum + unresolved, 0));
}

/** What is not sealed counts however old it is: a ledger that was restored from a backup differs on old days. */
function setDays(
  { days, findings }: Gauges,
  certificates: readonly CertificateRecord[],
  { unsealed }: StatusRecord['proofs'],
): void {
  days.reset();
  findings.reset();
  for (const state of CERTIFICATE_STATES) days.set({ state }, 0);
  for (const { state, findingsCount } of certificates) findings.inc({ state }, findingsCount);
  for (const { state, reopened } of unsealed) days.inc({ state: reopened ? 'open' : state });
  const isUnsealed = new Set(unsealed.map(({ day }) => day));
  for (const { day, state } of toDays(certificates)) if (!isUnsealed.has(day)) days.inc({ state });
}

function setOrRemove(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
