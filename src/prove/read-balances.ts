/** Names of balances, resolved for a day; and how far the mirror's own balances fell on it, in each of their currencies. */

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
  /** Ids of the mirror's own balances by currency: every one that the ledger has, whatever the day holds. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** Resolves the mirror's own balances in every currency that they have, and the destinations of the day's payments. */
export async function resolveBalances(
  ledger: LedgerSide,
  wanted: {
    readonly own: readonly string[];
    readonly payments: Iterable<ExpectedPayment>;
    readonly postings: readonly DayPosting[];
  },
): Promise<BalanceIds> {
  const names = new Map<string, Set<string>>();
  const want = (name: string | null | undefined, currency: string | null): void => {
    if (name === null || name === undefined || wanted.own.includes(name) || currency === null) return;
    names.set(currency, (names.get(currency) ?? new Set()).add(name));
  };
  for (const { balances, currency } of wanted.payments) want(balances?.destination, currency);
  for (const { destination, currency } of wanted.postings) want(destination, currency);
  const ofOwn = new Map(
    await mapInParallel(
      wanted.own,
      BALANCES_IN_FLIGHT_MAX,
      async (name) => [name, await ledger.balancesOf(name)] as const,
    ),
  );
  const questions = [...names].flatMap(([currency, wantedNames]) => {
    return inPieces([...wantedNames], NAMES_A_REQUEST).map((indicators) => ({ indicators, currency }));
  });
  const answers = await mapInParallel(questions, BALANCES_IN_FLIGHT_MAX, (query) => ledger.findBalances(query));
  const ids = new Map<string, Map<string, string>>();
  for (const [at, { currency }] of questions.entries()) {
    ids.set(currency, new Map([...(ids.get(currency) ?? []), ...(answers[at] ?? [])]));
  }
  const balanceId = (name: string, currency: string) => {
    return ofOwn.has(name) ? ofOwn.get(name)?.get(currency) : ids.get(currency)?.get(name);
  };
  const sources = new Map<string, string[]>();
  for (const [currency, id] of [...ofOwn.values()].flatMap((balances) => [...balances])) {
    sources.set(currency, [...(sources.get(currency) ?? []), id]);
  }
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
    readonly sources: ReadonlyMap<string, readonly string[]>;
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
  type Own = readonly [currency: string, balanceIds: readonly string[]];
  const read = async ([currency, balanceIds]: Own): Promise<readonly [string, Movement]> => {
    try {
      let amount = 0n;
      for (const id of balanceIds) amount += (await before(id, window.from)) - (await before(id, window.to));
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
