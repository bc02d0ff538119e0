/**
 * Whoever reads the tables with SQL finds in PostgreSQL itself what each of them and each column means: `\d+` in psql, and the
 * descriptions that reporting tools show. A view that a migration drops and makes again has lost its comments.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';

interface Described {
  /** `postings`, or `postings.amount`. */
  readonly name: string;
  /** As PostgreSQL spells it; null for a table or view. */
  readonly type: string | null;
  readonly comment: string | null;
}

const UNITS = /minor units|units of the currency|milliseconds|bytes|number of/i;

describe('in a migrated database', () => {
  let database: OwnDatabase;
  let described: readonly Described[];
  beforeAll(async () => {
    database = await openMigratedDatabase();
    described = await database.sql<Described[]>`
      select relation.relname || coalesce('.' || attribute.attname, '') as name,
        format_type(attribute.atttypid, null) as type, description.description as comment
      from pg_catalog.pg_class relation
      cross join lateral (
        select 0 as attnum, null as attname, null as atttypid
        union all
        select attnum, attname, atttypid from pg_catalog.pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped
      ) attribute
      left join pg_catalog.pg_description description
        on description.objoid = relation.oid and description.classoid = 'pg_class'::regclass
          and description.objsubid = attribute.attnum
      where relation.relnamespace = ${database.schema}::regnamespace and relation.relkind in ('r', 'p', 'v', 'm')`;
  });
  afterAll(() => database.remove());

  it('every table, view and column has a comment of whole sentences', () => {
    expect(described.map(({ name }) => name)).toEqual(expect.arrayContaining(['postings', 'postings.amount']));
    expect(described.filter(({ comment }) => !comment?.endsWith('.')).map(({ name }) => name)).toEqual([]);
  });

  it('every large number states in which unit it is', () => {
    const numbers = described.filter(({ type }) => type === 'bigint' || type === 'numeric');
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers.filter(({ comment }) => !UNITS.test(comment ?? '')).map(({ name }) => name)).toEqual([]);
  });
});
