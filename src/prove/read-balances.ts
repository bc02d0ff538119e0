/** Names of balances, resolved for a day; and how far the mirror's own balances fell on it, in each of their currencies. */

import { chunksOf } from '../core/base/chunks.js';
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

/** Names that are remembered, each about 200 bytes: those of one piece come again in the next ones. */
const NAMES_KEPT_MAX = 100_000;

export interface BalanceBook {
  /** Ids of the mirror's own balances by currency: every one that the ledger has, whatever the day holds. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  /** Resolves the destinations of payments and postings. What it answers holds for these alone. */
  resolve(wanted: {
    readonly payments: readonly ExpectedPayment[];
    readonly postings: readonly DayPosting[];
  }): Promise<JudgeRules['balanceId']>;
}

/** @param own names of the mirror's own balances, which are resolved in every currency that they have */
export async function openBalances(ledger: LedgerSide, own: readonly string[]): Promise<BalanceBook> {
  const ofOwn = new Map(
    await mapInParallel(own, BALANCES_IN_FLIGHT_MAX, async (name) => [name, await ledger.balancesOf(name)] as const),
  );
  const sources = new Map<string, string[]>();
  for (const [currency, id] of [...ofOwn.values()].flatMap((balances) => [...balances])) {
    sources.set(currency, [...(sources.get(currency) ?? []), id]);
  }
  /** By currency and name; undefined where the ledger has none. The oldest answers go first. */
  const known = new Map<string, string | undefined>();
  const keyOfName = (name: string, currency: string) => `${currency} ${name}`;
  return {
    sources,
    async resolve(wanted) {
      const names = namesOf(wanted, (name) => ofOwn.has(name));
      const questions = [...names].flatMap(([currency, all]) => {
        const unknown = [...all].filter((name) => !known.has(keyOfName(name, currency)));
        return chunksOf(unknown, NAMES_A_REQUEST).map((indicators) => ({ indicators, currency }));
      });
      const answers = await mapInParallel(questions, BALANCES_IN_FLIGHT_MAX, (query) => ledger.findBalances(query));
      for (const [at, { indicators, currency }] of questions.entries()) {
        for (const name of indicators) known.set(keyOfName(name, currency), answers[at]?.get(name));
      }
      const ids = new Map<string, string | undefined>();
      for (const [currency, all] of names) {
        for (const name of all) ids.set(keyOfName(name, currency), known.get(keyOfName(name, currency)));
      }
      for (const key of known.keys()) {
        if (known.size <= NAMES_KEPT_MAX) break;
        known.delete(key);
      }
      return (name, currency) => {
        return ofOwn.has(name) ? ofOwn.get(name)?.get(currency) : ids.get(keyOfName(name, currency));
      };
    },
  };
}

function namesOf(
  { payments, postings }: Parameters<BalanceBook['resolve']>[0],
  isOwn: (name: string) => boolean,
): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  const want = (name: string | null | undefined, currency: string | null): void => {
    if (name === null || name === undefined || isOwn(name) || currency === null) return;
    names.set(currency, (names.get(currency) ?? new Set()).add(name));
  };
  for (const { balances, currency } of payments) want(balances?.destination, currency);
  for (const { destination, currency } of postings) want(destination, currency);
  return names;
}

/** @param standings shared by days, so that a boundary of two of them is asked for once; what is asked here is added */
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
  const keyOf = (balanceId: string, at: Date) => `${balanceId} ${at.toISOString()}`;
  const ask = async (balanceId: string, at: Date): Promise<bigint> => {
    const standing = await ledger.balanceBefore(balanceId, at);
    standings.set(keyOf(balanceId, at), standing);
    return standing;
  };
  /** The end is always asked for: what is remembered is the end of the day before. */
  const movedOf = async (id: string): Promise<bigint> => {
    const before = standings.get(keyOf(id, window.from)) ?? (await ask(id, window.from));
    return before - (await ask(id, window.to));
  };
  type Own = readonly [currency: string, balanceIds: readonly string[]];
  const read = async ([currency, balanceIds]: Own): Promise<readonly [string, Movement]> => {
    try {
      let amount = 0n;
      for (const id of balanceIds) amount += await movedOf(id);
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
