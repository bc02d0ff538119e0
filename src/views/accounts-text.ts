/** What a look at the mirror's own ledger came to, for a terminal. */
import type { SumVerdict } from '../core/accounts/judge-sums.js';
import { formatMoney } from '../core/base/money.js';
import { formatCount } from '../core/base/time-text.js';
import type { AccountsChecked, CheckedSum } from '../operations/check-accounts.js';
import { type Column, renderFacts, renderTable } from './table.js';

const MEANING: Readonly<Record<SumVerdict, string>> = {
  equal: 'equal',
  moving: 'equal as far as it shows while payments are posted',
  different: 'DIFFERENT',
};

const SHARED = ', by what this mirror posted: others use its source too';

export function accountsLines({ accounts, sums }: AccountsChecked, terminalColumns: number): string[] {
  const { ledgerName, ledgerId, balances, wanted, missing, surplus, surplusLedgers, marksLost } = accounts;
  const none = (count: number, text: string) => (count === 0 ? null : text);
  return [
    ...renderFacts([
      ['ledger', `${ledgerName ?? ''} (${ledgerId ?? 'not made yet'})`],
      ['in use', `${formatCount(balances)} balances`],
      ['to be made', none(wanted, formatCount(wanted))],
      ['missing in Blnk', none(missing, formatCount(missing))],
      [
        'beside them',
        none(surplus.count, `${formatCount(surplus.count)}, ${formatCount(surplus.used)} of them with money on it`),
      ],
      ['other ledgers', none(surplusLedgers.length, surplusLedgers.join(', '))],
      ['marks changed', none(marksLost, formatCount(marksLost))],
    ]),
    '',
    ...renderTable(COLUMNS, sums, terminalColumns),
  ];
}

const COLUMNS: readonly Column<CheckedSum>[] = [
  { title: 'currency', rank: 0, value: ({ currency }) => currency },
  { title: 'customers', rank: 0, align: 'right', value: ({ currency, customers }) => money(customers, currency) },
  { title: 'out of the source', rank: 0, align: 'right', value: ({ currency, after }) => money(after, currency) },
  {
    title: 'sums',
    rank: 0,
    value: ({ verdict, isSourceShared }) => `${MEANING[verdict]}${isSourceShared ? SHARED : ''}`,
  },
];

function money(amount: string, currency: string): string {
  return formatMoney({ amount: BigInt(amount), currency });
}
