/**
 * The one verdict on a mirror: its state, the sentence that answers "is everything in the ledger?", and what it needs. Every
 * page, command and log shows this one. Pure.
 *
 * Invariant: the sentence is true of what is given here, and `complete` is never said while anything known contradicts it.
 * docs/status.md has the states, docs/runbook.md the needs, with what follows from them; a test reads both.
 */
import { formatCount, formatDuration } from '../base/time-text.js';
import { countedDays, daysText } from './days-text.js';
import type { VerdictFacts } from './facts.js';
import { isSyncLate, lastingFailure, standsStill } from './lateness.js';
import { type Need, utc, worstSeverity } from './need.js';
import { needsOf } from './needs.js';
import { brokenDays } from './needs-of-proofs.js';

/**
 * `not_started`: there is no mirror. `unknown`: nothing can be said of what is in the ledger. `reading`: no stretch of time
 * was read completely yet. `incomplete`: of what is known, something is not in the ledger, or a proof found a difference.
 * `behind`: all that is known is in the ledger, and what is newer than it should be is not known. `complete`: none of these.
 */
export type VerdictState = 'not_started' | 'unknown' | 'reading' | 'incomplete' | 'behind' | 'complete';

export interface Verdict {
  readonly state: VerdictState;
  readonly sentence: string;
  /** Worst first; empty when all is well. */
  readonly needs: readonly Need[];
}

export function verdictOf(facts: VerdictFacts): Verdict {
  const needs = needsOf(facts);
  return { ...answerOf(facts), needs };
}

/** 1 when a person is needed. */
export function exitCodeOf({ needs }: Pick<Verdict, 'needs'>): 0 | 1 {
  return needs.some(({ severity }) => severity !== 'notice') ? 1 : 0;
}

/** At which a change to this verdict is logged. */
export function logLevelOf({ needs }: Pick<Verdict, 'needs'>): 'info' | 'warn' | 'error' {
  const worst = worstSeverity(needs);
  if (worst === 'error') return 'error';
  return worst === 'warning' ? 'warn' : 'info';
}

/** False while nothing may be said about what is in the ledger: it may be another one. */
export function isLedgerKnown({ ledger }: Pick<VerdictFacts, 'ledger'>): boolean {
  return ledger === null || (ledger.state !== 'in_doubt' && ledger.state !== 'other');
}

function answerOf(facts: VerdictFacts): Omit<Verdict, 'needs'> {
  const { mirror, complete, coveredAheadTo } = facts;
  if (mirror === null) {
    return {
      state: 'not_started',
      sentence: 'Nothing is mirrored yet: no worker has begun on this database.',
    };
  }
  const unknown = (why: string) => ({ state: 'unknown', sentence: `Not known: ${why}` }) as const;
  if (!isLedgerKnown(facts)) {
    return unknown(
      'the ledger does not look like the one that this mirror posted to, so nothing is said about what is in it.',
    );
  }
  if (mirror.rebuildingSince !== null) {
    return unknown('this database is being rebuilt, and until that is finished nothing is said about what is missing.');
  }
  if (coveredAheadTo !== null) {
    return unknown(
      `what counts as read reaches to ${utc(coveredAheadTo)}, which has not come yet; how far payments were really read is not certain.`,
    );
  }
  if (complete === null) {
    return {
      state: 'reading',
      sentence: `Not complete yet: payments created from ${utc(mirror.startsAt)} on have not all been read.`,
    };
  }
  return answerFor(
    `every payment created from ${utc(complete.from)} to ${utc(complete.to)} that succeeded by then`,
    facts,
  );
}

function answerFor(payments: string, facts: VerdictFacts): Omit<Verdict, 'needs'> {
  const { ledger, outstanding, proofs, behindMs } = facts;
  const missing = [
    ...counted(outstanding.pending, 'still to be posted'),
    ...counted(outstanding.parked, 'parked'),
    ...(ledger?.state === 'rows_missing' ? ['some that were posted are missing there'] : []),
  ];
  const except = [
    ...counted(outstanding.dismissed, 'dismissed'),
    ...counted(proofs.accepted, 'that a person accepted as different'),
  ];
  const late = whyLate(facts);
  const behind = ` It is ${formatDuration(behindMs ?? 0)} behind.`;
  const end =
    late.length === 0 ? behind : ` What succeeded later is not known completely: ${late.join(', ')}.${behind}`;
  const broken = brokenDays(proofs).map(({ day }) => day);
  const differed = `the ledger differed from Stripe on ${countedDays(broken.length)} when both were last compared: ${daysText(broken)}`;
  if (missing.length > 0) {
    const outside = [...missing, ...except].join(', ');
    const also = broken.length === 0 ? '' : ` And ${differed}.`;
    return {
      state: 'incomplete',
      sentence: `Not complete: ${payments} is known, but not all are in the ledger: ${outside}.${also}${end}`,
    };
  }
  if (broken.length > 0) {
    const left = except.length === 0 ? '' : ` (${except.join(', ')})`;
    return { state: 'incomplete', sentence: `Not complete: ${payments} is known${left}, but ${differed}.${end}` };
  }
  const held = `${payments} is in the ledger${except.length === 0 ? '' : `, except ${except.join(', ')}`}.${end}`;
  return late.length > 0
    ? { state: 'behind', sentence: `Behind: ${held}` }
    : { state: 'complete', sentence: `Complete: ${held}` };
}

/** Why what is newer than the end of completeness is not known as soon as it should be; empty when it is. */
function whyLate(facts: VerdictFacts): string[] {
  const { mirror, workers, holes, tailReadAt } = facts;
  const failure = lastingFailure(facts);
  const reasons: string[] = [];
  if (mirror !== null && mirror.eventsRefusedSince !== null) reasons.push('the Stripe key may not read events');
  if (holes.length > 0) reasons.push('time in between is not read yet');
  if (isSyncLate(facts)) {
    if (workers.length === 0) reasons.push('no worker is running');
    if (failure !== null) reasons.push(`reading ${failure.feed} has failed since ${utc(failure.since)}`);
    reasons.push(`the last sync was read to its end at ${utc(tailReadAt)}`);
  } else if (standsStill(facts)) {
    reasons.push('completeness has not moved since then');
  }
  return reasons;
}

function counted(count: number, what: string): string[] {
  return count === 0 ? [] : [`${formatCount(count)} ${what}`];
}
