/**
 * For drizzle-kit only: where the tables are declared and where `npm run db:generate` writes what changed. It connects to
 * nothing; migrations are applied by src/db/migrations/migrate.ts.
 */
import type { Config } from 'drizzle-kit';

const config: Config = {
  dialect: 'postgresql',
  schema: './src/db/schema/*.ts',
  out: './migrations',
};

export default config;
