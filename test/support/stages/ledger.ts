/**
 * The post stage as tests drive it: a PostgreSQL with the tables of the migrations, the Blnk stand-in over HTTP, and
 * drainers with short waits. Nothing of the stage is replaced; a test may wrap the ledger, the outbox or the clock.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import type { BlnkSandboxOptions } from '../../../sandbox/blnk/sandbox-options.js';
import type { Overrides } from '../../../src/app/overrides.js';
import { createPosting } from '../../../src/app/stages/posting.js';
import type { Timings } from '../../../src/app/timings.js';
import type { Clock } from '../../../src/core/base/clock.js';
import { type MappingRules, preparePayment } from '../../../src/core/posting/mapping.js';
import type { Payment } from '../../../src/core/posting/payment.js';
import type { Lane } from '../../../src/core/posting/posting.js';
import { createCollectStore } from '../../../src/db/collect/collect-store.js';
import type { Drizzle } from '../../../src/db/connection/open.js';
import { createMirror } from '../../../src/db/mirror/mirror-store.js';
import type { Events } from '../../../src/observability/events.js';
import type { LaneDrainer } from '../../../src/post/drain-lane.js';
import type { Ledger, Outbox } from '../../../src/post/ports.js';
import { atBlnk, decorateWith, openContext } from '../context.js';
import type { Home } from '../homes.js';
import { type OwnDatabase, openMigratedDatabase } from '../own-database.js';
import { pendingLanes } from '../pending-lanes.js';
import { rememberingSource } from '../source-memory.js';

export const MIRROR_ID = '0b7a5a1c-6a51-4a5e-9a0e-5c1f6f9d2b11';

export const RULES: MappingRules = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: MIRROR_ID,
  livemode: false,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};

/** Waits of production divided by hundreds; none of them decides about correctness. */
export const SHORT = {
  leaseMs: 1_500,
  finalAfterMs: 600,
  backoff: { baseMs: 15, maxMs: 120 },
  lanePause: { baseMs: 15, maxMs: 60 },
} satisfies Partial<Timings>;

type Waits = Partial<typeof SHORT>;
type Sizes = NonNullable<Overrides['posting']>;

export interface DrainerOptions extends Waits, Sizes {
  readonly wrapLedger?: (ledger: Ledger) => Ledger;
  readonly wrapOutbox?: (outbox: Outbox) => Outbox;
  readonly clock?: Clock;
  /** A pool of its own, as another process has. */
  readonly ownPool?: boolean;
  readonly readKey?: () => Promise<string>;
  readonly onStalled?: Events['lanePaused'];
}

export interface PostingState {
  readonly reference: string;
  readonly state: string;
  readonly attempts: number;
  readonly look_ups: number;
  readonly reason: string | null;
  readonly reason_detail: string | null;
  readonly last_error: string | null;
  readonly transaction_id: string | null;
  readonly settled_how: string | null;
  readonly exception: string | null;
  readonly prepared: string | null;
  readonly in_doubt: boolean;
  readonly claim: string | null;
  readonly attempted: boolean;
}

/** Stores payments as collect does: one run, one page. Answers the run's id. */
export async function storePayments(db: Drizzle, payments: readonly Payment[]): Promise<string> {
  const store = createCollectStore(db, {
    workerId: '7f3f7f0e-4f0f-4c43-9d7e-0d6a4d1f5a10',
    version: 'test',
    mirrorId: null,
  });
  const window = { from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-11-02T00:00:00Z') };
  const run = await store.openRun({ feed: 'payment_intents', trigger: 'manual', window, parentId: null });
  const postings = payments.map((payment) => {
    const preparation = preparePayment(payment, RULES);
    return { payment, seenAt: payment.created, object: 'payment', preparation } as const;
  });
  await store.storePage(run, { postings, beforeStart: 0, requests: 1, covers: null });
  await store.finishRun(run, null);
  return run.id;
}

export class LedgerStage {
  readonly sql: postgres.Sql;
  readonly db: Drizzle;
  readonly sandbox: BlnkSandbox;
  readonly #closers: Array<() => Promise<void>> = [];
  readonly #database: OwnDatabase;
  readonly #style: 'cloud' | 'core';

  constructor(database: OwnDatabase, sandbox: BlnkSandbox, style: 'cloud' | 'core') {
    this.#database = database;
    this.sql = database.sql;
    this.db = database.db;
    this.sandbox = sandbox;
    this.#style = style;
  }

  /** Answers the run's id. */
  store(payments: readonly Payment[]): Promise<string> {
    return storePayments(this.db, payments);
  }

  /** A drainer as a process of its own has it: its own connections to Blnk, its own memory of names and pauses. */
  async drainer(options: DrainerOptions = {}): Promise<LaneDrainer> {
    const { wrapLedger, wrapOutbox, clock, ownPool, readKey, onStalled, ...waitsAndSizes } = options;
    const database = ownPool === true ? await this.#database.openAnother() : this.#database;
    if (ownPool === true) this.#closers.push(() => database.close());
    const context = openContext(database, {
      config: atBlnk(this.sandbox, { style: this.#style, ...(readKey === undefined ? {} : { readKey }) }),
      timings: { ...SHORT, ...waitsAndSizes },
      events: onStalled === undefined ? {} : { lanePaused: onStalled },
      overrides: {
        // Whoever wants one chunk at a time wants no other one looked up meanwhile.
        posting: { ...(options.chunksInFlight === 1 ? { chunksAhead: 0, chunksBehind: 0 } : {}), ...waitsAndSizes },
        blnk: { lookUpFirstWaitMs: 5 },
        decorate: decorateWith({
          ledger: (ledger) => ({ ...ledger, ...wrapLedger?.(ledger) }),
          outbox: (outbox) => wrapOutbox?.(outbox) ?? outbox,
        }),
        ...(clock === undefined ? {} : { clock }),
      },
    });
    const { drainer, noted } = createPosting(context, {
      mirror: { ...RULES, ledgerEpoch: 0 },
      confirmSource: rememberingSource(database.sql),
    });
    this.#closers.push(async () => {
      await noted();
      await context.vendors.close();
    });
    return drainer;
  }

  /** Drains every lane again and again until the condition holds. A drain that throws fails the test. */
  async drainUntil(drainers: LaneDrainer | readonly LaneDrainer[], condition: () => Promise<boolean>): Promise<void> {
    const all = 'drain' in drainers ? [drainers] : drainers;
    await until(async () => {
      const lanes = await this.pendingLanes();
      await Promise.all(all.flatMap((drainer) => lanes.map((lane) => drainer.drain(lane, NEVER))));
      return condition();
    });
  }

  async drainAll(drainers: LaneDrainer | readonly LaneDrainer[]): Promise<void> {
    await this.drainUntil(drainers, async () => (await this.pendingLanes()).length === 0);
  }

  async pendingLanes(): Promise<Lane[]> {
    return pendingLanes(this.sql);
  }

  async postings(): Promise<PostingState[]> {
    return this.sql<PostingState[]>`
      select reference, state, attempts, look_ups, reason, reason_detail, last_error, transaction_id, settled_how,
        exception, prepared, doubt_since is not null as in_doubt, claim, last_attempt_at is not null as attempted
      from stripe_blnk_sync.postings order by reference`;
  }

  async posting(reference: string): Promise<PostingState> {
    const found = (await this.postings()).find((posting) => posting.reference === reference);
    if (found === undefined) throw new Error(`no posting ${reference}`);
    return found;
  }

  /** `{ posted: 3, parked: 1 }` */
  async states(): Promise<Record<string, number>> {
    const rows = await this.sql<{ state: string; n: number }[]>`
      select state, count(*)::int as n from stripe_blnk_sync.postings group by state`;
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
  }

  /** As if every wait were over, claims included: what a fresh worker finds after a long night. */
  async makeAllDue(): Promise<void> {
    await this
      .sql`update stripe_blnk_sync.postings set due_at = now(), claimed_until = now() - interval '1 second' where state = 'pending'`;
  }

  async close(): Promise<void> {
    this.sandbox.faults.clear();
    for (const close of this.#closers.splice(0).reverse()) await close();
    await this.sandbox.close();
    await this.sql`truncate stripe_blnk_sync.postings, stripe_blnk_sync.sync_runs, stripe_blnk_sync.coverage,
      stripe_blnk_sync.mirror, stripe_blnk_sync.lane_pauses`;
  }
}

export const NEVER = new AbortController().signal;

interface StageOptions extends BlnkSandboxOptions {
  readonly style?: 'cloud' | 'core';
}

/**
 * Starts stages in one database that lives as long as the suite, one after the other: each is closed when the next one
 * starts, or with the suite. Each finds the database empty and leaves it empty.
 */
export function ledgerStages(home?: Home): (options?: StageOptions) => Promise<LedgerStage> {
  let database: OwnDatabase | undefined;
  const started: LedgerStage[] = [];
  const closeStarted = async () => {
    for (const stage of started.splice(0)) await stage.close();
  };
  beforeAll(async () => {
    database = await openMigratedDatabase(home);
  });
  afterAll(async () => {
    await closeStarted();
    await database?.remove();
  });
  return async (options) => {
    await closeStarted();
    if (database === undefined) throw new Error('stages are started within tests');
    const stage = await startStage(database, options);
    started.push(stage);
    return stage;
  };
}

async function startStage(database: OwnDatabase, { style, ...options }: StageOptions = {}): Promise<LedgerStage> {
  const sandbox = await startBlnkSandbox({ lockWaitMs: 150, leakLockMs: 0, ...options });
  await createMirror(database.db, {
    ...RULES,
    stripeAccount: 'acct_test',
    blnkInstance: style === 'core' ? 'core' : sandbox.instanceId,
    sourceShards: 1,
    accountsMode: 'balances',
    startsAt: new Date('2026-01-01T00:00:00Z'),
  });
  return new LedgerStage(database, sandbox, style ?? 'cloud');
}

/** `pi_<name>001`, `pi_<name>002`, …: amounts differ, every third is a guest's, created minutes apart. */
export function makePayments(count: number, changes: Partial<Payment> & { readonly name?: string } = {}): Payment[] {
  const { name, ...fields } = changes;
  return Array.from({ length: count }, (_, index) => ({
    kind: 'payment' as const,
    id: `pi_${name ?? ''}${String(index + 1).padStart(4, '0')}`,
    amountReceived: BigInt(1_000 + index * 10),
    currency: 'usd',
    created: new Date(Date.UTC(2026, 10, 1, 0, index)),
    livemode: false,
    customerId: index % 3 === 0 ? null : `cus_${index % 7}`,
    chargeId: `ch_${index + 1}`,
    description: null,
    metadata: [['order', `no. ${index + 1}`]] as const,
    ...fields,
  }));
}

/** Asks until it is so; fails after the deadline with the reason. */
export async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 15_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not so within ${deadlineMs} ms: ${condition}`);
    await delay(5);
  }
}
