/**
 * A PostgreSQL client with one connection in its life. The driver connects again by itself and would send what was meant for
 * the lost connection over the new one: a statement of a transaction outside of it, work under a lock without the lock. Here
 * nothing is sent any more once the connection is lost; whoever needs another one opens another client.
 */
import type postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';

export interface OneConnection {
  /** Connects with its first statement. Statements reject once the connection is lost. */
  readonly sql: postgres.Sql;
  /** Also when it was ended. */
  isLost(): boolean;
  /** Throws SyncError `database_unreachable` once the connection is lost. */
  assertThere(): void;
  ageMs(): number;
  /** Waits so many seconds for what is running; ends the connection then. */
  end(timeoutSeconds: number): Promise<void>;
}

/** Of the driver. */
export type ConnectionSettings = postgres.Options<Record<string, postgres.PostgresType>>;

/** @param connect makes the client with these settings beside its own; they win */
export function openOneConnection(connect: (settings: ConnectionSettings) => postgres.Sql): OneConnection {
  let isLost = false;
  const madeAtMs = performance.now();
  const sql = connect({
    max: 1,
    // Neither may end a connection between two statements of a transaction: the driver would take it for idle.
    idle_timeout: 0,
    max_lifetime: null,
    // A connection that is lost during this question of the driver's own would end the process.
    fetch_types: false,
    onclose() {
      isLost = true;
      refuseSockets(sql);
      // Rejects what waits, and what the driver has forgotten to reject.
      void sql.end({ timeout: 0 });
    },
  });
  return {
    sql,
    isLost: () => isLost,
    assertThere() {
      if (isLost) throw connectionLost();
    },
    ageMs: () => performance.now() - madeAtMs,
    end(timeoutSeconds) {
      isLost = true;
      return sql.end({ timeout: timeoutSeconds });
    },
  };
}

/** The same connection for a piece of work, which may send statements only, and calls `check` before each. */
export function guardConnection(sql: postgres.Sql, check: () => void): postgres.TransactionSql {
  const guarded = new Proxy(sql, {
    apply(target, self, values) {
      check();
      return Reflect.apply(target, self, values);
    },
    get(target, name, receiver) {
      if (REFUSED.includes(name)) throw new Error(`${String(name)}() is not for work on one connection`);
      const value = Reflect.get(target, name, receiver);
      if (name !== 'unsafe') return value;
      return (...values: unknown[]) => {
        check();
        return Reflect.apply(value, target, values);
      };
    },
  });
  return guarded as unknown as postgres.TransactionSql;
}

/** They would send statements of their own, or end what belongs to others. */
const REFUSED: ReadonlyArray<string | symbol> = ['begin', 'savepoint', 'reserve', 'listen', 'file', 'close', 'end'];

/** Whether a commit that got no answer was done is not known: every transaction of ours can be done again. */
export function connectionLost(cause?: unknown): SyncError {
  return new SyncError(
    'The connection to the database was lost or could not be made, so a transaction is stored as a whole or not at all. A worker does it again; run a command again',
    { kind: 'transient', code: 'database_unreachable', cause },
  );
}

/** The driver calls this option for every new socket, also for those of statements that were on their way. Its types lack it. */
export function refuseSockets(sql: postgres.Sql): void {
  Object.assign(sql.options, {
    socket: () => {
      throw connectionLost();
    },
  });
}
