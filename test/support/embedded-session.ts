// One process that uses the embedded server, for test/db/embedded-postgres.test.ts: opens it, says so over IPC, and then does
// what it is told. It has no assertions. SIGINT (Ctrl-C) makes it prove that the server still answers, and leave.

import postgres from 'postgres';
import { EmbeddedPostgresError } from '../../src/db/embedded/errors.js';
import { type EmbeddedPostgresOptions, openEmbeddedPostgres } from '../../src/db/embedded/open.js';

export interface SessionReport {
  kind: 'opened' | 'refused' | 'queried' | 'closed';
  /** When the server's postmaster started: the same for two sessions means the same server. */
  serverStarted?: string;
  rows?: Record<string, unknown>[];
  message?: string;
  log: string[];
}

export type SessionOrder = { query: string } | 'close';

/** `asUser`: an ordinary one, which only root can become. */
export type SessionOptions = EmbeddedPostgresOptions & { readonly asUser?: number };

async function main({ asUser, ...options }: SessionOptions): Promise<void> {
  // After all imports: the programs lie where only we may read.
  if (asUser !== undefined) process.setuid?.(asUser);
  const log: string[] = [];
  const report = (said: Omit<SessionReport, 'log'>): void => {
    process.send?.({ ...said, log });
  };
  const embedded = await openEmbeddedPostgres({ ...options, log: (message) => log.push(message) }).catch((error) => {
    if (!(error instanceof EmbeddedPostgresError)) throw error;
    report({ kind: 'refused', message: `${error.code}: ${error.message}` });
  });
  if (!embedded) return process.disconnect();

  const sql = postgres({ ...embedded.connection, max: 1, onnotice: () => undefined });
  const close = async (): Promise<void> => {
    const [row] = await sql`SELECT 1 AS answers`;
    await sql.end();
    await embedded.close();
    report({ kind: 'closed', rows: row ? [row] : [] });
    process.disconnect();
  };
  process.on('SIGINT', () => void close());
  process.on('message', (order: SessionOrder) => {
    if (order === 'close') void close();
    else void sql.unsafe(order.query).then((rows) => report({ kind: 'queried', rows: [...rows] }));
  });

  const [server] = await sql<{ started: string }[]>`SELECT pg_postmaster_start_time()::text AS started`;
  report({ kind: 'opened', ...(server && { serverStarted: server.started }) });
}

await main(JSON.parse(process.argv[2] ?? '{}'));
