/** Whether Stripe's time, PostgreSQL's clock and this machine's agree; the rule is the one of collecting. */
import { formatDuration } from '../base/time-text.js';
import { AGREEMENT_MS, agreeOnTime, clockFaultText } from '../coverage/agree-on-time.js';
import { NEEDS } from '../verdict/need.js';
import type { ClockFacts } from './facts.js';
import { type Check, type Finding, fine, skipped } from './finding.js';

export const clocksCheck: Check = { part: 'clocks', judge: ({ clocks }) => [judge(clocks)] };

function judge({ machineNow, stripeAheadMs, databaseAheadMs }: ClockFacts): Finding {
  const database = databaseAheadMs === null ? null : new Date(machineNow.getTime() + databaseAheadMs);
  if (stripeAheadMs === null) return withoutStripe(databaseAheadMs);
  const stripe = new Date(machineNow.getTime() + stripeAheadMs);
  const { fault } = agreeOnTime({ stripe, database, machine: machineNow });
  if (fault === null) {
    const who = database === null ? 'Stripe and this machine' : 'Stripe, PostgreSQL and this machine';
    return fine(`${who} agree within ${formatDuration(AGREEMENT_MS)}`);
  }
  const isError = NEEDS[fault.code] === 'error';
  return { state: isError ? 'fail' : 'warn', code: fault.code, text: clockFaultText(fault), do: SET_CLOCKS };
}

const SET_CLOCKS = 'Compare them: date -u; curl -sI https://api.stripe.com | grep -i ^date; then set what is off (NTP)';

function withoutStripe(databaseAheadMs: number | null): Finding {
  if (databaseAheadMs === null || Math.abs(databaseAheadMs) <= AGREEMENT_MS) {
    return skipped("Stripe's time is not known yet");
  }
  const off = `${formatDuration(Math.abs(databaseAheadMs))} ${databaseAheadMs < 0 ? 'behind' : 'ahead of'}`;
  return {
    ...{ state: 'warn', code: 'clocks_disagree', do: SET_CLOCKS },
    text: `PostgreSQL's clock is ${off} this machine's, and Stripe's time, which decides between them, is not known yet`,
  };
}
