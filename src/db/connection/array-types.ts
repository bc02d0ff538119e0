/**
 * Arrays as PostgreSQL writes them, for the driver, which would otherwise ask the server for their types with a statement of
 * its own: a connection that is lost during that one ends the process. Arrays of one dimension, which are all that we use.
 */
import type postgres from 'postgres';

/** `pg_type.oid` of the arrays of built-in types, which never change: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const TEXTS = { bool: 1000, name: 1003, int8: 1016, text: 1009, varchar: 1015, numeric: 1231, uuid: 2951, date: 1182 };
const NUMBERS = { int2: 1005, int4: 1007, oid: 1028, float4: 1021, float8: 1022 };
const TIMES = { timestamptz: 1185 };
const JSONS = { json: 199, jsonb: 3807 };

type Types = Record<string, postgres.PostgresType>;

export function arrayTypes(): Types {
  return {
    ...typesOf(TEXTS, String, (text) => text),
    ...typesOf(NUMBERS, String, Number),
    ...typesOf(
      TIMES,
      (value) => (value instanceof Date ? value.toISOString() : String(value)),
      (text) => text,
    ),
    ...typesOf(JSONS, (value) => JSON.stringify(value), JSON.parse),
  };
}

function typesOf(
  oids: Readonly<Record<string, number>>,
  write: (value: unknown) => string,
  read: (text: string) => unknown,
): Types {
  return Object.fromEntries(
    Object.entries(oids).map(([name, oid]) => [
      `${name}Array`,
      {
        to: oid,
        from: [oid],
        serialize: (values: unknown) => (Array.isArray(values) ? writeArray(values, write) : String(values)),
        parse: (text: string) => readArray(text).map((value) => (value === null ? null : read(value))),
      },
    ]),
  );
}

function writeArray(values: readonly unknown[], write: (value: unknown) => string): string {
  const written = values.map((value) =>
    value === null || value === undefined ? 'null' : `"${write(value).replace(/["\\]/g, '\\$&')}"`,
  );
  return `{${written.join(',')}}`;
}

/** `{a,"b \"c\"",NULL}`. Bounds that are not the usual ones stand in front of it, with a `=`. */
function readArray(text: string): Array<string | null> {
  const body = text.slice(text.indexOf('{') + 1, -1);
  return [...body.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain === 'NULL' ? null : (plain ?? '')) : quoted.replace(/\\(.)/gs, '$1'),
  );
}
