/**
 * What other roles may do with what we make: nothing, until somebody grants it by name. PostgreSQL gives rights to roles by
 * default privileges of a database, as hosted ones set them for the role behind a public key; they are taken back in the
 * transaction that made the table.
 */
import type { Statements } from '../connection/transactions.js';

/** Tables, views and sequences of a schema, as they are now. */
export async function listRelations(sql: Statements, schema: string): Promise<string[]> {
  const rows = await sql<{ oid: string }[]>`
    select c.oid::text as oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')`;
  return rows.map(({ oid }) => oid);
}

/** Takes back what anybody but its owner may do with those that are new. */
export async function closeNewRelations(
  sql: Statements,
  { schema, known }: { readonly schema: string; readonly known: readonly string[] },
): Promise<void> {
  const statements = await sql<{ statement: string }[]>`
    select distinct format('revoke all on %s %I.%I from %s', case c.relkind when 'S' then 'sequence' else 'table' end,
      n.nspname, c.relname, case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end) as statement
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) acl
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and acl.grantee <> c.relowner
      and c.oid::text not in (select json_array_elements_text(${JSON.stringify(known)}::json))`;
  for (const { statement } of statements) await sql.unsafe(statement);
}

/** The same for a schema that was just made. */
export async function closeSchema(sql: Statements, schema: string): Promise<void> {
  await sql.unsafe(`revoke all on schema "${schema}" from public`);
  const statements = await sql<{ statement: string }[]>`
    select distinct format('revoke all on schema %I from %s', n.nspname,
      case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end) as statement
    from pg_catalog.pg_namespace n, aclexplode(n.nspacl) acl
    where n.nspname = ${schema} and acl.grantee <> n.nspowner`;
  for (const { statement } of statements) await sql.unsafe(statement);
}
