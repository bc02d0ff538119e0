/**
 * Transactions, each alone on a connection of its own that is never replaced while it lasts. The driver's `begin()` and
 * `reserve()` are used nowhere: after a lost connection they end the process, or go on over a new connection outside of any
 * transaction, which would store what a page covers without its payments (postgres 3.4.9, its issues 1208 and 1216).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { withinTime } from '../../core/base/within-time.js';
import { connectionLost, guardConnection, type OneConnection } from './one-connection.js';

/** What statements are sent with, within a transaction or outside of one. */
export type Statements = postgres.Sql | postgres.TransactionSql;

export type TransactionWork<Result> = (transaction: postgres.TransactionSql) => Promise<Result>;

export interface Transactions {
  /**
   * Stores all that the work stores, or nothing when it throws; then throws the same. Waits for its turn when as many run
   * as may. Throws SyncError `database_unreachable` when the connection is lost: then all is stored or nothing, and the
   * same work has to be done again.
   */
  run<Result>(work: TransactionWork<Result>): Promise<Result>;
  /** Lets those that run come to their end for some seconds; those that wait for their turn are refused. */
  close(): Promise<void>;
}

export interface TransactionsOptions {
  readonly open: () => OneConnection;
  /** How many may run at the same time. */
  readonly max: number;
}

/** A connection that nobody uses for so long is closed. */
const IDLE_MS = 60_000;
/** One that is older is not kept. */
const LIFETIME_MS = 3_600_000;
const CLOSE_TIMEOUT_MS = 5_000;

interface Kept {
  readonly connection: OneConnection;
  readonly ending: NodeJS.Timeout;
}

interface Waiting {
  admit(): void;
  refuse(error: Error): void;
}

export function createTransactions({ open, max }: TransactionsOptions): Transactions {
  const kept: Kept[] = [];
  const waiting: Waiting[] = [];
  const used = new Set<OneConnection>();
  const running = new Set<Promise<unknown>>();
  let places = max;
  let isClosed = false;

  const turn = async (): Promise<void> => {
    if (isClosed) throw closed();
    if (places > 0) places -= 1;
    // Whoever ends hands its place on.
    else await new Promise<void>((admit, refuse) => waiting.push({ admit, refuse }));
  };
  /** One that was lost while nobody used it is replaced by the next: nothing was begun on it. */
  const begin = async (): Promise<OneConnection> => {
    for (;;) {
      const one = kept.pop();
      clearTimeout(one?.ending);
      if (one?.connection.isLost()) continue;
      const connection = one?.connection ?? open();
      used.add(connection);
      try {
        await connection.sql.unsafe('begin');
        return connection;
      } catch (error) {
        used.delete(connection);
        await connection.end(0);
        if (one === undefined) throw connectionLost(error);
      }
    }
  };
  const keep = (connection: OneConnection): void => {
    if (connection.isLost()) return;
    if (isClosed || connection.ageMs() > LIFETIME_MS) return void connection.end(0);
    const ending = setTimeout(() => {
      kept.splice(
        kept.findIndex((one) => one.connection === connection),
        1,
      );
      void connection.end(0);
    }, IDLE_MS).unref();
    kept.push({ connection, ending });
  };
  const inTurn = async <Result>(work: TransactionWork<Result>): Promise<Result> => {
    await turn();
    try {
      const connection = await begin();
      try {
        return await finish(connection, work);
      } finally {
        used.delete(connection);
        keep(connection);
      }
    } finally {
      const next = waiting.shift();
      if (next === undefined) places += 1;
      else next.admit();
    }
  };

  return {
    run(work) {
      const result = inTurn(work);
      const settled: Promise<unknown> = result.then(
        () => running.delete(settled),
        () => running.delete(settled),
      );
      running.add(settled);
      return result;
    },

    async close() {
      isClosed = true;
      for (const { refuse } of waiting.splice(0)) refuse(closed());
      const idle = kept.splice(0);
      for (const { ending } of idle) clearTimeout(ending);
      const settled = withinTime<unknown>(Promise.all(running), {
        sleep: (over) => sleep(CLOSE_TIMEOUT_MS, undefined, { signal: over }),
        whenLate: () => undefined,
      });
      await Promise.all([...idle.map(({ connection }) => connection.end(5)), settled]);
      await Promise.all([...used].map((connection) => connection.end(0)));
    },
  };
}

/** Does the work in the transaction that is begun, and ends it. */
async function finish<Result>(connection: OneConnection, work: TransactionWork<Result>): Promise<Result> {
  let mayWork = true;
  const transaction = guardConnection(connection.sql, () => {
    connection.assertThere();
    if (!mayWork) throw new Error('A statement came after the end of its transaction; wait for each of them');
  });
  try {
    const result = await work(transaction);
    mayWork = false;
    connection.assertThere();
    const { command } = await connection.sql.unsafe('commit');
    if (command === 'COMMIT') return result;
  } catch (error) {
    mayWork = false;
    if (!connection.isLost()) await rollBack(connection);
    throw connection.isLost() ? connectionLost(error) : error;
  }
  // So PostgreSQL answers the commit of a transaction in which a statement failed.
  throw new Error('A statement of the transaction failed and its work went on; nothing is stored');
}

/** A connection that cannot be rolled back is not used again; its end rolls back. */
async function rollBack(connection: OneConnection): Promise<void> {
  try {
    await connection.sql.unsafe('rollback');
  } catch {
    await connection.end(0);
  }
}

function closed(): Error {
  return new Error('The database was closed; no transaction begins any more');
}
