/** What the mirror's own ledger and its balances need. A payment is never posted to a balance that is guessed: it waits. Pure. */
import type { CheckedCurrency } from '../accounts/account-facts.js';
import { BALANCE_REASONS, GONE } from '../accounts/balance-reasons.js';
import { judgeSum } from '../accounts/judge-sums.js';
import { withoutFullStop } from '../base/errors.js';
import { formatMoney } from '../base/money.js';
import { commandLine } from '../base/own-command.js';
import { formatCount } from '../base/time-text.js';
import type { VerdictFacts } from './facts.js';
import { type Need, need } from './need.js';

type Accounts = NonNullable<VerdictFacts['accounts']>;

/**
 * From both tables: what was seen once would come into the map again. Only those that are gone when it is executed: Blnk may have shown
 * one again since it was printed. The whole ledger is read before others are made: Blnk may show
 * by then what it did not.
 */
const FORGET_MISSING =
  'with gone as (delete from stripe_blnk_sync.account_balances where missing_since is not null and ' +
  `reason = '${GONE}' returning balance_id), ` +
  'again as (update stripe_blnk_sync.accounts_ledger set read_to = null) ' +
  'delete from stripe_blnk_sync.account_balances_seen where balance_id in (select balance_id from gone)';

/** With what is known of it, and of balances that Blnk does not show: what is shown all the same is read again, and used on. */
const FORGET_LEDGER =
  'with gone as (update stripe_blnk_sync.accounts_ledger set ledger_id = null, name = null, attempted_at = null, attempts = 0, ' +
  `read_to = null, reason = null, last_error = null where ledger_id is not null and reason = '${GONE}' returning id), ` +
  'again as (delete from stripe_blnk_sync.account_balances where missing_since is not null and exists (select from gone)) ' +
  'delete from stripe_blnk_sync.account_balances_seen where exists (select from gone) and balance_id not in (select balance_id from ' +
  'stripe_blnk_sync.account_balances where balance_id is not null and missing_since is null)';

export function needsOfAccounts({ accounts }: VerdictFacts): Need[] {
  return accounts === null ? [] : [...needsOfMaking(accounts), ...needsOfMap(accounts), ...needsOfSums(accounts.sums)];
}

function needsOfMaking({ ledgerId, isLedgerGone, ledgerError, parked, failing }: Accounts): Need[] {
  const needs: Need[] = [];
  if (isLedgerGone) {
    needs.push(
      need(
        'ledger_gone',
        `Blnk does not have the mirror's ledger ${ledgerId} any more, and makes no balances in it; their payments wait. Restore it. If it is ` +
          `gone for good, forget it, and another one is made: ${FORGET_LEDGER}.`,
      ),
    );
  }
  if (ledgerId === null && ledgerError !== null) {
    needs.push(
      need(
        'ledger_not_made',
        `The mirror's ledger in Blnk is not there, and payments wait for it: ${withoutFullStop(ledgerError)}. It is looked for by itself.`,
      ),
    );
  }
  for (const { reason, count } of parked) {
    needs.push(
      need(
        'balances_parked',
        `${balancesText(count)} not made in Blnk, whose payments wait: ${BALANCE_REASONS[reason]}. ` +
          'Which ones: select name, currency, reason, last_error from stripe_blnk_sync.account_balances where reason is not null.',
      ),
    );
  }
  if (failing !== null) {
    needs.push(needOfFailing(failing));
  }
  return needs;
}

function needOfFailing({ count, error, isStandstill }: NonNullable<Accounts['failing']>): Need {
  const why = withoutFullStop(error);
  return isStandstill
    ? need(
        'balances_standstill',
        `${balancesText(count)} wanted in Blnk, and none was made for more than 15 minutes; their payments wait: ${why}. It is tried again by itself.`,
      )
    : need(
        'balances_waiting',
        `${balancesText(count)} wanted in Blnk for more than five minutes, and tried again by themselves: ${why}.`,
      );
}

function needsOfMap({ missing, surplus, surplusLedgers, marksLost }: Accounts): Need[] {
  const needs: Need[] = [];
  if (missing > 0) {
    needs.push(
      need(
        'balances_missing',
        `${balancesText(missing)} in use that Blnk does not know any more; nothing is posted to them. Restore the ledger. If they are gone ` +
          `for good, forget them, and others are made: ${FORGET_MISSING}.`,
      ),
    );
  }
  if (surplus.count > 0 || surplusLedgers.length > 0) {
    const used = surplus.used === 0 ? 'all of them empty' : `${formatCount(surplus.used)} of them with money on it`;
    const beside = [
      ...(surplus.count > 0 ? [`${balancesText(surplus.count)} beside those in use, ${used}`] : []),
      ...(surplusLedgers.length > 0 ? [`ledgers beside the one in use: ${surplusLedgers.join(', ')}`] : []),
    ];
    needs.push(
      need(
        surplus.used > 0 ? 'balances_surplus_used' : 'balances_surplus',
        `Blnk has ${beside.join('; ')}, made by requests whose answers were lost or repeated. Nothing is posted to them. Which ones: ` +
          'select * from stripe_blnk_sync.surplus_balances.',
      ),
    );
  }
  if (marksLost > 0) {
    needs.push(
      need(
        'balance_marks_changed',
        `${balancesText(marksLost)} in Blnk whose mark (meta_data.stripe_blnk_sync) somebody removed or changed. They are used as before, ` +
          'but a rebuild would not find them. Write the mark back as it was. Which ones: select balance_id, name, currency, mark_now from ' +
          'stripe_blnk_sync.account_balances_seen where mark_lost_at is not null.',
      ),
    );
  }
  return needs;
}

function needsOfSums(sums: readonly CheckedCurrency[]): Need[] {
  const different = sums.filter((sum) => judgeSum(sum) === 'different');
  if (different.length === 0) return [];
  const texts = different.map(({ currency, customers, surplus, after, isSourceShared }) => {
    const say = (amount: bigint) => formatMoney({ amount, currency });
    const beside = BigInt(surplus) === 0n ? '' : `, ${say(BigInt(surplus))} on balances beside them`;
    const posted = isSourceShared ? 'posted by this mirror (others use its source too)' : 'out of the source';
    return `${say(BigInt(customers))} on balances of customers${beside}, ${say(BigInt(after))} ${posted}`;
  });
  return [
    need(
      'balance_sums_differ',
      `The balances of the mirror's ledger do not come to what went out of the source: ${texts.join('; ')}. Somebody else posted to or ` +
        'from them, or to a balance beside them. What the days say of it: see their certificates.',
      commandLine('accounts'),
    ),
  ];
}

function balancesText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'balance' : 'balances'}`;
}
