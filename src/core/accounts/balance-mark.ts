/**
 * How the mirror's ledger and the balances in it are recognised in Blnk: by a mark under our one key of metadata. Blnk takes no ids of
 * ours and names nothing in such a ledger, so the mark is all that ties a balance to its customer. Pure.
 */
import { memberOf } from '../base/exact-json.js';
import type { Mirror } from '../posting/mirror.js';
import { isOwnBalance } from '../posting/source-shards.js';
import {
  balanceNameOf,
  customerOf,
  type IdentityOwner,
  MARK_KEY,
  type Mark,
  markAs,
  markOf,
  modeOf,
} from './identity.js';

export type AccountsOwner = IdentityOwner & Pick<Mirror, 'source' | 'sourceShards' | 'guestDestination'>;

export function ledgerMarkOf(owner: IdentityOwner): Mark {
  return markAs({ role: 'ledger' }, owner);
}

/** What a ledger is found by: the account may have become known later. */
export function soughtLedgerMark({ mirrorId }: Pick<Mirror, 'mirrorId'>): Mark {
  return { mirror: mirrorId, role: 'ledger' };
}

/** Whether a mark may be of this account and mode. One that was made before the account was known names none. */
export function isMarkOfSide(metadata: unknown, side: Pick<Mirror, 'stripeAccount' | 'livemode'>): boolean {
  const mark = memberOf(metadata, MARK_KEY);
  const account = memberOf(mark, 'account');
  const isAccount = side.stripeAccount === null || account === undefined || account === side.stripeAccount;
  const mode = memberOf(mark, 'mode');
  return isAccount && (mode === undefined || mode === modeOf(side));
}

/** @param name of the balance in prepared transactions: of a customer, or of guests */
export function balanceMarkOf(name: string, owner: AccountsOwner): Mark {
  const customer = customerOf(name, owner);
  return customer === null ? markAs({ role: 'guests' }, owner) : markOf(customer, owner);
}

/**
 * The name that a balance stands for; null when it carries no mark of this mirror, or one that nothing of ours has. Account and mode
 * are not looked at: the account may have become known later.
 */
export function nameOfMark(metadata: unknown, owner: AccountsOwner): string | null {
  const mark = memberOf(metadata, MARK_KEY);
  if (memberOf(mark, 'mirror') !== owner.mirrorId) return null;
  const role = memberOf(mark, 'role');
  if (role === 'guests') return owner.guestDestination;
  const customer = memberOf(mark, 'customer');
  if (role !== 'customer' || typeof customer !== 'string' || customer === '') return null;
  const name = balanceNameOf(customer);
  return customerOf(name, owner) === customer ? name : null;
}

/** Whether metadata carries all of a mark; it may hold more. */
export function carriesMark(metadata: unknown, mark: Mark): boolean {
  const found = memberOf(metadata, MARK_KEY);
  return Object.entries(mark).every(([key, value]) => memberOf(found, key) === value);
}

/** Whether a name in a prepared transaction is of a balance in the mirror's own ledger: of all but the source it is. */
export function isAccountName(name: string, own: Pick<Mirror, 'source' | 'sourceShards'>): boolean {
  return name.startsWith('@') && !isOwnBalance(name, own);
}
