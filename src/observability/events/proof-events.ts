/** Days and what their proofs say. */
import { commandLine } from '../../core/base/own-command.js';
import { formatCount } from '../../core/base/time-text.js';
import { countText, define } from './define.js';

const DAY = 'UTC day on which its payments were created';
const DAYS = 'the days, newest first; at most 31 of them';
const COUNT = 'how many days';

/** More would be a list that nobody reads; `certificates list` has them. */
const DAYS_NAMED_MAX = 3;

function namesOf({ count, days }: { readonly count: number; readonly days: readonly string[] }): string {
  const named = days.slice(0, DAYS_NAMED_MAX);
  const others = count - named.length;
  return `${named.join(', ')}${others > 0 ? ` and ${formatCount(others)} more` : ''}`;
}

export const PROOF_EVENTS = {
  daysSealed: define<{ readonly count: number; readonly exceptions: number; readonly days: readonly string[] }>({
    level: 'info',
    fields: { count: COUNT, exceptions: 'of these, sealed with exceptions', days: DAYS },
    sentence: ({ count, exceptions, days }) =>
      `sealed: of ${countText(count, 'day')} both sides are equal (${namesOf({ count, days })})` +
      (exceptions === 0 ? '' : `, of ${formatCount(exceptions)} but for exceptions that are listed`),
    meaning:
      'Days were proven, and the ledger holds what Stripe shows. Days that were sealed before and are again are not named.',
    whatToDo: 'with exceptions: `certificates show <day>`',
  }),
  daysOpen: define<{ readonly count: number; readonly days: readonly string[]; readonly what: string }>({
    level: 'warn',
    fields: { count: COUNT, days: DAYS, what: 'kinds of what is not decided, with their numbers' },
    sentence: ({ count, days, what }) =>
      `${formatCount(count)} ${count === 1 ? 'day stays' : 'days stay'} open (${namesOf({ count, days })}), because ` +
      `something is not decided: ${what}`,
    meaning: 'Days were proven, and cannot be sealed until what is parked, unreadable or on its way is decided.',
    whatToDo: '`certificates show <day>`, then mostly `parked list`; they are proven again once a day',
  }),
  dayBroken: define<{
    readonly day: string;
    readonly trigger: string;
    readonly findings: number;
    readonly what: string;
  }>({
    level: 'error',
    fields: {
      day: DAY,
      trigger: 'why it was proven now',
      findings: 'how many',
      what: 'kinds of what differs, by currency',
    },
    sentence: ({ day, what }) =>
      `${day} is broken, because the ledger differs from Stripe: ${what}. What differs: ` +
      `${commandLine(`certificates show ${day}`)}; what would repair it: ${commandLine('repair plan')}`,
    meaning: 'Payments are missing, different, doubled or extra in the ledger.',
    whatToDo: '`certificates show <day>`, then `repair plan`: see findings of a proof in the runbook',
  }),
  dayReopened: define<{
    readonly day: string;
    readonly currency: string | null;
    readonly because: string;
    readonly state: string;
  }>({
    level: 'warn',
    fields: {
      day: DAY,
      currency: 'of which the certificate is; null for a day without payments',
      because: 'what changed',
      state: 'what the day is now',
    },
    sentence: ({ day, currency, because, state }) =>
      `${day}${currency === null ? '' : ` in ${currency}`} was sealed and is ${state.replaceAll('_', ' ')} now: ${because}`,
    meaning: 'A day that was sealed comes out differently now.',
    whatToDo: 'nothing after a late success, which is sealed again at once; else `certificates show <day>`',
  }),
  daysProven: define<{
    readonly days: number;
    readonly sealed: number;
    readonly sealedWithExceptions: number;
    readonly open: number;
    readonly broken: number;
    readonly notCovered: number;
  }>({
    level: 'info',
    fields: {
      days: COUNT,
      sealed: 'of these, equal on both sides',
      sealedWithExceptions: 'of these, equal but for what is listed',
      open: 'of these, not decided',
      broken: 'of these, different',
      notCovered: 'of these, not read to their end',
    },
    sentence: ({ days, sealed, sealedWithExceptions, open, broken, notCovered }) => {
      const states = [
        ...[`${formatCount(sealed)} sealed`, `${formatCount(sealedWithExceptions)} sealed with exceptions`],
        ...[`${formatCount(open)} open`, `${formatCount(broken)} broken`, `${formatCount(notCovered)} not covered`],
      ];
      return `${countText(days, 'day')} proven: ${states.filter((state) => !state.startsWith('0 ')).join(', ')}`;
    },
    meaning: 'One turn of proofs has ended.',
    whatToDo: 'nothing: what needs a person has a line of its own',
  }),
  proofFailed: define<{ readonly day: string; readonly code: string; readonly error: string }>({
    level: 'warn',
    fields: { day: DAY, code: 'code of the fault, see the runbook', error: 'what went wrong, in words' },
    sentence: ({ day, code, error }) => `${day} could not be proven; it is tried again later: ${code}: ${error}`,
    meaning: 'Stripe or Blnk could not be asked to the end.',
    whatToDo: 'nothing while one of them is away; else look its code up in the runbook',
    isCounted: true,
  }),
  proofNeedsPerson: define<{ readonly day: string; readonly code: string; readonly error: string }>({
    level: 'error',
    fields: { day: DAY, code: 'code of the fault, see the runbook', error: 'what went wrong, in words' },
    sentence: ({ day, code, error }) =>
      `${day} was not proven, and no day can be until a person acts: ${code}: ${error}`,
    meaning: 'No day can be proven until a person acts, for example because a key was refused.',
    whatToDo: 'look its code up in the runbook',
    isCounted: true,
  }),
};
