/**
 * No single clock is trusted: which time may be taken for now, of the time that Stripe's answer states, the database's clock
 * and this machine's. A wrong `Date` of a proxy or cache, or a clock that nobody set, must not move coverage ahead of the
 * truth. Pure. Invariant: the result is never later than Stripe's own statement, nor than the smallest clock that another
 * one agrees with, so that one wrong clock of three can hold coverage back and never push it ahead.
 */
import { SyncError } from '../base/errors.js';
import { formatDuration } from '../base/time-text.js';
import { MINUTE_MS } from '../base/window.js';

/**
 * Clocks agree within this. Half a minute goes to an answer that was long on its way (its `Date` counts from when it was
 * asked for), the rest to machines that are set once in a while. Less is not worth a word: the smallest is taken anyway.
 */
export const AGREEMENT_MS = 2 * MINUTE_MS;

export interface ClockReadings {
  /** What Stripe's answer states, less the time that it took. */
  readonly stripe: Date;
  /** Null where there is no database, or while it does not answer. */
  readonly database: Date | null;
  /** Of the process that asks. */
  readonly machine: Date;
}

export type ClockFaultCode = 'stripe_time_off' | 'database_clock_off' | 'machine_clock_off' | 'clocks_disagree';

/** A clock that the others do not agree with; `clocks_disagree`: there are no two that agree. */
export interface ClockFault {
  readonly code: ClockFaultCode;
  /** Milliseconds ahead of what Stripe's answer stated; negative: behind. */
  readonly databaseAheadMs: number | null;
  readonly machineAheadMs: number;
}

export interface AgreedTime {
  /** Null when no two clocks agree: then nothing may count as read. */
  readonly now: Date | null;
  readonly fault: ClockFault | null;
}

/** @returns what time it is as far as it is certain, and which clock is off */
export function agreeOnTime({ stripe, database, machine }: ClockReadings): AgreedTime {
  const clocks = [stripe, database, machine].filter((clock) => clock !== null).map((clock) => clock.getTime());
  const agreeing = clocks.filter((clock, at) =>
    clocks.some((other, otherAt) => otherAt !== at && Math.abs(other - clock) <= AGREEMENT_MS),
  );
  const ahead = {
    databaseAheadMs: database === null ? null : database.getTime() - stripe.getTime(),
    machineAheadMs: machine.getTime() - stripe.getTime(),
  };
  if (agreeing.length === 0) return { now: null, fault: { code: 'clocks_disagree', ...ahead } };
  const now = new Date(Math.min(stripe.getTime(), ...agreeing));
  if (agreeing.length === clocks.length) return { now, fault: null };
  return { now, fault: { code: codeOf({ stripe, database }, new Set(agreeing)), ...ahead } };
}

/** Of the one clock that is not among those that agree. */
function codeOf(
  { stripe, database }: Pick<ClockReadings, 'stripe' | 'database'>,
  agreeing: ReadonlySet<number>,
): ClockFaultCode {
  if (!agreeing.has(stripe.getTime())) return 'stripe_time_off';
  return database !== null && !agreeing.has(database.getTime()) ? 'database_clock_off' : 'machine_clock_off';
}

/** Whether an error states no more than that the time is not known now: what can do without it goes on. */
export function isTimeUnknown(error: unknown): boolean {
  return error instanceof SyncError && ['no_server_time', 'clocks_disagree', 'stripe_time_off'].includes(error.code);
}

/** Who is off by how much, what that means, and what to do. */
export function clockFaultText({ code, databaseAheadMs, machineAheadMs }: ClockFault): string {
  switch (code) {
    case 'stripe_time_off':
      return (
        `Stripe's answers state a time that is ${offText(-machineAheadMs)} the clocks of the database and of this machine, ` +
        'which agree. The earlier time counts, so completeness may come late and never says too much. Look for a proxy or ' +
        'cache on the way to Stripe; where both clocks are of one machine, set that one (NTP)'
      );
    case 'database_clock_off':
      return (
        `The database's clock is ${offText(databaseAheadMs ?? 0)} Stripe's time, with which this machine's clock agrees. ` +
        "Set the clock of the database's server (NTP)"
      );
    case 'machine_clock_off':
      return (
        `This machine's clock is ${offText(machineAheadMs)} Stripe's time, with which the database's clock agrees. ` +
        'Set the clock of this machine (NTP)'
      );
    case 'clocks_disagree':
      return (
        `No two clocks agree within ${formatDuration(AGREEMENT_MS)}: ` +
        (databaseAheadMs === null
          ? ''
          : `the database's clock is ${offText(databaseAheadMs)} the time that Stripe states, `) +
        `this machine's is ${offText(machineAheadMs)} ${databaseAheadMs === null ? 'the time that Stripe states' : 'it'}. ` +
        'Until two agree nothing counts as read; payments are read and posted all the same. Set the clocks (NTP), and look ' +
        'for a proxy or cache on the way to Stripe'
      );
    default:
      return code satisfies never;
  }
}

function offText(aheadMs: number): string {
  return `${formatDuration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'}`;
}
