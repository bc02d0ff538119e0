/**
 * The mirror's own ledger and its balances over HTTP. Requests that make something are sent once: Blnk makes another one each time. What
 * is listed is held against the question; whose a balance is, is for those who know the marks.
 */
import type { AccountsAtBlnk, ListedBalance, MakeAnswer, SeenLedger } from '../accounts/balance-ports.js';
import { carriesMark } from '../core/accounts/balance-mark.js';
import { MARK_KEY, type Mark } from '../core/accounts/identity.js';
import { SyncError } from '../core/base/errors.js';
import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import { isLimit } from './access-error.js';
import type { BlnkAnswer } from './answer.js';
import { type Connection, type ConnectionOptions, createConnection } from './connection.js';
import { someMirrorId } from './history.js';
import { isLedgerId, wholeNumber } from './ledger-row.js';
import { type LookUps, limitReached, ROWS_MAX, unreadable } from './look-ups.js';
import type { Filter, Route, Routes } from './routes.js';

export interface BlnkAccounts extends AccountsAtBlnk {
  /** Whether the key may look for ledgers. @throws SyncError fatal when it may not, transient when nobody answers */
  checkPermission(): Promise<void>;
  /** Any other mirror that posted out of one of these balances; null: none did. Reads all that was. */
  otherMirrorAt(balanceIds: readonly string[], mirrorId: string): Promise<string | null>;
  /** Takes no new requests and waits for those in flight. */
  close(): Promise<void>;
}

/** Ids of mirrors are UUIDs. */
const NOBODYS_MARK: Mark = { mirror: 'stripe-blnk-sync:permission-check', role: 'ledger' };

/** Of a request that makes something; as long as a post may take. */
const MAKE_TIMEOUT_MS = 70_000;

/** Opens no connection yet. @throws SyncError fatal when the address or the instance id cannot be used */
export function createAccounts(options: ConnectionOptions): BlnkAccounts {
  const connection = createConnection(options);
  const { routes, transport, lookUps } = connection;
  const findByMark = markedLedgers(lookUps, routes);
  return {
    findLedgers: findByMark,
    async hasLedger(ledgerId) {
      const filters: Filter[] = [{ field: 'ledger_id', operator: 'eq', value: ledgerId }];
      const rows = await lookUps.listRows('ledgers', { filters, rowsMax: 1 });
      return rows.some((row) => memberOf(row, 'ledger_id') === ledgerId);
    },
    createLedger: ({ name, mark }) =>
      make(connection, routes.makeLedger, { body: { name, meta_data: { [MARK_KEY]: mark } }, idOf: 'ledger_id' }),
    createBalance: ({ ledgerId, currency, identityId, mark }) => {
      const identity = identityId === null ? {} : { identity_id: identityId };
      const body = { ledger_id: ledgerId, ...identity, currency, meta_data: { [MARK_KEY]: mark } };
      return make(connection, routes.makeBalance, { body, idOf: 'balance_id' });
    },
    listBalances: (ledgerId, since) => listBalances(lookUps, ledgerId, since),
    balancesOf: (balanceIds) => balancesOf(lookUps, balanceIds),
    async checkPermission() {
      await findByMark(NOBODYS_MARK);
    },
    async otherMirrorAt(balanceIds, mirrorId) {
      for (const value of balanceIds) {
        const other = await someMirrorId(lookUps, [mirrorId], [{ field: 'source', operator: 'eq', value }]);
        if (other !== null) return other;
      }
      return null;
    },
    close: () => transport.close(),
  };
}

interface Wish {
  readonly body: object;
  /** The member of the answer that names what was made. */
  readonly idOf: string;
}

async function make({ transport }: Connection, route: Route, { body, idOf }: Wish): Promise<MakeAnswer> {
  const reply = await transport.send({ route, body: JSON.stringify(body), timeoutMs: MAKE_TIMEOUT_MS });
  if (reply.kind === 'fault') return { kind: reply.notSent ? 'not_made' : 'unclear', message: reply.message };
  return readMade(reply.answer, route, idOf);
}

function readMade(answer: BlnkAnswer, route: Route, idOf: string): MakeAnswer {
  const { status, code, json } = answer;
  const message = `${route.method} ${route.url} answered: ${answer.message}`;
  if (status === 201 && isLedgerId(memberOf(json, idOf))) return { kind: 'made' };
  if (isLimit(answer)) throw limitReached(answer, route);
  if (status === 429) return { kind: 'not_made', message };
  // Of Core itself, which makes nothing of what it refuses; a Core before 0.15.0 has no codes.
  const isOfCore = code !== null || textMemberOf(json, 'error') !== null || textMemberOf(json, 'errors') !== null;
  if ((status === 400 || status === 422) && isOfCore) return { kind: 'refused', message };
  return { kind: 'unclear', message };
}

/**
 * A mark has two spellings: a Core finds it by an object of which the metadata holds all, the Cloud documents dotted paths, and
 * what it takes besides is not documented.
 */
function markedLedgers(lookUps: LookUps, { style }: Routes): (mark: Mark) => Promise<SeenLedger[]> {
  let isDotted = style === 'cloud';
  const field = `meta_data.${MARK_KEY}`;
  const filtersOf = (mark: Mark): Filter[] =>
    isDotted
      ? Object.entries(mark).map(([key, value]) => ({ field: `${field}.${key}`, operator: 'eq', value }))
      : [{ field, operator: 'eq', value: mark }];
  const list = async (mark: Mark): Promise<SeenLedger[]> => {
    const rows = await lookUps.listRows('ledgers', { filters: filtersOf(mark) });
    return rows.map((row) => readLedger(row, mark));
  };
  return async (mark) => {
    try {
      return await list(mark);
    } catch (error) {
      if (!isDotted || !(error instanceof SyncError) || error.code !== 'blnk_look_up_refused') throw error;
      isDotted = false;
      return await list(mark).catch(() => {
        isDotted = true;
        throw error;
      });
    }
  };
}

function readLedger(row: unknown, mark: Mark): SeenLedger {
  const ledgerId = memberOf(row, 'ledger_id');
  const createdAt = readTime(row);
  if (!isLedgerId(ledgerId) || createdAt === null) throw unreadable('a ledger without id or time was listed');
  const metadata = memberOf(row, 'meta_data');
  if (!carriesMark(metadata, mark)) {
    throw unreadable(`the ledger ${ledgerId} was listed although it does not carry the mark that was asked for`);
  }
  return { ledgerId, name: textMemberOf(row, 'name') ?? '', createdAt, metadata };
}

async function* listBalances(
  lookUps: LookUps,
  ledgerId: string,
  since: string | null,
): AsyncGenerator<readonly ListedBalance[]> {
  const filters: Filter[] = [{ field: 'ledger_id', operator: 'eq', value: ledgerId }];
  if (since !== null) filters.push({ field: 'created_at', operator: 'gte', value: since });
  for await (const { rows } of lookUps.pages('balances', { filters })) {
    const found = new Map<string, ListedBalance>();
    for (const row of rows) {
      const balance = readListed(row);
      if (textMemberOf(row, 'ledger_id') !== ledgerId) {
        throw unreadable(`the balance ${balance.balanceId} was listed although it is in another ledger`);
      }
      found.set(balance.balanceId, balance);
    }
    yield [...found.values()];
  }
}

function readListed(row: unknown): ListedBalance {
  const balanceId = memberOf(row, 'balance_id');
  const currency = textMemberOf(row, 'currency');
  const createdAt = readTime(row);
  if (!isLedgerId(balanceId) || currency === null || createdAt === null) {
    throw unreadable('a balance without id, currency or time was listed');
  }
  const amount = wholeNumber(memberOf(row, 'balance'));
  const moved = ['balance', 'credit_balance', 'debit_balance'].map((key) => wholeNumber(memberOf(row, key) ?? 0));
  const hasMoved = moved.some((one) => one !== 0n);
  return { balanceId, currency, createdAt, amount, hasMoved, metadata: memberOf(row, 'meta_data') };
}

async function balancesOf(lookUps: LookUps, balanceIds: readonly string[]): Promise<Map<string, ListedBalance>> {
  if (balanceIds.length > ROWS_MAX) throw new RangeError(`at most ${ROWS_MAX} balances at a time`);
  if (balanceIds.length === 0) return new Map();
  const filters: Filter[] = [{ field: 'balance_id', operator: 'in', values: balanceIds }];
  const rows = await lookUps.listRows('balances', { filters, rowsMax: balanceIds.length });
  const listed = rows.map(readListed).filter(({ balanceId }) => balanceIds.includes(balanceId));
  return new Map(listed.map((balance) => [balance.balanceId, balance]));
}

/** RFC 3339 in UTC, as Go writes it. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

function readTime(row: unknown): string | null {
  const text = textMemberOf(row, 'created_at');
  return text !== null && TIME.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}
