// Balances: one per (indicator, currency) in the general ledger, made on first use, and those made by POST /balances.
// Amounts are bigint minor units. Core never compares a transaction's currency with its balance's, so neither does this.

import { newEntityId } from './entity-id.js';
import type { Metadata } from './transaction-row.js';

export const generalLedgerId = 'general_ledger_id';

export interface Balance {
  readonly number: number;
  readonly balanceId: string;
  readonly ledgerId: string;
  readonly currency: string;
  readonly indicator: string | undefined;
  readonly createdMicros: number;
  identityId: string;
  credit: bigint;
  debit: bigint;
  inflightCredit: bigint;
  inflightDebit: bigint;
  version: number;
  metadata: Metadata | null;
}

export interface Movement {
  source: Balance;
  destination: Balance;
  amount: bigint;
}

export class BalanceBook {
  readonly all: Balance[] = [];
  readonly #byId = new Map<string, Balance>();
  readonly #byCurrency = new Map<string, Map<string, Balance>>();

  byId(balanceId: string): Balance | undefined {
    return this.#byId.get(balanceId);
  }

  byNumber(number: number): Balance {
    const balance = this.all[number];
    if (balance === undefined) {
      throw new RangeError(`there is no balance ${number}`);
    }
    return balance;
  }

  byIndicator({ indicator, currency }: { indicator: string; currency: string }): Balance | undefined {
    return this.#byCurrency.get(currency)?.get(indicator);
  }

  /** The balance of this name and currency, made empty when it is new. */
  ofIndicator({ indicator, currency }: { indicator: string; currency: string }, createdMicros: number): Balance {
    let names = this.#byCurrency.get(currency);
    if (names === undefined) {
      names = new Map();
      this.#byCurrency.set(currency, names);
    }
    const known = names.get(indicator);
    if (known !== undefined) {
      return known;
    }
    const made = this.#add({
      ledgerId: generalLedgerId,
      currency,
      indicator,
      createdMicros,
      identityId: '',
      metadata: null,
    });
    names.set(indicator, made);
    return made;
  }

  create(fields: {
    ledgerId: string;
    currency: string;
    identityId: string;
    metadata: Metadata | null;
    createdMicros: number;
  }): Balance {
    return this.#add({ ...fields, indicator: undefined });
  }

  /** Moves an amount. Core raises a balance's version by two with each transaction. */
  move({ source, destination, amount }: Movement): void {
    source.debit += amount;
    destination.credit += amount;
    raiseVersions({ source, destination });
  }

  /** Sets an amount aside: it stands beside the balance until it is committed or voided. */
  hold({ source, destination, amount }: Movement): void {
    source.inflightDebit += amount;
    destination.inflightCredit += amount;
    raiseVersions({ source, destination });
  }

  /** Ends what was set aside, for good (commit) or as if it had never been (void). */
  settle(outcome: 'commit' | 'void', { source, destination, amount }: Movement): void {
    source.inflightDebit -= amount;
    destination.inflightCredit -= amount;
    if (outcome === 'commit') {
      source.debit += amount;
      destination.credit += amount;
    }
    raiseVersions({ source, destination });
  }

  #add(
    fields: Omit<Balance, 'number' | 'balanceId' | 'credit' | 'debit' | 'inflightCredit' | 'inflightDebit' | 'version'>,
  ): Balance {
    const balance = {
      ...fields,
      number: this.all.length,
      balanceId: newEntityId('bln'),
      credit: 0n,
      debit: 0n,
      inflightCredit: 0n,
      inflightDebit: 0n,
      version: 0,
    };
    this.all.push(balance);
    this.#byId.set(balance.balanceId, balance);
    return balance;
  }
}

function raiseVersions({ source, destination }: { source: Balance; destination: Balance }): void {
  source.version += 2;
  destination.version += 2;
}
