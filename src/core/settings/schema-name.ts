/** Which names the schema of our tables may have, and how it is named to people. Knows no database. */

export const DEFAULT_SCHEMA = 'stripe_blnk_sync';

/** Those of others: of PostgreSQL, of BullMQ, of Drizzle's own journal, and the one that everybody looks into. */
const TAKEN: readonly string[] = ['public', 'information_schema', 'bullmq', 'drizzle'];

export const SCHEMA_NAME_ALLOWED =
  "allowed is a name of at most 63 lower-case letters, digits and _ that begins with no digit and is nobody else's: " +
  `not ${TAKEN.join(', ')} or pg_…`;

export function isSchemaName(text: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}$/.test(text) && !text.startsWith('pg_') && !TAKEN.includes(text);
}

/** Our schema before the dot of a table; the metadata key of the same name is not meant. */
const OWN_NAME = new RegExp(`(?<!meta_data\\.)\\b${DEFAULT_SCHEMA}(?=\\.)`, 'g');

/** A text for people, whose statements name tables of the default schema, with the schema that is configured. */
export function withSchema(text: string, schema: string): string {
  return schema === DEFAULT_SCHEMA ? text : text.replaceAll(OWN_NAME, `"${schema}"`);
}
