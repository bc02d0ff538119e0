/**
 * The ledger as proofs read it: whole lists, page by page, and balances as of a moment. It reads only. Every row is held
 * against the question, because a server that ignored a filter would make a proof of something else.
 */

import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import type { Window } from '../core/base/window.js';
import { isMadeOfMirroredId, metadataKeyOf, OBJECT_KINDS } from '../core/kinds/registry.js';
import type { LedgerRecord } from '../core/ledger/row.js';
import type { LedgerHistory, LedgerSide } from '../prove/ports.js';
import type { BlnkAnswer } from './answer.js';
import { type ConnectionOptions, createConnection } from './connection.js';
import { balancesOf, findBalances, findByReference, findChildren } from './find-rows.js';
import { mirrorIds, oldestEffectiveDay } from './history.js';
import { readLedgerRecord, wholeNumber } from './ledger-row.js';
import { type LookUps, lookUpRefused, unreadable } from './look-ups.js';
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
    listDay: (day) => listDay(lookUps, day),
    listForeign: (window) => listForeign(lookUps, window),
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
    close: () => transport.close(),
  };
}

async function* listDay(lookUps: LookUps, day: string): AsyncGenerator<readonly LedgerRecord[]> {
  const filters: Filter[] = [{ field: 'meta_data.stripe_day', operator: 'eq', value: day }];
  for await (const page of lookUps.pages('transactions', { filters })) {
    yield page.map((value) => {
      const record = readRecord(value);
      if (record.day !== day) throw unreadable(`${record.reference} was listed for ${day}, its day is ${record.day}`);
      return record;
    });
  }
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
async function* listForeign(lookUps: LookUps, window: Window): AsyncGenerator<readonly LedgerRecord[]> {
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
  for (const { filters, timeOf } of ofEachKind) {
    for await (const page of lookUps.pages('transactions', { filters })) {
      const records = page.map((value) => {
        const record = readRecord(value);
        const time = timeOf(record);
        if (record.mirrorId !== null || time === null || time < window.from || time >= window.to) {
          throw unreadable(`${record.reference} was listed as foreign from ${window.from.toISOString()} on`);
        }
        return record;
      });
      // A server that takes the `_` of the pattern for any character answers a few more.
      yield records.filter(({ reference }) => isMadeOfMirroredId(reference));
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
