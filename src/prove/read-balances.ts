/** Names of balances, resolved for a day; and how far the source balance fell on it. */
import type { Movement } from '../core/certify-day.js';
import { describeFault, SyncError } from '../core/errors.js';
import type { DayPosting, ExpectedPayment } from '../core/judge-payment.js';
import type { Window } from '../core/window.js';
import type { LedgerSide } from './ports.js';

const NAMES_A_REQUEST = 100;

export interface BalanceIds {
  balanceId(name: string, currency: string): string | undefined;
}

/** Resolves the source in every currency, and the destinations of payments that the ledger has something of. */
export async function resolveBalances(
  ledger: LedgerSide,
  wanted: {
    readonly source: string;
    readonly currencies: Iterable<string>;
    readonly payments: Iterable<ExpectedPayment>;
    readonly own: readonly DayPosting[];
  },
): Promise<BalanceIds> {
  const names = new Map([...wanted.currencies].map((currency) => [currency, new Set([wanted.source])]));
  const want = (name: string | null | undefined, currency: string | null): void => {
    if (name === null || name === undefined || currency === null) return;
    names.set(currency, (names.get(currency) ?? new Set([wanted.source])).add(name));
  };
  for (const { balances, currency } of wanted.payments) want(balances?.destination, currency);
  for (const { destination, currency } of wanted.own) want(destination, currency);
  const ids = new Map<string, ReadonlyMap<string, string>>();
  for (const [currency, wantedNames] of names) {
    const found = new Map<string, string>();
    const all = [...wantedNames];
    for (let at = 0; at < all.length; at += NAMES_A_REQUEST) {
      const indicators = all.slice(at, at + NAMES_A_REQUEST);
      for (const [name, id] of await ledger.findBalances({ indicators, currency })) found.set(name, id);
    }
    ids.set(currency, found);
  }
  return { balanceId: (name, currency) => ids.get(currency)?.get(name) };
}

/** @param standings shared by the days of one call, so that a boundary of two days is asked for once */
export async function readMovement(
  ledger: LedgerSide,
  {
    balanceId,
    window,
    standings,
  }: { readonly balanceId: string; readonly window: Window; readonly standings: Map<string, bigint> },
): Promise<Movement> {
  const before = async (at: Date): Promise<bigint> => {
    const key = `${balanceId} ${at.toISOString()}`;
    const standing = standings.get(key) ?? (await ledger.balanceBefore(balanceId, at));
    standings.set(key, standing);
    return standing;
  };
  try {
    return { kind: 'seen', amount: (await before(window.from)) - (await before(window.to)) };
  } catch (error) {
    if (!isUnseen(error)) throw error;
    return { kind: 'not_seen', why: `the movement of the source balance could not be seen: ${describeFault(error)}` };
  }
}

/** The second opinion is worth having, and no reason to have no proof at all. */
function isUnseen(error: unknown): boolean {
  if (!(error instanceof SyncError) || error.code === 'stopped') return false;
  return error.kind === 'transient' || error.code === 'blnk_scope_missing';
}
