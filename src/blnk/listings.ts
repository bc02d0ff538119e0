/**
 * The ledger as proofs read it: whole lists, page by page, and balances as of a moment. It reads only. Every row is held
 * against the question, because a server that ignored a filter would make a proof of something else.
 */

import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import type { Window } from '../core/base/window.js';
import { isMadeOfMirroredId, metadataKeyOf, OBJECT_KINDS } from '../core/kinds/registry.js';
import type { LedgerRecord } from '../core/ledger/row.js';
import type { DayPart, LedgerHistory, LedgerPage, LedgerSide } from '../prove/ports.js';
import type { BlnkAnswer } from './answer.js';
import { type ConnectionOptions, createConnection } from './connection.js';
import { balancesOf, findBalances, findByReference, findChildren } from './find-rows.js';
import { hasAppliedOf, hasTransactionOf, mirrorIds, oldestEffectiveDay } from './history.js';
import { readLedgerRecord, wholeNumber } from './ledger-row.js';
import { type ListPlace, type LookUps, lookUpRefused, unreadable } from './look-ups.js';
import { type Filter, type Route, within } from './routes.js';

export interface BlnkLedgerSide extends LedgerSide, LedgerHistory {
  /** Takes no new requests and waits for those in flight. */
  close(): Promise<void>;
}

/** Opens no connection yet. @throws SyncError fatal when the address or the instance id cannot be used */
export function createLedgerSide(options: ConnectionOptions): BlnkLedgerSide {
  let requests = 0;
  const { routes, transport, lookUps } = createConnection({
    ...options,
    onRequest: (report) => {
      requests += 1;
      options.onRequest?.(report);
    },
  });
  return {
    listDay: (day, part = null, after = null) => listDay(lookUps, { day, part, after: readPlace(after) }),
    listForeign: (window, after = null) => listForeign(lookUps, window, after),
    findByReference: (references) => findByReference(lookUps, references, readLedgerRecord),
    findChildren: (transactionIds) => findChildren(lookUps, transactionIds, readLedgerRecord),
    listOfPayment: (paymentId) => listOfPayment(lookUps, paymentId),
    findBalances: (query) => findBalances(lookUps, query),
    balancesOf: (indicator) => balancesOf(lookUps, indicator),
    async balanceBefore(balanceId, at) {
      const route = routes.balanceAt(balanceId, justBefore(at));
      return readBalance(await lookUps.ask(route, null), { route, balanceId });
    },
    requestCount: () => requests,
    oldestEffectiveDay: () => oldestEffectiveDay(lookUps),
    mirrorIds: () => mirrorIds(lookUps),
    hasTransactionOf: (mirrorId) => hasTransactionOf(lookUps, mirrorId),
    hasAppliedOf: (mirrorId) => hasAppliedOf(lookUps, mirrorId),
    close: () => transport.close(),
  };
}

function readPlace(after: string | null): ListPlace | null {
  return after === null ? null : JSON.parse(after);
}

interface DayQuery {
  readonly day: string;
  readonly part: DayPart | null;
  readonly after: ListPlace | null;
}

async function* listDay(lookUps: LookUps, { day, part, after }: DayQuery): AsyncGenerator<LedgerPage> {
  const filters: Filter[] = [{ field: 'meta_data.stripe_day', operator: 'eq', value: day }, ...filtersOfPart(part)];
  for await (const { rows, place } of lookUps.pages('transactions', { filters, after })) {
    const records = rows.map((value) => {
      const record = readRecord(value);
      if (record.day !== day) throw unreadable(`${record.reference} was listed for ${day}, its day is ${record.day}`);
      if (!isOfPart(record, part)) throw unreadable(`${record.reference} was listed for another time of ${day}`);
      return record;
    });
    yield { rows: records, next: JSON.stringify(place) };
  }
}

function filtersOfPart(part: DayPart | null): Filter[] {
  const field = 'effective_date';
  if (part === null) return [];
  if (part === 'undated') return [{ field, operator: 'isnull' }];
  const { from, to } = part;
  return [
    ...(from === null ? [] : [{ field, operator: 'gte', value: from.toISOString() } as const]),
    ...(to === null ? [] : [{ field, operator: 'lt', value: to.toISOString() } as const]),
  ];
}

function isOfPart({ effectiveDate }: LedgerRecord, part: DayPart | null): boolean {
  if (part === null) return true;
  if (part === 'undated' || effectiveDate === null) return part === 'undated' && effectiveDate === null;
  return (part.from === null || effectiveDate >= part.from) && (part.to === null || effectiveDate < part.to);
}

async function listOfPayment(lookUps: LookUps, paymentId: string): Promise<LedgerRecord[]> {
  const filters: Filter[] = [{ field: `meta_data.${metadataKeyOf(paymentId)}`, operator: 'eq', value: paymentId }];
  const found = await lookUps.listRows('transactions', { filters });
  return found.map((value) => {
    const record = readRecord(value);
    if (record.paymentId !== paymentId) throw unreadable(`${record.reference} was listed for ${paymentId}`);
    return record;
  });
}

/** References made of an object of Stripe, without our metadata: a list for each kind, because filters only narrow each other. */
const NOT_OURS: ReadonlyArray<readonly Filter[]> = OBJECT_KINDS.map(({ idPrefix }) => [
  // `_` stands for itself.
  { field: 'reference', operator: 'like', value: `${idPrefix.replaceAll('_', '\\_')}%` },
  { field: 'meta_data.stripe_mirror', operator: 'isnull' },
]);

/** Somebody's queued posts in a burst lose their effective date: those are on the day on which they were created. */
async function* listForeign(lookUps: LookUps, window: Window, from: string | null): AsyncGenerator<LedgerPage> {
  const questions = [
    { filters: within('effective_date', window), timeOf: (record: LedgerRecord) => record.effectiveDate },
    {
      filters: [{ field: 'effective_date', operator: 'isnull' } as const, ...within('created_at', window)],
      timeOf: (record: LedgerRecord) => (record.effectiveDate === null ? record.createdAt : null),
    },
  ];
  const ofEachKind = NOT_OURS.flatMap((notOurs) =>
    questions.map(({ filters, timeOf }) => ({ filters: [...notOurs, ...filters], timeOf })),
  );
  const begin: { readonly question: number; readonly place: ListPlace } | null =
    from === null ? null : JSON.parse(from);
  for (const [question, { filters, timeOf }] of ofEachKind.entries()) {
    if (question < (begin?.question ?? 0)) continue;
    const after = question === begin?.question ? begin.place : null;
    for await (const { rows, place } of lookUps.pages('transactions', { filters, after })) {
      const records = rows.map((value) => {
        const record = readRecord(value);
        const time = timeOf(record);
        if (record.mirrorId !== null || time === null || time < window.from || time >= window.to) {
          throw unreadable(`${record.reference} was listed as foreign from ${window.from.toISOString()} on`);
        }
        return record;
      });
      // A server that takes the `_` of the pattern for any character answers a few more.
      const ofIds = records.filter(({ reference }) => isMadeOfMirroredId(reference));
      yield { rows: ofIds, next: JSON.stringify({ question, place }) };
    }
  }
}

function readRecord(value: unknown): LedgerRecord {
  const record = readLedgerRecord(value);
  if (record === null) throw unreadable('a transaction without a reference was listed');
  return record;
}

/** Core counts what takes effect at the very moment asked for, and keeps microseconds: so the one before `at`. */
function justBefore(at: Date): string {
  return new Date(at.getTime() - 1).toISOString().replace('Z', '999Z');
}

/** @throws SyncError transient when Core does not know the balance: it was looked up a moment ago, so "nothing" is no answer */
function readBalance(answer: BlnkAnswer, asked: { readonly route: Route; readonly balanceId: string }): bigint {
  if (answer.status !== 200) throw lookUpRefused(answer, asked.route);
  const balance = memberOf(answer.json, 'balance');
  if (textMemberOf(balance, 'balance_id') !== asked.balanceId) {
    throw unreadable(`another balance than ${asked.balanceId} was shown`);
  }
  if (memberOf(answer.json, 'from_source') !== true) {
    throw unreadable(`the balance ${asked.balanceId} was not computed from the transactions`);
  }
  const amount = wholeNumber(memberOf(balance, 'balance'));
  if (amount === null) throw unreadable(`the balance ${asked.balanceId} is shown without a whole number`);
  return amount;
}
