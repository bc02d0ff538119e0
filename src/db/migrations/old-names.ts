/**
 * The names that tables and views had before they had an own schema: plain views, through which older workers read and
 * write and people read, with the rights that roles had. Only databases from before have them.
 */
import type postgres from 'postgres';
import { closeNewRelations, listRelations } from './other-roles.js';

interface Grant {
  readonly privilege: string;
  readonly column: string | null;
  readonly grantee: string;
  readonly grantable: boolean;
  /** Only because default privileges of the database give it to whatever is made. */
  readonly isDefault: boolean;
}

interface Named {
  readonly schema: string;
  readonly name: string;
}

/** What others than its owner may do with it. */
export async function readGrants(sql: postgres.TransactionSql, { schema, name }: Named): Promise<readonly Grant[]> {
  return sql<Grant[]>`
    with relation as (
      select c.* from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schema} and c.relname = ${name}
    ), acl as (
      select relowner, null::name as column, (aclexplode(relacl)).* from relation
      union all
      select relowner, attname, (aclexplode(attacl)).* from relation join pg_catalog.pg_attribute on attrelid = relation.oid
      where attacl is not null
    ), by_default as (
      select (aclexplode(defaclacl)).grantee from pg_catalog.pg_default_acl where defaclobjtype = 'r'
    )
    select privilege_type as privilege, acl.column, is_grantable as grantable,
      case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee,
      -- A role that our own programs work with right now keeps what it has, whoever gave it.
      grantee in (select grantee from by_default) and not exists (
        select 1 from pg_catalog.pg_stat_activity
        where usesysid = grantee and datname = current_database() and application_name like 'stripe-blnk-sync%'
      ) as "isDefault"
    from acl where grantee <> relowner and privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')`;
}

interface OldName {
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly grants: readonly Grant[];
}

/**
 * Leaves a view with the old name for a table or view that was moved. Roles keep what they had, there and under the new
 * name, but for what they had by default privileges alone.
 */
export async function leaveOldName(sql: postgres.TransactionSql, { from, to, name, grants }: OldName): Promise<void> {
  const known = await listRelations(sql, from);
  // Earlier code recognises an inserted posting by `xmax`, which is no column of a view unless it is listed.
  const columns = name === 'postings' ? '*, xmax' : '*';
  await sql.unsafe(`create view "${from}"."${name}" as select ${columns} from "${to}"."${name}"`);
  await closeNewRelations(sql, { schema: from, known });
  const comment = `Old name of ${to}.${name}, for earlier versions.`;
  await sql.unsafe(`comment on view "${from}"."${name}" is '${comment}'`);
  const [owner] = await sql<{ table: string; view: string }[]>`
    select quote_ident(pg_get_userbyid(t.relowner)) as table, quote_ident(pg_get_userbyid(v.relowner)) as view
    from pg_catalog.pg_class t, pg_catalog.pg_class v
    where t.oid = ${`"${to}"."${name}"`}::regclass and v.oid = ${`"${from}"."${name}"`}::regclass`;
  // Rows are read and changed with the rights of the view's owner.
  if (owner !== undefined && owner.table !== owner.view) {
    await sql.unsafe(`alter view "${from}"."${name}" owner to ${owner.table}`);
    await sql.unsafe(`grant usage on schema "${to}" to ${owner.table}`);
  }
  for (const { privilege, column, grantee, grantable, isDefault } of grants) {
    if (isDefault) {
      await sql.unsafe(`revoke all on table "${to}"."${name}" from ${grantee}`);
      continue;
    }
    const what = column === null ? privilege : `${privilege} ("${column}")`;
    const option = grantable ? ' with grant option' : '';
    await sql.unsafe(`grant ${what} on "${from}"."${name}" to ${grantee}${option}`);
    if (grantee === 'public') await sql.unsafe(`revoke all on table "${to}"."${name}" from public`);
    else await sql.unsafe(`grant usage on schema "${to}" to ${grantee}`);
  }
}
