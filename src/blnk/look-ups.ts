/**
 * Questions to the ledger that change nothing, so they are repeated after faults. What comes back is checked: an answer
 * that ignored the filter, or was cut, would look like "not there", which only a whole and fitting answer may say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../core/base/errors.js';
import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import { isBlocked, isLimit, limitText } from './access-error.js';
import { type BlnkAnswer, shorten } from './answer.js';
import { asksPresence, type PresenceSpelling, spellPresence } from './presence.js';
import type { BlnkStyle, Filter, FilterQuery, Listed, Route, Routes } from './routes.js';
import type { Reply, Transport } from './transport.js';

/** Core turns a larger limit into 20, silently; the Cloud's largest page is not documented. */
export const ROWS_MAX = 100;

/** So many pages in a row without a row that is new: the server answers the same page for ever. */
const PAGES_WITHOUT_NEWS_MAX = 20;

/** Advice to wait longer than this goes to the caller, who has other work meanwhile. */
const WAIT_MS_MAX = 10_000;

export interface LookUpOptions {
  readonly timeoutMs: number;
  readonly attemptsMax: number;
  readonly firstWaitMs: number;
  /** Aborted at shutdown: no further attempt begins. */
  readonly signal: AbortSignal | undefined;
  /** Aborted: the attempt in flight ends too. Not of a worker that posts: what it sent is still looked up. */
  readonly abort: AbortSignal | undefined;
}

export interface ListQuery {
  readonly filters: readonly Filter[];
  /** How many there can be: when that many came, no further page is asked for. */
  readonly rowsMax?: number;
  /** Goes on behind this page. */
  readonly after?: ListPlace | null;
}

/** Behind a page of a list. */
export interface ListPlace {
  /** From 1. */
  readonly page: number;
  /** Reference of its last row. */
  readonly reference: string | null;
  /** Rows of this page and those before it. */
  readonly listed: number;
}

export interface ListPage {
  readonly rows: readonly unknown[];
  readonly place: ListPlace;
}

export interface LookUps {
  /** All rows that fit, as they came. @throws SyncError transient when no usable answer could be had */
  listRows(what: Listed, query: ListQuery): Promise<unknown[]>;
  /**
   * The same page by page, for lists of any length. While others write, a row may come twice (the Cloud pages by number);
   * one that is there throughout is not missed on a Core, and can only be missed in the Cloud when another one left.
   */
  pages(what: Listed, query: ListQuery): AsyncIterable<ListPage>;
  /** Any one row that fits; null when there is none. */
  anyRow(what: Listed, filters: readonly Filter[]): Promise<unknown>;
  /** Asks again after 429, 5xx and network faults. @throws SyncError transient when no attempt was answered */
  ask(route: Route, body: string | null): Promise<BlnkAnswer>;
}

export function createLookUps(routes: Routes, transport: Transport, options: LookUpOptions): LookUps {
  const isAborted = (): boolean => options.abort?.aborted === true;
  const ask = async (route: Route, body: string | null): Promise<BlnkAnswer> => {
    for (let attempt = 1; ; attempt += 1) {
      if (isAborted()) throw stopped();
      const reply = await transport.send({ route, body, timeoutMs: options.timeoutMs, signal: options.abort });
      if (reply.kind === 'fault' && isAborted()) throw stopped(reply.cause);
      if (reply.kind === 'answer' && !isUnavailable(reply.answer)) return reply.answer;
      const advisedMs = reply.kind === 'answer' ? reply.answer.retryAfterMs : null;
      const isLast =
        attempt >= options.attemptsMax || (advisedMs ?? 0) > WAIT_MS_MAX || options.signal?.aborted === true;
      if (isLast) throw unavailable(route, reply, attempt);
      await pause(Math.max(advisedMs ?? 0, jitter(options.firstWaitMs * 2 ** (attempt - 1))), options.abort);
    }
  };

  let spelling: PresenceSpelling = routes.style === 'cloud' ? 'exists' : 'isnull';
  const askSpelled = async (what: Listed, query: FilterQuery, spelled: PresenceSpelling) => {
    const { route, body } = routes.filter(what, { ...query, filters: spellPresence(query.filters, spelled) });
    return { route, answer: await ask(route, body) };
  };
  const askPage = async (what: Listed, query: FilterQuery): Promise<Page> => {
    const { route, answer } = await askSpelled(what, query, spelling);
    if (spelling === 'exists' && answer.status === 400 && asksPresence(query.filters)) {
      const other = await askSpelled(what, query, 'isnull');
      if (other.answer.status === 200) {
        spelling = 'isnull';
        return readPage(other.answer, other.route);
      }
    }
    return readPage(answer, route);
  };

  async function* pages(
    what: Listed,
    { filters, rowsMax = Number.POSITIVE_INFINITY, after = null }: ListQuery,
  ): AsyncGenerator<ListPage> {
    const news = createNews();
    let listed = after?.listed ?? 0;
    let reference = after?.reference ?? null;
    for (let page = (after?.page ?? 0) + 1; ; page += 1) {
      const place = { page, after: reference };
      const { rows, total }: Page = await askPage(what, { filters, rowsMax: ROWS_MAX, place });
      listed += rows.length;
      reference = textMemberOf(rows.at(-1), 'reference');
      if (rows.length > 0) yield { rows, place: { page, reference, listed } };
      if (isLast({ rows, total }, { style: routes.style, listed }) || listed >= rowsMax) return;
      const withoutNews = news.add(rows.map(idOf));
      if (withoutNews >= PAGES_WITHOUT_NEWS_MAX) {
        throw unreadable(`the list of ${what} repeats itself, ${withoutNews} pages brought no row that is new`);
      }
    }
  }

  return {
    ask,
    pages,
    async listRows(what, query) {
      const rows: unknown[] = [];
      // Not spread into a call: a page may hold more than the stack does.
      for await (const page of pages(what, query)) for (const row of page.rows) rows.push(row);
      return rows;
    },
    async anyRow(what, filters) {
      const { rows } = await askPage(what, { filters, rowsMax: 1, place: null });
      return rows[0] ?? null;
    },
  };
}

/** Ids that are remembered of a list: a server that repeats itself shows the same page again, and a list may have millions. */
const IDS_KEPT = 20_000;

function createNews() {
  // Two halves: the older one is forgotten when the younger one is full.
  let [older, younger] = [new Set<string>(), new Set<string>()];
  let withoutNews = 0;
  return {
    /** @returns how many pages in a row brought nothing new */
    add(ids: readonly string[]): number {
      const fresh = ids.filter((id) => !younger.has(id) && !older.has(id));
      withoutNews = fresh.length > 0 ? 0 : withoutNews + 1;
      for (const id of fresh) younger.add(id);
      if (younger.size >= IDS_KEPT / 2) [older, younger] = [younger, new Set()];
      return withoutNews;
    },
  };
}

/**
 * Only an empty page ends a list for certain. A Core gives as many rows as were asked for while it has them; the Cloud's
 * largest page is not known, so there a short page may be followed by others, unless an exact number of all rows rules that out.
 */
function isLast(
  { rows, total }: Page,
  { style, listed }: { readonly style: BlnkStyle; readonly listed: number },
): boolean {
  if (rows.length === 0) return true;
  if (total === listed) return true;
  // Fewer than were listed already: rows came twice while others were written, or the number is wrong.
  if (total !== null && total > listed) return false;
  return style === 'core' && rows.length < ROWS_MAX;
}

function idOf(row: unknown): string {
  const names = ['transaction_id', 'balance_id', 'ledger_id', 'reference'];
  return names.map((name) => textMemberOf(row, name)).find((id) => id !== null) ?? '';
}

async function pause(durationMs: number, abort: AbortSignal | undefined): Promise<void> {
  await sleep(durationMs, undefined, abort === undefined ? {} : { signal: abort }).catch((error: unknown) => {
    throw abort?.aborted === true ? stopped(error) : error;
  });
}

function stopped(cause?: unknown): SyncError {
  return new SyncError('Reading from Blnk was stopped', { kind: 'transient', code: 'stopped', cause });
}

/** An answer that must not be acted upon. */
export function unreadable(what: string): SyncError {
  return new SyncError(`Blnk's answer cannot be used: ${shorten(what)}`, {
    kind: 'transient',
    code: 'blnk_answer_unreadable',
  });
}

export function lookUpRefused(answer: BlnkAnswer, route: Route): SyncError {
  if (isLimit(answer)) return limitReached(answer, route);
  return new SyncError(`Blnk refused a look-up, ${route.method} ${route.url}: ${answer.message}`, {
    kind: 'transient',
    code: 'blnk_look_up_refused',
  });
}

export function limitReached(answer: BlnkAnswer, route: Route): SyncError {
  return new SyncError(`${route.method} ${route.url}: ${limitText(answer)}`, {
    kind: 'transient',
    code: 'blnk_limit_reached',
  });
}

interface Page {
  readonly rows: readonly unknown[];
  /** The exact number of all rows that fit; null when the answer does not tell it. */
  readonly total: number | null;
}

/** A bare array (Core), or `data` with the number of all rows (the Cloud's `total`; Core's `total_count`). */
function readPage(answer: BlnkAnswer, route: Route): Page {
  if (answer.status !== 200) throw lookUpRefused(answer, route);
  if (Array.isArray(answer.json)) return { rows: answer.json, total: null };
  // Go writes an empty list as null: Core 0.15.2 answers a bare null when no balance fits.
  if (answer.json === null) return { rows: [], total: null };
  const total = memberOf(answer.json, 'total') ?? memberOf(answer.json, 'total_count');
  const data = memberOf(answer.json, 'data');
  const rows: unknown = data === null && total === 0 ? [] : data;
  if (!Array.isArray(rows))
    throw unreadable(
      `${route.method} ${route.url} answered no list of rows, as Blnk does; check that BLNK_API_BASE leads to Blnk and not to another service. It answered: ${answer.message}`,
    );
  const isExact = typeof total === 'number' && memberOf(answer.json, 'total_is_estimate') !== true;
  return { rows, total: isExact && Number.isSafeInteger(total) ? total : null };
}

function isUnavailable(answer: BlnkAnswer): boolean {
  return answer.status === 429 || answer.status === 408 || answer.status >= 500 || isBlocked(answer);
}

function unavailable(route: Route, reply: Reply, attempts: number): SyncError {
  const why =
    reply.kind === 'answer' ? `${route.method} ${route.url} answered: ${reply.answer.message}` : reply.message;
  const retryAfterMs = reply.kind === 'answer' ? reply.answer.retryAfterMs : null;
  const notSent = reply.kind === 'fault' && reply.notSent;
  return new SyncError(
    `Blnk ${notSent ? 'cannot be reached (BLNK_API_BASE)' : 'gave no answer'} in ${attempts} attempt${attempts === 1 ? '' : 's'}; ${why}`,
    {
      kind: 'transient',
      code: 'blnk_unavailable',
      ...(reply.kind === 'fault' ? { cause: reply.cause } : {}),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    },
  );
}

/** Half to whole, so that lanes that failed together do not come back together. */
function jitter(waitMs: number): number {
  return waitMs * (0.5 + Math.random() / 2);
}
