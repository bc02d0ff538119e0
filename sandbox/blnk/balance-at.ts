// A balance as of a moment, summed from the rows. It counts every row of the ledger: right, not fast.

import { type Answer, failureAnswer, notFound } from './answers.js';
import type { Balance } from './balance-book.js';
import type { CoreState } from './core-state.js';
import { formatRfc3339, parseRfc3339 } from './rfc3339.js';

/**
 * GET /balances/:id/at: the sum of what took effect by then, not of what was stored by then. There are no snapshots here, so
 * `from_source` changes nothing but what the answer says of itself.
 */
export function getBalanceAt(core: CoreState, balanceId: string, query: URLSearchParams): Answer {
  const asked = query.get('timestamp');
  const at = asked === null ? core.stamp() : parseRfc3339(asked);
  if (at === undefined) {
    const message = 'invalid timestamp format. Please use ISO 8601 format (e.g., 2024-01-01T15:04:05Z)';
    return failureAnswer({ status: 400, code: 'BAL_INVALID_TIMESTAMP', message });
  }
  const balance = core.balances.byId(balanceId);
  if (balance === undefined) {
    return failureAnswer(notFound('BAL_NOT_FOUND', `Balance with ID '${balanceId}' not found`));
  }
  const { credit, debit } = sumUntil(core, balance, at);
  const timestamp = formatRfc3339(Math.floor(at / 1_000_000) * 1_000_000);
  const body =
    `{"balance":{"balance":${credit - debit},"balance_id":"${balanceId}","credit_balance":${credit},` +
    `"currency":${JSON.stringify(balance.currency)},"debit_balance":${debit}},"from_source":${query.get('from_source') === 'true'},"timestamp":"${timestamp}"}`;
  return { status: 200, body };
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
