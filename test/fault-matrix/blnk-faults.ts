/** The rows that only Blnk can give: Core's own errors, and answers that contradict what is in the ledger. */

import type { Handler } from '../support/http-proxy.js';
import { answer, doneBut, type Json, resetAfter, rewrittenJson } from './acts.js';
import type { Fault, Target } from './wire-faults.js';

/** What of a request kind the rows need. */
export interface BlnkTarget extends Target {
  readonly asks: 'post' | 'bulk' | 'rows' | 'balances' | 'standing' | 'empty bulk';
}

type BlnkFault = Fault<BlnkTarget>;

export const FROM_CORE: readonly BlnkFault[] = [
  core(400, 'TXN_VALIDATION_ERROR', { mayPark: 'refused_by_blnk' }),
  core(400, 'GEN_MALFORMED_REQUEST', { mayPark: 'refused_by_blnk' }),
  core(400, 'GEN_BAD_REQUEST'),
  core(400, 'TXN_INVALID_AMOUNT', { mayPark: 'refused_by_blnk' }),
  core(400, 'TXN_INSUFFICIENT_FUNDS'),
  core(401, 'AUTH_INVALID_API_KEY'),
  core(401, 'AUTH_EXPIRED_API_KEY', { message: 'API key has expired' }),
  core(403, 'AUTH_INSUFFICIENT_PERMISSIONS'),
  { title: '403 that names no permission', act: () => jsonAnswer(403, { error: 'forbidden' }) },
  { title: '403, a limit of the plan', act: () => jsonAnswer(403, { error: 'Record limit reached' }) },
  core(404, 'TXN_NOT_FOUND', { mayPark: 'refused_by_blnk' }),
  core(404, 'BAL_NOT_FOUND', { mayPark: 'refused_by_blnk' }),
  core(409, 'TXN_DUPLICATE_REFERENCE'),
  core(409, 'GEN_CONFLICT'),
  core(423, 'GEN_RESOURCE_LOCKED'),
  core(500, 'GEN_INTERNAL'),
  {
    ...core(500, 'GEN_INTERNAL'),
    title: '500 `GEN_INTERNAL`, done',
    act: () => doneBut(coreError(500, 'GEN_INTERNAL')),
  },
];

export const CONTRADICTORY: readonly BlnkFault[] = [
  { title: 'says done, and nothing is there', act: ({ asks }) => madeUp(asks) },
  {
    title: 'refuses what it did (`TXN_VALIDATION_ERROR`), or hides what is there',
    act: () => doneBut(coreError(400, 'TXN_VALIDATION_ERROR')),
  },
  { title: 'answers `QUEUED` to what it applied', act: () => rewrittenJson(everyRow({ status: 'QUEUED' })) },
  { title: 'shows another amount', act: () => rewrittenJson(otherAmount), mayPark: 'conflict' },
  { title: 'answers for another reference, balance or moment', act: () => rewrittenJson(other) },
  { title: 'the same first page for ever', act: () => rewrittenJson(withoutEnd) },
];

/** Look-ups that show the ledger as it was before anything was done; a post's answer is lost besides. */
export const LAGGING: BlnkFault = {
  title: 'look-ups lag, after a lost answer',
  brief: true,
  act: ({ asks }) => (asks === 'post' || asks === 'bulk' ? resetAfter : rewrittenJson(emptied)),
};

/** What the look-ups of `LAGGING` answer while a post is intercepted. */
export const hideRows: Handler = rewrittenJson(emptied);

function core(
  status: number,
  code: string,
  { message, mayPark }: { readonly message?: string; readonly mayPark?: string } = {},
): BlnkFault {
  return {
    title: `${status} \`${code}\``,
    act: () => coreError(status, code, message),
    ...(mayPark === undefined ? {} : { mayPark }),
  };
}

function coreError(status: number, code: string, message = `Core says ${code}`): Handler {
  return jsonAnswer(status, { error: message, error_detail: { code, message } });
}

function jsonAnswer(status: number, body: unknown): Handler {
  return answer(status, JSON.stringify(body), { 'content-type': 'application/json' });
}

/** A good answer out of the air. Balance ids cannot be known by whoever never saw the ledger. */
function madeUp(asks: BlnkTarget['asks']): Handler {
  return async (exchange) => {
    const asked: unknown = exchange.body === '' ? {} : JSON.parse(exchange.body);
    const answerJson = (status: number, body: unknown) =>
      answer(status, JSON.stringify(body), { 'content-type': 'application/json' })(exchange);
    switch (asks) {
      case 'post':
        return answerJson(201, { ...(asked as object), ...NOBODYS_ROW });
      case 'bulk':
      case 'empty bulk': {
        const { transactions } = asked as { transactions: unknown[] };
        return answerJson(201, { batch_id: 'bulk_0', status: 'applied', transaction_count: transactions.length });
      }
      case 'rows':
        return answerJson(200, [{ ...NOBODYS_ROW, reference: 'pi_nobody', precise_amount: 100, currency: 'USD' }]);
      case 'balances':
        return answerJson(200, [{ balance_id: 'bln_0', indicator: '@nobody', currency: 'USD' }]);
      case 'standing':
        return answerJson(200, { balance: { balance_id: 'bln_0', balance: 0 }, from_source: true });
      default:
        return asks satisfies never;
    }
  };
}

const NOBODYS_ROW = { transaction_id: 'txn_0', status: 'APPLIED', source: 'bln_0', destination: 'bln_00' };

/** Changes the rows of a list in either style, or the one row that there is. */
function mapRows(json: unknown, change: (row: Json) => Json): unknown {
  if (Array.isArray(json)) return json.map((row: Json) => change(row));
  if (json === null || typeof json !== 'object') return json;
  const { data } = json as Json;
  return Array.isArray(data) ? { ...json, data: data.map((row: Json) => change(row)) } : change(json as Json);
}

function everyRow(fields: Json): (json: unknown) => unknown {
  return (json) => mapRows(json, (row) => ({ ...row, ...fields }));
}

function otherAmount(json: unknown): unknown {
  return mapRows(json, (row) => {
    const { precise_amount: amount, balance, transaction_count: count } = row;
    return {
      ...row,
      ...(typeof amount === 'number' ? { precise_amount: amount + 100 } : {}),
      // Of a list of balances the number is no answer to anything that is asked.
      ...(typeof balance === 'object' && balance !== null
        ? { balance: { ...balance, balance: Number((balance as Json).balance) * 2 } }
        : {}),
      ...(typeof count === 'number' ? { transaction_count: count + 1 } : {}),
    };
  });
}

function other(json: unknown): unknown {
  return mapRows(json, (row) => ({
    ...row,
    ...('reference' in row ? { reference: `${row.reference}0` } : {}),
    ...('indicator' in row ? { indicator: `${row.indicator}0` } : {}),
    ...('balance' in row && typeof row.balance === 'object'
      ? { balance: { ...row.balance, balance_id: 'bln_0' } }
      : {}),
    ...('batch_id' in row ? { status: 'queued' } : {}),
  }));
}

/** Every page is full of what was on the first one, and the number of all rows says that there are more. */
function withoutEnd(json: unknown): unknown {
  const rows = Array.isArray(json) ? json : ((json as Json | null)?.data ?? null);
  if (!Array.isArray(rows) || rows.length === 0) return json;
  const full = Array.from({ length: 100 }, (_, index): unknown => rows[index % rows.length]);
  return Array.isArray(json) ? full : { ...(json as Json), data: full, total: 1_000_000 };
}

function emptied(json: unknown): unknown {
  if (Array.isArray(json)) return [];
  return json !== null && typeof json === 'object' && 'data' in json ? { ...json, data: [], total: 0 } : json;
}
