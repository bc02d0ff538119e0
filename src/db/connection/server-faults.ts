/**
 * Which faults of a statement are the server's, and go by: it is away, restarting, full, has no connection left, took too long,
 * or has handed its work on to another one.
 */
import postgres from 'postgres';
import { describeError, SyncError, withoutFullStop } from '../../core/base/errors.js';
import { PostgresConnectionFault, PostgresRefusal } from '../../postgres/refusal.js';
import { connectionLost } from './one-connection.js';

/** Classes of SQLSTATE: connection exceptions, insufficient resources (a full disk is one), system errors outside of PostgreSQL. */
const CLASSES = ['08', '53', '58'];
/** Stopped by an administrator, by a crash, or not up yet. */
const STOPPED = ['57P01', '57P02', '57P03'];
/** Read-only since a fail-over; ended by a limit of time: of a statement, of a lock, of a transaction that nothing is done in. */
const LEFT = ['25006', '57014', '55P03', '25P03', '25P04'];
/** What the driver reports of a connection that is lost. */
const DRIVERS = ['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'];
/** Of a connection to PostgreSQL: Stripe, Blnk, Redis and files fail with the same codes. */
const NETWORK = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
];
const CAUSES_MAX = 5;
/** `too_many_connections`: of the server, of the database or of the role. */
const FULL = '53300';

/** Source: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isServerFault(error: unknown): boolean {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < CAUSES_MAX; depth += 1) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : '';
    if (DRIVERS.includes(code)) return true;
    if (current instanceof PostgresConnectionFault) return NETWORK.includes(code);
    if (current instanceof postgres.PostgresError || current instanceof PostgresRefusal) {
      return STOPPED.includes(code) || LEFT.includes(code) || CLASSES.includes(code.slice(0, 2));
    }
    if (current instanceof SyncError && current.code === 'database_unreachable') return true;
    current = current.cause;
  }
  return false;
}

/** A fault of the server's as `database_failed`, a lost connection as `database_unreachable`; anything else as it is. */
export function explainServerFault(error: unknown): unknown {
  if (error instanceof SyncError || !isServerFault(error)) return error;
  const code = stateOf(error);
  if (code === null) return connectionLost(error);
  if (code === FULL) return noConnectionLeft(error);
  return new SyncError(
    `PostgreSQL could not execute a statement: ${withoutFullStop(describeError(error))}. Workers retry it; run a command again. ` +
      "If it persists, check the server's log and disk space",
    { kind: 'transient', code: 'database_failed', cause: error },
  );
}

/** Whether it refused one more connection. */
export function isFull(error: unknown): boolean {
  return stateOf(error) === FULL;
}

/** @param at the address for people, where it is not the only one */
export function noConnectionLeft(cause: unknown, at?: string): SyncError {
  return new SyncError(
    `PostgreSQL has no connection left${at === undefined ? '' : ` at ${at}`}. Close what is idle there, raise max_connections ` +
      '(or the limit of the role or database), or try again',
    { kind: 'transient', code: 'database_failed', cause },
  );
}

/** The SQLSTATE with which a server answered; null: none did. */
function stateOf(error: unknown): string | null {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < CAUSES_MAX; depth += 1) {
    if (current instanceof postgres.PostgresError || current instanceof PostgresRefusal) return current.code;
    current = current.cause;
  }
  return null;
}
