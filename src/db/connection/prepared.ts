/**
 * Statements that are sent again and again: PostgreSQL parses and plans one once for each connection, and it needs no round trip
 * to ask for the types of its parameters. The query builder never has a statement prepared.
 */
import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { ParameterOrJSON, Row } from 'postgres';
import type { Drizzle } from './open.js';

const DIALECT = new PgDialect();

/** @param statement the same text each time. Behind a pooler, which gives the next one another connection, it is not prepared. */
export async function executePrepared<Answer extends Row>(db: Drizzle, statement: SQL): Promise<readonly Answer[]> {
  const { sql, params } = DIALECT.sqlToQuery(statement);
  return db.$client.unsafe<Answer[]>(sql, params as ParameterOrJSON<never>[], { prepare: true });
}
