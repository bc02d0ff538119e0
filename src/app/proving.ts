/**
 * Composition: proving days. For a worker, turns of the days that are due; for the command, the days that a person names.
 * Both ask Stripe and Blnk through the limits that all processes share, one day after another.
 */
import { createHash } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { v7 as uuidv7 } from 'uuid';
import { kindsOf } from '../cli/finding-text.js';
import { type CertificateState, worstState } from '../core/certificate.js';
import { describeError, SyncError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { createCertificateStore } from '../db/certificate-store.js';
import { findMirror } from '../db/mirror-store.js';
import { createOwnSide } from '../db/own-side.js';
import { daysWithPending, lastRotationAt, readStandings } from '../db/reads/certificates.js';
import { readCompleteTo, readDatabaseNow } from '../db/reads/status.js';
import type { Log } from '../observability/log.js';
import { packageVersion } from '../package-root.js';
import { paymentsThatFit } from '../prove/day-size.js';
import type { DayStanding } from '../prove/ports.js';
import { proveDay } from '../prove/prove-day.js';
import { type ProveDaysPorts, type ProvenDay, proveDays } from '../prove/prove-days.js';
import { type DueDay, dueDays } from '../prove/schedule.js';
import { type CrashHooks, proverWithPoints } from './crash-points.js';
import type { Home } from './home.js';
import { systemClock } from './system-clock.js';
import type { ProofTimings } from './timings.js';
import type { Vendors } from './vendors.js';

export interface ProvingParts {
  readonly home: Pick<Home, 'database'>;
  readonly vendors: Pick<Vendors, 'stripeSide' | 'ledgerSide'>;
  /** Of the configuration; the mirror's own, where it has one, goes before it. */
  readonly lagMs: number;
  /** Absent in production. */
  readonly hooks?: CrashHooks | undefined;
}

/** What is known of the mirror when days are proven. */
export interface ProvingFacts {
  readonly mirror: Mirror;
  readonly lagMs: number;
  readonly completeTo: Date | null;
  /** The database's clock. */
  readonly now: Date;
}

/** Null on a database that mirrors nothing yet. */
export async function readProvingFacts({ home, lagMs: configured }: ProvingParts): Promise<ProvingFacts | null> {
  const { db } = home.database;
  const mirror = await findMirror(db);
  if (mirror === null) return null;
  const lagMs = mirror.lagMs ?? configured;
  return { mirror, lagMs, completeTo: await readCompleteTo(db, lagMs), now: await readDatabaseNow(db) };
}

/** The ports of `proveDays`, for as long as the facts hold: one turn, or one command. */
export function createProver({ home, vendors, hooks }: ProvingParts, facts: ProvingFacts): ProveDaysPorts {
  const { db } = home.database;
  const { mirror, lagMs, completeTo: coveredUpTo } = facts;
  const sides = { stripe: vendors.stripeSide, ledger: vendors.ledgerSide, own: createOwnSide(db) };
  const means = { paymentsMax: paymentsThatFit(getHeapStatistics().heap_size_limit), hash: sha256 };
  const prover: ProveDaysPorts = {
    store: createCertificateStore(db, packageVersion()),
    proveDay: ({ earlierCurrencies, ...request }) =>
      proveDay({ ...sides, ...means }, { ...request, facts: { mirror, lagMs, coveredUpTo, earlierCurrencies } }),
  };
  return proverWithPoints(prover, hooks);
}

/** The lines joined by line feeds, without making one text of them. */
function sha256(lines: Iterable<string>): string {
  const hash = createHash('sha256');
  let separator = '';
  for (const line of lines) {
    hash.update(separator + line);
    separator = '\n';
  }
  return hash.digest('hex');
}

/** A turn is bounded by time as well; this keeps small days from filling it. */
const TURN_DAYS_MAX = 50;

/** More failures in a turn than this are the servers', not the days'. */
const TURN_FAILURES_MAX = 2;

export interface ScheduledProofsParts extends ProvingParts {
  readonly log: Log;
  readonly timings: ProofTimings;
  readonly signal: AbortSignal;
  requestProofs(): Promise<void>;
}

export interface ScheduledProofs {
  /** For the timer: asks for a turn when the last one was asked for long enough ago. */
  request(): Promise<void>;
  /**
   * For the job: proves what is due, as far as one turn goes. Never throws for a proof that failed: it is logged. The queue
   * runs one such job at a time; should there be two, each leaves alone what the other has proven meanwhile.
   */
  turn(): Promise<void>;
}

export function createScheduledProofs(parts: ScheduledProofsParts): ScheduledProofs {
  const { log, timings, signal } = parts;
  let askedAtMs: number | null = null;
  /** Days whose proof failed, and when they may be tried again by this process. */
  const failedUntilMs = new Map<string, number>();
  return {
    async request() {
      const nowMs = systemClock.monotonicMs();
      if (askedAtMs !== null && nowMs - askedAtMs < timings.askEveryMs) return;
      await parts.requestProofs();
      askedAtMs = nowMs;
    },

    async turn() {
      const facts = await readProvingFacts(parts);
      if (facts === null) return;
      const isFailing = (day: string) => (failedUntilMs.get(day) ?? 0) > systemClock.monotonicMs();
      const standings = await readStandings(parts.home.database.db);
      const days = await daysOfTurn(parts, { ...facts, standings }, isFailing);
      if (days.length === 0) return;
      const lastProofs = new Map(standings.map(({ day, provedAt }) => [day, provedAt]));
      const endsAtMs = systemClock.monotonicMs() + timings.turnMs;
      let failures = 0;
      const proven = await proveDays(createProver(parts, facts), days, {
        proofId: uuidv7(),
        signal,
        isStillDue: (day, lastProvedAt) => lastProvedAt?.getTime() === lastProofs.get(day)?.getTime(),
        isOver: () => systemClock.monotonicMs() >= endsAtMs,
        onFailed(day, error) {
          failures += 1;
          failedUntilMs.set(day, systemClock.monotonicMs() + timings.failedAfterMs);
          logFailure(log, day, error);
          const isFatal = error instanceof SyncError && error.kind === 'fatal';
          return isFatal || failures >= TURN_FAILURES_MAX ? 'end' : 'go_on';
        },
      });
      logProofs(log, proven);
    },
  };
}

/** What is due and can be decided: a day with a posting on its way would only come out as open. */
async function daysOfTurn(
  { home, timings }: ScheduledProofsParts,
  { mirror, completeTo, now, standings }: ProvingFacts & { readonly standings: readonly DayStanding[] },
  isFailing: (day: string) => boolean,
): Promise<DueDay[]> {
  const { db } = home.database;
  const facts = { now, startsAt: mirror.startsAt, completeTo, standings, lastRotationAt: await lastRotationAt(db) };
  const due = dueDays(facts, timings).filter(({ day }) => !isFailing(day));
  const decidable: DueDay[] = [];
  // In pieces: a day without a pending posting is looked through whole, and there may be thousands.
  for (let from = 0; from < due.length && decidable.length < TURN_DAYS_MAX; from += TURN_DAYS_MAX) {
    const piece = due.slice(from, from + TURN_DAYS_MAX);
    const waiting = await daysWithPending(
      db,
      piece.map(({ day }) => day),
    );
    decidable.push(...piece.filter(({ day }) => !waiting.has(day)));
  }
  return decidable.slice(0, TURN_DAYS_MAX);
}

const CURRENCIES_LOGGED_MAX = 5;

const BROKEN =
  'a day is broken: the ledger differs from Stripe; what differs: certificates show <day>; what would mend it: repair plan';

/** A line for the turn, and one for each day that somebody has to know of: a first start has years of days to prove. */
function logProofs(log: Log, proven: readonly ProvenDay[]): void {
  const counts: Partial<Record<CertificateState, number>> = {};
  for (const { day, trigger, certificates } of proven) {
    const state = worstState(certificates.map((certificate) => certificate.state));
    counts[state] = (counts[state] ?? 0) + 1;
    const findings = certificates.reduce((sum, one) => sum + one.findingsCount, 0);
    for (const { currency, reopenedBecause, state: now } of certificates) {
      if (reopenedBecause === null) continue;
      log.warn({ day, currency, because: reopenedBecause, state: now }, 'a sealed day was reopened');
    }
    if (state === 'broken') {
      const what = certificates.flatMap((one) => {
        const kinds = kindsOf(one.findings, 'broken');
        return kinds === '' ? [] : [`${one.currency ?? ''}: ${kinds}`];
      });
      log.error({ day, trigger, findings, what: what.slice(0, CURRENCIES_LOGGED_MAX).join('; ') }, BROKEN);
    } else {
      log.debug({ day, trigger, state, findings }, 'a day was proven');
    }
  }
  if (proven.length > 0) log.info({ days: proven.length, ...counts }, 'days were proven');
}

function logFailure(log: Log, day: string, error: unknown): void {
  const code = error instanceof SyncError ? error.code : 'unexpected';
  const fields = { day, code, error: describeError(error) };
  if (error instanceof SyncError && error.kind === 'fatal') log.error(fields, 'stopped; a person has to act');
  else log.warn(fields, 'a day could not be proven; it is tried again later');
}
