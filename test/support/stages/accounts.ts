/**
 * The stage that makes the balances of the mirror's own ledger: a real database, the Blnk stand-in over HTTP, and workers' parts between
 * them, driven by hand. Payments are stored as collecting does it, and posted by the real drainer.
 */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import type { Context } from '../../../src/app/context.js';
import type { Decorate } from '../../../src/app/overrides.js';
import { checkAccounts, createMaker } from '../../../src/app/stages/accounts.js';
import { createPosting } from '../../../src/app/stages/posting.js';
import { type AccountTimings, TIMINGS } from '../../../src/app/timings.js';
import type { IdentitiesMode } from '../../../src/core/accounts/identity.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import type { Payment } from '../../../src/core/posting/payment.js';
import { createMirror } from '../../../src/db/mirror/mirror-store.js';
import { asCore } from '../../blnk-contract/sandbox-client.js';
import { atBlnk, openContext } from '../context.js';
import { type OwnDatabase, openMigratedDatabase } from '../own-database.js';
import { pendingLanes } from '../pending-lanes.js';
import { rememberingSource } from '../source-memory.js';
import { STATUS } from '../status-record.js';
import { makePayments, NEVER, RULES, SHORT, storePayments } from './ledger.js';

export interface AccountsWorkerOptions {
  readonly style?: 'cloud' | 'core';
  readonly identities?: IdentitiesMode;
  /** Null: the key may not read it. */
  readonly stripeAccount?: string | null;
  readonly decorate?: Decorate;
  readonly timings?: Partial<AccountTimings>;
  readonly confirmLedger?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

export const LEDGER_MIRROR: Mirror = {
  ...(STATUS.mirror as Mirror),
  ...RULES,
  ...{ stripeAccount: 'acct_1', accountsMode: 'ledger', blnkInstance: 'core', ledgerEpoch: 0 },
};

/** A customer, null for a guest, and the currency that is paid in. */
export type PaidBy = readonly [customerId: string | null, currency: string];

const QUICK: AccountTimings = {
  ...TIMINGS.accounts,
  ...{ againAfterMs: 300, readEveryMs: 3_600_000, leaseMs: 60_000, backoff: { baseMs: 1, maxMs: 2 } },
};

export class AccountsStage {
  readonly sql: OwnDatabase['sql'];
  readonly #closers: Array<() => Promise<void>> = [];
  #stored = 0;
  readonly #askedBefore: ReadonlyMap<string, number>;

  constructor(
    readonly database: OwnDatabase,
    readonly blnk: BlnkSandbox,
  ) {
    this.sql = database.sql;
    const routes = ['POST /transactions', 'POST /ledgers', 'POST /balances', 'POST /identities'];
    this.#askedBefore = new Map(routes.map((route) => [route, blnk.requestCount(route)]));
  }

  /** The row of the mirror, as a first start leaves it. */
  async begin(): Promise<void> {
    await createMirror(this.database.db, LEDGER_MIRROR);
  }

  /** Pending payments. */
  async pay(paid: readonly PaidBy[]): Promise<void> {
    const payments = paid.flatMap(([customerId, currency]): Payment[] => {
      this.#stored += 1;
      return makePayments(1, { name: `${this.#stored}_`, customerId, currency: currency.toLowerCase() });
    });
    await storePayments(this.database.db, payments);
  }

  /** A worker as a process of its own has it. `turn` is one turn of its task, `drain` posts what can be posted. */
  worker(options: AccountsWorkerOptions = {}) {
    const { style = 'core', identities = 'off', decorate, signal = NEVER } = options;
    const mirror = {
      ...LEDGER_MIRROR,
      ...(options.stripeAccount === undefined ? {} : { stripeAccount: options.stripeAccount }),
    };
    const context: Context = openContext(this.database, {
      config: { ...atBlnk(this.blnk, { style }), identities, accounts: { mode: 'ledger', ledgerName: 'Shop' } },
      timings: { ...SHORT, accounts: { ...QUICK, ...options.timings } },
      overrides: {
        blnk: { lookUpFirstWaitMs: 1, lookUpAttemptsMax: 2 },
        ...(decorate === undefined ? {} : { decorate }),
      },
    });
    const maker = createMaker(context, {
      ...{ mirror, signal, wakeLanes: () => {} },
      confirmLedger: options.confirmLedger ?? (async () => {}),
    });
    const { drainer, noted } = createPosting(context, {
      mirror: LEDGER_MIRROR,
      confirmSource: rememberingSource(this.sql),
    });
    this.#closers.push(async () => {
      await noted();
      await context.vendors.close();
    });
    return {
      context,
      turn: () => maker.turn(),
      check: () => checkAccounts(context, LEDGER_MIRROR),
      drain: async () => {
        for (const lane of await pendingLanes(this.sql)) await drainer.drain(lane, NEVER);
      },
    };
  }

  /** Requests over a route since this stage began. */
  asked(route: string): number {
    return this.blnk.requestCount(route) - (this.#askedBefore.get(route) ?? 0);
  }

  /** Turns until every balance that is wanted is in the map. A turn that throws is taken again. */
  async untilMapped(turn: () => Promise<unknown>): Promise<void> {
    for (let turns = 0; turns < 100; turns += 1) {
      await turn().catch(() => {});
      const [row] = await this.sql<{ wanted: number; open: number }[]>`
        select count(*)::int as wanted, (count(*) filter (where balance_id is null))::int as open
        from stripe_blnk_sync.account_balances`;
      if (row !== undefined && row.wanted > 0 && row.open === 0) return;
      await this.passTime();
    }
    throw new Error('after 100 turns not every balance is in the map');
  }

  /** As if long pauses were over, and what was asked for long ago. */
  async passTime(): Promise<void> {
    await this.sql`
      update stripe_blnk_sync.account_balances set due_at = case when due_at is null then null else now() end,
        attempted_at = attempted_at - interval '1 second'`;
    await this.sql`update stripe_blnk_sync.accounts_ledger set attempted_at = attempted_at - interval '1 second'`;
  }

  /** As if what Blnk does not know had been missed long ago: the next turn looks again. */
  async missLongAgo(): Promise<void> {
    await this.sql`
      update stripe_blnk_sync.account_balances set missing_since = missing_since - interval '20 minutes', due_at = now()
      where missing_since is not null`;
  }

  async untilPosted(drain: () => Promise<void>): Promise<void> {
    for (let turns = 0; turns < 100; turns += 1) {
      await drain();
      const [row] = await this.sql<{ open: number }[]>`
        select count(*)::int as open from stripe_blnk_sync.postings where state = 'pending'`;
      if (row?.open === 0) return;
      await this.sql`update stripe_blnk_sync.postings set due_at = now() where state = 'pending'`;
    }
    throw new Error('after 100 drains not everything is posted');
  }

  /** `USD:@cus_1` to the balance in use. */
  async map(): Promise<Map<string, string>> {
    const rows = await this.sql<{ pair: string; id: string }[]>`
      select currency || ':' || name as pair, balance_id as id from stripe_blnk_sync.account_balances
      where balance_id is not null order by pair`;
    return new Map(rows.map(({ pair, id }) => [pair, id]));
  }

  /** All of one kind in Blnk. */
  async inBlnk(what: 'ledgers' | 'balances'): Promise<Array<Record<string, unknown>>> {
    const rows: Array<Record<string, unknown>> = [];
    for (let offset = 0; ; offset += 100) {
      const body = { filters: [], limit: 100, offset };
      const page = (await asCore(this.blnk, { path: `/${what}/filter`, body })).body as typeof rows | null;
      rows.push(...(page ?? []));
      if ((page ?? []).length < 100) break;
    }
    return what === 'ledgers' ? rows.filter(({ ledger_id: id }) => id !== 'general_ledger_id') : rows;
  }

  /** A ledger and tables as on the first day. */
  async empty(): Promise<void> {
    this.blnk.wipe();
    const tables = ['postings', 'sync_runs', 'mirror', 'lane_pauses', 'coverage', 'identities', 'identity_balances'];
    for (const table of [...tables, 'account_balances', 'account_balances_seen', 'accounts_ledger']) {
      await this.sql`delete from ${this.sql(`stripe_blnk_sync.${table}`)}`;
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}

/** One stage after the other in one database, each with a ledger of its own. */
export function accountsStages(): () => Promise<AccountsStage> {
  let database: OwnDatabase | undefined;
  let blnk: BlnkSandbox | undefined;
  let stage: AccountsStage | undefined;
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
  return async () => {
    if (database === undefined || blnk === undefined) throw new Error('stages are opened within tests');
    if (stage === undefined) {
      stage = new AccountsStage(database, blnk);
      await stage.begin();
    }
    return stage;
  };
}
