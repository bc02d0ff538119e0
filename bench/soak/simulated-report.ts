/** A simulated soak in words: one line a sample, the table of the end, and whatever is not as it must be. */
import type { SoakOutcome, SoakSample } from './simulated-facts.js';

/** Empty when everything is as it must be. */
export function faultsOf(outcome: SoakOutcome): string[] {
  const { judgement, states, ownSums, settings } = outcome;
  const wrong: string[] = [];
  const expect = (what: string, holds: boolean): void => {
    if (!holds) wrong.push(what);
  };
  const { stripeSums, ledgerSums, succeeded: payments } = judgement;
  const ordered = Math.round(settings.hours * 3_600 * settings.rate);
  expect(`${payments} of ${ordered} payments succeeded at Stripe`, outcome.wasCut || payments === ordered);
  expect(`missing in the ledger: ${judgement.missing} (${judgement.firstMissing})`, judgement.missing === 0);
  expect(`${judgement.inLedger} rows in the ledger, ${payments} payments`, judgement.inLedger === payments);
  expect(`posted otherwise: ${judgement.firstViolations.join('; ')}`, judgement.violations === 0);
  expect(`sums: Stripe ${say(stripeSums)}, ledger ${say(ledgerSums)}`, say(stripeSums) === say(ledgerSums));
  expect(`sums: Stripe ${say(stripeSums)}, our postings ${say(ownSums)}`, say(stripeSums) === say(ownSums));
  expect(`postings by state: ${say(states)}`, states.posted === payments && Object.keys(states).length === 1);
  expect(`counts of runs that do not add up: ${say(outcome.wrongRuns)}`, outcome.wrongRuns.length === 0);
  expect(`runs say that ${outcome.storedByRuns} were stored`, outcome.storedByRuns === payments);
  expect(`runs by state: ${say(outcome.runsByState)}`, (outcome.runsByState.collecting ?? 0) === 0);
  expect(`${outcome.holes} holes in coverage`, outcome.holes === 0);
  const unsealed = Object.keys(outcome.certificates).filter((name) => !name.endsWith(' sealed'));
  expect(`certificates that are not sealed: ${unsealed}`, unsealed.length === 0);
  return wrong;
}

export function describeSample(sample: SoakSample): string {
  const { atMs, realMs, residentMb, heapMb, posted, pending, behindMs, runs, coverage, databaseMb } = sample;
  return [
    `${(atMs / 3_600_000).toFixed(2).padStart(6)} h`,
    `${Math.round(realMs / 1_000)} s real`,
    `${posted.toLocaleString('en')} posted, ${pending} pending`,
    `behind ${behindMs === null ? '-' : `${Math.round(behindMs / 1_000)} s`}`,
    `rss ${residentMb} MB, heap ${heapMb} MB`,
    `${runs} runs, ${coverage} rows of coverage, database ${databaseMb} MB`,
  ].join('   ');
}

export function describeSoak(outcome: SoakOutcome): string {
  const { judgement, realMs, settings } = outcome;
  return [
    `settings  ${say(settings)}`,
    `payments  ${judgement.succeeded.toLocaleString('en')} in ${Math.round(realMs / 1_000)} s: ${Math.round(judgement.succeeded / (realMs / 1_000))} a second`,
    `memory    ${outcome.residentPeakMb} MB at most; stand-ins ${judgement.residentMb} MB`,
    `requests  Stripe ${say(judgement.requests)}, answered ${say(judgement.stripeAnswers)}; ledger ${judgement.ledgerRequests}`,
    `faults    at the ledger ${say(judgement.faulted)}; posts of what was there ${judgement.duplicates}`,
    `failures  ${say(outcome.failures)}`,
    `runs      ${say(outcome.runsByState)}`,
    `proofs    ${say(outcome.certificates)}; took ${outcome.proofsMs.join(', ')} ms`,
    `complete  to ${outcome.completeTo?.toISOString() ?? 'nothing'}, ${outcome.holes} holes`,
    ...outcome.tables.map(
      ({ name, megabytes, live, dead }) => `table     ${name.padEnd(22)} ${megabytes} MB, ${live} rows, ${dead} dead`,
    ),
  ].join('\n');
}

function say(value: unknown): string {
  return JSON.stringify(value);
}
