// Everything one Blnk instance holds, and the settings that change how it behaves. No HTTP here.

import type { SandboxClock } from '../clock.js';
import { BalanceBook, generalLedgerId } from './balance-book.js';
import { BalanceLocks } from './balance-locks.js';
import type { CoreVersion } from './core-version.js';
import type { Metadata } from './transaction-row.js';
import { TransactionStore } from './transaction-store.js';

export interface Ledger {
  ledgerId: string;
  name: string;
  createdMicros: number;
  metadata: Metadata | null;
}

export interface Identity {
  identityId: string;
  createdMicros: number;
  /** Core's identity columns by their names; absent ones are empty. */
  fields: Record<string, string>;
  metadata: Metadata | null;
}

interface CoreSettings {
  clock: Pick<SandboxClock, 'now'>;
  coreVersion: CoreVersion;
  /** How long a post waits for a lock before it is answered 423. */
  lockWaitMs: number;
  /** How long a lock stays when the client dropped its connection during a post; 0: it does not leak. */
  leakLockMs: number;
  /** How long each posted transaction holds its locks. */
  itemMs: number;
  /** When the child of a queued post is processed; `held`: only when Core recovers it. */
  queuedChildren: 'soon' | 'held';
  queueDelayMs: number;
  /** Age by the sandbox's clock at which Core replays a queued post that has no child. */
  recoverQueuedAfterMs: number;
  /** Where ids start from; a fixed one makes transaction ids repeatable. */
  seed: number;
}

/** A clock that is further behind than this was set back; less is many rows within one moment of a standing clock. */
const clockSetBackMicros = 60_000_000;

export class CoreState {
  readonly settings: CoreSettings;
  readonly transactions: TransactionStore;
  readonly balances = new BalanceBook();
  readonly locks = new BalanceLocks();
  readonly ledgers = new Map<string, Ledger>();
  readonly identities = new Map<string, Identity>();
  #lastStamp = 0;

  constructor(settings: CoreSettings) {
    this.settings = settings;
    this.transactions = new TransactionStore(settings.seed);
    this.ledgers.set(generalLedgerId, {
      ledgerId: generalLedgerId,
      name: 'General Ledger',
      createdMicros: this.stamp(),
      metadata: null,
    });
  }

  /** The clock in microseconds, one later each time within a millisecond: "newest first" then has one meaning. */
  stamp(): number {
    const now = this.settings.clock.now().getTime() * 1000;
    const behindMicros = this.#lastStamp - now;
    this.#lastStamp = behindMicros >= 0 && behindMicros < clockSetBackMicros ? this.#lastStamp + 1 : now;
    return this.#lastStamp;
  }
}
