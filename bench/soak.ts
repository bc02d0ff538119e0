/**
 * Soaks, on request: days of payments on a simulated clock, or minutes of a whole worker in real time.
 *
 *   npm run soak -- --hours 24 --rate 50 --faults 0.01 --seed 1
 */
import { parseArgs } from 'node:util';
import { describeSample, describeSoak, faultsOf } from './soak-report.js';
import { runSoak } from './soak-simulated.js';
import { temporaryHome } from './temporary-home.js';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '24' },
    quiet: { type: 'string', default: '0.9' },
    'real-minutes': { type: 'string', default: '100000' },
    rate: { type: 'string', default: '50' },
    faults: { type: 'string', default: '0.01' },
    seed: { type: 'string', default: '1' },
    lag: { type: 'string', default: '60' },
    customers: { type: 'string', default: '20000' },
    'database-url': { type: 'string' },
  },
});

const home = temporaryHome(values['database-url'] ?? null);
const outcome = await runSoak(
  {
    hours: Number(values.hours),
    quietHours: Number(values.quiet),
    realMinutesMax: Number(values['real-minutes']),
    rate: Number(values.rate),
    faults: Number(values.faults),
    seed: Number(values.seed),
    lagMs: Number(values.lag) * 1_000,
    customers: Number(values.customers),
    keepEmptyRunsMs: 3_600_000,
    provedAfterMs: 3_600_000,
  },
  home,
  (sample) => console.log(describeSample(sample)),
);
console.log(describeSoak(outcome));
const wrong = faultsOf(outcome);
for (const what of wrong) console.log(`WRONG  ${what}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
