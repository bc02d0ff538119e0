/**
 * The ledger over HTTP: Blnk Cloud or a self-hosted Core. Sends exactly the prepared texts, says what the answers mean,
 * and looks transactions and balances up. It keeps no state but its connections, and it never decides what to do next.
 */
import type { LedgerRow } from '../core/settlement.js';
import type { Ledger, PostAnswer } from '../post/ports.js';
import { parseExactJson, textMemberOf } from './exact-json.js';
import { readLedgerRow } from './ledger-row.js';
import { createLookUps, type LookUps, ROWS_MAX, unreadable } from './look-ups.js';
import { readBulkAnswer, readPostAnswer } from './post-answer.js';
import { type BlnkStyle, type Route, type Routes, routesOf } from './routes.js';
import { createTransport, type Reply, type RequestReport } from './transport.js';

export interface LedgerOptions {
  readonly style: BlnkStyle;
  /** `BLNK_API_BASE`; may carry a path. */
  readonly baseUrl: string;
  /** The Cloud's instance; null for a self-hosted Core. */
  readonly instanceId: string | null;
  /** Reads `BLNK_API_KEY` or its file. Asked once, and again after each 401. */
  readonly readKey: () => Promise<string>;
  /** Requests in flight at once. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  /** Longer than Core's lock wait and any proxy's own limit: a time-out aborts, and an aborted post locks its balances for 300 s. */
  readonly postTimeoutMs?: number;
  readonly lookUpTimeoutMs?: number;
  readonly lookUpAttemptsMax?: number;
  /** Doubles with each attempt. */
  readonly lookUpFirstWaitMs?: number;
  readonly responseBytesMax?: number;
  /** Aborted at shutdown: look-ups are not tried again. Posts are never aborted. */
  readonly signal?: AbortSignal;
  /** Once for each request, for metrics. Must not throw: a post may just have been applied. */
  readonly onRequest?: (report: RequestReport) => void;
}

/** What is asked before the first post. */
export interface LedgerProbe {
  /**
   * Tries the address, the key and both permissions without writing anything.
   * @throws SyncError fatal when one of them is wrong, transient when Blnk cannot be reached
   */
  checkPermissions(): Promise<void>;
  /** Whether the ledger holds a transaction that this software made, for any mirror but `exceptMirrorId`. */
  hasTransactionsOfOurs(exceptMirrorId: string | null): Promise<boolean>;
}

export interface BlnkLedger extends Ledger, LedgerProbe {
  /** Takes no new requests and waits for those in flight. */
  close(): Promise<void>;
}

/** Opens no connection yet. @throws SyncError fatal when the address or the instance id cannot be used */
export function createLedger(options: LedgerOptions): BlnkLedger {
  const routes = routesOf(options);
  const transport = createTransport(routes, {
    readKey: options.readKey,
    connections: options.connections ?? 16,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    responseBytesMax: options.responseBytesMax ?? 8 * 1024 * 1024,
    onRequest: options.onRequest,
  });
  const lookUps = createLookUps(routes, transport, {
    timeoutMs: options.lookUpTimeoutMs ?? 30_000,
    attemptsMax: options.lookUpAttemptsMax ?? 4,
    firstWaitMs: options.lookUpFirstWaitMs ?? 250,
    signal: options.signal,
  });
  const send = (route: Route, body: string): Promise<Reply> =>
    transport.send({ route, body, timeoutMs: options.postTimeoutMs ?? 70_000 });

  return {
    async post(body) {
      const reference = textMemberOf(parseExactJson(body), 'reference');
      if (reference === null) throw new TypeError('a prepared transaction without a reference was to be posted');
      const reply = await send(routes.post, body);
      return reply.kind === 'fault' ? answerToFault(reply) : readPostAnswer(reply.answer, reference);
    },
    async postBulk(bodies) {
      if (bodies.length === 0) throw new RangeError('a bulk without transactions was to be posted');
      const reply = await send(routes.bulk, bulkOf(bodies));
      return reply.kind === 'fault' ? answerToFault(reply) : readBulkAnswer(reply.answer, bodies.length);
    },
    findByReference: (references) => findByReference(lookUps, references),
    findBalances: (query) => findBalances(lookUps, query),
    checkPermissions: () => checkPermissions(lookUps, routes),
    hasTransactionsOfOurs: (exceptMirrorId) => hasTransactionsOfOurs(lookUps, exceptMirrorId),
    close: () => transport.close(),
  };
}

/** The prepared texts byte for byte. `skip_queue` counts at the root only; `atomic` would burn references when it undoes. */
function bulkOf(bodies: readonly string[]): string {
  return `{"atomic":false,"skip_queue":true,"transactions":[${bodies.join(',')}]}`;
}

function answerToFault(fault: Extract<Reply, { kind: 'fault' }>): PostAnswer {
  return fault.notSent
    ? { kind: 'busy', message: fault.message, retryAfterMs: null }
    : { kind: 'unclear', message: fault.message };
}

async function findByReference(lookUps: LookUps, references: readonly string[]): Promise<LedgerRow[]> {
  const asked = askable('references', references);
  if (asked.size === 0) return [];
  const found = await lookUps.listRows('transactions', {
    filters: [{ field: 'reference', operator: 'in', values: [...asked] }],
    rowsMax: ROWS_MAX,
  });
  return found.map((value) => {
    const row = readLedgerRow(value);
    if (row === null) throw unreadable('a transaction without a reference was listed');
    if (!asked.has(row.reference)) throw unreadable(`${row.reference} was listed although it was not asked for`);
    return row;
  });
}

async function findBalances(
  lookUps: LookUps,
  query: { readonly indicators: readonly string[]; readonly currency: string },
): Promise<Map<string, string>> {
  const asked = askable('indicators', query.indicators);
  const balanceIds = new Map<string, string>();
  if (asked.size === 0) return balanceIds;
  const found = await lookUps.listRows('balances', {
    filters: [
      { field: 'indicator', operator: 'in', values: [...asked] },
      { field: 'currency', operator: 'eq', value: query.currency },
    ],
    rowsMax: ROWS_MAX,
  });
  for (const value of found) {
    const indicator = textMemberOf(value, 'indicator');
    const balanceId = textMemberOf(value, 'balance_id');
    if (indicator === null || balanceId === null || !asked.has(indicator)) {
      throw unreadable(`the balance ${balanceId ?? 'without id'} was listed although it was not asked for`);
    }
    if (textMemberOf(value, 'currency') !== query.currency) {
      throw unreadable(`${indicator} was listed in another currency than ${query.currency}`);
    }
    // Core holds one balance of a name and currency; two would make it unknowable which one a post moves.
    const earlier = balanceIds.get(indicator);
    if (earlier !== undefined && earlier !== balanceId) {
      throw unreadable(`${indicator} in ${query.currency} is both ${earlier} and ${balanceId}`);
    }
    balanceIds.set(indicator, balanceId);
  }
  return balanceIds;
}

function askable(what: string, values: readonly string[]): Set<string> {
  const asked = new Set(values);
  if (asked.size > ROWS_MAX) throw new RangeError(`at most ${ROWS_MAX} ${what} at a time, ${asked.size} were given`);
  return asked;
}

/** No payment can have this reference: ours begin with an object id of Stripe. */
const NOBODYS_REFERENCE = 'stripe-blnk-sync:permission-check';
const NOBODYS_BALANCE = '@stripe-blnk-sync:permission-check';

async function checkPermissions(lookUps: LookUps, routes: Routes): Promise<void> {
  await findByReference(lookUps, [NOBODYS_REFERENCE]);
  // A Core's own API keys have a permission of their own for balances.
  await findBalances(lookUps, { indicators: [NOBODYS_BALANCE], currency: 'USD' });
  // A bulk without transactions writes nothing (Core: 400 TXN_BULK_EMPTY), and gets that far only with a key that may post.
  const answer = await lookUps.ask(routes.bulk, bulkOf([]));
  if (answer.json === undefined) throw unreadable(`POST ${routes.bulk.url} answered no JSON: ${answer.message}`);
}

async function hasTransactionsOfOurs(lookUps: LookUps, exceptMirrorId: string | null): Promise<boolean> {
  const field = 'meta_data.stripe_mirror';
  const found = await lookUps.listRows('transactions', {
    filters: [
      { field, operator: 'isnotnull' },
      ...(exceptMirrorId === null ? [] : [{ field, operator: 'ne' as const, value: exceptMirrorId }]),
    ],
    rowsMax: 1,
  });
  return found.some((value) => {
    const mirrorId = readLedgerRow(value)?.mirrorId ?? null;
    if (mirrorId === null) throw unreadable('a transaction without our metadata was listed although it was asked for');
    if (mirrorId === exceptMirrorId)
      throw unreadable(`a transaction of the mirror ${mirrorId} was listed, others were asked for`);
    return true;
  });
}
