/** How often each injected fault of a run hit, as a table for a person, and what a long run must have to count. */

import type { Home } from '../homes.js';
import type { Journal, RoundEntry } from './journal.js';
import { HOME_NAMES as HOMES } from './plan.js';

/** Within fewer rounds not every fault need come up on every home. */
const LONG_RUN_ROUNDS = 150;

/** Of all injected faults of a run, after their tries: a point that the work does not come by in time is nobody's fault, now and then. */
const MISSED_SHARE_MAX = 0.05;

/** Core's locks live five minutes; a round that saw them for this long has waited one out. */
const WAITED_OUT_MS = 4 * 60_000;
const REAL_RUN_ROUNDS = 50;
const WAITED_OUT_LEAST = 5;

type Count = { hit: number; missed: number };

export function tableOf(journal: Journal): string {
  const counts = countInjections(journal.rounds);
  const names = [...counts.keys()].sort();
  const width = Math.max(12, ...names.map((name) => name.length));
  const line = (name: string, cells: readonly string[]) =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(15))].join(' ');
  const faults = (vendor: 'stripe' | 'blnk') => journal.rounds.reduce((sum, round) => sum + round.faults[vendor], 0);
  return [
    line('hit (missed)', HOMES),
    ...names.map((name) =>
      line(
        name,
        HOMES.map((home) => cellOf(counts.get(name)?.get(home))),
      ),
    ),
    line(
      'rounds',
      HOMES.map((home) => String(journal.rounds.filter((round) => round.home === home).length)),
    ),
    `injected faults: ${sumOf(journal, 'hit')} hit, ${sumOf(journal, 'missed')} missed; requests that met a vendor's fault: Stripe ${faults('stripe')}, Blnk ${faults('blnk')}`,
    ...(journal.means?.lacks ?? []),
  ].join('\n');
}

/** Why a run does not count although all its rounds passed; empty when it does. */
export function judge(journal: Journal, { isRealCore }: { readonly isRealCore: boolean }): readonly string[] {
  const { rounds, means } = journal;
  const problems: string[] = [];
  const all = sumOf(journal, 'hit') + sumOf(journal, 'missed');
  if (rounds.length >= LONG_RUN_ROUNDS && sumOf(journal, 'missed') > MISSED_SHARE_MAX * all) {
    problems.push(
      `${sumOf(journal, 'missed')} of ${all} injected faults missed; allowed is a share of ${MISSED_SHARE_MAX}`,
    );
  }
  const counts = countInjections(rounds);
  for (const [home, names] of rounds.length >= LONG_RUN_ROUNDS ? Object.entries(means?.injections ?? {}) : []) {
    const never = names.filter((name) => (counts.get(name)?.get(home as Home['name'])?.hit ?? 0) === 0);
    if (never.length > 0) problems.push(`never hit on ${home}: ${never.join(', ')}`);
  }
  const waited = waitedOut(rounds);
  if (isRealCore && rounds.length >= REAL_RUN_ROUNDS && waited < WAITED_OUT_LEAST) {
    problems.push(`${waited} rounds waited out a lock of Core; at least ${WAITED_OUT_LEAST} have to`);
  }
  return problems;
}

/** Rounds in which Core's lock was waited out. */
export function waitedOut(rounds: readonly RoundEntry[]): number {
  return rounds.filter(({ lockedMs, result }) => result === 'passed' && lockedMs >= WAITED_OUT_MS).length;
}

function countInjections(rounds: readonly RoundEntry[]): ReadonlyMap<string, ReadonlyMap<Home['name'], Count>> {
  const counts = new Map<string, Map<Home['name'], Count>>();
  for (const { home, injections } of rounds) {
    for (const { injection, isHit } of injections) {
      const byHome = counts.get(injection) ?? new Map<Home['name'], Count>();
      const count = byHome.get(home) ?? { hit: 0, missed: 0 };
      count[isHit ? 'hit' : 'missed'] += 1;
      counts.set(injection, byHome.set(home, count));
    }
  }
  return counts;
}

function sumOf({ rounds }: Journal, what: 'hit' | 'missed'): number {
  return rounds.flatMap(({ injections }) => injections).filter(({ isHit }) => isHit === (what === 'hit')).length;
}

function cellOf(count: Count | undefined): string {
  if (count === undefined) return '-';
  return count.missed === 0 ? `${count.hit}` : `${count.hit} (${count.missed})`;
}
