/**
 * What operations work with that ask Stripe and Blnk themselves: a database, both vendors, and the mirror between them.
 * Opened and closed by the composition root; an operation never opens anything.
 */
import type { AccountsAtBlnk } from '../accounts/balance-ports.js';
import type { PaymentFeeds } from '../collect/ports.js';
import type { WorkerConfig } from '../config/config.js';
import type { Clock } from '../core/base/clock.js';
import { type LedgerVerdict, otherLedger } from '../core/ledger/ledger-identity.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { Database } from '../db/connection/open.js';
import { knownMirror } from '../db/mirror/mirror-store.js';
import type { LedgerHistory, LedgerSide, StripeSide } from '../prove/ports.js';
import { refuseOtherMirror } from '../worker/claim-mirror.js';

export interface Session {
  readonly config: WorkerConfig;
  readonly database: Database;
  readonly vendors: SessionVendors;
  /** Null on a database that no worker was started on. */
  readonly mirror: Mirror | null;
  /** Of this software: kept with what it stores. */
  readonly version: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Aborted when whoever asked no longer waits. */
  readonly signal: AbortSignal;
  /** Whether the ledger that answers is the one that this mirror posted to. */
  lookAtLedger(mirror: Mirror): Promise<LedgerVerdict>;
}

/** Of both vendors what operations ask. */
export interface SessionVendors {
  readonly account: Pick<StripeSide, 'readIntent'> & {
    readAccount(): Promise<{ readonly id: string | null }>;
    serverTime(): Promise<Date>;
  };
  readonly feeds: PaymentFeeds;
  readonly stripeSide: StripeSide;
  readonly ledger: { checkPermissions(): Promise<unknown>; hasTransactionsOfOurs(): Promise<boolean> };
  readonly ledgerSide: LedgerSide & LedgerHistory;
  readonly accounts: Pick<AccountsAtBlnk, 'findLedgers' | 'listBalances'>;
  /** From now on a Stripe key that is read again must be of this account. */
  expectAccount(id: string): void;
  /** Throws SyncError when a key lacks what is needed, or a server does not answer. */
  checkAccess(): Promise<unknown>;
}

/** The mirror of a session that needs one, with a key of its account. Throws SyncError otherwise. */
export function mirrorOf({ mirror, vendors }: Pick<Session, 'mirror' | 'vendors'>): Mirror {
  const known = knownMirror(mirror);
  if (known.stripeAccount !== null) vendors.expectAccount(known.stripeAccount);
  return known;
}

interface IdentityConfig extends Pick<WorkerConfig, 'source' | 'sourceShards' | 'guestDestination' | 'accounts'> {
  readonly stripe: Pick<WorkerConfig['stripe'], 'livemode'>;
  readonly blnk: Pick<WorkerConfig['blnk'], 'instanceId'>;
}

/** What is mirrored by the configuration, to be compared with the mirror. */
export function identityOf({ config }: { readonly config: IdentityConfig }) {
  return {
    livemode: config.stripe.livemode,
    blnkInstance: config.blnk.instanceId ?? 'core',
    source: config.source,
    sourceShards: config.sourceShards,
    guestDestination: config.guestDestination,
    accountsMode: config.accounts.mode,
  };
}

/**
 * The mirror, once Stripe's account and the ledger are known to be its own: in another one everything would be missing.
 * Throws SyncError `fatal` when one of the two is not.
 */
export async function confirmSides(session: Session): Promise<Mirror> {
  const mirror = mirrorOf(session);
  const { id: accountId } = await session.vendors.account.readAccount();
  refuseOtherMirror(mirror, identityOf(session), { accountId });
  const verdict = await session.lookAtLedger(mirror);
  if (verdict.kind === 'in_doubt') throw otherLedger(verdict.detail);
  return mirror;
}
