/**
 * Whether a server, its database and the login suit before anything is begun: what no waiting helps with is refused in words. That
 * connections are in use by others just now is not asked: that passes, and is waited for.
 */
import type postgres from 'postgres';
import type { CodeOfKind } from '../../core/base/error-codes.js';
import { SyncError } from '../../core/base/errors.js';

export interface ServerNeeds {
  /** How many connections are opened at most. */
  readonly connections: number;
  /** By whom, at the beginning of a sentence. */
  readonly who: string;
  /** A pooler shares its connections; how many it has, it alone knows. */
  readonly isPooled: boolean;
  /** The address for people. */
  readonly at: string;
}

const OLDEST_VERSION = 14;

interface Found {
  readonly version: number;
  readonly encoding: string;
  readonly role: string;
  readonly database: string;
  readonly of_role: number;
  readonly of_database: number;
  readonly of_server: number;
}

export interface ServerReport {
  readonly version: number;
  readonly encoding: string;
  readonly role: string;
  /** The smallest limit of role, database and server; null where a pooler has its own. */
  readonly connections: number | null;
  /** What no waiting helps with: `database_version`, `database_encoding`, `database_connections`. */
  readonly faults: readonly SyncError[];
}

/** Throws the first of the faults that `examineServer` finds. */
export async function checkServer(sql: postgres.Sql, needs: ServerNeeds): Promise<void> {
  const [fault] = (await examineServer(sql, needs)).faults;
  if (fault !== undefined) throw fault;
}

export async function examineServer(sql: postgres.Sql, needs: ServerNeeds): Promise<ServerReport> {
  // The limits of role and database do not bind superusers: https://www.postgresql.org/docs/current/sql-createrole.html
  const [found] = await sql<Found[]>`
    select current_setting('server_version_num')::int / 10000 as version, pg_encoding_to_char(encoding) as encoding,
      rolname::text as role, datname::text as database,
      case when rolsuper then -1 else rolconnlimit end as of_role, case when rolsuper then -1 else datconnlimit end as of_database,
      current_setting('max_connections')::int - case when rolsuper then 0 else
        current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0)
      end as of_server
    from pg_catalog.pg_database, pg_catalog.pg_roles where datname = current_database() and rolname = current_user`;
  if (found === undefined) return { version: 0, encoding: '', role: '', connections: null, faults: [] };
  const { version, encoding, role } = found;
  return {
    ...{ version, encoding, role },
    connections: needs.isPooled ? null : Math.min(...limitsOf(found).map(({ limit }) => limit)),
    faults: [
      versionFault(found, needs),
      encodingFault(found),
      needs.isPooled ? null : connectionsFault(found, needs),
    ].filter((fault) => fault !== null),
  };
}

function versionFault({ version }: Found, { at }: ServerNeeds): SyncError | null {
  if (version >= OLDEST_VERSION) return null;
  return fatal(
    'database_version',
    `PostgreSQL at ${at} is version ${version}; allowed is ${OLDEST_VERSION} or newer. Upgrade it, or name another server in DATABASE_URL`,
  );
}

function encodingFault({ database, encoding }: Found): SyncError | null {
  if (encoding === 'UTF8') return null;
  return fatal(
    'database_encoding',
    `The database ${database} is encoded as ${encoding}, which cannot hold every text that Stripe has; allowed is UTF8. ` +
      "Create one with: create database … encoding 'UTF8' template template0, and name it in DATABASE_URL",
  );
}

/** Those that there are. */
function limitsOf({ role, database, of_role, of_database, of_server }: Found) {
  const limits = [
    { limit: of_role, whose: `the role ${role}`, raise: `alter role "${role}" connection limit` },
    { limit: of_database, whose: `the database ${database}`, raise: `alter database "${database}" connection limit` },
    { limit: of_server, whose: 'logins that are not reserved', raise: null },
  ];
  return limits.filter(({ limit }) => limit >= 0);
}

function connectionsFault(found: Found, { connections: needed, who }: ServerNeeds): SyncError | null {
  const short = limitsOf(found).find(({ limit }) => limit < needed);
  if (short === undefined) return null;
  const { limit, whose, raise } = short;
  const remedy = raise === null ? 'raise max_connections' : `${raise} ${needed}, or more`;
  return fatal(
    'database_connections',
    `${who} needs up to ${needed} connections to PostgreSQL, and ${limit} are allowed for ${whose}. ` +
      `Each process beside it needs its own: docs/configuration.md says how many. Run: ${remedy}`,
  );
}

function fatal(code: CodeOfKind<'fatal'>, words: string): SyncError {
  return new SyncError(words, { kind: 'fatal', code });
}
