// The Cloud's own routes for reading: its Filters API at the root (POST /transactions/filter, …; `ledger` is singular there) and
// GET /data/<table> with suffix operators. Pages count from 1, 20 rows by default and 100 at most.

import { type Answer, jsonAnswer } from './answers.js';
import type { Call } from './call.js';
import type { CoreParts } from './core-routes.js';
import { findBalances, findIdentities, findLedgers } from './entity-filter.js';
import { balanceJson, identityJson, ledgerJson } from './entity-json.js';
import { type FilterRequest, readFilterBody, readFilterQuery } from './filter-request.js';
import { rowJson } from './transaction-json.js';

const pageSizeDefault = 20;
const pageSizeMax = 100;

interface CloudSettings {
  /** Rows without `precise_amount`: whether the real Cloud sends it is not known. */
  omitsPreciseAmount: boolean;
}

interface Page {
  rows: string[];
  total: number;
}

/** The key of a Cloud route, for counters and faults; undefined when there is none. */
export function cloudRouteKey(method: string, segments: readonly string[]): string | undefined {
  const [first = '', second, ...more] = segments;
  if (more.length > 0) {
    return undefined;
  }
  if (
    method === 'POST' &&
    second === 'filter' &&
    ['transactions', 'balances', 'identities', 'ledger'].includes(first)
  ) {
    return `POST /${first}/filter`;
  }
  return method === 'GET' &&
    first === 'data' &&
    ['transactions', 'balances', 'identities', 'ledgers'].includes(second ?? '')
    ? `GET /data/${second}`
    : undefined;
}

/** Answers a Cloud route. */
export function answerCloud(parts: CoreParts, call: Call, settings: CloudSettings): Answer {
  const [first = '', second = ''] = call.segments;
  const isData = first === 'data';
  const request = isData ? readFilterQuery(call.query) : readFilterBody(call);
  if (!('filters' in request)) {
    return request;
  }
  const size = Math.min(pageSizeMax, positive(call.query.get(isData ? 'limit' : 'pageSize')) ?? pageSizeDefault);
  const page = positive(call.query.get('page')) ?? 1;
  const paged = { ...request, limit: size, offset: (page - 1) * size, includeCount: true };
  const found = findPage(parts, paged, { table: isData ? second : first, call });
  if (!('rows' in found)) {
    return found;
  }
  const rows = settings.omitsPreciseAmount ? found.rows.map(withoutPreciseAmount) : found.rows;
  const list = `"data":[${rows.join(',')}],"total":${found.total}`;
  const body = isData ? `{${list}}` : `{${list},"stats":{},"total_is_estimate":false,"total_source":"exact"}`;
  return { status: 200, body };
}

/** The Cloud's answer to a path that it does not have. */
export const noCloudRoute: Answer = jsonAnswer(404, { success: false, message: 'Not Found' });

function findPage(
  { core, filter }: CoreParts,
  request: FilterRequest,
  { table, call }: { table: string; call: Call },
): Page | Answer {
  if (table === 'transactions') {
    const found = filter.find(request, call.visibleRows);
    return 'rows' in found ? { total: found.total, rows: found.rows.map((row) => rowJson(core, row, 'list')) } : found;
  }
  if (table === 'balances') {
    const found = findBalances(core, request);
    return 'rows' in found
      ? { total: found.total, rows: found.rows.map((balance) => balanceJson(balance, { inList: true })) }
      : found;
  }
  if (table === 'identities') {
    const found = findIdentities(core, request);
    return 'rows' in found ? { total: found.total, rows: found.rows.map(identityJson) } : found;
  }
  const found = findLedgers(core, request);
  return 'rows' in found ? { total: found.total, rows: found.rows.map(ledgerJson) } : found;
}

function positive(text: string | null): number | undefined {
  const number = Number.parseInt(text ?? '', 10);
  return number > 0 ? number : undefined;
}

function withoutPreciseAmount(row: string): string {
  return row.replace(/^\{"precise_amount":-?\d+,/, '{');
}
