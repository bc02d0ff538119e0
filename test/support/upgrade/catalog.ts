/**
 * What a migration did to a database that older code and living workers still use: the catalog before and after, compared.
 * Two kinds of problem: what older code cannot work on, which a migration before it must have announced, and what makes
 * running workers wait, which nothing excuses.
 */
import type postgres from 'postgres';

interface Column {
  readonly type: string;
  readonly notNull: boolean;
  /** By a default, an identity or a generation. */
  readonly filled: boolean;
}

/** Of one schema. Each map by name: `table`, `table.column`, `table.constraint`, `table.index`. */
export interface Catalog {
  /** With the number of the file that holds it: another number, and it was written anew. Null for a view. */
  readonly relations: ReadonlyMap<string, number | null>;
  readonly columns: ReadonlyMap<string, Column>;
  readonly constraints: ReadonlyMap<string, string>;
  readonly indexes: ReadonlyMap<string, { readonly unique: boolean; readonly valid: boolean }>;
  /** Triggers, rules and row security of a table. */
  readonly hooks: ReadonlySet<string>;
  /** Null before there was one. */
  readonly oldestGeneration: number | null;
}

export interface Problem {
  readonly kind: 'breaks older code' | 'stops workers';
  readonly what: string;
}

export async function readCatalog(
  sql: postgres.Sql | postgres.TransactionSql,
  schema = 'stripe_blnk_sync',
): Promise<Catalog> {
  const relations = await sql<{ name: string; file: number | null }[]>`
    select relname as name, case relkind when 'r' then pg_relation_filenode(oid)::int end as file from pg_class
    where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p', 'v', 'm')`;
  const columns = await sql<(Column & { name: string })[]>`
    select relname || '.' || attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull",
      atthasdef or attidentity <> '' as filled
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped`;
  // NOT NULL is read with the columns, on every version of PostgreSQL.
  const constraints = await sql<{ name: string; definition: string }[]>`
    select relname || '.' || conname as name, replace(pg_get_constraintdef(pg_constraint.oid), ${schema} || '.', '') as definition
    from pg_constraint join pg_class on pg_class.oid = conrelid
    where relnamespace = ${schema}::text::regnamespace and contype <> 'n'`;
  const indexes = await sql<{ name: string; unique: boolean; valid: boolean }[]>`
    select owner.relname || '.' || own.relname as name, indisunique as unique, indisvalid as valid
    from pg_index join pg_class own on own.oid = indexrelid join pg_class owner on owner.oid = indrelid
    where owner.relnamespace = ${schema}::text::regnamespace`;
  const hooks = await sql<{ name: string }[]>`
    select relname || ': trigger ' || tgname as name from pg_trigger join pg_class on pg_class.oid = tgrelid
    where relnamespace = ${schema}::text::regnamespace and not tgisinternal
    union all select relname || ': rule ' || rulename from pg_rewrite join pg_class on pg_class.oid = ev_class
    where relnamespace = ${schema}::text::regnamespace and rulename <> '_RETURN'
    union all select relname || ': row security' from pg_class
    where relnamespace = ${schema}::text::regnamespace and relrowsecurity`;
  const byName = <T extends { readonly name: string }, V>(rows: readonly T[], value: (row: T) => V) =>
    new Map(rows.map((row) => [row.name, value(row)]));
  const isThere = relations.some(({ name }) => name === 'served_code');
  const [served] = isThere ? await sql`select oldest_generation as oldest from ${sql(schema)}.served_code` : [];
  return {
    relations: byName(relations, ({ file }) => file),
    columns: byName(columns, ({ type, notNull, filled }) => ({ type, notNull, filled })),
    constraints: byName(constraints, ({ definition }) => definition),
    indexes: byName(indexes, ({ unique, valid }) => ({ unique, valid })),
    hooks: new Set(hooks.map(({ name }) => name)),
    oldestGeneration: served?.oldest ?? null,
  };
}

export interface Step {
  readonly before: Catalog;
  readonly after: Catalog;
  readonly statements: readonly string[];
}

export function problemsOf(step: Step): readonly Problem[] {
  return [
    ...lostParts(step).map((what): Problem => ({ kind: 'breaks older code', what })),
    ...narrowedTables(step).map((what): Problem => ({ kind: 'breaks older code', what })),
    ...waits(step).map((what): Problem => ({ kind: 'stops workers', what })),
  ];
}

/** Whether the step only says that older code is served no longer. */
export function isAnnouncement({ before, after, statements }: Step): boolean {
  return (after.oldestGeneration ?? 0) > (before.oldestGeneration ?? 0) && statements.length === 1;
}

function lostParts({ before, after }: Step): string[] {
  const relations = [...before.relations.keys()].filter((name) => !after.relations.has(name));
  const columns = [...before.columns].flatMap(([name, { type }]) => {
    if (relations.includes(tableOf(name))) return [];
    const now = after.columns.get(name);
    if (now === undefined) return [`${name} is gone`];
    return now.type === type ? [] : [`${name} was ${type} and is ${now.type}`];
  });
  return [...relations.map((name) => `${name} is gone`), ...columns];
}

/** What old inserts and updates may fail on, and nulls that old reads do not expect. */
function narrowedTables({ before, after }: Step): string[] {
  const isOld = (name: string) => before.relations.get(tableOf(name)) != null && after.relations.has(tableOf(name));
  const columns = [...after.columns].flatMap(([name, now]) => {
    if (!isOld(name)) return [];
    const then = before.columns.get(name);
    const [demands, demanded] = [now, then].map((column) => column?.notNull === true && !column.filled);
    if (demands === true && demanded !== true) return [`${name} must be given by every insert`];
    if (then?.notNull === false && now.notNull) return [`${name} must not be null any more`];
    return then?.notNull === true && !now.notNull ? [`${name} may be null now`] : [];
  });
  const added = (now: Iterable<string>, then: { has(name: string): boolean }) =>
    [...now].filter((name) => isOld(name) && !then.has(name));
  return [
    ...columns,
    ...added(after.constraints.keys(), before.constraints).map((name) => `the constraint ${name} is new`),
    ...[...after.constraints].flatMap(([name, definition]) => {
      const then = before.constraints.get(name);
      return then === undefined || then === definition ? [] : [`the constraint ${name} is another one`];
    }),
    ...added(after.indexes.keys(), before.indexes)
      .filter((name) => after.indexes.get(name)?.unique === true && !after.constraints.has(name))
      .map((name) => `the unique index ${name} is new`),
    ...[...after.hooks].flatMap((hook) =>
      isOld(hook) && !before.hooks.has(hook) && !HARMLESS.test(hook) ? [`${hook} is new`] : [],
    ),
  ];
}

function waits({ before, after, statements }: Step): string[] {
  const rewritten = [...before.relations].flatMap(([name, file]) => {
    const now = after.relations.get(name);
    return file == null || now == null || now === file ? [] : [`${name} is written anew`];
  });
  const built = [...after.indexes.keys()].flatMap((name) => {
    if (before.indexes.has(name) || before.relations.get(tableOf(name)) == null) return [];
    const index = name.split('.')[1] ?? '';
    const text = statements.find((statement) => statement.includes(index) && /^\s*create/i.test(statement)) ?? '';
    return /\bindex\s+concurrently\b/i.test(text) ? [] : [`the index ${name} is not built concurrently`];
  });
  const invalid = [...after.indexes].flatMap(([name, { valid }]) => (valid ? [] : [`the index ${name} is not valid`]));
  return [...rewritten, ...built, ...invalid, ...statementProblems({ before, statements })];
}

/** What the catalog does not show. */
function statementProblems({ before, statements }: Pick<Step, 'before' | 'statements'>): string[] {
  const plain = statements.map((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim());
  const problems = plain.flatMap((statement) => {
    if (/^(create|alter|drop|comment)\b/i.test(statement) || statement === '') return [];
    const changed = /^(?:insert\s+into|update)\s+(?:"?stripe_blnk_sync"?\.)?"?(\w+)"?/i.exec(statement)?.[1];
    if (changed === 'served_code' || (changed !== undefined && !before.relations.has(changed))) return [];
    return [`it changes or locks rows, which code does in small steps: ${statement.slice(0, 60)}`];
  });
  const concurrent = plain.filter((statement) => /\bindex\s+concurrently\b/i.test(statement));
  if (concurrent.length === 0) return problems;
  if (concurrent.length < plain.length) problems.push('an index is built concurrently beside other statements');
  const created = concurrent.filter((statement) => /^create/i.test(statement)).length;
  const dropped = concurrent.filter((statement) =>
    /^drop\s+index\s+concurrently\s+if\s+exists/i.test(statement),
  ).length;
  if (created > dropped) problems.push('an index is created that is not dropped before, in case it was interrupted');
  return problems;
}

/**
 * Triggers that give new columns what older code does not write, and those that write down in a new table what any code did;
 * tests play the statements of older code against both.
 */
const HARMLESS = /: trigger (?:fill|note)_/;

/** `postings` of `postings.amount` and of `postings: trigger x`. */
function tableOf(name: string): string {
  return name.split(/[.:]/)[0] ?? name;
}
