// Core's routes, at the root for Core's key and under /proxy for the Cloud. A route of Core that is not played answers 501, an
// unknown one 404 in plain text, as Core does.

import { type Answer, failureAnswer, jsonAnswer, noSuchRow, notFound, notPlayed } from './answers.js';
import { getBalanceAt } from './balance-at.js';
import type { Balance } from './balance-book.js';
import { readFields } from './body-fields.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import { filterAsVersion } from './core-version.js';
import { type FoundEntities, findBalances, findIdentities, findLedgers } from './entity-filter.js';
import { balanceJson, identityJson, ledgerJson } from './entity-json.js';
import * as entities from './entity-routes.js';
import { type FilterRequest, readFilterBody, readFilterQuery } from './filter-request.js';
import { bulkCommit, bulkVoid, updateInflight } from './inflight-routes.js';
import { updateMetadata } from './metadata-route.js';
import { type PostParts, postBulk, postTransaction } from './post-routes.js';
import type { TransactionFilter } from './transaction-filter.js';
import { rowJson } from './transaction-json.js';

export interface CoreParts extends PostParts {
  filter: TransactionFilter;
}

type Handler = (parts: CoreParts, call: Call, parameters: readonly string[]) => Answer | Promise<Answer>;

interface CoreRoute {
  /** Method and path with `:` for parameters; counters and faults go by it. */
  readonly key: string;
  readonly method: string;
  readonly segments: readonly string[];
  readonly documentedProxyRoute: boolean;
  readonly handle: Handler;
}

/** Core's routes; the marked ones are those that Blnk documents for the Cloud's proxy. */
const coreRoutes: readonly CoreRoute[] = [
  route('POST /transactions', postTransaction, 'proxied'),
  route('POST /transactions/bulk', postBulk, 'proxied'),
  route('POST /transactions/filter', filterTransactions),
  route('POST /transactions/recover', recoverQueued),
  route('POST /refund-transaction/:id', refundTransaction, 'proxied'),
  route('GET /transactions', listTransactions),
  route('GET /transactions/:id', getTransaction),
  route('GET /transactions/reference/:reference', getTransactionByReference),
  route('GET /transactions/:id/lineage', () => notPlayed('lineage'), 'proxied'),
  route('PUT /transactions/inflight/:id', updateInflight, 'proxied'),
  route('POST /transactions/inflight/bulk/commit', bulkCommit),
  route('POST /transactions/inflight/bulk/void', bulkVoid),
  route('POST /ledgers', ({ core }, call) => entities.createLedger(core, call), 'proxied'),
  route('GET /ledgers', ({ core }, call) =>
    listOf(readFilterQuery(call.query), (request) => findLedgers(core, request, call), ledgerJson, '[]'),
  ),
  route('POST /ledgers/filter', ({ core }, call) =>
    listOf(coreFilter(core, call, 'ledgers'), (request) => findLedgers(core, request, call), ledgerJson, '[]'),
  ),
  route('GET /ledgers/:id', ({ core }, _call, [id = '']) => entities.getLedger(core, id)),
  route('PUT /ledgers/:id', ({ core }, call, [id = '']) => entities.renameLedger(core, id, call)),
  route('POST /balances', ({ core }, call) => entities.createBalance(core, call), 'proxied'),
  route('GET /balances', ({ core }, call) =>
    listOf(readFilterQuery(call.query), (request) => findBalances(core, request, call), listedBalance),
  ),
  route('POST /balances/filter', ({ core }, call) =>
    listOf(coreFilter(core, call, 'balances'), (request) => findBalances(core, request, call), listedBalance),
  ),
  route('GET /balances/:id', getBalance),
  route('GET /balances/:id/at', ({ core }, call, [id = '']) => getBalanceAt(core, id, call.query), 'proxied'),
  route('GET /balances/:id/lineage', () => notPlayed('lineage'), 'proxied'),
  route('GET /balances/indicator/:indicator/currency/:currency', getBalanceByIndicator),
  route('PUT /balances/:id/identity', ({ core }, call, [id = '']) => entities.linkIdentity(core, id, call), 'proxied'),
  route('POST /identities', ({ core }, call) => entities.createIdentity(core, call), 'proxied'),
  route('GET /identities', ({ core }, call) =>
    listOf(readFilterQuery(call.query), (request) => findIdentities(core, request, call), identityJson),
  ),
  route('POST /identities/filter', ({ core }, call) =>
    listOf(coreFilter(core, call, 'identities'), (request) => findIdentities(core, request, call), identityJson),
  ),
  route('GET /identities/:id', ({ core }, _call, [id = '']) => entities.getIdentity(core, id)),
  route('PUT /identities/:id', ({ core }, call, [id = '']) => entities.updateIdentity(core, id, call), 'proxied'),
  route('DELETE /identities/:id', ({ core }, _call, [id = '']) => entities.deleteIdentity(core, id)),
  route('POST /:id/metadata', ({ core }, call, [id = '']) => updateMetadata(core, id, call), 'proxied'),
  route('POST /reconciliation/:action', () => notPlayed('reconciliation'), 'proxied'),
  route('GET /health', () => jsonAnswer(200, { status: 'UP' })),
];

/** The route of a request, and what its parameters are. Fixed segments win over parameters. */
export function findCoreRoute(
  method: string,
  segments: readonly string[],
): { route: CoreRoute; parameters: string[] } | undefined {
  let best: { route: CoreRoute; parameters: string[] } | undefined;
  for (const candidate of coreRoutes) {
    const parameters = candidate.method === method ? matchSegments(candidate.segments, segments) : undefined;
    if (parameters !== undefined && (best === undefined || parameters.length < best.parameters.length)) {
      best = { route: candidate, parameters };
    }
  }
  return best;
}

function route(key: string, handle: Handler, proxied?: 'proxied'): CoreRoute {
  const [method = '', path = ''] = key.split(' ');
  return { key, method, segments: path.split('/').slice(1), documentedProxyRoute: proxied !== undefined, handle };
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): string[] | undefined {
  if (pattern.length !== segments.length) {
    return undefined;
  }
  const fits = pattern.every((part, index) =>
    part.startsWith(':') ? segments[index] !== '' : part === segments[index],
  );
  return fits ? segments.filter((_segment, index) => pattern[index]?.startsWith(':')) : undefined;
}

function coreFilter({ settings }: CoreState, call: Call, what: string): FilterRequest | Answer {
  return filterAsVersion(settings.coreVersion, readFilterBody(call), what);
}

function filterTransactions({ core, filter }: CoreParts, call: Call): Answer {
  const request = coreFilter(core, call, 'transactions');
  return 'filters' in request ? transactionList({ core, filter }, request, call) : request;
}

function listTransactions({ core, filter }: CoreParts, call: Call): Answer {
  const request = readFilterQuery(call.query);
  return 'filters' in request ? transactionList({ core, filter }, request, call) : request;
}

function transactionList(
  { core, filter }: Pick<CoreParts, 'core' | 'filter'>,
  request: FilterRequest,
  call: Call,
): Answer {
  const found = filter.find(request, call.visibleRows);
  return 'rows' in found
    ? listAnswer(
        found.rows.map((row) => rowJson(core, row, 'list')),
        { ...request, total: found.total },
      )
    : found;
}

/** Core's lists of balances and identities are null when they are empty, those of ledgers and transactions are not. */
function listOf<Row>(
  request: FilterRequest | Answer,
  find: (request: FilterRequest) => FoundEntities<Row> | Answer,
  show: (row: Row) => string,
  empty: '[]' | 'null' = 'null',
): Answer {
  if (!('filters' in request)) {
    return request;
  }
  const found = find(request);
  return 'rows' in found ? listAnswer(found.rows.map(show), { ...request, total: found.total, empty }) : found;
}

/** Core wraps a list only when the count was asked for; it counts beside the rows, so that an empty page has no count. */
function listAnswer(
  rows: string[],
  { includeCount, total, empty = '[]' }: { includeCount: boolean; total: number; empty?: '[]' | 'null' },
): Answer {
  const list = rows.length === 0 ? empty : `[${rows.join(',')}]`;
  if (!includeCount) {
    return { status: 200, body: list };
  }
  return { status: 200, body: rows.length === 0 ? `{"data":${list}}` : `{"data":${list},"total_count":${total}}` };
}

function getTransaction({ core }: CoreParts, call: Call, [id = '']: readonly string[]): Answer {
  const row = core.transactions.rowOfId(id);
  const seen = row !== undefined && row < (call.visibleRows ?? Number.POSITIVE_INFINITY);
  return seen
    ? { status: 200, body: rowJson(core, row, 'byId') }
    : failureAnswer(noSuchRow('TXN_NOT_FOUND', `Transaction with ID '${id}' not found`));
}

function getTransactionByReference({ core }: CoreParts, call: Call, [reference = '']: readonly string[]): Answer {
  const row = core.transactions.rowOfReference(reference);
  const seen = row !== undefined && row < (call.visibleRows ?? Number.POSITIVE_INFINITY);
  return seen
    ? { status: 200, body: rowJson(core, row, 'byReference') }
    : failureAnswer(noSuchRow('TXN_NOT_FOUND', `Transaction with reference '${reference}' not found`));
}

function getBalance({ core }: CoreParts, _call: Call, [id = '']: readonly string[]): Answer {
  return entities.getBalance(core.balances.byId(id), noSuchRow('BAL_NOT_FOUND', `Balance with ID '${id}' not found`));
}

function getBalanceByIndicator(
  { core }: CoreParts,
  _call: Call,
  [indicator = '', currency = '']: readonly string[],
): Answer {
  return entities.getBalance(
    core.balances.byIndicator({ indicator, currency }),
    notFound('BAL_NOT_FOUND', `balance with indicator '${indicator}' not found`),
  );
}

async function refundTransaction({ refunds }: CoreParts, call: Call, [id = '']: readonly string[]): Promise<Answer> {
  const struct = { name: 'refundTransactionRequest', flags: ['skip_queue'] };
  const fields = call.text.trim() === '' ? {} : readFields(call, [], struct);
  return typeof fields === 'string'
    ? failureAnswer({ status: 400, code: 'GEN_MALFORMED_REQUEST', message: fields })
    : refunds.refund(id, { skipQueue: fields.skip_queue === true });
}

async function recoverQueued({ queue }: CoreParts, call: Call): Promise<Answer> {
  const asked = /^(\d+)m$/.exec(call.query.get('threshold') ?? '');
  const minutes = Math.max(2, Number(asked?.[1] ?? 2));
  return jsonAnswer(200, { recovered: await queue.recover(minutes * 60_000), threshold: `${minutes}m0s` });
}

function listedBalance(balance: Balance): string {
  return balanceJson(balance, { inList: true });
}
