/**
 * A ledger whose customers' balances have no names of their own: names in prepared transactions are replaced by ids from the map where
 * a request is written, and names that are asked for are answered by the map. Rows carry ids in either mode, so nothing else differs.
 */
import type { BalanceMap } from '../accounts/balance-ports.js';
import type { FoundBalance } from '../core/accounts/link-balances.js';
import { textMemberOf } from '../core/base/exact-json.js';
import type { BalanceFinder } from '../core/ledger/balance-names.js';
import { withBalances } from '../core/posting/balances-in-body.js';
import type { Ledger, PostAnswer } from '../post/ports.js';
import type { BlnkIdentities } from './identities.js';

export interface NamedBalances {
  readonly map: BalanceMap;
  /** Whether a name is of a balance in the mirror's ledger; all others Blnk knows itself. */
  isAccountName(name: string): boolean;
}

/** Answers names of the ledger's balances by the map, and asks for all others. */
export function findByMap(finder: BalanceFinder, { map, isAccountName }: NamedBalances): BalanceFinder {
  return {
    async findBalances({ indicators, currency }) {
      const [mapped, others] = [indicators.filter(isAccountName), indicators.filter((name) => !isAccountName(name))];
      const found = new Map(mapped.length === 0 ? [] : await map.idsOf(currency, mapped));
      if (others.length === 0) return found;
      for (const [name, id] of await finder.findBalances({ indicators: others, currency })) found.set(name, id);
      return found;
    },
  };
}

/** The balances of names by the map, with what Blnk shows of them. */
export function balancesByMap(
  identities: Pick<BlnkIdentities, 'balancesOfIds'>,
  { map }: NamedBalances,
): Pick<BlnkIdentities, 'balancesOfNames'> {
  return {
    async balancesOfNames(names) {
      const nameOf = await map.namesById(names);
      const found = new Map<string, FoundBalance[]>(names.map((name) => [name, []]));
      for (const balance of await identities.balancesOfIds([...nameOf.keys()])) {
        found.get(nameOf.get(balance.balanceId) ?? '')?.push(balance);
      }
      return found;
    },
  };
}

/**
 * Posts to ids in place of names. What is sent is the same at every attempt, because a row of the map is written once, unless a person
 * has a balance forgotten that Blnk lost.
 */
export function postByMap(ledger: Pick<Ledger, 'post' | 'postBulk'>, named: NamedBalances): typeof ledger {
  return {
    async post(body, assertMaySend) {
      const { texts, missing } = await translate([body], named);
      const [text] = texts;
      if (text === undefined || missing !== null) return notInMap(missing?.names ?? []);
      // The map was read meanwhile, which may have taken as long as the claim lasts.
      assertMaySend?.();
      const answer = await ledger.post(text, assertMaySend);
      if (answer.kind !== 'refused' || answer.isBalanceUnknown !== true) return answer;
      const { currency, names } = namesIn(body, named);
      await named.map.doubt(currency, names);
      const { texts: now } = await translate([body], named);
      // Forgotten and made anew between the two: it was not posted, and the next attempt goes to the right one.
      if (now[0] !== text) return { kind: 'busy', message: answer.message, retryAfterMs: null };
      return { ...answer, reason: 'balance_missing' };
    },
    async postBulk(bodies, assertMaySend) {
      const { texts, missing } = await translate(bodies, named);
      // Nothing is sent: alone, the one that is blamed says so.
      if (missing !== null) return { kind: 'unclear', message: notInMap(missing.names).message, blamed: missing.at };
      assertMaySend?.();
      return ledger.postBulk(texts, assertMaySend);
    },
  };
}

interface Translated {
  readonly texts: readonly string[];
  /** The first whose balance is not in the map. */
  readonly missing: { readonly at: number; readonly names: readonly string[] } | null;
}

async function translate(bodies: readonly string[], named: NamedBalances): Promise<Translated> {
  const parsed = bodies.map((body) => namesIn(body, named));
  const wanted = new Map<string, Set<string>>();
  for (const { currency, names } of parsed) {
    const ofCurrency = wanted.get(currency) ?? new Set();
    for (const name of names) ofCurrency.add(name);
    wanted.set(currency, ofCurrency);
  }
  const ids = new Map<string, ReadonlyMap<string, string>>();
  for (const [currency, names] of wanted) ids.set(currency, await named.map.idsOf(currency, names));
  const idOf = (currency: string, name: string) => ids.get(currency)?.get(name);
  for (const [at, { currency, names }] of parsed.entries()) {
    const without = names.filter((name) => idOf(currency, name) === undefined);
    if (without.length > 0) return { texts: [], missing: { at, names: without } };
  }
  const texts = bodies.map((body, at) => withIds(body, parsed[at] ?? namesIn(body, named), idOf));
  return { texts, missing: null };
}

interface NamesIn {
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  /** Those of the two that are in the map. */
  readonly names: readonly string[];
}

function namesIn(body: string, { isAccountName }: NamedBalances): NamesIn {
  // Of the amount nothing is read, so that it may be rounded here.
  const transaction: unknown = JSON.parse(body);
  const [currency, source, destination] = ['currency', 'source', 'destination'].map((key) =>
    textMemberOf(transaction, key),
  );
  if (currency == null || source == null || destination == null) {
    throw new TypeError('a prepared transaction without currency, source or destination was to be posted');
  }
  return { currency, source, destination, names: [source, destination].filter(isAccountName) };
}

/** The prepared text with ids in the place of names. */
function withIds(
  body: string,
  { names, ...transaction }: NamesIn,
  idOf: (currency: string, name: string) => string | undefined,
): string {
  return withBalances(body, transaction, (name) =>
    names.includes(name) ? (idOf(transaction.currency, name) ?? name) : name,
  );
}

/** Somebody had it forgotten after the posting was claimed: nothing is sent, and another one is made. */
function notInMap(names: readonly string[]): Extract<PostAnswer, { kind: 'busy' }> {
  return { kind: 'busy', message: `The ledger has no balance for ${names.join(', ')} yet`, retryAfterMs: null };
}
