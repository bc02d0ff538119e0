/**
 * Where things are asked: Blnk Cloud (its proxy for posts, its Filters API for look-ups) or a Core of one's own. In cloud
 * style only routes that the Cloud documents are used. Builds addresses, headers and filter bodies; sends nothing.
 */
import { SyncError } from '../core/errors.js';

/** `cloud`: Blnk Cloud with an instance id and a Bearer token. `core`: a self-hosted Core with `X-Blnk-Key`. */
export type BlnkStyle = 'cloud' | 'core';

export type RouteName = 'post' | 'bulk' | 'transactions' | 'balances';

export interface Route {
  readonly name: RouteName;
  /** Path and query. */
  readonly path: string;
  /** The whole address, for messages. */
  readonly url: string;
  /** The permission that the key needs for it. */
  readonly scope: string;
}

export interface Filter {
  readonly field: string;
  readonly operator: 'eq' | 'ne' | 'in' | 'isnotnull';
  readonly value?: string;
  readonly values?: readonly string[];
}

export interface Routes {
  readonly style: BlnkStyle;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly post: Route;
  readonly bulk: Route;
  filter(
    what: 'transactions' | 'balances',
    query: { readonly filters: readonly Filter[]; readonly rowsMax: number; readonly page: number },
  ): { readonly route: Route; readonly body: string };
  authorize(key: string): Record<string, string>;
}

/** @throws SyncError fatal when the base URL or the instance id cannot be used */
export function routesOf(target: {
  readonly style: BlnkStyle;
  readonly baseUrl: string;
  readonly instanceId: string | null;
}): Routes {
  const base = readBase(target.baseUrl);
  const route = (name: RouteName, path: string, scope: string): Route => {
    const full = `${base.pathname.replace(/\/+$/, '')}${path}`;
    return { name, path: full, url: `${base.origin}${full}`, scope };
  };
  return target.style === 'cloud'
    ? cloudRoutes(base.origin, requireInstance(target.instanceId), route)
    : coreRoutes(base.origin, route);
}

type MakeRoute = (name: RouteName, path: string, scope: string) => Route;

/** https://docs.blnkfinance.com/cloud: posts go through the proxy, look-ups straight to the Filters API at the root. */
function cloudRoutes(origin: string, instanceId: string, route: MakeRoute): Routes {
  const instance = `instance_id=${encodeURIComponent(instanceId)}`;
  return {
    style: 'cloud',
    origin,
    post: route('post', `/proxy/transactions?${instance}`, 'proxy:write'),
    bulk: route('bulk', `/proxy/transactions/bulk?${instance}`, 'proxy:write'),
    filter: (what, { filters, rowsMax, page }) => ({
      route: route(what, `/${what}/filter?${instance}&page=${page}&pageSize=${rowsMax}`, 'data:read'),
      body: JSON.stringify({ filters }),
    }),
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
    filter: (what, { filters, rowsMax, page }) => ({
      route: route(what, `/${what}/filter`, `${what}:write`),
      body: JSON.stringify({ filters, limit: rowsMax, offset: (page - 1) * rowsMax }),
    }),
    authorize: (key) => ({ 'x-blnk-key': key }),
  };
}

function readBase(baseUrl: string): URL {
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (base !== null && (base.protocol === 'https:' || base.protocol === 'http:')) return base;
  throw new SyncError(`BLNK_API_BASE is "${baseUrl}", which is not an http or https address`, {
    kind: 'fatal',
    code: 'blnk_base_invalid',
  });
}

function requireInstance(instanceId: string | null): string {
  if (instanceId !== null && instanceId !== '') return instanceId;
  throw new SyncError('BLNK_INSTANCE_ID is missing; Blnk Cloud needs it (BLNK_API_STYLE=core does without)', {
    kind: 'fatal',
    code: 'blnk_instance_missing',
  });
}
