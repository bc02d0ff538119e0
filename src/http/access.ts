/**
 * Who is asking, and whether they may. In this order: the name under which it was asked, the page that it comes from, the token
 * or the session. Without tokens only this machine reaches the server, and whoever is on it may do everything.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Actor } from '../core/base/action.js';
import type { HttpPorts } from './ports.js';
import { type ProblemError, refuse } from './problem.js';
import { clientAddress } from './security/addresses.js';
import { isOwnHost, isOwnOrigin } from './security/hosts.js';
import { type Role, readSession, roleOfToken, shownToken } from './security/tokens.js';
import { WrongTokens } from './security/wrong-tokens.js';

export interface Access {
  readonly role: Role;
  /** `session` came from a page; its requests are noted as from the web. */
  readonly by: 'token' | 'session' | 'machine';
}

export interface Environment {
  Bindings: HttpBindings;
  Variables: { access: Access | null; requestId: string };
}

export const SESSION_COOKIE = 'stripe_blnk_sync_session';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** 421 for a name that is not ours; not for whoever shows a token, which no rebound page knows: scrapers ask by names of their own. */
export function ownHostsOnly({ config }: Pick<HttpPorts, 'config'>): MiddlewareHandler<Environment> {
  return async (c, next) => {
    const host = c.req.header('host');
    if (c.get('access')?.by !== 'token' && !isOwnHost(host, config)) {
      throw refuse(
        421,
        'http_host_unknown',
        `This server was asked as ${JSON.stringify(host ?? '')}; allowed are localhost, 127.0.0.1, [::1], HTTP_HOST and PUBLIC_URL. ` +
          'Behind a proxy set PUBLIC_URL to the address that people use',
      );
    }
    await next();
  };
}

/**
 * 403 for what another site's page sends. A browser says where a request comes from (`Sec-Fetch-Site`, `Origin`); what is no
 * browser says neither, and shows a token. Cross-origin reads of JSON fail by themselves: no answer allows them.
 */
export function ownPagesOnly({ config }: Pick<HttpPorts, 'config'>): MiddlewareHandler<Environment> {
  return async (c, next) => {
    if (!SAFE.has(c.req.method)) refuseForeign(c, config);
    await next();
  };
}

/** Answers that stay open: few at a time, so that a page of another site, which is shown none of them, could keep all of them. */
const STAYS_OPEN = /^\/events$|\.csv$/;

/** 403 for another site's page that asks for one of these. */
export function ownReadersOnly({ config }: Pick<HttpPorts, 'config'>): MiddlewareHandler<Environment> {
  return async (c, next) => {
    if (STAYS_OPEN.test(c.req.path)) refuseForeign(c, config);
    await next();
  };
}

function refuseForeign(c: Context<Environment>, { publicUrl }: HttpPorts['config']): void {
  const [site, origin] = [c.req.header('sec-fetch-site'), c.req.header('origin')];
  const isForeignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  const host = c.req.header('host') ?? '';
  const isForeignOrigin = origin !== undefined && !isOwnOrigin(origin, { host, publicUrl });
  if (!isForeignSite && !isForeignOrigin) return;
  throw refuse(
    403,
    'http_foreign_origin',
    `The request comes from ${origin ?? `a page that is ${site}`}; allowed are this server's own pages, and programs that send no Origin`,
  );
}

/** Finds out who asks, and refuses nobody but those who show a wrong token. */
export function createAccessReader(ports: Pick<HttpPorts, 'config' | 'now' | 'monotonicMs' | 'onWrongToken'>) {
  const { config } = ports;
  const wrong = new WrongTokens(ports.monotonicMs);
  /** For whoever shows something made up: what is wrong with it, or that there were too many of these. */
  const slow = (c: Context<Environment>, refusal: () => ProblemError): ProblemError => {
    const address = addressOf(c, config.trustsProxy);
    const waitMs = wrong.waitMs(address);
    if (waitMs > 0) {
      return refuse(429, 'http_too_many_tries', `Too many wrong tokens came from ${address}; try again later`, {
        retryAfterS: Math.ceil(waitMs / 1_000),
      });
    }
    wrong.failed(address);
    ports.onWrongToken(address);
    return refusal();
  };
  const check = (c: Context<Environment>, token: string): Role => {
    // First: whoever has the right one is never kept out by others who try from the same address.
    const role = roleOfToken(token, config);
    if (role !== null) return role;
    throw slow(c, () =>
      refuse(401, 'http_token_wrong', 'The token is none of ADMIN_TOKEN and VIEWER_TOKEN of this server'),
    );
  };
  const read = (c: Context<Environment>): Access | null => {
    const token = shownToken(c.req.header('authorization'));
    if (token !== null && config.adminToken !== null) return { role: check(c, token), by: 'token' };
    if (config.adminToken === null) return { role: 'admin', by: 'machine' };
    const session = readSession(getCookie(c, SESSION_COOKIE) ?? '', {
      ...config,
      nowMs: ports.now().getTime(),
    });
    return session === null ? null : { role: session.role, by: 'session' };
  };
  const remember: MiddlewareHandler<Environment> = async (c, next) => {
    c.set('access', read(c));
    await next();
  };
  return { remember, check, slow };
}

/** 401 without a token. */
export const knownOnly: MiddlewareHandler<Environment> = async (c, next) => {
  needAccess(c);
  await next();
};

/** 403 for a viewer who wants to change something. */
export function needAdmin(c: Context<Environment>): Access {
  const access = needAccess(c);
  if (access.role === 'admin') return access;
  throw refuse(403, 'http_not_allowed', 'VIEWER_TOKEN may read everything and change nothing; show ADMIN_TOKEN');
}

export function needAccess(c: Context<Environment>): Access {
  const access = c.get('access');
  if (access !== null) return access;
  throw refuse(
    401,
    'http_token_missing',
    'Send the header Authorization: Bearer <ADMIN_TOKEN or VIEWER_TOKEN>, or log in at /login',
  );
}

/** In whose name a request is noted. */
export function actorOf(c: Context<Environment>, isPage: boolean): Actor {
  const { by, role } = needAccess(c);
  const name = by === 'machine' ? 'somebody on this machine' : role;
  return { name, origin: isPage ? 'web' : 'api' };
}

export function addressOf(c: Context<Environment>, trustsProxy: boolean): string {
  const remote = c.env?.incoming?.socket?.remoteAddress;
  return clientAddress(remote, { forwarded: trustsProxy ? c.req.header('x-forwarded-for') : undefined });
}
