/**
 * What all cells share in which a lane is drained: one database and one stand-in of each style. Each cell has a source
 * balance, and so a lane, of its own, and customers of its own: no cell waits for another's lock or sees its postings.
 */
import type postgres from 'postgres';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import type { BlnkStyle } from '../../src/blnk/routes.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Lane } from '../../src/core/posting/posting.js';
import { createCollectStore } from '../../src/db/collect/collect-store.js';
import { createMirror } from '../../src/db/mirror/mirror-store.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { makePayments, type PostingState, RULES } from '../support/stages/ledger.js';

export interface PostingWorld {
  readonly database: OwnDatabase;
  readonly sql: postgres.Sql;
  readonly sandboxes: Readonly<Record<BlnkStyle, BlnkSandbox>>;
  /** Stores so many payments as collect does, in a lane of their own. */
  store(count: number): Promise<CellPayments>;
  close(): Promise<void>;
}

export interface CellPayments {
  readonly lane: Lane;
  readonly references: ReadonlySet<string>;
  /** Rows that the ledger of that style held before these payments came. */
  rowsBefore(style: BlnkStyle): number;
  read(): Promise<PostingState[]>;
  /** Until the first of the pending ones is due and nobody's claim; 0 when it is, or when none is pending. */
  dueInMs(): Promise<number>;
  /** Moves all that is stored about the pending ones into the past. */
  age(ms: number): Promise<void>;
}

export async function openPostingWorld(): Promise<PostingWorld> {
  const database = await openMigratedDatabase();
  const { sql } = database;
  const [cloud, core] = await Promise.all([startSandbox(), startSandbox()]);
  const sandboxes = { cloud, core };
  await createMirror(database.db, {
    ...RULES,
    stripeAccount: 'acct_test',
    blnkInstance: cloud.instanceId,
    sourceShards: 1,
    accountsMode: 'indicators',
    startsAt: new Date('2026-01-01T00:00:00Z'),
  });
  const collected = createCollectStore(database.db, {
    workerId: '7f3f7f0e-4f0f-4c43-9d7e-0d6a4d1f5a10',
    version: 'test',
    mirrorId: null,
  });
  const window = { from: new Date('2026-11-01T00:00:00Z'), to: new Date('2026-11-02T00:00:00Z') };
  const run = await collected.openRun({ feed: 'payment_intents', trigger: 'manual', window, parentId: null });
  let cells = 0;
  return {
    ...{ database, sql, sandboxes },
    async store(count) {
      cells += 1;
      const lane = { source: `@stripe_${cells}`, currency: 'USD' };
      const payments = makePayments(count, { name: `${cells}n`, customerId: `cus_${cells}` });
      const rules = { ...RULES, source: lane.source };
      const rows = { cloud: cloud.stats().rows, core: core.stats().rows };
      const postings = payments.map((payment) => {
        const preparation = preparePayment(payment, rules);
        return { payment, seenAt: payment.created, object: 'payment', preparation } as const;
      });
      await collected.storePage(run, { postings, beforeStart: 0, requests: 1, covers: null });
      return {
        lane,
        references: new Set(payments.map(({ id }) => id)),
        rowsBefore: (style) => rows[style],
        ...of(sql, lane),
      };
    },
    async close() {
      await Promise.all([cloud.close(), core.close()]);
      await database.remove();
    },
  };
}

function startSandbox(): Promise<BlnkSandbox> {
  return startBlnkSandbox({ lockWaitMs: 150, leakLockMs: 0 });
}

function of(sql: postgres.Sql, { source }: Lane): Pick<CellPayments, 'read' | 'dueInMs' | 'age'> {
  return {
    read: () => sql<PostingState[]>`
      select reference, state, attempts, look_ups, reason, reason_detail, last_error, transaction_id, settled_how,
        exception, prepared, doubt_since is not null as in_doubt, claim, last_attempt_at is not null as attempted
      from stripe_blnk_sync.postings where source = ${source} order by reference`,
    async dueInMs() {
      const [row] = await sql<{ ms: number | null }[]>`
        select extract(epoch from min(greatest(due_at, coalesce(claimed_until, due_at))) - now())::float8 * 1000 as ms
        from stripe_blnk_sync.postings where state = 'pending' and source = ${source}`;
      return Math.max(0, row?.ms ?? 0);
    },
    async age(ms) {
      const by = `${Math.ceil(ms)} milliseconds`;
      await sql`
        update stripe_blnk_sync.postings set due_at = due_at - ${by}::interval, claimed_until = claimed_until - ${by}::interval,
          last_attempt_at = last_attempt_at - ${by}::interval, doubt_since = doubt_since - ${by}::interval
        where state = 'pending' and source = ${source}`;
    },
  };
}
