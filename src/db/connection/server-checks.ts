/**
 * Whether a server, its database and the login suit before anything is begun: what no waiting helps with is refused in words. That
 * connections are in use by others just now is not asked: that passes, and is waited for.
 */
import type postgres from 'postgres';
import type { CodeOfKind } from '../../core/base/error-codes.js';
import { SyncError } from '../../core/base/errors.js';

export interface ServerNeeds {
  /** How many connections this process opens at most. */
  readonly connections: number;
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

/**
 * @throws SyncError `database_version`, `database_encoding`, `database_connections`
 */
export async function checkServer(sql: postgres.Sql, needs: ServerNeeds): Promise<void> {
  // The limits of role and database do not bind superusers: https://www.postgresql.org/docs/current/sql-createrole.html
  const [found] = await sql<Found[]>`
    select current_setting('server_version_num')::int / 10000 as version, pg_encoding_to_char(encoding) as encoding,
      rolname::text as role, datname::text as database,
      case when rolsuper then -1 else rolconnlimit end as of_role, case when rolsuper then -1 else datconnlimit end as of_database,
      current_setting('max_connections')::int - case when rolsuper then 0 else
        current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0)
      end as of_server
    from pg_catalog.pg_database, pg_catalog.pg_roles where datname = current_database() and rolname = current_user`;
  if (found === undefined) return;
  const { version, encoding, database } = found;
  if (version < OLDEST_VERSION) {
    throw fatal(
      'database_version',
      `PostgreSQL at ${needs.at} is version ${version}; allowed is ${OLDEST_VERSION} or newer. Upgrade it, or name another server in DATABASE_URL`,
    );
  }
  if (encoding !== 'UTF8') {
    throw fatal(
      'database_encoding',
      `The database ${database} is encoded as ${encoding}, which cannot hold every text that Stripe has; allowed is UTF8. ` +
        "Create one with: create database … encoding 'UTF8' template template0, and name it in DATABASE_URL",
    );
  }
  if (!needs.isPooled) checkLimits(found, needs.connections);
}

function checkLimits({ role, database, of_role, of_database, of_server }: Found, needed: number): void {
  const limits = [
    [of_role, `the role ${role}`, `alter role "${role}" connection limit ${needed}, or more`],
    [of_database, `the database ${database}`, `alter database "${database}" connection limit ${needed}, or more`],
    [of_server, 'logins that are not reserved', 'raise max_connections'],
  ] as const;
  const short = limits.find(([limit]) => limit >= 0 && limit < needed);
  if (short === undefined) return;
  const [limit, whose, remedy] = short;
  throw fatal(
    'database_connections',
    `This process needs up to ${needed} connections to PostgreSQL, and ${limit} are allowed for ${whose}. ` +
      `Each process beside it needs its own: docs/configuration.md says how many. Run: ${remedy}`,
  );
}

function fatal(code: CodeOfKind<'fatal'>, words: string): SyncError {
  return new SyncError(words, { kind: 'fatal', code });
}
