/** An outage in words: one line a sample, the table of the end, and whatever is not as it must be. */
import type { BacklogOutcome, DrainSample } from './outage.js';

/**
 * Two streams a lane, and every second chunk of each begins with the newest: a new payment is in the second chunk that
 * begins after it was stored. With 100 in a chunk that is seconds, on a machine that is busy with other things too.
 */
const NEW_WITHIN_MS = 30_000;

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

export function describeDrain(sample: DrainSample): string {
  const { atMs, pending, backlog, oldestTenth, newPosted, newMedianMs, newMostMs, newWaiting, newWaitingMs } = sample;
  return [
    `${seconds(atMs).padStart(8)}`,
    `${pending} pending`,
    `posted: ${percent(backlog)} of the backlog, ${percent(oldestTenth)} of its oldest tenth`,
    `new: ${newPosted} posted, ${seconds(newMedianMs)} in the middle, ${seconds(newMostMs)} at most; ${newWaiting} wait, ${seconds(newWaitingMs)} at most`,
    `rss ${sample.residentMb} MB`,
  ].join('   ');
}

export function describeBacklog(outcome: BacklogOutcome): string {
  const { settings, pending, workerMb, statusMs, plans, tables, drainedMs, residentPeakMb, samples } = outcome;
  const posted = samples.reduce((sum, { newPosted }) => sum + newPosted, 0);
  return [
    `settings  ${JSON.stringify(settings)}`,
    `pending   ${pending}; worker ${workerMb} MB then, ${residentPeakMb} MB at most while draining`,
    `status    ${statusMs.join(', ')} ms with the start of the program`,
    ...plans.map(({ name, ms, access }) => `plan      ${name.padEnd(30)} ${ms} ms  ${access}`),
    `drained   ${drainedMs === null ? 'not within the time' : seconds(drainedMs)}; ${posted} new ones meanwhile, ${seconds(mostOf(outcome))} at most`,
    `ledger    ${outcome.ledgerRows} rows, ${outcome.twice} twice; our postings ${JSON.stringify(outcome.states)}`,
    ...tables
      .slice(0, 4)
      .map(({ name, megabytes, live, dead }) => `table     ${name} ${megabytes} MB, ${live} rows, ${dead} dead`),
  ].join('\n');
}

export function wrongInBacklog(outcome: BacklogOutcome): string[] {
  const { samples, twice, ledgerRows, states, drainedMs } = outcome;
  const wrong: string[] = [];
  if (twice > 0) wrong.push(`${twice} rows of the ledger are there twice or not applied`);
  if (ledgerRows < (states.posted ?? 0)) wrong.push(`${states.posted} are posted, the ledger has ${ledgerRows}`);
  if ((states.parked ?? 0) > 0) wrong.push(`${states.parked} were parked`);
  if (mostOf(outcome) > NEW_WITHIN_MS) wrong.push(`a new payment waited ${seconds(mostOf(outcome))}`);
  if (samples.every(({ newPosted }) => newPosted === 0)) wrong.push('no new payment was posted while it drained');
  const half = samples.find(({ backlog }) => backlog >= 0.5);
  if (half !== undefined && half.oldestTenth < half.backlog) {
    wrong.push(`${percent(half.oldestTenth)} of the oldest tenth are posted when ${percent(half.backlog)} of all are`);
  }
  if (drainedMs === null && samples.length > 1 && (samples.at(-1)?.backlog ?? 0) <= (samples[0]?.backlog ?? 0)) {
    wrong.push('the backlog does not get smaller');
  }
  return wrong;
}

/** The longest wait of a new payment, those included that still wait. */
function mostOf({ samples }: BacklogOutcome): number {
  return Math.max(0, ...samples.flatMap(({ newMostMs, newWaitingMs }) => [newMostMs, newWaitingMs]));
}
