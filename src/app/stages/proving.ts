/**
 * Composition: proving days. For a worker, turns of the days that are due; for the command, the days that a person names.
 * Both ask Stripe and Blnk through the limits that all processes share, one day after another.
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { chunksOf } from '../../core/base/chunks.js';
import { describeError, SyncError } from '../../core/base/errors.js';
import { daysBetween } from '../../core/base/window.js';
import type { LineHash } from '../../core/proof/tally-day.js';
import { stripeLimitsOf } from '../../core/settings/stripe-limits.js';
import { readProofRequests } from '../../db/actions/proof-requests.js';
import { findMirror } from '../../db/mirror/mirror-store.js';
import { createAcceptanceStore } from '../../db/proof/acceptance-store.js';
import { createCertificateStore } from '../../db/proof/certificate-store.js';
import { createLargeStores } from '../../db/proof/large-stores.js';
import { createOwnSide } from '../../db/proof/local-postings.js';
import { daysWithPending, lastRotationAt } from '../../db/reads/certificates.js';
import { findOtherWork } from '../../db/reads/other-work.js';
import { readEarlierDays, readStandings } from '../../db/reads/standings.js';
import { readCompleteTo, readDatabaseNow } from '../../db/reads/status.js';
import { othersLineMs } from '../../db/workers/request-limiter.js';
import type { Events } from '../../observability/events.js';
import type { ProvingFacts } from '../../operations/prove-days.js';
import { createBoundaries } from '../../prove/boundaries.js';
import { createDayStores, MEMORY_ITEMS, PIECE_ITEMS } from '../../prove/day-stores.js';
import { createFailedDays, type FailedDays } from '../../prove/failed-days.js';
import { createWay, givingWay, type Way } from '../../prove/give-way.js';
import type { DayStanding } from '../../prove/ports.js';
import { type ProvePorts, proveDay } from '../../prove/prove-day.js';
import { type DayToProve, type ProveDaysPorts, proveDays } from '../../prove/prove-days.js';
import { dueDays } from '../../prove/schedule.js';
import type { Context } from '../context.js';
import { intervalInForce } from '../interval-in-force.js';
import { tellProofs } from '../worker/tell-proofs.js';

/** Null on a database that mirrors nothing yet. */
export async function readProvingFacts({ database, config }: Context): Promise<ProvingFacts | null> {
  const { db } = database;
  const mirror = await findMirror(db);
  if (mirror === null) return null;
  // The mirror's own, where it has one, goes before the configuration's.
  const lagMs = mirror.lagMs ?? config.syncLagMs;
  const [completeTo, earlierDays] = [await readCompleteTo(db, lagMs), await readEarlierDays(db, mirror.startsAt)];
  return { mirror, lagMs, completeTo, earlierDays, now: await readDatabaseNow(db) };
}

/**
 * The ports of `proveDays`, for as long as the facts hold: one turn, or one command.
 * @param way of the days that give way; null: a person waits for them
 */
export function createProver(
  context: Context,
  { mirror, lagMs, completeTo: coveredUpTo }: ProvingFacts,
  way: Way | null = null,
): ProveDaysPorts {
  const ports = createProvePorts(context);
  const yielding = way === null ? ports : givingWay(ports, way);
  return context.decorate('prover', {
    store: createCertificateStore(context.database.db, context.version),
    proveDay: ({ earlierCurrencies, givesWay = false, ...request }) =>
      proveDay(givesWay ? yielding : ports, { ...request, facts: { mirror, lagMs, coveredUpTo, earlierCurrencies } }),
  });
}

/** What the proof of one day needs of all others. */
export function createProvePorts({ database, vendors, version, clock }: Context): ProvePorts {
  const { db } = database;
  const large = createLargeStores(db, { version, pieceItems: PIECE_ITEMS, ...clock });
  return {
    ...{ stripe: vendors.stripeSide, ledger: vendors.ledgerSide },
    ...{ own: createOwnSide(db), accepted: createAcceptanceStore(db, version) },
    stores: createDayStores({ large, memoryItems: MEMORY_ITEMS, pieceItems: PIECE_ITEMS }),
    ...{ monotonicMs: () => clock.monotonicMs(), openHash },
  };
}

/** Over the lines joined by line feeds, without making one text of them. */
export function openHash(): LineHash {
  const hash = createHash('sha256');
  let separator = '';
  return {
    add(line) {
      hash.update(separator + line);
      separator = '\n';
    },
    end: () => hash.digest('hex'),
  };
}

/** A turn is bounded by time as well; this keeps small days from filling it. */
const TURN_DAYS_MAX = 50;

/** As many failures in a turn are the servers', not the days'; what failed comes last in the next turns. */
const TURN_FAILURES_MAX = 2;

export interface ScheduledProofsParts {
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
  requestProofs(): Promise<void>;
  /** Throws SyncError while the ledger is not known to be the one that was posted to: everything would be missing in it. */
  confirmLedger(): Promise<void>;
}

export interface ScheduledProofs {
  /** For the timer: requests a turn when the last request is old enough. */
  request(): Promise<void>;
  /**
   * For the job: proves what is due, as far as one turn goes. Never throws for a proof that failed: it is logged. The queue
   * runs one such job at a time; should there be two, each leaves alone what the other has proven meanwhile.
   */
  turn(): Promise<void>;
  /** Whether a turn was asked for, none has begun here since, and there is something to prove. */
  isWaiting(): Promise<boolean>;
}

export function createScheduledProofs(context: Context, parts: ScheduledProofsParts): ScheduledProofs {
  const { events, clock } = context;
  const { proofs: timings } = context.timings;
  let askedAtMs: number | null = null;
  let isAnswered = true;
  const failed = createFailedDays({ monotonicMs: () => clock.monotonicMs(), pauseMs: timings.failedAfterMs });
  /** While days wait to be proven each turn goes on where the last one ended. */
  const boundaries = createBoundaries(clock);
  const findWork = async () => {
    const facts = await readProvingFacts(context);
    if (facts === null) return null;
    const standings = await readStandings(context.database.db);
    const days = await daysOfTurn(context, { ...facts, standings }, failed);
    return days.length === 0 ? null : { facts, standings, days };
  };
  return {
    async request() {
      const nowMs = clock.monotonicMs();
      if (askedAtMs !== null && nowMs - askedAtMs < timings.askEveryMs) return;
      // Also when the queue does not take it: then it is asked for, and not delivered.
      askedAtMs = nowMs;
      isAnswered = false;
      await parts.requestProofs();
    },

    async isWaiting() {
      if (isAnswered) return false;
      isAnswered = (await findWork()) === null;
      return !isAnswered;
    },

    async turn() {
      isAnswered = true;
      const work = await findWork();
      if (work === null) return;
      const { facts, standings, days } = work;
      await parts.confirmLedger();
      const lastProofs = new Map(standings.map(({ day, provedAt }) => [day, provedAt]));
      const endsAtMs = clock.monotonicMs() + timings.turnMs;
      const way = wayOfTurn(context, parts.signal);
      let failures = 0;
      const proven = await proveDays(createProver(context, facts, way), days, {
        proofId: uuidv7(),
        signal: parts.signal,
        boundaries,
        isStillDue: (day, lastProvedAt) => lastProvedAt?.getTime() === lastProofs.get(day)?.getTime(),
        isOver: () => clock.monotonicMs() >= endsAtMs,
        onFailed(day, error) {
          // It comes again with the next turn: no fault, and the days behind it would have to give way too.
          if (error instanceof SyncError && error.code === 'proof_gave_way') return 'end';
          failures += 1;
          failed.noteFailure(day);
          tellFailure(events, day, error);
          const isFatal = error instanceof SyncError && error.kind === 'fatal';
          return isFatal || failures >= TURN_FAILURES_MAX ? 'end' : 'go_on';
        },
      });
      for (const { day } of proven) failed.forget(day);
      tellProofs(events, proven);
    },
  };
}

/** Free when nobody else has work: reading, posting, and whoever waits for Stripe's limits. */
function wayOfTurn({ config, database, timings, clock }: Context, signal: AbortSignal): Way {
  const options = { silentAfterMs: timings.runSilentAfterMs, lineMs: othersLineMs(stripeLimitsOf(config)) };
  return createWay({ ...clock, signal, findOtherWork: () => findOtherWork(database.sql, options) });
}

/**
 * What is due and can be decided: a day with a posting on its way would only come out as open, which a person
 * who asks may want to see. While syncs are made rarer, because
 * Stripe's allocation of reads runs short, none that gives way.
 */
async function daysOfTurn(
  { config, database, timings }: Context,
  { mirror, completeTo, earlierDays, now, standings }: ProvingFacts & { readonly standings: readonly DayStanding[] },
  failed: FailedDays,
): Promise<DayToProve[]> {
  const { db } = database;
  const known = completeTo === null ? [] : [...earlierDays, ...daysBetween(mirror.startsAt, completeTo)];
  const facts = {
    ...{ now, startsAt: mirror.startsAt, earlierDays, completeTo, standings },
    ...{ lastRotationAt: await lastRotationAt(db), requested: await readProofRequests(db, known) },
  };
  const isShort = (await intervalInForce(config, database, mirror)) > config.syncEveryMs;
  const due = dueDays(facts, timings.proofs).filter(({ givesWay = false }) => !(givesWay && isShort));
  const able = failed.inTurn(due);
  const decidable: DayToProve[] = [];
  // In pieces: a day without a pending posting is looked through whole, and there may be thousands. Of the rotation one is taken.
  const pieces = [
    ...chunksOf(
      able.filter(({ trigger }) => trigger !== 'rotation'),
      TURN_DAYS_MAX,
    ),
    ...able.filter(({ trigger }) => trigger === 'rotation').map((one) => [one]),
  ];
  for (const piece of pieces) {
    if (decidable.length >= TURN_DAYS_MAX || decidable.some(({ trigger }) => trigger === 'rotation')) break;
    const waiting = await daysWithPending(
      database.db,
      piece.map(({ day }) => day),
    );
    decidable.push(...piece.filter(({ day, trigger }) => trigger === 'manual' || !waiting.has(day)));
  }
  return decidable.slice(0, TURN_DAYS_MAX);
}

function tellFailure(events: Events, day: string, error: unknown): void {
  const code = error instanceof SyncError ? error.code : 'unexpected';
  const fields = { day, code, error: describeError(error) };
  if (error instanceof SyncError && error.kind === 'fatal') events.proofNeedsPerson(fields);
  else events.proofFailed(fields);
}
