// What tests may see and damage behind the API's back. Nothing here goes through locks, faults or request counters.

import type { CoreState } from './core-state.js';
import type { Metadata, TransactionStatus } from './transaction-row.js';

/** A transaction with its balances' names resolved. */
export interface InspectedTransaction {
  transaction_id: string;
  reference: string;
  status: TransactionStatus;
  precise_amount: bigint;
  precision: number;
  currency: string;
  description: string;
  /** The @name of the source balance, or its id when it has no name. */
  source: string;
  destination: string;
  effective_date: Date | undefined;
  created_at: Date;
  meta_data: Metadata;
  parent: string;
}

export interface InspectedBalance {
  balance_id: string;
  balance: bigint;
  credit_balance: bigint;
  debit_balance: bigint;
}

/** Damage to a row as a restored or edited database shows it; balances do not follow. */
export interface TransactionChange {
  preciseAmount?: bigint;
  precision?: number;
  currency?: string;
  status?: TransactionStatus;
  effectiveDate?: Date;
  createdAt?: Date;
  metadata?: Metadata;
  /** The @names; the balances are made when they are new. */
  source?: string;
  destination?: string;
}

export class Inspection {
  readonly #core: CoreState;

  constructor(core: CoreState) {
    this.#core = core;
  }

  /** All rows in order of insertion, from row number `from`. */
  *transactions(from = 0): Generator<InspectedTransaction> {
    for (let row = from; row < this.#core.transactions.rowCount; row += 1) {
      if (this.#core.transactions.statusOf(row) !== undefined) {
        yield this.#inspect(row);
      }
    }
  }

  /** The row of a reference. */
  byReference(reference: string): InspectedTransaction | undefined {
    const row = this.#core.transactions.rowOfReference(reference);
    return row === undefined ? undefined : this.#inspect(row);
  }

  /** The APPLIED row of a reference, or of its queued child. */
  appliedByReference(reference: string): InspectedTransaction | undefined {
    return [reference, `${reference}_q`].map((name) => this.byReference(name)).find((row) => row?.status === 'APPLIED');
  }

  balance(indicator: string, currency: string): InspectedBalance | undefined {
    const balance = this.#core.balances.byIndicator({ indicator, currency });
    return (
      balance && {
        balance_id: balance.balanceId,
        balance: balance.credit - balance.debit,
        credit_balance: balance.credit,
        debit_balance: balance.debit,
      }
    );
  }

  /** Removes a row and frees its reference; false when there is none. */
  deleteTransaction(reference: string): boolean {
    const row = this.#core.transactions.rowOfReference(reference);
    if (row === undefined) {
      return false;
    }
    this.#core.transactions.delete(row);
    return true;
  }

  /** Changes a row in place; false when there is none. */
  alterTransaction(reference: string, change: TransactionChange): boolean {
    const row = this.#core.transactions.rowOfReference(reference);
    if (row === undefined) {
      return false;
    }
    const currency = change.currency ?? this.#core.transactions.currencyOf(row);
    const numberOf = (indicator: string) =>
      this.#core.balances.ofIndicator({ indicator, currency }, this.#core.stamp()).number;
    this.#core.transactions.alter(row, {
      ...(change.preciseAmount === undefined ? {} : { preciseAmount: change.preciseAmount }),
      ...(change.precision === undefined ? {} : { precision: change.precision }),
      ...(change.currency === undefined ? {} : { currency: change.currency }),
      ...(change.status === undefined ? {} : { status: change.status }),
      ...(change.effectiveDate === undefined ? {} : { effectiveMicros: change.effectiveDate.getTime() * 1000 }),
      ...(change.createdAt === undefined ? {} : { createdMicros: change.createdAt.getTime() * 1000 }),
      ...(change.metadata === undefined ? {} : { metadataJson: JSON.stringify(change.metadata) }),
      ...(change.source === undefined ? {} : { source: numberOf(change.source) }),
      ...(change.destination === undefined ? {} : { destination: numberOf(change.destination) }),
    });
    return true;
  }

  #inspect(row: number): InspectedTransaction {
    const stored = this.#core.transactions.read(row);
    const nameOf = (number: number) => {
      const { indicator, balanceId } = this.#core.balances.byNumber(number);
      return indicator ?? balanceId;
    };
    return {
      transaction_id: stored.transactionId,
      reference: stored.reference,
      status: stored.status,
      precise_amount: stored.preciseAmount,
      precision: stored.precision,
      currency: stored.currency,
      description: stored.description,
      source: nameOf(stored.source),
      destination: nameOf(stored.destination),
      effective_date: stored.effectiveMicros === undefined ? undefined : new Date(stored.effectiveMicros / 1000),
      created_at: new Date(stored.createdMicros / 1000),
      meta_data: JSON.parse(stored.metadataJson) as Metadata,
      parent: stored.parent,
    };
  }
}
