/** Names of balances, resolved for a day; and how far the source balance fell on it, in each of its currencies. */

import { describeFault, SyncError } from '../core/base/errors.js';
import { mapInParallel } from '../core/base/in-parallel.js';
import type { Window } from '../core/base/window.js';
import type { Movement } from '../core/proof/certify-day.js';
import type { DayPosting, ExpectedPayment, JudgeRules } from '../core/proof/day-payment.js';
import type { LedgerSide } from './ports.js';

const NAMES_A_REQUEST = 100;

/** Questions about balances at a time: they are many small ones, and none waits for another's answer. */
const BALANCES_IN_FLIGHT_MAX = 4;

const UNSEEN = 'the movement of the source balance could not be seen';

export interface BalanceIds extends Pick<JudgeRules, 'balanceId'> {
  /** The source's balances by currency: every one that the ledger has, whatever the day holds. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Resolves the source in every currency that it has, and the destinations of the day's payments. */
export async function resolveBalances(
  ledger: LedgerSide,
  wanted: {
    readonly source: string;
    readonly payments: Iterable<ExpectedPayment>;
    readonly own: readonly DayPosting[];
  },
): Promise<BalanceIds> {
  const { source } = wanted;
  const names = new Map<string, Set<string>>();
  const want = (name: string | null | undefined, currency: string | null): void => {
    if (name === null || name === undefined || name === source || currency === null) return;
    names.set(currency, (names.get(currency) ?? new Set()).add(name));
  };
  for (const { balances, currency } of wanted.payments) want(balances?.destination, currency);
  for (const { destination, currency } of wanted.own) want(destination, currency);
  const sources = await ledger.balancesOf(source);
  const questions = [...names].flatMap(([currency, wantedNames]) => {
    return inPieces([...wantedNames], NAMES_A_REQUEST).map((indicators) => ({ indicators, currency }));
  });
  const answers = await mapInParallel(questions, BALANCES_IN_FLIGHT_MAX, (query) => ledger.findBalances(query));
  const ids = new Map<string, Map<string, string>>();
  for (const [at, { currency }] of questions.entries()) {
    ids.set(currency, new Map([...(ids.get(currency) ?? []), ...(answers[at] ?? [])]));
  }
  const balanceId = (name: string, currency: string) => {
    return name === source ? sources.get(currency) : ids.get(currency)?.get(name);
  };
  return { balanceId, sources };
}

/** @param standings shared by the days of one call, so that a boundary of two days is asked for once */
export async function readMovements(
  ledger: LedgerSide,
  {
    sources,
    window,
    standings,
  }: {
    readonly sources: ReadonlyMap<string, string>;
    readonly window: Window;
    readonly standings: Map<string, bigint>;
  },
): Promise<ReadonlyMap<string, Movement>> {
  const before = async (balanceId: string, at: Date): Promise<bigint> => {
    const key = `${balanceId} ${at.toISOString()}`;
    const standing = standings.get(key) ?? (await ledger.balanceBefore(balanceId, at));
    standings.set(key, standing);
    return standing;
  };
  const read = async ([currency, balanceId]: readonly [string, string]): Promise<readonly [string, Movement]> => {
    try {
      const amount = (await before(balanceId, window.from)) - (await before(balanceId, window.to));
      return [currency, { kind: 'seen', amount }];
    } catch (error) {
      if (!isUnseen(error)) throw error;
      return [currency, { kind: 'not_seen', why: `${UNSEEN}: ${describeFault(error)}` }];
    }
  };
  return new Map(await mapInParallel([...sources], BALANCES_IN_FLIGHT_MAX, read));
}

/** The second opinion is worth having, and no reason to have no proof at all. */
function isUnseen(error: unknown): boolean {
  if (!(error instanceof SyncError) || error.code === 'stopped') return false;
  return error.kind === 'transient' || error.code === 'blnk_scope_missing' || error.code === 'blnk_forbidden';
}

function inPieces<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
