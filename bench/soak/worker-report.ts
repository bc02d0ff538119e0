/** A soak of a whole worker in words, and whether it stood still: the last third of the samples against the middle one. */
import type { WorkerSample, WorkerSoakOutcome } from './worker.js';

interface Watched {
  readonly name: string;
  of(sample: WorkerSample): number;
  /** How much more than in the middle third it may be in the last one: a share, and something on top. */
  readonly mayGrow: { readonly share: number; readonly by: number };
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, n) => sum + n, 0);
const ofQueue = (sample: WorkerSample) => sample.tables.filter(({ name }) => name.startsWith('bullmq.'));
const finished = ({ queue }: WorkerSample) =>
  sumOf(Object.fromEntries(Object.entries(queue?.jobs ?? {}).filter(([name]) => / (completed|failed)$/.test(name))));

const WATCHED: readonly Watched[] = [
  { name: 'resident memory, MB', of: (sample) => sample.residentMb, mayGrow: { share: 0.1, by: 10 } },
  { name: 'heap, MB', of: (sample) => sample.heapMb, mayGrow: { share: 0.15, by: 10 } },
  { name: 'open files', of: (sample) => sample.files, mayGrow: { share: 0, by: 4 } },
  { name: 'threads', of: (sample) => sample.threads, mayGrow: { share: 0, by: 2 } },
  { name: 'connections to PostgreSQL', of: (sample) => sumOf(sample.connections), mayGrow: { share: 0, by: 2 } },
  { name: 'pending postings', of: (sample) => sample.pending, mayGrow: { share: 0.5, by: 500 } },
  { name: 'payments not in the ledger yet', of: notYet, mayGrow: { share: 0.5, by: 500 } },
  { name: 'rows of coverage', of: (sample) => sample.coverage, mayGrow: { share: 0, by: 5 } },
  { name: 'keys in Redis', of: (sample) => sample.queue?.keysInAll ?? 0, mayGrow: { share: 0.05, by: 20 } },
  { name: 'memory of keys, KiB', of: (sample) => sample.queue?.memoryKb ?? 0, mayGrow: { share: 0.1, by: 50 } },
  { name: 'finished jobs kept in Redis', of: finished, mayGrow: { share: 0.05, by: 20 } },
  {
    name: "tables of the queue's, MB",
    of: (sample) => ofQueue(sample).reduce((sum, { megabytes }) => sum + megabytes, 0),
    mayGrow: { share: 0.15, by: 2 },
  },
  {
    name: 'dead rows',
    of: (sample) => sample.tables.reduce((sum, { dead }) => sum + dead, 0),
    mayGrow: { share: 0.5, by: 20_000 },
  },
];

function notYet({ succeeded, inLedger }: WorkerSample): number {
  return succeeded - inLedger;
}

export interface Trend {
  readonly name: string;
  /** Means of the three thirds. */
  readonly thirds: readonly [number, number, number];
  readonly most: number;
  readonly isSteady: boolean;
}

/** The first minutes fill caches and grow tables to their working size: they are shown and not judged. */
export function trendsOf(samples: readonly WorkerSample[]): Trend[] {
  const third = Math.floor(samples.length / 3);
  return WATCHED.map(({ name, of, mayGrow }) => {
    const mean = (from: number, to: number) => {
      const values = samples.slice(from, to).map(of);
      return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    };
    const [first, middle, last] = [mean(0, third), mean(third, 2 * third), mean(2 * third, samples.length)];
    return {
      name,
      thirds: [first, middle, last],
      most: Math.max(...samples.map(of)),
      isSteady: last <= middle * (1 + mayGrow.share) + mayGrow.by,
    };
  });
}

export function describeWorkerSample(sample: WorkerSample): string {
  const { atMs, succeeded, inLedger, pending, residentMb, heapMb, files, cpuSeconds, runs, coverage, queue } = sample;
  return [
    `${(atMs / 60_000).toFixed(1).padStart(5)} min`,
    `${inLedger} of ${succeeded} in the ledger, ${pending} pending`,
    `rss ${residentMb} MB, heap ${heapMb} MB, ${files} files, cpu ${Math.round(cpuSeconds)} s`,
    `${sumOf(sample.connections)} connections`,
    `${runs} runs, ${coverage} rows of coverage`,
    ...(queue === null ? [] : [`${queue.keysInAll} keys, ${queue.memoryKb} KiB`]),
  ].join('   ');
}

export function describeWorkerSoak(outcome: WorkerSoakOutcome): string {
  const { settings, samples, status, statusMs, requests, requestsFaulted } = outcome;
  const last = samples.at(-1);
  const round = (value: number) => (value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
  return [
    `settings  ${JSON.stringify(settings)}`,
    `requests  Stripe ${JSON.stringify(requests)}; faults at Blnk ${requestsFaulted}`,
    `status    ${status} (${Math.round(statusMs)} ms)`,
    `at work   ${JSON.stringify(last?.connections)} ${JSON.stringify(last?.resources)}`,
    `queue     ${JSON.stringify(last?.queue)}`,
    `${'thirds'.padEnd(34)}${['first', 'middle', 'last', 'most'].map((text) => text.padStart(10)).join('')}`,
    ...trendsOf(samples).map(
      ({ name, thirds, most, isSteady }) =>
        `${name.padEnd(34)}${[...thirds, most].map((value) => String(round(value)).padStart(10)).join('')}${isSteady ? '' : '  GROWS'}`,
    ),
    ...(last?.tables ?? []).map(
      ({ name, megabytes, live, dead }) => `table     ${name.padEnd(30)} ${megabytes} MB, ${live} rows, ${dead} dead`,
    ),
  ].join('\n');
}
