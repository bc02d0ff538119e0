// The Cloud's own routes for reading: its Filters API at the root (POST /transactions/filter, …; `ledger` is singular there) and
// GET /data/<table> with suffix operators. Pages count from 1, 20 rows by default (30 ledgers) and 100 at most.

import { type Answer, jsonAnswer } from './answers.js';
import type { Call } from './call.js';
import type { CoreParts } from './core-routes.js';
import { findBalances, findIdentities, findLedgers } from './entity-filter.js';
import { balanceJson, identityJson, ledgerJson } from './entity-json.js';
import { type FilterRequest, readFilterBody, readFilterQuery } from './filter-request.js';
import { rowJson } from './transaction-json.js';

const pageSizeDefault = 20;
const ledgersPageSizeDefault = 30;
const pageSizeMax = 100;

interface CloudSettings {
  /** Rows without `precise_amount`: whether the real Cloud sends it is not known. */
  omitsPreciseAmount: boolean;
  estimatesTotals: boolean;
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
  const table = isData ? second : first;
  const request = isData ? readFilterQuery(call.query, 'cloud') : readFilterBody(call, 'cloud');
  if (!('filters' in request)) {
    return request;
  }
  const asked = positive(call.query.get('pageSize'));
  const size = Math.min(pageSizeMax, asked ?? (table.startsWith('ledger') ? ledgersPageSizeDefault : pageSizeDefault));
  const page = positive(call.query.get('page')) ?? 1;
  const paged = { ...request, limit: size, offset: (page - 1) * size, includeCount: true };
  const found = findPage(parts, paged, { table, call });
  if (!('rows' in found)) {
    return found;
  }
  const rows = settings.omitsPreciseAmount ? found.rows.map(withoutPreciseAmount) : found.rows;
  const data = `"data":[${rows.join(',')}]`;
  if (isData) {
    return { status: 200, body: `{${data},"total":${found.total}}` };
  }
  const isEstimate = settings.estimatesTotals && call.query.get('strict_total') !== 'true';
  const total = isEstimate ? Math.ceil((found.total + 1) / 10) * 10 : found.total;
  const source = isEstimate ? 'estimate' : 'exact';
  const about = `"stats":{},"total_is_estimate":${isEstimate},"total_source":"${source}"`;
  return { status: 200, body: `{${data},"total":${total},${about}}` };
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
    const found = findBalances(core, request, call);
    return 'rows' in found
      ? { total: found.total, rows: found.rows.map((balance) => balanceJson(balance, { inList: true })) }
      : found;
  }
  if (table === 'identities') {
    const found = findIdentities(core, request, call);
    return 'rows' in found ? { total: found.total, rows: found.rows.map(identityJson) } : found;
  }
  const found = findLedgers(core, request, call);
  return 'rows' in found ? { total: found.total, rows: found.rows.map(ledgerJson) } : found;
}

function positive(text: string | null): number | undefined {
  const number = Number.parseInt(text ?? '', 10);
  return number > 0 ? number : undefined;
}

function withoutPreciseAmount(row: string): string {
  return row.replace(/^\{"precise_amount":-?\d+,/, '{');
}
