/**
 * A stage for collect: a real database, the Stripe stand-in with a clock that only the test moves, and collect's own parts
 * between them, driven by hand without queue or timers. Nothing here waits, and no request is tried twice: a fault in the
 * stand-in is a failed page. `assertHonest` is the oracle: what coverage claims is compared with what Stripe holds.
 */
import { randomUUID } from 'node:crypto';
import { asc } from 'drizzle-orm';
import type postgres from 'postgres';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { SandboxClock } from '../../../sandbox/clock.js';
import type { ExpectedPayment } from '../../../sandbox/stripe/expectation.js';
import { type StripeSandbox, type StripeSandboxOptions, startStripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import { createCollecting } from '../../../src/app/stages/collecting.js';
import { openParts } from '../../../src/collect/backfill.js';
import type { BackfillPart, CollectStore, PaymentFeeds } from '../../../src/collect/ports.js';
import { collectTail, type TailOptions } from '../../../src/collect/tail.js';
import { type Completeness, completenessOf } from '../../../src/core/coverage/completeness.js';
import { readSweptCoverage } from '../../../src/db/collect/sweep-store.js';
import type { Drizzle } from '../../../src/db/connection/open.js';
import { createMirror, readMirror } from '../../../src/db/mirror/mirror-store.js';
import { type PostingRow, postings } from '../../../src/db/schema/postings.js';
import { coverage, paymentsBeforeStart, type SyncRunRow, syncRuns } from '../../../src/db/schema/sync-runs.js';
import type { StripeAccountReader } from '../../../src/stripe/account.js';
import { requestOpenParts, type SyncJob } from '../../../src/worker/sync-job.js';
import { atStripe, type ContextOptions, openContext, STRIPES_TIME } from '../context.js';
import { type OwnDatabase, openMigratedDatabase } from '../own-database.js';

export const NOW = new Date('2026-06-01T12:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const LAG = 10 * MINUTE;

/** Opens stages in one database that lives as long as the suite, one after the other; each ends with its test. */
export function stages(): (options?: StageOptions) => Promise<Stage> {
  const open: Stage[] = [];
  let database: OwnDatabase | undefined;
  const closeOpen = async () => {
    for (const stage of open.splice(0)) await stage.close();
  };
  beforeAll(async () => {
    database = await openMigratedDatabase();
  });
  afterEach(closeOpen);
  afterAll(() => database?.remove());
  return async (options) => {
    await closeOpen();
    if (database === undefined) throw new Error('stages are opened within tests');
    const stage = await openStage(database, options);
    open.push(stage);
    return stage;
  };
}

export interface StageOptions {
  readonly sandbox?: StripeSandboxOptions;
  /** Default: 30 days before now. */
  readonly startsAt?: Date;
  readonly lagMs?: number;
  /** One of the stand-in's restricted keys; default: the key that may read all. */
  readonly apiKey?: string;
}

/** One process's own view: each has its token, so that two of them can get in each other's way. */
export interface StageWorker {
  readonly workerId: string;
  readonly store: CollectStore;
  readonly feeds: PaymentFeeds;
  /** A run of the tail that reads the whole lag, unless told. */
  tail(options?: Partial<TailOptions>): ReturnType<typeof collectTail>;
  /** What the job of one part does: that part, and whatever else is left. */
  readPart(part: BackfillPart): Promise<void>;
  /** The jobs of all parts of all open backfills and sweeps, one after the other. */
  backfills(): Promise<void>;
}

export interface Covered {
  readonly feed: string;
  readonly from: Date;
  readonly to: Date;
  readonly readAt: Date;
}

export interface Stage extends StageWorker {
  readonly sandbox: StripeSandbox;
  readonly clock: SandboxClock;
  readonly database: OwnDatabase;
  /** What its context was opened with. */
  readonly setting: ContextOptions;
  readonly db: Drizzle;
  readonly sql: postgres.Sql;
  readonly account: StripeAccountReader;
  readonly lagMs: number;
  /** Milliseconds of the sync job's own clock; a test adds to it. */
  monotonicMs: number;
  /** What was told of the key's permissions, oldest first. */
  readonly permissions: string[];
  worker(): StageWorker;
  /** The `sync` job of a new process, and the parts that it asked for, which nobody reads by himself. */
  syncJob(): SyncJob;
  /** The first start: the hand-over, then the tail once and the whole backfill. */
  begin(): Promise<void>;
  /** Requests that reached the stand-in since the last call. */
  requests(): Readonly<Record<string, number>>;
  postings(): Promise<Map<string, PostingRow>>;
  /** What sweeps have listed for a person: created before the mirror's start, charged before the hand-over. */
  beforeStart(): Promise<string[]>;
  runs(): Promise<SyncRunRow[]>;
  coverage(): Promise<Covered[]>;
  completeness(): Promise<Completeness>;
  /** A payment that succeeds when it is created, which is now unless told. Returns its id. */
  pay(times?: { readonly created?: Date; readonly succeeded?: Date }): string;
  /** Succeeded payments that the mirror claims, by id. */
  owed(): Promise<Map<string, ExpectedPayment>>;
  /**
   * Throws unless all that coverage claims is stored, nothing else is, and each run's counts add up. What a
   * test lets happen in the past no list can have shown: `shownLateByMs` says how far back that goes.
   */
  assertHonest(options?: { readonly shownLateByMs: number }): Promise<void>;
  close(): Promise<void>;
}

const TABLES = ['postings', 'payments_before_start', 'sync_runs', 'coverage', 'mirror', 'workers'];

export async function openStage(database: OwnDatabase, options: StageOptions = {}): Promise<Stage> {
  const { sql, db } = database;
  // Of so few rows quicker than a truncate.
  for (const table of TABLES) await sql`delete from ${sql(`stripe_blnk_sync.${table}`)}`;
  const clock = options.sandbox?.clock ?? SandboxClock.frozen(NOW);
  const sandbox = await startStripeSandbox({ ...options.sandbox, clock });
  const lagMs = options.lagMs ?? LAG;
  const told: string[] = [];
  const { apiKey } = options;
  const setting: ContextOptions = {
    config: {
      ...atStripe(sandbox, apiKey === undefined ? {} : { readKey: async () => apiKey }),
      syncLagMs: lagMs,
    },
    events: {
      permissionLost: ({ permission }) => void told.push(`${permission} refused`),
      permissionFound: ({ permission }) => void told.push(`${permission} allowed`),
    },
    overrides: {
      // Requests take no time, so the vendor's now is the frozen clock's.
      clock: { monotonicMs: () => stage.monotonicMs, sleep: async () => {}, every: () => () => {} },
      stripe: { ...STRIPES_TIME, retries: { attemptsMax: 1 } },
    },
  };
  const context = openContext(database, setting);
  await createMirror(db, {
    mirrorId: randomUUID(),
    stripeAccount: sandbox.account,
    livemode: sandbox.world.options.livemode,
    blnkInstance: 'inst_test',
    source: '@stripe',
    sourceShards: 1,
    guestDestination: '@stripe_guests',
    accountsMode: 'indicators',
    mappingVersion: 1,
    startsAt: options.startsAt ?? new Date(clock.nowMs() - 30 * DAY),
  });
  const signal = new AbortController().signal;
  const queue = { requestPart: async () => {} };
  const { account, feeds } = context.vendors;
  const collecting = (workerId: string) =>
    createCollecting(context, { owner: { workerId, mirrorId: null }, queue, wakeLanes: () => {}, signal });
  const worker = (): StageWorker => {
    const workerId = randomUUID();
    const { store, readPart } = collecting(workerId);
    const ports = { store, feeds, wakeLanes: () => {} };
    return {
      ...{ workerId, store, feeds },
      tail: (tail = {}) => collectTail(ports, { trigger: 'schedule', lagMs, freshOnlyFrom: null, signal, ...tail }),
      readPart: (part) => readPart(part, signal),
      async backfills() {
        for (const backfill of await store.openBackfills()) {
          for (const part of await openParts(store, backfill)) await readPart(part, signal);
        }
      },
    };
  };

  const first = worker();
  const owed = async () => {
    const { startsAt, cutoverAt } = await readMirror(db);
    const payments = [...sandbox.expected()].filter(
      ({ created, succeeded }) =>
        succeeded !== null &&
        (created >= startsAt || (cutoverAt !== null && succeeded.getTime() >= cutoverAt.getTime())),
    );
    return new Map(payments.map((payment) => [payment.id, payment]));
  };
  const stage: Stage = {
    ...first,
    sandbox,
    clock,
    database,
    setting,
    db,
    sql,
    account,
    lagMs,
    monotonicMs: 0,
    permissions: told,
    worker,
    syncJob: () => collecting(first.workerId).sync,
    async begin() {
      await stage.syncJob()('startup');
      await first.backfills();
      await requestOpenParts({ store: first.store, requestPart: async () => {} });
    },
    requests() {
      const counted = { ...sandbox.journal.requests };
      sandbox.journal.reset();
      return counted;
    },
    postings: async () => new Map((await db.select().from(postings)).map((row) => [row.reference, row])),
    beforeStart: async () => (await db.select().from(paymentsBeforeStart)).map((row) => row.paymentId),
    runs: () => db.select().from(syncRuns).orderBy(asc(syncRuns.startedAt), asc(syncRuns.id)),
    coverage: () => db.select().from(coverage).orderBy(asc(coverage.from)),
    async completeness() {
      const covered = await stage.coverage();
      const { startsAt, cutoverAt, eventsRefusedSince, chargesRefusedSince } = await readMirror(db);
      const of = (feed: string) => covered.filter((row) => row.feed === feed);
      const [events, lists, sweeps] = [of('events'), of('payment_intents'), await readSweptCoverage(db)];
      const mayRead = { events: eventsRefusedSince === null, charges: chargesRefusedSince === null };
      return completenessOf({ lagMs, now: clock.now(), startsAt, cutoverAt, events, lists, sweeps, mayRead });
    },
    pay({ created = clock.now(), succeeded = created } = {}) {
      return sandbox.createIntent({ created, moves: [{ move: 'succeed', at: succeeded }] });
    },
    owed,
    async assertHonest({ shownLateByMs } = { shownLateByMs: 0 }) {
      const [stored, owing, covered, runs] = await Promise.all([
        stage.postings(),
        owed(),
        stage.coverage(),
        stage.runs(),
      ]);
      const { complete } = await stage.completeness();
      for (const reference of stored.keys()) {
        if (!owing.has(reference)) throw new Error(`${reference} is stored and is not owed`);
      }
      for (const { id, created, succeeded } of owing.values()) {
        if (succeeded === null || stored.has(id)) continue;
        const claim = covered.find((row) => isClaimed(row, { created, succeeded, shownLateByMs }));
        const about = `${id}, created ${created.toISOString()}, succeeded ${succeeded.toISOString()}`;
        if (claim !== undefined)
          throw new Error(
            `${about}, is missing but covered by ${claim.feed} from ${claim.from.toISOString()} to ${claim.to.toISOString()}`,
          );
        if (complete !== null && created >= complete.from && succeeded < complete.to)
          throw new Error(`${about}, is missing though all is complete up to ${complete.to.toISOString()}`);
      }
      for (const run of runs) {
        if (run.found !== run.knownBefore + run.stored) throw new Error(`counts of ${JSON.stringify(run)}`);
      }
      const sum = runs.reduce((total, run) => total + run.stored, 0);
      if (sum !== stored.size) throw new Error(`runs say that ${sum} are stored, the table holds ${stored.size}`);
    },
    async close() {
      await context.vendors.close();
      await sandbox.close();
    },
  };
  return stage;
}

/** A list shows what had succeeded when it was read; events show what succeeded in their window. */
function isClaimed(
  row: Covered,
  payment: { readonly created: Date; readonly succeeded: Date; readonly shownLateByMs: number },
): boolean {
  const shownBy = new Date(row.readAt.getTime() - payment.shownLateByMs);
  if (row.feed === 'events') return row.from <= payment.succeeded && payment.succeeded < row.to;
  // Rows of sweeps are about charges; what they prove is judged by completeness.
  if (row.feed === 'charges') return false;
  return row.from <= payment.created && payment.created < row.to && payment.succeeded <= shownBy;
}
