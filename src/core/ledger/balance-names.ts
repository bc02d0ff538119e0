/**
 * Balance names to balance ids, remembered: rows in the ledger carry ids, postings carry names. An id never changes
 * while its ledger lives, so a remembered one is asked again only when a comparison with it fails.
 */

/** `balanceId` of a name in the currency that is asked about; undefined when the ledger has no such balance. */
export type ResolveBalance = (indicator: string) => string | undefined;

export interface BalanceQuery {
  readonly indicators: readonly string[];
  readonly currency: string;
}

/** Who can be asked for balances of a ledger. */
export interface BalanceFinder {
  /** At most 100 indicators (`@name`) of one currency, to balance ids. Those that do not exist are missing. */
  findBalances(query: BalanceQuery): Promise<Map<string, string>>;
}

/** Largest answer of a filter request. */
const LOOK_UP_MAX = 100;

/** About 100 bytes each; a ledger with more customers than this asks again for the ones it forgot. */
const REMEMBERED_MAX = 100_000;

export interface BalanceNames {
  /** Asks for the ids of the names that are not known yet. One request per 100 of them; none when all are known. */
  resolve(currency: string, names: Iterable<string>): Promise<void>;
  /**
   * Asks names again that are known. Until the answer is there the remembered ids stay: another chunk of the lane may be
   * comparing with them at this moment, and would take a name without an id for a balance that is not there.
   */
  refresh(currency: string, names: Iterable<string>): Promise<void>;
  resolver(currency: string): ResolveBalance;
}

export function createBalanceNames(ledger: BalanceFinder, rememberedMax: number = REMEMBERED_MAX): BalanceNames {
  const known = new Map<string, string>();
  const keyOf = (currency: string, name: string) => `${currency}:${name}`;
  /** The oldest goes, never one that was just asked for: insertion order is age, and asking again makes a name young. */
  const remember = (key: string, id: string): void => {
    known.delete(key);
    known.set(key, id);
    for (const oldest of known.keys()) {
      if (known.size <= rememberedMax) break;
      known.delete(oldest);
    }
  };
  const ask = async (currency: string, wanted: readonly string[]): Promise<void> => {
    for (let start = 0; start < wanted.length; start += LOOK_UP_MAX) {
      const indicators = wanted.slice(start, start + LOOK_UP_MAX);
      const found = await ledger.findBalances({ indicators, currency });
      for (const name of indicators) {
        const id = found.get(name);
        if (id === undefined) known.delete(keyOf(currency, name));
        else remember(keyOf(currency, name), id);
      }
    }
  };
  return {
    async resolve(currency, names) {
      const wanted = balanceNames(names);
      // Used again is young again: what this caller needs must outlast what it asks for now.
      for (const name of wanted) {
        const id = known.get(keyOf(currency, name));
        if (id !== undefined) remember(keyOf(currency, name), id);
      }
      await ask(
        currency,
        wanted.filter((name) => !known.has(keyOf(currency, name))),
      );
    },
    refresh: (currency, names) => ask(currency, balanceNames(names)),
    resolver: (currency) => (name) => known.get(keyOf(currency, name)),
  };
}

function balanceNames(names: Iterable<string>): string[] {
  return [...new Set(names)].filter((name) => name.startsWith('@'));
}
