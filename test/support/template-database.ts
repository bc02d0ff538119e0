/**
 * A migrated database on the server that was found, to make others of: a copy takes a third of what the migrations take.
 * Made by the first test that wants one; services.ts names it anew for each run of the tests, and removes it.
 */
import postgres from 'postgres';
import { inject } from 'vitest';

export async function migratedTemplate(postgresUrl: string): Promise<string> {
  const name = inject('templateDatabase');
  const sql = postgres(postgresUrl, { max: 1, onnotice: () => {} });
  try {
    // Other test files come at the same time. The end of this connection gives it back.
    await sql`select pg_advisory_lock(hashtext(${name}))`;
    const [there] = await sql`select 1 from pg_database where datname = ${name}`;
    if (there !== undefined) return name;
    const unfinished = `${name}_unfinished`;
    await sql.unsafe(`create database ${unfinished}`);
    await migrate(Object.assign(new URL(postgresUrl), { pathname: `/${unfinished}` }).href);
    await sql.unsafe(`alter database ${unfinished} rename to ${name}`);
    return name;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** With the queue's tables too: who keeps the queue elsewhere does not look at them. */
async function migrate(databaseUrl: string): Promise<void> {
  // Only the one test file that migrates has to load all this.
  const [{ openHome }, { readHomeConfig }, { createLog }] = await Promise.all([
    import('../../src/app/home.js'),
    import('../../src/config/config.js'),
    import('../../src/observability/log.js'),
  ]);
  const log = createLog({ level: 'silent' });
  const home = await openHome(readHomeConfig({ DATABASE_URL: databaseUrl }), { log, role: 'worker' });
  try {
    await home.migrate();
  } finally {
    await home.close();
  }
}
