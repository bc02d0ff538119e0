/**
 * The PostgreSQL schema that holds everything of ours. Its name stands in every statement, so nothing depends on the search
 * path of a role or a database. Where another name is configured, it takes this one's place in the text of statements on
 * their way to the server: here alone, because tables are declared once and migrations are files.
 */
import { pgSchema } from 'drizzle-orm/pg-core';
import type postgres from 'postgres';
import { DEFAULT_SCHEMA } from '../../core/settings/schema-name.js';

export const ownSchema = pgSchema(DEFAULT_SCHEMA);

/** As Drizzle writes it, quoted, and as statements by hand do, before a dot. */
const OWN_NAME = new RegExp(`"${DEFAULT_SCHEMA}"|\\b${DEFAULT_SCHEMA}(?=\\.)`, 'g');

/** The same statement, on tables of that schema. */
export function nameSchema(text: string, schema: string): string {
  return schema === DEFAULT_SCHEMA ? text : text.replaceAll(OWN_NAME, `"${schema}"`);
}

/** A client whose statements go to the tables of that schema. Values never stand in the text, so only names change. */
export function inSchema(sql: postgres.Sql, schema: string): postgres.Sql {
  if (schema === DEFAULT_SCHEMA) return sql;
  const rename = (text: string) => nameSchema(text, schema);
  const templates = new WeakMap<TemplateStringsArray, TemplateStringsArray>();
  const renameAll = (strings: TemplateStringsArray) => {
    const known = templates.get(strings);
    if (known !== undefined) return known;
    const renamed = Object.assign(strings.map(rename), { raw: strings.raw });
    templates.set(strings, renamed);
    return renamed;
  };
  return new Proxy(sql, {
    apply: (target, self, [first, ...rest]: unknown[]) =>
      Reflect.apply(target, self, [isTemplate(first) ? renameAll(first) : first, ...rest]),
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (name !== 'unsafe') return value;
      return (text: string, ...rest: unknown[]) => Reflect.apply(value, target, [rename(text), ...rest]);
    },
  });
}

function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && 'raw' in value;
}
