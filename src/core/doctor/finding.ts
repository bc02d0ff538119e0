/**
 * What `doctor` says of one part: how it is, in one line, and where something is wrong what to do next. Codes are those of the
 * runbook: error codes, needs of `status`, and the few below that only `doctor` finds, which a test compares with the runbook.
 */
import type { ErrorCode } from '../base/error-codes.js';
import { formatDuration } from '../base/time-text.js';
import type { NeedCode } from '../verdict/need.js';
import type { Answer, DoctorFacts, Fault } from './facts.js';

/** `fail`: a worker would not start, or not do its work. `warn`: it works, and somebody should know. `skipped`: not known yet. */
export type CheckState = 'ok' | 'warn' | 'fail' | 'skipped';

export const DOCTOR_CODES = {
  variable_unknown: 'warn',
  stripe_key_full: 'warn',
  queue_server_old: 'warn',
  queue_not_kept: 'warn',
  disk_nearly_full: 'warn',
  disk_full: 'fail',
  webhook_not_heard: 'warn',
  tables_newer: 'warn',
  start_ignored: 'warn',
  sync_every_not_kept: 'warn',
  stripe_reads_used_up: 'warn',
} as const satisfies Record<string, 'warn' | 'fail'>;

type DoctorCode = keyof typeof DOCTOR_CODES;

export interface Finding {
  readonly state: CheckState;
  /** Of its entry in the runbook; null where nothing is wrong. */
  readonly code: ErrorCode | NeedCode | DoctorCode | null;
  /** May hold what vendors said: harmless only once it is printed as plain text. */
  readonly text: string;
  /** What to do next; null where nothing is to be done. */
  readonly do: string | null;
}

/** With the part that it is about. */
export interface PartFinding extends Finding {
  readonly part: string;
}

export interface DoctorReport {
  readonly findings: readonly PartFinding[];
  /** Requests to Stripe that the examination took. */
  readonly stripeReads: number;
  /** False where none of them reached anybody who answered as Stripe does. */
  readonly isStripeAnswering: boolean;
}

export interface Check {
  /** Of a word or two, for the first column. */
  readonly part: string;
  /** At least one finding: also where all is well, or nothing is known. */
  judge(facts: DoctorFacts): readonly Finding[];
}

export function fine(text: string): Finding {
  return { state: 'ok', code: null, text, do: null };
}

export function skipped(text: string): Finding {
  return { state: 'skipped', code: null, text, do: null };
}

export function found(code: DoctorCode, text: string, next: string): Finding {
  return { state: DOCTOR_CODES[code], code, text, do: next };
}

/** What the software itself says where it meets the same fault. */
export function faulty({ code, message }: Fault, state: 'warn' | 'fail' = 'fail'): Finding {
  const check = CHECKS_OF_CODES[code];
  if (check !== undefined) return { state, code, text: message, do: check };
  const [, what, advice] = ADVICE.exec(message) ?? [];
  if (what === undefined || advice === undefined) {
    return { state, code, text: message, do: `Look up ${code} in docs/runbook.md` };
  }
  return { state, code, text: what, do: `${advice.charAt(0).toUpperCase()}${advice.slice(1)}` };
}

/** Of faults whose words end with somebody else's, in which no advice is looked for. */
const CHECKS_OF_CODES: Readonly<Partial<Record<ErrorCode, string>>> = {
  stripe_unavailable:
    'Check status.stripe.com, STRIPE_API_BASE where it is set, and that this machine reaches it (a firewall, DNS)',
  blnk_unavailable: 'Check that it runs, BLNK_API_BASE, and that this machine reaches it (a firewall, DNS)',
  blnk_look_up_refused: 'Check that BLNK_API_BASE leads to Blnk and not to another service',
};

/** Every fault says what happened, and then what to do: in a sentence of its own, or behind a semicolon. */
const ADVICE = /^(.+?)(?:\. (?=[A-Z][a-z]*:? )|; (?=(?:ask|check|copy|make|put|set|update|use) ))(.+)$/s;

export interface Asked {
  /** Whose answer it is, for "… did not answer". */
  readonly who: string;
  /** Of somebody who does not answer. */
  readonly code: ErrorCode;
  /** What to look at then; absent where its code says it. */
  readonly check?: string;
}

/** The findings of an answer; of one that did not come, why. */
export function ofAnswer<Facts>(
  answer: Answer<Facts>,
  { who, code, check }: Asked,
  judge: (facts: Facts) => readonly Finding[],
): readonly Finding[] {
  switch (answer.kind) {
    case 'given':
      return judge(answer.facts);
    case 'fault':
      return [faulty(answer.fault)];
    case 'late': {
      const text = `${who} did not answer in ${formatDuration(answer.limitMs).replace('.0s', 's')}`;
      return [{ ...faulty({ code, message: text }), ...(check === undefined ? {} : { do: check }) }];
    }
    case 'unasked':
      return [skipped(answer.why)];
    default:
      return answer satisfies never;
  }
}

/** For what depends on an answer that another part tells about. */
export function ofKnown<Facts>(
  answer: Answer<Facts>,
  why: string,
  judge: (facts: Facts) => readonly Finding[],
): readonly Finding[] {
  return answer.kind === 'given' ? judge(answer.facts) : [skipped(why)];
}
