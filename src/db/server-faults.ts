/** Which faults of a statement are the server's, and go by: it is away, restarting, full, or has no connection left. */
import postgres from 'postgres';

/** Classes of SQLSTATE: connection exceptions, insufficient resources (a full disk is one), system errors outside of PostgreSQL. */
const CLASSES = ['08', '53', '58'];
/** Stopped by an administrator, by a crash, or not up yet. */
const STOPPED = ['57P01', '57P02', '57P03'];
/** What the driver says of a connection that is lost. */
const DRIVERS = ['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'];
const CAUSES_MAX = 5;

/** Source: https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isServerFault(error: unknown): boolean {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < CAUSES_MAX; depth += 1) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : '';
    if (DRIVERS.includes(code)) return true;
    if (current instanceof postgres.PostgresError) return STOPPED.includes(code) || CLASSES.includes(code.slice(0, 2));
    current = current.cause;
  }
  return false;
}
