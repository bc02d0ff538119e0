/**
 * What could change an answer or make it late, and may be set for a role, a database or a server: on every connection it is
 * what this code was written for. Set for a session where that is ours alone, and for each transaction behind a pooler,
 * where other clients share the session.
 */

export interface SessionSettings {
  /** Where unqualified names are looked for; a hostile schema must not come first. */
  readonly searchPath: string;
  /** Zero: as long as it takes. PostgreSQL ends a statement that is at work, or waits for a lock, for longer. */
  readonly statementTimeoutMs: number;
}

/**
 * A transaction that nothing is done in any more holds its locks no longer than this, also when its process stands still (a
 * suspended machine, SIGSTOP). Shorter than the shortest limit of a statement: what waits for such a lock gets it before it fails.
 */
const IDLE_IN_TRANSACTION_MS = 20_000;

const FIXED: Readonly<Record<string, string>> = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmloption: 'content',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  array_nulls: 'on',
  quote_all_identifiers: 'off',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  lock_timeout: '0',
};

/** Of PostgreSQL 14 and 17. The connection shows first which server it is, in words, before a name is missed. */
const LATER: Readonly<Record<string, string>> = { idle_session_timeout: '0', transaction_timeout: '0' };

/** One expression that sets all of it and is never null. */
function setAll({ searchPath, statementTimeoutMs }: SessionSettings, scope: 'session' | 'transaction'): string {
  const isLocal = scope === 'transaction';
  const set = (name: string, value: string) => `pg_catalog.set_config('${name}', '${value}', ${isLocal})`;
  const current = (name: string) => `pg_catalog.current_setting('${name}', true)`;
  const idleMs = statementTimeoutMs === 0 ? 0 : IDLE_IN_TRANSACTION_MS;
  const values = {
    ...FIXED,
    search_path: searchPath,
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(idleMs),
  };
  const sets = [
    ...Object.entries(values).map(([name, value]) => set(name, value)),
    ...Object.entries(LATER).map(
      ([name, value]) => `case when ${current(name)} is not null then ${set(name, value)} end`,
    ),
    // What was committed is on the disk, whatever happens to the server. Stricter values of a cluster are left alone, and
    // whoever names this software may choose otherwise, as tests do.
    `case when ${current('synchronous_commit')} in ('off', 'local') ` +
      `and ${current('stripe_blnk_sync.synchronous_commit')} is distinct from 'off' ` +
      `then ${set('synchronous_commit', 'on')} end`,
  ];
  return `pg_catalog.concat(${sets.join(', ')})`;
}

/**
 * Sets the session up and answers true, unless a pooler answers: it names another process than the one that works, and
 * what is set in a session of its would be met by whoever comes next.
 */
export function pinSession(settings: SessionSettings, announcedProcess: number): string {
  return (
    `select case when pg_catalog.pg_backend_pid() operator(pg_catalog.=) (${announcedProcess}) ` +
    `then ${setAll(settings, 'session')} is not null else false end`
  );
}

/** Begins a transaction that is set up for itself alone. */
export function beginPinned(settings: SessionSettings): string {
  return `begin isolation level read committed read write; select ${setAll(settings, 'transaction')}`;
}
