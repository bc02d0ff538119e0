/**
 * Soaks, on request: days of payments on a simulated clock, or minutes of a whole worker in real time. Prints what was
 * seen on the way and in the end; leaves with 1 when something is not as it must be.
 *
 *   npm run soak -- --hours 24 --rate 50 --faults 0.01 --seed 1
 *   npm run soak -- --hours 24 --real-minutes 60            what fits into an hour of the machine
 *   npm run soak -- --minutes 30 --rate 30                  on the private PostgreSQL
 *   npm run soak -- --minutes 30 --database-url … --redis-url …
 */
import { parseArgs } from 'node:util';
import { temporaryHome } from './program/temporary-home.js';
import { runSoak } from './soak/simulated.js';
import { describeSample, describeSoak, faultsOf } from './soak/simulated-report.js';
import { runWorkerSoak } from './soak/worker.js';
import { describeWorkerSample, describeWorkerSoak, trendsOf } from './soak/worker-report.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    hours: { type: 'string', default: '24' },
    quiet: { type: 'string', default: '0.9' },
    'real-minutes': { type: 'string', default: '100000' },
    rate: { type: 'string', default: '50' },
    faults: { type: 'string', default: '0.01' },
    seed: { type: 'string', default: '1' },
    lag: { type: 'string', default: '60' },
    customers: { type: 'string', default: '20000' },
    'database-url': { type: 'string' },
    'redis-url': { type: 'string' },
    'worker-log': { type: 'string' },
  },
});

const shared = { rate: Number(values.rate), faults: Number(values.faults), seed: Number(values.seed) };
const databaseUrl = values['database-url'] ?? null;
const wrong =
  values.minutes === undefined ? await soakSimulated(Number(values.hours)) : await soakWorker(Number(values.minutes));
for (const what of wrong) console.log(`WRONG  ${what}`);
process.exitCode = wrong.length === 0 ? 0 : 1;

async function soakSimulated(hours: number): Promise<readonly string[]> {
  const settings = {
    ...shared,
    hours,
    quietHours: Number(values.quiet),
    realMinutesMax: Number(values['real-minutes']),
    lagMs: Number(values.lag) * 1_000,
    customers: Number(values.customers),
    keepEmptyRunsMs: 3_600_000,
    provedAfterMs: 3_600_000,
  };
  const outcome = await runSoak(settings, temporaryHome(databaseUrl), (sample) => console.log(describeSample(sample)));
  console.log(describeSoak(outcome));
  return faultsOf(outcome);
}

async function soakWorker(minutes: number): Promise<readonly string[]> {
  const redisUrl = values['redis-url'] ?? null;
  const settings = { ...shared, minutes, databaseUrl, redisUrl, logFile: values['worker-log'] ?? null };
  const outcome = await runWorkerSoak(settings, (sample) => console.log(describeWorkerSample(sample)));
  console.log(describeWorkerSoak(outcome));
  const growing = trendsOf(outcome.samples).filter(({ isSteady }) => !isSteady);
  return [...outcome.wrong, ...growing.map(({ name, thirds }) => `${name} grows: ${thirds.join(', ')}`)];
}
