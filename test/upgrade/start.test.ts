/** A worker that is starting while the tables are migrated for newer code alone takes no work. */
import { expect, it, onTestFinished } from 'vitest';
import { ensureSchema, openHome } from '../../src/app/home.js';
import { TIMINGS } from '../../src/app/timings.js';
import { startWorker } from '../../src/app/worker/worker-process.js';
import { readWorkerConfig } from '../../src/config/config.js';
import { GENERATION } from '../../src/db/workers/minimum-code.js';
import { createEvents } from '../../src/observability/events.js';
import { createLog } from '../../src/observability/log.js';
import { homes } from '../support/homes.js';
import { population, startSession } from '../support/process/session.js';

const home = homes()[1] ?? homes()[0];
if (home === undefined) throw new Error('there is no home');

it('refuses before its first job when the tables were migrated after it had looked at them', async () => {
  const session = await startSession(home, { population: population(3) });
  onTestFinished(() => session.close());
  const config = readWorkerConfig(session.variables);
  const log = createLog({ level: 'silent' });
  const opened = await openHome(config, { log, role: 'worker' });
  onTestFinished(() => opened.close());
  await ensureSchema(opened, config);
  const { sql } = opened.database;
  await sql`update stripe_blnk_sync.served_code set oldest_generation = ${GENERATION + 1}, oldest_version = '9.0.0'`;
  const events = createEvents(log, () => 0);
  const outages = { failed: () => {}, answered: () => {} };
  const options = { home: opened, events, outages, timings: TIMINGS, adopt: false, onFatal: () => {} };
  const starting = startWorker(config, options).then((worker) => worker.stop());
  await expect(starting).rejects.toMatchObject({ kind: 'fatal', code: 'code_too_old' });
  expect((await sql`select from stripe_blnk_sync.sync_runs`).count).toBe(0);
  // `migrate` waits for nobody who is not there.
  expect((await sql`select from stripe_blnk_sync.workers`).count).toBe(0);
}, 60_000);
