/**
 * Balance names to balance ids, remembered: rows in the ledger carry ids, postings carry names. An id never changes
 * while its ledger lives, so a remembered one is asked again only when a comparison with it fails.
 */
import type { ResolveBalance } from '../core/settlement.js';
import type { Ledger } from './ports.js';

/** Largest answer of a filter request. */
const LOOK_UP_MAX = 100;

/** About 100 bytes each; a ledger with more customers than this asks again for the ones it forgot. */
const REMEMBERED_MAX = 100_000;

export interface BalanceNames {
  /** Learns the names that are not known yet. One request per 100 of them; none when all are known. */
  learn(currency: string, names: Iterable<string>): Promise<void>;
  /**
   * Asks names again that are known. Until the answer is there the remembered ids stay: another chunk of the lane may be
   * comparing with them at this moment, and would take a name without an id for a balance that is not there.
   */
  learnAgain(currency: string, names: Iterable<string>): Promise<void>;
  resolver(currency: string): ResolveBalance;
}

export function createBalanceNames(ledger: Pick<Ledger, 'findBalances'>): BalanceNames {
  const known = new Map<string, string>();
  const keyOf = (currency: string, name: string) => `${currency}:${name}`;
  const ask = async (currency: string, wanted: readonly string[]): Promise<void> => {
    for (let start = 0; start < wanted.length; start += LOOK_UP_MAX) {
      const indicators = wanted.slice(start, start + LOOK_UP_MAX);
      const found = await ledger.findBalances({ indicators, currency });
      for (const name of indicators) {
        const id = found.get(name);
        if (id === undefined) known.delete(keyOf(currency, name));
        else known.set(keyOf(currency, name), id);
      }
    }
  };
  return {
    async learn(currency, names) {
      const wanted = balanceNames(names).filter((name) => !known.has(keyOf(currency, name)));
      if (known.size + wanted.length > REMEMBERED_MAX) known.clear();
      await ask(currency, wanted);
    },
    learnAgain: (currency, names) => ask(currency, balanceNames(names)),
    resolver: (currency) => (name) => known.get(keyOf(currency, name)),
  };
}

function balanceNames(names: Iterable<string>): string[] {
  return [...new Set(names)].filter((name) => name.startsWith('@'));
}
