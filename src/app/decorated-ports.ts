/** Which ports pass through a decorator: where tests stand between parts, and spans are begun. */
import type { BalanceStore, LedgerStore } from '../accounts/balance-ports.js';
import type { IdentityStore } from '../accounts/identity-ports.js';
import type { BlnkAccounts } from '../blnk/accounts.js';
import type { BlnkIdentities } from '../blnk/identities.js';
import type { BlnkLedger } from '../blnk/ledger.js';
import type { RebuildOperation } from '../cli/rebuild.js';
import type { CollectStore, PaymentFeeds } from '../collect/ports.js';
import type { Outbox } from '../post/ports.js';
import type { ProveDaysPorts } from '../prove/prove-days.js';
import type { RepairStore } from '../prove/repair-ports.js';
import type { StripeAccountReader } from '../stripe/account.js';
import type { StripeCustomers } from '../stripe/customers.js';

/** The ports between stages, vendors and stores, by the name under which they are decorated. */
export interface Ports {
  readonly account: StripeAccountReader;
  readonly feeds: PaymentFeeds;
  readonly ledger: BlnkLedger;
  readonly collectStore: CollectStore;
  readonly outbox: Outbox;
  readonly identities: BlnkIdentities;
  readonly identityStore: IdentityStore;
  readonly accounts: BlnkAccounts;
  readonly ledgerStore: LedgerStore;
  readonly balanceStore: BalanceStore;
  readonly customers: StripeCustomers;
  readonly prover: ProveDaysPorts;
  readonly repairStore: RepairStore;
  readonly rebuild: RebuildOperation;
}
