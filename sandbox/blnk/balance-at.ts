// A balance as of a moment, summed from the rows. It counts every row of the ledger: right, not fast.

import { type Answer, failureAnswer, noSuchRow } from './answers.js';
import type { Balance } from './balance-book.js';
import type { CoreState } from './core-state.js';
import { formatRfc3339, parseRfc3339 } from './rfc3339.js';

/**
 * GET /balances/:id/at: the sum of what took effect by then, not of what was stored by then. There are no snapshots here, so
 * `from_source` changes nothing but what the answer says of itself.
 */
export function getBalanceAt(core: CoreState, balanceId: string, query: URLSearchParams): Answer {
  const asked = query.get('timestamp');
  const text = asked === null || asked === '' ? formatRfc3339(core.stamp()) : asked;
  if (parseRfc3339(text) === undefined) {
    const message = 'invalid timestamp format. Please use ISO 8601 format (e.g., 2024-01-01T15:04:05Z)';
    return failureAnswer({ status: 400, code: 'BAL_INVALID_TIMESTAMP', message });
  }
  const balance = core.balances.byId(balanceId);
  if (balance === undefined) {
    return failureAnswer(noSuchRow('BAL_NOT_FOUND', `Balance '${balanceId}' not found`));
  }
  const { credit, debit } = sumUntil(core, balance, comparedMicros(text));
  const fromSource = ['true', '1'].includes(query.get('from_source') ?? '');
  const body =
    `{"balance":{"balance":${credit - debit},"balance_id":"${balanceId}","credit_balance":${credit},` +
    `"currency":${JSON.stringify(balance.currency)},"debit_balance":${debit}},"from_source":${fromSource},` +
    `"timestamp":"${text.replace(/[.,]\d+/, '')}"}`;
  return { status: 200, body };
}

/**
 * Core's column has no zone, so the zone of the question is dropped: 02:00+02:00 is compared as 02:00. PostgreSQL rounds
 * to microseconds: seven nines are the next second.
 */
function comparedMicros(text: string): number {
  const [, whole = '', digits = ''] = /^(.*?T[\d:]{8})(?:[.,](\d+))?/.exec(text) ?? [];
  return (parseRfc3339(`${whole}Z`) ?? Number.NaN) + Math.round(Number(`0.${digits}0`) * 1_000_000);
}

function sumUntil(core: CoreState, balance: Balance, at: number): { credit: bigint; debit: bigint } {
  const { transactions } = core;
  const sums = { credit: 0n, debit: 0n };
  for (let row = 0; row < transactions.rowCount; row += 1) {
    const isDebit = transactions.number(row, 'source') === balance.number;
    const isCredit = transactions.number(row, 'destination') === balance.number;
    if ((!isDebit && !isCredit) || transactions.statusOf(row) !== 'APPLIED') {
      continue;
    }
    const effective = transactions.number(row, 'effectiveMicros');
    if ((Number.isNaN(effective) ? transactions.number(row, 'createdMicros') : effective) <= at) {
      sums[isDebit ? 'debit' : 'credit'] += transactions.amountOf(row);
    }
  }
  return sums;
}
