/** What proofs ask of a person: days on which the ledger differs from Stripe, and proofs that stay away. Pure. */
import { commandLine } from '../base/own-command.js';
import { DAY_MS, HOUR_MS, utcDay } from '../base/window.js';
import { countedDays, daysText } from './days-text.js';
import type { ProofFacts, UnsealedDay, VerdictFacts } from './facts.js';
import { type Need, need } from './need.js';

/** A day is proven two days after it closed; two more for outages that end by themselves. */
const PROOFS_LATE_MS = 5 * DAY_MS;

/** Days on which the newest proof found that the ledger differs from Stripe. */
export function brokenDays({ unsealed }: ProofFacts): readonly UnsealedDay[] {
  return unsealed.filter(({ state }) => state === 'broken');
}

export function needsOfProofs(facts: VerdictFacts): Need[] {
  const broken = brokenDays(facts.proofs);
  const [standing, changed] = [broken.filter((day) => !day.changedSince), broken.filter((day) => day.changedSince)];
  const needs: Need[] = [];
  if (standing.length > 0) {
    const days = standing.map(({ day }) => day);
    needs.push(
      need(
        'day_broken',
        `${countedDays(days.length)} ${days.length === 1 ? 'is' : 'are'} broken, the ledger differs from Stripe: ` +
          `${daysText(days)}. What differs: ${commandLine(`certificates show ${days[0]}`)}. A plan says what would repair it, and changes nothing yet.`,
        commandLine('repair plan'),
      ),
    );
  }
  if (changed.length > 0) {
    const days = changed.map(({ day }) => day);
    needs.push(
      need(
        'day_to_prove_again',
        `${countedDays(days.length)} ${days.length === 1 ? 'was' : 'were'} broken and changed since: ${daysText(days)}. ` +
          'A worker proves them again once their postings are settled.',
        commandLine(`prove --from ${days.at(-1)} --to ${days[0]}`),
      ),
    );
  }
  return [...needs, ...lateProofs(facts)];
}

/** A first start, and a worker that was off for long, has many days to prove, oldest first. */
const CATCHES_UP_MS = HOUR_MS;

/** Proofs that stay away although payments are read: nothing else would say so, because nothing is wrong with what is there. */
function lateProofs({ proofs: { to }, workers, complete, mirror, now }: VerdictFacts): Need[] {
  const startedAt = mirror?.cutoverAt ?? null;
  const isAtWork = workers.some((worker) => now.getTime() - worker.startedAt.getTime() > CATCHES_UP_MS);
  if (!isAtWork || complete === null || startedAt === null) return [];
  const provenTo = to === null ? null : Date.parse(to) + DAY_MS;
  if (complete.to.getTime() - (provenTo ?? startedAt.getTime()) <= PROOFS_LATE_MS) return [];
  return [
    need(
      'proofs_late',
      `${to === null ? 'No day was proven yet' : `No day after ${to} was proven`}, though payments are known to ` +
        `${utcDay(complete.to)}. A worker proves them by itself, unless postings of these days are on their way; its log ` +
        'says why it cannot.',
      commandLine('prove'),
    ),
  ];
}
