/**
 * Questions to the ledger that change nothing, so they are repeated after faults. What comes back is checked: an answer
 * that ignored the filter, or was cut, would look like "not there", which only a whole and fitting answer may say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../core/errors.js';
import type { BlnkAnswer } from './answer.js';
import { memberOf } from './exact-json.js';
import type { Filter, Route, Routes } from './routes.js';
import type { Reply, Transport } from './transport.js';

/** Core turns a larger limit into 20, silently; the Cloud's largest page is not documented. */
export const ROWS_MAX = 100;

/** A server with smaller pages than asked for is followed this far. */
const PAGES_MAX = 20;

/** Advice to wait longer than this goes to the caller, who has other work meanwhile. */
const WAIT_MS_MAX = 10_000;

export interface LookUpOptions {
  readonly timeoutMs: number;
  readonly attemptsMax: number;
  readonly firstWaitMs: number;
  /** Aborted at shutdown: no further attempt begins. */
  readonly signal: AbortSignal | undefined;
}

export interface LookUps {
  /** Rows as they came. @throws SyncError transient when no usable answer could be had */
  listRows(
    what: 'transactions' | 'balances',
    query: { readonly filters: readonly Filter[]; readonly rowsMax: number },
  ): Promise<unknown[]>;
  /** Asks again after 429, 5xx and network faults. @throws SyncError transient when no attempt was answered */
  ask(route: Route, body: string): Promise<BlnkAnswer>;
}

export function createLookUps(routes: Routes, transport: Transport, options: LookUpOptions): LookUps {
  const ask = async (route: Route, body: string): Promise<BlnkAnswer> => {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await transport.send({ route, body, timeoutMs: options.timeoutMs });
      if (reply.kind === 'answer' && !isUnavailable(reply.answer)) return reply.answer;
      const advisedMs = reply.kind === 'answer' ? reply.answer.retryAfterMs : null;
      const isLast =
        attempt >= options.attemptsMax || (advisedMs ?? 0) > WAIT_MS_MAX || options.signal?.aborted === true;
      if (isLast) throw unavailable(route, reply, attempt);
      await sleep(Math.max(advisedMs ?? 0, jitter(options.firstWaitMs * 2 ** (attempt - 1))));
    }
  };

  return {
    ask,
    async listRows(what, { filters, rowsMax }) {
      const rows: unknown[] = [];
      for (let page = 1; page <= PAGES_MAX; page += 1) {
        const { route, body } = routes.filter(what, { filters, rowsMax, page });
        const answer = await ask(route, body);
        const found = readPage(answer, route);
        rows.push(...found.rows);
        if (found.rows.length === 0 || rows.length >= Math.min(found.total ?? 0, rowsMax)) return rows;
      }
      throw unreadable(`the list of ${what} does not end after ${PAGES_MAX} pages`);
    },
  };
}

/** An answer that must not be acted upon. */
export function unreadable(what: string): SyncError {
  return new SyncError(`Blnk's answer cannot be used: ${what}`, { kind: 'transient', code: 'blnk_answer_unreadable' });
}

/** A bare array (Core), or `data` with the number of all rows (the Cloud's `total`; Core's `total_count`). */
function readPage(answer: BlnkAnswer, route: Route): { readonly rows: unknown[]; readonly total: number | null } {
  if (answer.status !== 200) {
    throw new SyncError(`Blnk refused a look-up, POST ${route.url}: ${answer.message}`, {
      kind: 'transient',
      code: 'blnk_look_up_refused',
    });
  }
  if (Array.isArray(answer.json)) return { rows: answer.json, total: null };
  // Go writes an empty list as null: Core 0.15.2 answers a bare null when no balance fits.
  if (answer.json === null) return { rows: [], total: null };
  const total = memberOf(answer.json, 'total') ?? memberOf(answer.json, 'total_count');
  const data = memberOf(answer.json, 'data');
  const rows: unknown = data === null && total === 0 ? [] : data;
  if (!Array.isArray(rows)) throw unreadable(`POST ${route.url} answered no list of rows: ${answer.message}`);
  return { rows, total: typeof total === 'number' ? total : null };
}

function isUnavailable(answer: BlnkAnswer): boolean {
  return answer.status === 429 || answer.status === 408 || answer.status >= 500;
}

function unavailable(route: Route, reply: Reply, attempts: number): SyncError {
  const why = reply.kind === 'answer' ? `POST ${route.url} answered: ${reply.answer.message}` : reply.message;
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
