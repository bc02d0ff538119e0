/** The request kinds that are sent to Blnk, in both styles, and how an adapter of the matrix is connected. */
import type { Context } from '../../src/app/context.js';
import type { BlnkStyle } from '../../src/blnk/routes.js';
import { atBlnk, type ContextOptions, openContext } from '../support/context.js';
import type { ProofStage } from '../support/stages/proof.js';
import type { BlnkTarget } from './blnk-faults.js';

export interface BlnkColumn extends BlnkTarget {
  readonly title: string;
  readonly style: BlnkStyle;
  /** What is done while the request kind fails. */
  readonly during: 'drain' | 'start' | 'proof';
  matches(asked: { readonly method: string; readonly path: string }): boolean;
}

type Kind = Omit<BlnkColumn, 'style'>;

const isPath = (end: string) => (asked: { readonly path: string }) => asked.path.split('?')[0]?.endsWith(end) === true;

const KINDS: readonly Kind[] = [
  { title: 'post', asks: 'post', during: 'drain', success: 201, matches: isPath('/transactions') },
  { title: 'bulk', asks: 'bulk', during: 'drain', success: 201, matches: isPath('/transactions/bulk') },
  { title: 'rows, to confirm', asks: 'rows', during: 'drain', success: 200, matches: isPath('/transactions/filter') },
  {
    title: 'balances, to confirm',
    asks: 'balances',
    during: 'drain',
    success: 200,
    matches: isPath('/balances/filter'),
  },
  { title: 'rows, at the start', asks: 'rows', during: 'start', success: 200, matches: isPath('/transactions/filter') },
  {
    title: 'balances, at the start',
    asks: 'balances',
    during: 'start',
    success: 200,
    matches: isPath('/balances/filter'),
  },
  {
    title: 'empty bulk, at the start',
    asks: 'empty bulk',
    during: 'start',
    success: 201,
    matches: isPath('/transactions/bulk'),
  },
  { title: 'rows, to prove', asks: 'rows', during: 'proof', success: 200, matches: isPath('/transactions/filter') },
  { title: 'balances, to prove', asks: 'balances', during: 'proof', success: 200, matches: isPath('/balances/filter') },
  { title: 'balance at a time', asks: 'standing', during: 'proof', success: 200, matches: isPath('/at') },
];

export const BLNK_TITLES: readonly string[] = KINDS.map(({ title }) => title);

export const BLNK_COLUMNS: readonly BlnkColumn[] = (['cloud', 'core'] as const).flatMap((style) =>
  KINDS.map((kind) => ({ ...kind, style })),
);

export function isLookUp({ asks }: BlnkTarget): boolean {
  return asks === 'rows' || asks === 'balances' || asks === 'standing';
}

/** Where a row is not about time, a busy machine must not meet the limit. */
const UNHURRIED_MS = 20_000;

/** Sizes of production, divided; attempts as in production. */
export function connectBlnk(
  { database, blnk }: Pick<ProofStage, 'database' | 'blnk'>,
  { limitMs = UNHURRIED_MS, ...at }: BlnkWay,
  { events = {}, overrides = {} }: Pick<ContextOptions, 'events' | 'overrides'> = {},
): Context {
  return openContext(database, {
    config: atBlnk(blnk, at),
    events,
    overrides: {
      ...overrides,
      blnk: {
        ...{ postTimeoutMs: limitMs, lookUpTimeoutMs: limitMs, lookUpFirstWaitMs: 2 },
        responseBytesMax: 200_000,
      },
    },
  });
}

interface BlnkWay {
  readonly url: string;
  readonly style: BlnkStyle;
  readonly limitMs?: number | undefined;
}
