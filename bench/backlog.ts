/**
 * A long outage of Blnk, on request: a million payments pending, then Blnk is back while new ones come in. A real worker on
 * a real database; both stand-ins in this process. Prints what the backlog costs and how long new and old payments wait.
 *
 *   node --import tsx bench/backlog.ts --pending 1000000
 *   node --import tsx bench/backlog.ts --pending 100000 --drain-minutes 5 --database-url …
 */
import { parseArgs } from 'node:util';
import { runBacklog } from './backlog/outage.js';
import { describeBacklog, describeDrain, wrongInBacklog } from './backlog/report.js';

const { values } = parseArgs({
  options: {
    pending: { type: 'string', default: '1000000' },
    collected: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    'drain-minutes': { type: 'string', default: '120' },
    'database-url': { type: 'string' },
    'worker-log': { type: 'string' },
  },
});

const pending = Number(values.pending);
const outcome = await runBacklog(
  {
    pending,
    collected: Math.min(pending, Number(values.collected)),
    rate: Number(values.rate),
    seed: Number(values.seed),
    drainMinutesMax: Number(values['drain-minutes']),
    databaseUrl: values['database-url'] ?? null,
    logFile: values['worker-log'] ?? null,
  },
  { onStep: (text) => console.log(text), onSample: (sample) => console.log(describeDrain(sample)) },
);
console.log(describeBacklog(outcome));
const wrong = wrongInBacklog(outcome);
for (const what of wrong) console.log(`WRONG  ${what}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
