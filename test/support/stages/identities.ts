/**
 * The stage that keeps identities: a real database, the Blnk stand-in over HTTP, and workers' parts between them, driven by hand.
 * Customers are paid for real, in the stand-in; what was posted is told to the database directly.
 */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import type { StripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import type { Decorate } from '../../../src/app/overrides.js';
import { createIdentityKeeping } from '../../../src/app/stages/identities.js';
import { TIMINGS } from '../../../src/app/timings.js';
import type { IdentitiesMode } from '../../../src/core/accounts/identity.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import type { Events } from '../../../src/observability/events.js';
import { asCore, payment } from '../../blnk-contract/sandbox-client.js';
import { atBlnk, atStripe, openContext, STRIPES_TIME } from '../context.js';
import { type OwnDatabase, openMigratedDatabase } from '../own-database.js';
import { insertPosting } from '../reads-database.js';
import { STATUS } from '../status-record.js';

export interface WorkerOptions {
  readonly mode?: IdentitiesMode;
  readonly style?: 'cloud' | 'core';
  readonly leaseMs?: number;
  /** Another ledger than the stage's. */
  readonly blnk?: BlnkSandbox;
  /** Where customers are. Absent: nowhere. */
  readonly stripe?: StripeSandbox;
  readonly apiKey?: string;
  readonly decorate?: Decorate;
  readonly confirmLedger?: () => Promise<void>;
  readonly events?: Partial<Events>;
  readonly signal?: AbortSignal;
}

export interface Paid {
  readonly customer: string;
  readonly currency: string;
}

const RUN = '0193a001-0000-7000-8000-000000000001';

export class IdentityStage {
  readonly sql: OwnDatabase['sql'];
  readonly #closers: Array<() => Promise<void>> = [];
  #payments = 0;

  constructor(
    readonly database: OwnDatabase,
    readonly blnk: BlnkSandbox,
  ) {
    this.sql = database.sql;
  }

  /** Payments in the ledger, and posted as far as the database knows. */
  async pay(paid: readonly Paid[], { isInLedger = true } = {}): Promise<string[]> {
    const references: string[] = [];
    for (const { customer, currency } of paid) {
      this.#payments += 1;
      const reference = `pi_${this.#payments}`;
      const destination = `@${customer}`;
      if (isInLedger) {
        await asCore(this.blnk, { path: '/transactions', body: payment(reference, { currency, destination }) });
      }
      await insertPosting(this.database.db, { reference, firstRun: RUN, destination, currency, state: 'posted' });
      references.push(reference);
    }
    return references;
  }

  /** A worker as a process of its own has it. `turn` is one turn of its task. */
  async worker(options: WorkerOptions = {}) {
    const { mode = 'ids', style = 'cloud', leaseMs = 60_000, decorate, signal } = options;
    const { stripe, apiKey } = options;
    const readKey = apiKey === undefined ? {} : { readKey: async () => apiKey };
    const context = openContext(this.database, {
      config: {
        ...atBlnk(options.blnk ?? this.blnk, { style }),
        identities: mode,
        ...(stripe === undefined ? {} : atStripe(stripe, readKey)),
      },
      timings: {
        identities: { ...TIMINGS.identities, changesEveryMs: 0, leaseMs, backoff: { baseMs: 1, maxMs: 2 } },
      },
      events: options.events ?? {},
      overrides: {
        ...{ stripe: { ...STRIPES_TIME, retries: { attemptsMax: 1 } } },
        blnk: { lookUpFirstWaitMs: 1, lookUpAttemptsMax: 2 },
        ...(decorate === undefined ? {} : { decorate }),
      },
    });
    this.#closers.push(() => context.vendors.close());
    const keeping = createIdentityKeeping(context, {
      mirror: MIRROR,
      confirmLedger: options.confirmLedger ?? (async () => {}),
      isPosting: () => false,
      signal: signal ?? new AbortController().signal,
    });
    await keeping.begin();
    return { posted: keeping.posted, turn: async () => keeping.task?.run() };
  }

  /** Turns until every customer is linked. */
  async untilLinked(turn: () => Promise<unknown>): Promise<void> {
    for (let turns = 0; turns < 50; turns += 1) {
      await turn();
      const [row] = await this.sql<{ open: number }[]>`
        select count(*)::int as open from stripe_blnk_sync.identities where not is_linked or due_at is not null`;
      if (row?.open === 0) return;
      await this.sql`update stripe_blnk_sync.identities set due_at = now() where due_at is not null`;
    }
    throw new Error('after 50 turns not every customer is linked');
  }

  /** Identities in Blnk, by the customer that their mark names. */
  async identities(): Promise<Map<string, Record<string, unknown>>> {
    const rows: Array<Record<string, unknown>> = [];
    for (let offset = 0; ; offset += 100) {
      const body = { filters: [], limit: 100, offset };
      const page = (await asCore(this.blnk, { path: '/identities/filter', body })).body as typeof rows | null;
      rows.push(...(page ?? []));
      if ((page ?? []).length < 100) break;
    }
    const byCustomer = new Map(rows.map((row) => [markOn(row)?.customer ?? '', row]));
    if (byCustomer.size !== rows.length) throw new Error('two identities of one customer');
    return byCustomer;
  }

  async balance(customer: string, currency: string): Promise<Record<string, unknown>> {
    const path = `/balances/indicator/@${customer}/currency/${currency}`;
    return (await asCore(this.blnk, { path })).body as Record<string, unknown>;
  }

  /** Requests that change something of identities, since the sandbox began. */
  writes(): number {
    const routes = ['POST /identities', 'PUT /identities/:id', 'PUT /balances/:id/identity', 'POST /:id/metadata'];
    return routes.reduce((sum, route) => sum + this.blnk.requestCount(route), 0);
  }

  /** A ledger and tables as on the first day. */
  async empty(): Promise<void> {
    this.blnk.wipe();
    for (const table of ['identities', 'identity_balances', 'identity_progress', 'postings']) {
      await this.sql`delete from ${this.sql(`stripe_blnk_sync.${table}`)}`;
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}

export function markOn(row: Record<string, unknown>): Record<string, string> | undefined {
  return (row.meta_data as { stripe_blnk_sync?: Record<string, string> } | null)?.stripe_blnk_sync;
}

export const MIRROR: Mirror = {
  ...(STATUS.mirror as Mirror),
  mirrorId: '0b7a5a1c-6a51-4a5e-9a0e-5c1f6f9d2b11',
  stripeAccount: 'acct_1',
  livemode: false,
};

/** One stage after the other in one database, each with a ledger of its own. */
export function identityStages(): () => IdentityStage {
  let database: OwnDatabase | undefined;
  let blnk: BlnkSandbox | undefined;
  let stage: IdentityStage | undefined;
  beforeAll(async () => {
    database = await openMigratedDatabase();
    blnk = await startBlnkSandbox({});
  });
  afterEach(async () => {
    blnk?.faults.clear();
    await stage?.close();
    await stage?.empty();
    stage = undefined;
  });
  afterAll(async () => {
    await blnk?.close();
    await database?.remove();
  });
  return () => {
    if (database === undefined || blnk === undefined) throw new Error('stages are opened within tests');
    stage ??= new IdentityStage(database, blnk);
    return stage;
  };
}
