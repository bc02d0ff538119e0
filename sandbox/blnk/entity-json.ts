// Balances, ledgers and identities as Core shows them. Amounts are bare JSON integers of any size, so they are written by hand.

import type { Balance } from './balance-book.js';
import type { Identity, Ledger } from './core-state.js';
import { identityFields } from './entity-filter.js';
import { formatRfc3339 } from './rfc3339.js';

const noTime = '0001-01-01T00:00:00Z';

/** A balance; lists show version 0 and no allocation strategy. */
export function balanceJson(balance: Balance, { inList }: { inList: boolean }): string {
  const indicator = balance.indicator === undefined ? '' : `"indicator":${JSON.stringify(balance.indicator)},`;
  return (
    `{"balance":${balance.credit - balance.debit},"version":${inList ? 0 : balance.version},` +
    `"inflight_balance":${balance.inflightCredit - balance.inflightDebit},` +
    `"credit_balance":${balance.credit},"inflight_credit_balance":${balance.inflightCredit},` +
    `"debit_balance":${balance.debit},"inflight_debit_balance":${balance.inflightDebit},` +
    `"ledger_id":"${balance.ledgerId}","identity_id":"${balance.identityId}",` +
    `"balance_id":"${balance.balanceId}",${indicator}"currency":${JSON.stringify(balance.currency)},` +
    `"created_at":"${formatRfc3339(balance.createdMicros)}","inflight_expires_at":"${noTime}",` +
    `"meta_data":${JSON.stringify(balance.metadata)},"track_fund_lineage":false` +
    `${inList ? '' : ',"allocation_strategy":"FIFO"'}}`
  );
}

export function ledgerJson(ledger: Ledger): string {
  return JSON.stringify({
    ledger_id: ledger.ledgerId,
    name: ledger.name,
    created_at: formatRfc3339(ledger.createdMicros),
    meta_data: ledger.metadata,
  });
}

export function identityJson(identity: Identity): string {
  const fields = Object.fromEntries(
    identityFields.map((field) => [field, identity.fields[field] ?? (field === 'dob' ? noTime : '')]),
  );
  return JSON.stringify({
    identity_id: identity.identityId,
    ...fields,
    created_at: formatRfc3339(identity.createdMicros),
    meta_data: identity.metadata,
  });
}
