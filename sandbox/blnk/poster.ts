// Applies transactions to the ledger, in Core's order: balances are made, both locked, the reference checked, then the balances,
// the amount, the funds and the row. A failure on the way stores nothing but leaves new @balances behind.
// A client that drops its connection while a post holds its locks leaves them locked (Core 0.15.2).

import { setTimeout as sleep } from 'node:timers/promises';
import { badRequest, databaseFailure, type Failure, noSuchRow } from './answers.js';
import type { Balance, Movement } from './balance-book.js';
import type { HeldLocks } from './balance-locks.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import { type CoreVersion, hasSince } from './core-version.js';
import { minorUnits, type PostRequest, scaleToMinor } from './post-request.js';
import { findRowLimit, nulInText } from './row-limits.js';
import type { Metadata } from './transaction-row.js';

/** Which post of which request this is. */
export interface PostPlace {
  call?: Call;
  /** From 1. */
  item: number;
  items: number;
  /** The batch id of a bulk, else the parent's transaction id or nothing. */
  parent: string;
  inBulk: boolean;
  /** The row gets none, whatever was asked. */
  losesEffectiveDate?: boolean;
  /** A queued post's child is dated as the queued row, whenever it is made. */
  createdMicros?: number;
  /** The id that was given out for the row already. */
  idNumber?: number;
  /** The row ends what its parent set aside. */
  settles?: 'commit' | 'void';
}

export type PostOutcome =
  | { kind: 'applied'; row: number }
  | { kind: 'refused'; failure: Failure; source: string; destination: string }
  | { kind: 'aborted' };

const locked: Failure = {
  status: 423,
  code: 'GEN_RESOURCE_LOCKED',
  message: 'failed to acquire lock: failed to acquire all locks within the wait timeout',
};

export class Poster {
  readonly #core: CoreState;

  constructor(core: CoreState) {
    this.#core = core;
  }

  /** Applies one transaction now. `metadata` is stored as given. */
  async apply(request: PostRequest, metadata: Metadata, place: PostPlace): Promise<PostOutcome> {
    const hasNul = [request.source, request.destination, request.currency].some((text) => text.includes('\u0000'));
    const source = hasNul ? undefined : this.resolve(request.source, request.currency);
    const destination = hasNul ? undefined : this.resolve(request.destination, request.currency);
    const refuse = (failure: Failure): PostOutcome => ({
      kind: 'refused',
      failure,
      source: source?.balanceId ?? request.source,
      destination: destination?.balanceId ?? request.destination,
    });
    if (hasNul) {
      return refuse(databaseFailure('Database error occurred', nulInText));
    }
    const balances = [...new Set([source, destination].filter((balance) => balance !== undefined))];
    const locks = await this.#lock(balances, place);
    if (locks === undefined) {
      return place.call?.aborted ? { kind: 'aborted' } : refuse(locked);
    }
    const outcome = await this.#applyLocked(request, metadata, { place, source, destination });
    if (place.call?.aborted && this.#core.settings.leakLockMs > 0) {
      this.#core.locks.leak(locks, this.#core.settings.leakLockMs);
      return { kind: 'aborted' };
    }
    this.#core.locks.release(locks);
    return 'row' in outcome ? { kind: 'applied', row: outcome.row } : refuse(outcome);
  }

  /** What a post leaves behind whose client went before anything was applied: both balances locked. */
  abandon(request: PostRequest): void {
    if (this.#core.settings.leakLockMs === 0) {
      return;
    }
    const balances = [request.source, request.destination].map((name) => this.resolve(name, request.currency));
    const locks = this.#core.locks.tryAcquire([...new Set(balances.filter((balance) => balance !== undefined))]);
    if (locks !== undefined) {
      this.#core.locks.leak(locks, this.#core.settings.leakLockMs);
    }
  }

  /** The balance of a name: an @indicator is made on first use, anything else is taken as an id. */
  resolve(name: string, currency: string): Balance | undefined {
    return name.startsWith('@')
      ? this.#core.balances.ofIndicator({ indicator: name, currency }, this.#core.stamp())
      : this.#core.balances.byId(name);
  }

  async #lock(balances: Balance[], { call, item }: PostPlace): Promise<HeldLocks | undefined> {
    if (call?.lockedAtItem !== undefined && item >= call.lockedAtItem) {
      return undefined;
    }
    const atOnce = this.#core.locks.tryAcquire(balances);
    if (atOnce !== undefined) {
      return atOnce;
    }
    const limits = { waitMs: this.#core.settings.lockWaitMs, ...(call ? { giveUp: call.untilAborted } : {}) };
    return this.#core.locks.acquire(balances, limits);
  }

  async #applyLocked(
    request: PostRequest,
    metadata: Metadata,
    { place, source, destination }: { place: PostPlace; source: Balance | undefined; destination: Balance | undefined },
  ): Promise<{ row: number } | Failure> {
    const { call, item, items } = place;
    const hold = call?.hold;
    if (this.#core.settings.itemMs > 0) {
      await sleep(this.#core.settings.itemMs);
    }
    if (call && hold?.phase === 'before' && hold.atItem === item) {
      await hold.wait(call);
      if (call.aborted) {
        return locked;
      }
    }
    const outcome = this.#store(request, metadata, { place, source, destination });
    if (call && hold?.phase === 'after' && item === items) {
      await hold.wait(call);
    }
    return outcome;
  }

  #store(
    request: PostRequest,
    metadata: Metadata,
    { place, source, destination }: { place: PostPlace; source: Balance | undefined; destination: Balance | undefined },
  ): { row: number } | Failure {
    const { transactions } = this.#core;
    if (request.reference.includes('\u0000')) {
      return databaseFailure('Failed to check if transaction exists', nulInText);
    }
    if (transactions.hasReference(request.reference)) {
      const message = `transaction validation failed: reference ${request.reference} has already been used`;
      return { status: 409, code: 'TXN_DUPLICATE_REFERENCE', message };
    }
    if (source === undefined || destination === undefined) {
      const message = `Balance with ID '${source === undefined ? request.source : request.destination}' not found`;
      const inBulk = `failed to get source and destination balances: NOT_FOUND: ${message}`;
      const code = hasSince(this.#core.settings.coreVersion, '0.15.4') ? 'BAL_NOT_FOUND' : 'TXN_NOT_FOUND';
      return { ...noSuchRow(code, message), inBulk };
    }
    const amount = this.#amountOf(request);
    const precision = request.precision || 1;
    const refused = place.settles
      ? refuseSettling(place.settles, { amount, source, destination })
      : (refuseAmount(request, { amount, precision, source, version: this.#core.settings.coreVersion }) ??
        refuseSameBalance(source, destination));
    const limit =
      refused ??
      findRowLimit({
        ...request,
        rowNumber: transactions.rowCount,
        preciseAmount: amount,
        precision,
        metadata,
        inBulk: place.inBulk,
      });
    if (limit !== undefined) {
      return limit;
    }
    const createdMicros = place.createdMicros ?? this.#core.stamp();
    const status = this.#move(request, place.settles, { source, destination, amount });
    const row = transactions.insert({
      idNumber: place.idNumber ?? transactions.takeIdNumber(),
      reference: request.reference,
      description: request.description,
      status,
      preciseAmount: amount,
      precision,
      currency: request.currency,
      source: source.number,
      destination: destination.number,
      createdMicros,
      effectiveMicros: place.losesEffectiveDate ? undefined : (request.effectiveMicros ?? createdMicros),
      parent: place.parent,
      metadata,
    });
    return { row };
  }

  /** Before 0.15.0 an amount below zero is booked as zero, and so is zero. */
  #amountOf(request: PostRequest): bigint {
    const amount = minorUnits(request);
    return amount < 0n && !hasSince(this.#core.settings.coreVersion, '0.15.2') ? 0n : amount;
  }

  #move(request: PostRequest, settles: PostPlace['settles'], movement: Movement): 'APPLIED' | 'INFLIGHT' | 'VOID' {
    const { balances } = this.#core;
    if (settles !== undefined) {
      balances.settle(settles, movement);
      return settles === 'commit' ? 'APPLIED' : 'VOID';
    }
    if (request.inflight) {
      balances.hold(movement);
      return 'INFLIGHT';
    }
    balances.move(movement);
    return 'APPLIED';
  }
}

function refuseAmount(
  request: PostRequest,
  { amount, precision, source, version }: { amount: bigint; precision: number; source: Balance; version: CoreVersion },
): Failure | undefined {
  const refuse = (code: string, text: string): Failure => ({
    status: 400,
    code,
    message: `failed to apply transaction to balances: ${text}`,
  });
  if (amount <= 0n && hasSince(version, '0.15.2')) {
    const code = hasSince(version, '0.15.4') ? 'TXN_INVALID_AMOUNT' : 'TXN_VALIDATION_ERROR';
    return refuse(code, 'transaction precise amount must be positive');
  }
  // What is set aside already is not there to be spent.
  const rest = source.credit - source.debit - source.inflightDebit - amount;
  if (rest >= 0n || (request.allowOverdraft && request.overdraftLimit === 0)) {
    return undefined;
  }
  if (request.overdraftLimit <= 0) {
    return refuse('TXN_INSUFFICIENT_FUNDS', 'insufficient funds in source balance');
  }
  const withinLimit = rest >= -scaleToMinor(request.overdraftLimit, precision);
  return withinLimit ? undefined : refuse('TXN_VALIDATION_ERROR', 'transaction exceeds overdraft limit');
}

function refuseSettling(settles: 'commit' | 'void', { source, destination, amount }: Movement): Failure | undefined {
  const side = source.inflightDebit < amount ? 'debit' : 'credit';
  const held = side === 'debit' ? source.inflightDebit : destination.inflightCredit;
  return held >= amount
    ? undefined
    : badRequest(
        `saving transaction to db error: failed to apply transaction to balances: ${settles} inflight ${side} failed: ` +
          `insufficient inflight ${side} balance: have ${held}, need ${amount}`,
      );
}

function refuseSameBalance(source: Balance, destination: Balance): Failure | undefined {
  if (source !== destination) {
    return undefined;
  }
  const message = `Optimistic locking failure: balance with ID '${source.balanceId}' may have been updated or deleted by another transaction`;
  return {
    status: 409,
    code: 'GEN_CONFLICT',
    message,
    inBulk: `failed to persist transaction with balances: CONFLICT: ${message}`,
  };
}
