/**
 * Which days are to be proven now. Pure: it is given times and what was proven; it reads no clock. A day is due: two days
 * after it closed; again after 75 days; at once when a person asked for it, or when a payment was stored, an acceptance or
 * dismissal changed, or a repair was applied after its last proof; once a day while it is not sealed; and in rotation once it
 * is sealed, because a ledger may be restored from a backup. A sealed day gives way to other work for a bounded time.
 */

import { daysBetween, dayWindow } from '../core/base/window.js';
import type { ProofTrigger } from '../core/proof/certificate.js';
import { isSealed } from '../core/proof/reopening.js';
import type { DayStanding } from './ports.js';
import type { DayToProve } from './prove-days.js';

export interface ScheduleFacts {
  /** The database's clock, as in `provedAt`. */
  readonly now: Date;
  /** The mirror's start: its day is the first one of which every payment is mirrored that succeeds. */
  readonly startsAt: Date;
  /** Days before that one that have payments of the mirror, oldest first. */
  readonly earlierDays: readonly string[];
  /** The end of completeness; null when nothing is complete. */
  readonly completeTo: Date | null;
  readonly standings: readonly DayStanding[];
  readonly lastRotationAt: Date | null;
  /** When a person asked for a proof of a day last. */
  readonly requested: ReadonlyMap<string, Date>;
}

/** All in milliseconds. */
export interface ScheduleRules {
  /** First proof, counted from the day's end. */
  readonly firstAfterMs: number;
  /** Second proof, counted from the day's end: no payment method takes longer to succeed. */
  readonly lateAfterMs: number;
  /** Between two proofs of a day that is not sealed. */
  readonly againAfterMs: number;
  /** Between two proofs of the rotation. */
  readonly rotateEveryMs: number;
  /** A sealed day whose proof is younger is left to its milestones. */
  readonly rotateAgeMs: number;
  /** A sealed day that has been due for so long gives way no more: a mirror may have no gap for weeks. */
  readonly giveWayForMs: number;
}

/**
 * Days that a person asked for first, then reopened ones, then those that are not sealed, then sealed ones, each newest first; last
 * those of the rotation, of which a turn takes one. No day comes twice.
 */
export function dueDays(facts: ScheduleFacts, rules: ScheduleRules): DayToProve[] {
  if (facts.completeTo === null) return [];
  const standings = new Map(facts.standings.map((standing) => [standing.day, standing]));
  const requested: DayToProve[] = [];
  const reopened: DayToProve[] = [];
  const due: DayToProve[] = [];
  const dueAgain: DayToProve[] = [];
  const sealed: DayStanding[] = [];
  for (const day of [...facts.earlierDays, ...daysBetween(facts.startsAt, facts.completeTo)].reverse()) {
    const standing = standings.get(day);
    const isReopened = standing?.storedSince === true;
    const trigger = milestoneDue(day, { standing, now: facts.now, rules });
    const requestedAt = facts.requested.get(day);
    if (requestedAt !== undefined && (standing === undefined || requestedAt > standing.provedAt))
      requested.push({ day, trigger: 'manual' });
    else if (isReopened) reopened.push({ day, trigger: 'reopened' });
    else if (standing?.acceptanceSince === true) reopened.push({ day, trigger: 'acceptance' });
    else if (standing?.repairedSince === true) reopened.push({ day, trigger: 'repair' });
    else if (standing?.decidedSince === true) reopened.push({ day, trigger: 'decision' });
    else if (trigger !== null && standing?.states.every(isSealed) === true) {
      const dueAtMs = dayWindow(day).to.getTime() + (trigger === 'two_days' ? rules.firstAfterMs : rules.lateAfterMs);
      dueAgain.push({ day, trigger, ...wayOf(facts.now.getTime() - dueAtMs, rules) });
    } else if (trigger !== null) due.push({ day, trigger });
    else if (standing?.states.every(isSealed) === true) sealed.push(standing);
  }
  return [...requested, ...reopened, ...due, ...dueAgain, ...rotation(sealed, facts, rules)];
}

/** A server that was away is back by then; a permission that is missing would have every day proven again and again. */
const UNSEEN_PROOFS_MAX = 3;

/** Why the day is due now by its age and its last proof; null when it is not. */
function milestoneDue(
  day: string,
  {
    standing,
    now,
    rules,
  }: { readonly standing: DayStanding | undefined; readonly now: Date; readonly rules: ScheduleRules },
): ProofTrigger | null {
  const end = dayWindow(day).to.getTime();
  const [first, late] = [end + rules.firstAfterMs, end + rules.lateAfterMs];
  if (now.getTime() < first) return null;
  const isLate = now.getTime() >= late;
  const trigger = isLate ? 'seventy_five_days' : 'two_days';
  if (standing === undefined || standing.provedAt.getTime() < (isLate ? late : first)) return trigger;
  const isOld = now.getTime() - standing.provedAt.getTime() >= rules.againAfterMs;
  const isToBeSeen = standing.unseenProofs > 0 && standing.unseenProofs < UNSEEN_PROOFS_MAX;
  return isOld && (isToBeSeen || !standing.states.every(isSealed)) ? trigger : null;
}

/**
 * The sealed days whose proof is old, the oldest first, when the last turn of the rotation is long enough ago. One of them is taken:
 * the first that can be proven, so that one that cannot does not keep all others from their turn.
 */
function rotation(
  sealed: readonly DayStanding[],
  { now, lastRotationAt }: ScheduleFacts,
  rules: ScheduleRules,
): DayToProve[] {
  const { rotateEveryMs, rotateAgeMs } = rules;
  if (lastRotationAt !== null && now.getTime() - lastRotationAt.getTime() < rotateEveryMs) return [];
  const turnAtMs = (lastRotationAt?.getTime() ?? 0) + rotateEveryMs;
  return sealed
    .filter(({ provedAt }) => now.getTime() - provedAt.getTime() >= rotateAgeMs)
    .sort((a, b) => a.provedAt.getTime() - b.provedAt.getTime() || (a.day < b.day ? -1 : 1))
    .map(({ day, provedAt }) => {
      const dueAtMs = Math.max(provedAt.getTime() + rotateAgeMs, turnAtMs);
      return { day, trigger: 'rotation', ...wayOf(now.getTime() - dueAtMs, rules) };
    });
}

function wayOf(dueForMs: number, { giveWayForMs }: ScheduleRules): Pick<DayToProve, 'givesWay'> {
  return dueForMs < giveWayForMs ? { givesWay: true } : {};
}
