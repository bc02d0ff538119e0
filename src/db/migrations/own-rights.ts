/**
 * Whether the login may do what a process does with our tables and the queue's, asked at its start: a right that is missing is
 * named then, not when the first statement fails. docs/security.md has the grants.
 */
import { SyncError } from '../../core/base/errors.js';
import type { Database } from '../connection/open.js';

export interface RightsNeeded {
  /** A worker writes. A command needs nothing but reading here: most do nothing else. */
  readonly role: 'worker' | 'command';
  /** The schema of the queue's tables; null when it keeps none here. */
  readonly queueSchema: string | null;
}

/** Written by `migrate` alone. */
const NEVER_WRITTEN = ['migrations', 'served_code'];
const NEVER_DELETED = [...NEVER_WRITTEN, 'mirror', 'rate_tokens', 'stripe_reads'];

/**
 * What is not there yet is not asked about.
 *
 * @throws SyncError `database_right_missing`
 */
export async function checkRights(
  { sql, schema }: Pick<Database, 'sql' | 'schema'>,
  { role, queueSchema }: RightsNeeded,
): Promise<void> {
  const writes = role === 'worker';
  const schemas = writes && queueSchema !== null ? [schema, queueSchema] : [schema];
  const [missing] = await sql<{ login: string; privilege: string; name: string }[]>`
    with wanted as (
      select 1 as place, 'usage' as privilege, 'schema ' || quote_ident(nspname) as name,
        has_schema_privilege(oid, 'usage') as granted
      from pg_catalog.pg_namespace where nspname = any(${schemas})
      union all
      select 2, wanted_privilege, 'table ' || quote_ident(nspname) || '.' || quote_ident(relname),
        has_table_privilege(pg_class.oid, wanted_privilege)
      from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
        cross join unnest(array['select', 'insert', 'update', 'delete']) as wanted_privilege
      where nspname = any(${schemas}) and relkind in ('r', 'p', 'v')
        and (wanted_privilege = 'select' or ${writes} and relkind <> 'v'
          and not (nspname = ${schema} and relname = any(${NEVER_WRITTEN}))
          and not (nspname = ${schema} and wanted_privilege = 'delete' and relname = any(${NEVER_DELETED}))))
    select current_user::text as login, privilege, name from wanted where not granted order by place, name, privilege limit 1`;
  if (missing === undefined) return;
  const { login, privilege, name } = missing;
  throw new SyncError(
    `The role ${login} lacks the right ${privilege} on ${name}. ` +
      'Grant what is written in docs/security.md, "Roles of the database", again after every migrate',
    { kind: 'fatal', code: 'database_right_missing' },
  );
}
