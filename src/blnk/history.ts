/**
 * What the ledger itself shows of its past: which mirrors wrote to it, and since which day. A ledger cannot order by
 * metadata, so the oldest day is found by halving over effective dates, each step one question for any one row.
 */

import { textMemberOf } from '../core/base/exact-json.js';
import { DAY_MS, dayWindow, utcDay } from '../core/base/window.js';
import { isPlainlyOurs } from '../core/ledger/row.js';
import { STRIPE_EPOCH } from '../core/posting/mirror.js';
import { readLedgerRecord, readLedgerRow } from './ledger-row.js';
import { type LookUps, unreadable } from './look-ups.js';
import { type Filter, within } from './routes.js';

const MIRROR_FIELD = 'meta_data.stripe_mirror';
const OURS: Filter = { field: MIRROR_FIELD, operator: 'isnotnull' };
/**
 * The Cloud counts a key with a null, which somebody may have written, as one that is there; no comparison finds it. Compared with
 * what is no mirror's id: an empty text might be taken for a value that is missing.
 */
const NAMED: Filter = { field: MIRROR_FIELD, operator: 'ne', value: '-' };

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** More mirrors than this in one ledger is a fault that a person looks at; each further one would be one more question. */
const MIRRORS_MAX = 5;

/**
 * Any mirror that wrote to this ledger, but these; null when there is none.
 * @param among further filters on what it wrote
 * @throws SyncError transient when the answer does not fit the question
 */
export async function someMirrorId(
  lookUps: LookUps,
  but: readonly string[],
  among: readonly Filter[] = [],
): Promise<string | null> {
  const row = await lookUps.anyRow('transactions', [
    OURS,
    NAMED,
    ...but.map((value): Filter => ({ field: MIRROR_FIELD, operator: 'ne', value })),
    ...among,
  ]);
  if (row === null) return null;
  const mirrorId = readLedgerRow(row)?.mirrorId ?? null;
  if (mirrorId === null) throw unreadable('a transaction without our metadata was listed although it was asked for');
  if (but.includes(mirrorId)) {
    throw unreadable(`a transaction of the mirror ${mirrorId} was listed, others were asked for`);
  }
  return mirrorId;
}

/** At most MIRRORS_MAX of them, in no order. */
export async function mirrorIds(lookUps: LookUps): Promise<string[]> {
  const found: string[] = [];
  while (found.length < MIRRORS_MAX) {
    const next = await someMirrorId(lookUps, found);
    if (next === null) break;
    found.push(next);
  }
  return found;
}

export async function hasTransactionOf(lookUps: LookUps, mirrorId: string): Promise<boolean> {
  const row = await lookUps.anyRow('transactions', [{ field: MIRROR_FIELD, operator: 'eq', value: mirrorId }]);
  if (row === null) return false;
  if (readLedgerRow(row)?.mirrorId === mirrorId) return true;
  throw unreadable(`a transaction was listed that is not of the mirror ${mirrorId}, which was asked for`);
}

/** Nearly every row is: it is on the first page, unless there is none. */
export async function hasAppliedOf(lookUps: LookUps, mirrorId: string): Promise<boolean> {
  const filters: Filter[] = [{ field: MIRROR_FIELD, operator: 'eq', value: mirrorId }];
  for await (const { rows } of lookUps.pages('transactions', { filters })) {
    if (rows.map(readLedgerRow).some((row) => row !== null && isPlainlyOurs(row, { mirrorId }))) return true;
  }
  return false;
}

/** The oldest day that our transactions name; null when there are none. About 15 questions, whatever the ledger's size. */
export async function oldestEffectiveDay(lookUps: LookUps): Promise<string | null> {
  const dated = await oldestDayWithRows(lookUps);
  // Those that lost their effective date are on no day of the search; there are few of them, if any.
  const undated = await lookUps.anyRow('transactions', [OURS, { field: 'effective_date', operator: 'isnull' }]);
  const days = undated === null ? [] : await namedDays(lookUps, [{ field: 'effective_date', operator: 'isnull' }]);
  if (dated !== null) days.push(dated, ...(await namedDays(lookUps, within('effective_date', dayWindow(dated)))));
  return days.sort()[0] ?? null;
}

/** Of all days on which a transaction of ours took effect, the first. */
async function oldestDayWithRows(lookUps: LookUps): Promise<string | null> {
  const rowBefore = async (before: number | null): Promise<number | null> => {
    const bound: Filter[] =
      before === null
        ? [{ field: 'effective_date', operator: 'isnotnull' }]
        : [{ field: 'effective_date', operator: 'lt', value: new Date(before).toISOString() }];
    const row = await lookUps.anyRow('transactions', [OURS, ...bound]);
    if (row === null) return null;
    const effective = readLedgerRecord(row)?.effectiveDate?.getTime() ?? null;
    if (effective === null || (before !== null && effective >= before)) {
      throw unreadable(`${textMemberOf(row, 'reference') ?? 'a transaction'} was listed outside the dates asked for`);
    }
    return effective;
  };
  const first = await rowBefore(null);
  if (first === null) return null;
  let none = STRIPE_EPOCH.getTime();
  let some = startOfDay(first);
  // Before `none` there is nothing, and on the day of `some` there is a row.
  while (none < some) {
    const middle = none + Math.ceil((some - none) / DAY_MS / 2) * DAY_MS;
    const earlier = await rowBefore(middle);
    if (earlier === null) none = middle;
    else some = startOfDay(earlier);
  }
  return utcDay(new Date(some));
}

async function namedDays(lookUps: LookUps, among: readonly Filter[]): Promise<string[]> {
  const days = new Set<string>();
  for await (const { rows } of lookUps.pages('transactions', { filters: [OURS, ...among] })) {
    for (const value of rows) {
      const day = readLedgerRecord(value)?.day ?? null;
      if (day !== null && DAY.test(day)) days.add(day);
    }
  }
  return [...days];
}

function startOfDay(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}
