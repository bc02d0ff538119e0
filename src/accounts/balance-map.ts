/**
 * The map of the mirror's own ledger, remembered: which balance stands for a name and a currency. A row is written once, so what was
 * found is found again; only what is not there is asked for anew.
 */
import type { BalanceMap } from './balance-ports.js';

/** About 150 bytes each. */
const REMEMBERED_MAX = 100_000;

export function rememberingMap(stored: BalanceMap, rememberedMax: number = REMEMBERED_MAX): BalanceMap {
  const known = new Map<string, string>();
  const keyOf = (currency: string, name: string) => `${currency}:${name}`;
  return {
    async idsOf(currency, names) {
      const ids = new Map<string, string>();
      const unknown: string[] = [];
      for (const name of new Set(names)) {
        const id = known.get(keyOf(currency, name));
        if (id === undefined) unknown.push(name);
        else ids.set(name, id);
      }
      if (unknown.length === 0) return ids;
      for (const [name, id] of await stored.idsOf(currency, unknown)) {
        ids.set(name, id);
        known.set(keyOf(currency, name), id);
      }
      for (const oldest of known.keys()) {
        if (known.size <= rememberedMax) break;
        known.delete(oldest);
      }
      return ids;
    },
    namesById: (names) => stored.namesById(names),
    async doubt(currency, names) {
      const doubted = [...names];
      for (const name of doubted) known.delete(keyOf(currency, name));
      await stored.doubt(currency, doubted);
    },
  };
}
