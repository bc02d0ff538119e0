/**
 * Where things are asked: Blnk Cloud (its proxy for posts, its Filters API for look-ups) or a Core of one's own. In cloud
 * style only routes that the Cloud documents are used. Builds addresses, headers and filter bodies; sends nothing.
 */
import { SyncError } from '../core/base/errors.js';
import type { Window } from '../core/base/window.js';

/** `cloud`: Blnk Cloud with an instance id and a Bearer token. `core`: a self-hosted Core with `X-Blnk-Key`. */
export type BlnkStyle = 'cloud' | 'core';

export type RouteName =
  | 'post'
  | 'bulk'
  | 'transactions'
  | 'balances'
  | 'balance_at'
  | 'ledgers'
  | 'make_ledger'
  | 'make_balance'
  | 'identities'
  | 'identity'
  | 'balance_identity'
  | 'metadata';

export interface Route {
  readonly name: RouteName;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Path and query. */
  readonly path: string;
  /** The whole address, for messages. */
  readonly url: string;
  /** The permission that the key needs for it. */
  readonly scope: string;
}

export interface Filter {
  readonly field: string;
  readonly operator:
    | 'eq'
    | 'ne'
    | 'gt'
    | 'gte'
    | 'lt'
    | 'in'
    | 'like'
    | 'isnull'
    | 'isnotnull'
    | 'exists'
    | 'notexists';
  /** An object: what holds all of it. */
  readonly value?: string | Readonly<Record<string, string>>;
  readonly values?: readonly string[];
}

/** Of times in a window. */
export function within(field: string, { from, to }: Window): Filter[] {
  return [
    { field, operator: 'gte', value: from.toISOString() },
    { field, operator: 'lt', value: to.toISOString() },
  ];
}

/** What can be asked for by filters. */
export type Listed = 'transactions' | 'balances' | 'ledgers';

/** Where a page of rows begins. */
interface PagePlace {
  /** From 1. */
  readonly page: number;
  /** Reference of the last row of the page before; null for the first page. */
  readonly after: string | null;
}

export interface FilterQuery {
  readonly filters: readonly Filter[];
  /** Rows on a page, 100 at most. */
  readonly rowsMax: number;
  /** Null: any rows that fit, in the order that costs the ledger least. */
  readonly place: PagePlace | null;
}

export interface Routes {
  readonly style: BlnkStyle;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly post: Route;
  readonly bulk: Route;
  filter(what: Listed, query: FilterQuery): { readonly route: Route; readonly body: string };
  /** @param timestamp RFC 3339 in UTC; what takes effect at that very moment is counted */
  balanceAt(balanceId: string, timestamp: string): Route;
  /** Makes another ledger, or another balance, each time. */
  readonly makeLedger: Route;
  readonly makeBalance: Route;
  /** Makes an identity. */
  readonly identities: Route;
  /** Changes an identity. */
  identity(identityId: string): Route;
  /** Links a balance to an identity. */
  balanceIdentity(balanceId: string): Route;
  /** Merges keys into the metadata of whatever has this id. */
  metadata(id: string): Route;
  authorize(key: string): Record<string, string>;
}

/** @throws SyncError fatal when the base URL or the instance id cannot be used */
export function routesOf(target: {
  readonly style: BlnkStyle;
  readonly baseUrl: string;
  readonly instanceId: string | null;
}): Routes {
  const base = readBase(target.baseUrl);
  const route: MakeRoute = (name, path, scope, method = 'POST') => {
    const full = `${base.pathname.replace(/\/+$/, '')}${path}`;
    return { name, method, path: full, url: `${base.origin}${full}`, scope };
  };
  return target.style === 'cloud'
    ? cloudRoutes(base.origin, requireInstance(target.instanceId), route)
    : coreRoutes(base.origin, route);
}

type MakeRoute = (name: RouteName, path: string, scope: string, method?: Route['method']) => Route;

/** Without `from_source` Core begins at a snapshot, which hides what was dated before it and came after it. */
function balanceAtPath(balanceId: string, timestamp: string): string {
  return `/balances/${encodeURIComponent(balanceId)}/at?timestamp=${encodeURIComponent(timestamp)}&from_source=true`;
}

/** https://docs.blnkfinance.com/cloud: posts go through the proxy, look-ups straight to the Filters API at the root. */
function cloudRoutes(origin: string, instanceId: string, route: MakeRoute): Routes {
  const instance = `instance_id=${encodeURIComponent(instanceId)}`;
  return {
    style: 'cloud',
    origin,
    post: route('post', `/proxy/transactions?${instance}`, 'proxy:write'),
    bulk: route('bulk', `/proxy/transactions/bulk?${instance}`, 'proxy:write'),
    filter: (what, { filters, rowsMax, place }) => ({
      route: route(
        what,
        `/${what === 'ledgers' ? 'ledger' : what}/filter?${instance}&page=${place?.page ?? 1}&pageSize=${rowsMax}`,
        'data:read',
      ),
      body: JSON.stringify({ filters }),
    }),
    balanceAt: (balanceId, timestamp) =>
      route('balance_at', `/proxy${balanceAtPath(balanceId, timestamp)}&${instance}`, 'proxy:read', 'GET'),
    ...accountRoutes((name, path, _scope, method) => route(name, `/proxy${path}?${instance}`, 'proxy:write', method)),
    authorize: (key) => ({ authorization: `Bearer ${key}` }),
  };
}

/** Core takes a filter for a write because it is a POST: its own API keys need the `write` action for look-ups too. */
function coreRoutes(origin: string, route: MakeRoute): Routes {
  return {
    style: 'core',
    origin,
    post: route('post', '/transactions', 'transactions:write'),
    bulk: route('bulk', '/transactions/bulk', 'transactions:write'),
    filter: (what, { filters, rowsMax, place }) => ({
      route: route(what, `/${what}/filter`, `${what}:write`),
      body: JSON.stringify(coreFilter(what, { filters, rowsMax, place })),
    }),
    balanceAt: (balanceId, timestamp) =>
      route('balance_at', balanceAtPath(balanceId, timestamp), 'balances:read', 'GET'),
    ...accountRoutes(route),
    authorize: (key) => ({ 'x-blnk-key': key }),
  };
}

/** The same paths of a Core directly and behind the Cloud's proxy, which documents all of them. */
function accountRoutes(
  route: MakeRoute,
): Pick<Routes, 'makeLedger' | 'makeBalance' | 'identities' | 'identity' | 'balanceIdentity' | 'metadata'> {
  const idOf = encodeURIComponent;
  return {
    makeLedger: route('make_ledger', '/ledgers', 'ledgers:write'),
    makeBalance: route('make_balance', '/balances', 'balances:write'),
    identities: route('identities', '/identities', 'identities:write'),
    identity: (id) => route('identity', `/identities/${idOf(id)}`, 'identities:write', 'PUT'),
    balanceIdentity: (id) => route('balance_identity', `/balances/${idOf(id)}/identity`, 'balances:write', 'PUT'),
    metadata: (id) => route('metadata', `/${idOf(id)}/metadata`, 'metadata:write'),
  };
}

/**
 * Core orders by creation alone, and offsets move while rows come and go: of two rows of one moment, or after one that left,
 * one could be on no page. References are unique, so pages in their order miss nothing that is there throughout; and they
 * are indexed, so the last page of 100,000 rows costs what the first one does.
 */
function coreFilter(what: Listed, { filters, rowsMax: limit, place }: FilterQuery): object {
  if (place === null) return { filters, limit };
  if (what !== 'transactions') return { filters, limit, offset: (place.page - 1) * limit };
  const further: readonly Filter[] =
    place.after === null ? [] : [{ field: 'reference', operator: 'gt', value: place.after }];
  return { filters: [...filters, ...further], limit, sort_by: 'reference', sort_order: 'asc' };
}

function readBase(baseUrl: string): URL {
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (base !== null && (base.protocol === 'https:' || base.protocol === 'http:')) return base;
  throw new SyncError(
    `BLNK_API_BASE is "${baseUrl}"; allowed is an http or https address, such as https://api.cloud.blnkfinance.com`,
    { kind: 'fatal', code: 'blnk_base_invalid' },
  );
}

function requireInstance(instanceId: string | null): string {
  if (instanceId !== null && instanceId !== '') return instanceId;
  throw new SyncError(
    'BLNK_INSTANCE_ID is not set. Set it to the id of the Blnk Cloud instance, or set BLNK_API_STYLE=core for a self-hosted Core',
    { kind: 'fatal', code: 'blnk_instance_missing' },
  );
}
