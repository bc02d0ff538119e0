/**
 * The sockets of one pool and of its transactions. The drivers are told to use nothing else. What one connection finds out about
 * a server holds for all of the process: a fail-over that each pool had to find out by itself would take as long for each.
 */
import type { DatabaseAddressParts } from '../core/settings/database-address.js';
import { PinnedSocket } from './pinned-socket.js';

/** How long a statement may take. `bounded`: PostgreSQL ends it, and a silent server is left. `unbounded`: for migrations. */
export type StatementLimit = 'bounded' | 'patient' | 'unbounded';

/**
 * A worker goes on within a minute of a new server being there, so a statement that got lost must not be waited for longer
 * than half of that; what a person asks for may read millions of rows.
 */
const STATEMENT_MS: Readonly<Record<StatementLimit, number>> = { bounded: 25_000, patient: 120_000, unbounded: 0 };
/** PostgreSQL is the first to report that it was too long. */
const SILENCE_BEHIND_MS = 5_000;

/** By server. Those of migrations are not among them: they wait as long as it takes, and one holds a lock. */
const BROTHERS = new Map<string, Set<PinnedSocket>>();

export interface SocketsOptions {
  readonly searchPath: string;
  readonly limit: StatementLimit;
  /** Aborted: what waits for an answer is ended at once, and nothing is asked any more. */
  readonly giveUp?: AbortSignal | undefined;
}

export interface Sockets {
  /** The socket of a new connection, which its driver connects. */
  open(): PinnedSocket;
  /** Whether the newest of those that were set up led to a pooler, which has no sessions to be set up. */
  isPooled(): boolean;
}

export function createSockets(
  target: Pick<DatabaseAddressParts, 'host' | 'port' | 'encryption'>,
  { searchPath, limit, giveUp }: SocketsOptions,
): Sockets {
  const siblings = limit === 'unbounded' ? new Set<PinnedSocket>() : siblingsAt(target);
  const statementTimeoutMs = STATEMENT_MS[limit];
  const silenceMs = statementTimeoutMs === 0 ? 0 : statementTimeoutMs + SILENCE_BEHIND_MS;
  let isPooled = false;
  const onSetUp = (pooled: boolean): void => {
    isPooled = pooled;
  };
  return {
    open: () =>
      new PinnedSocket({ target, settings: { searchPath, statementTimeoutMs }, silenceMs, siblings, onSetUp, giveUp }),
    isPooled: () => isPooled,
  };
}

function siblingsAt({ host, port }: Pick<DatabaseAddressParts, 'host' | 'port'>): Set<PinnedSocket> {
  const server = `${host}:${port}`;
  const siblings = BROTHERS.get(server) ?? new Set();
  BROTHERS.set(server, siblings);
  return siblings;
}
