/** Logging in: a token becomes a session, which is a cookie that no script reads and no other site sends. */
import { randomBytes } from 'node:crypto';
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, setCookie } from 'hono/cookie';
import { commandLine } from '../../core/base/own-command.js';
import { formatTime } from '../../core/base/time-text.js';
import { type createAccessReader, type Environment, SESSION_COOKIE } from '../access.js';
import type { HttpPorts } from '../ports.js';
import { type ProblemError, problemOf, refuse } from '../problem.js';
import { isOwnOrigin } from '../security/hosts.js';
import { readLinkSecret, signSession } from '../security/tokens.js';
import { Again, Login, LoginByLink, NoLogin } from './log-in-page.js';

const SESSION_S = 12 * 60 * 60;
const BODY_BYTES_MAX = 8 * 1_024;

const limited = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw refuse(413, 'http_body_too_large', `The body is larger than ${BODY_BYTES_MAX} bytes`);
  },
});

export function addLogIn(
  app: Hono<Environment>,
  ports: Pick<HttpPorts, 'config' | 'now' | 'useLoginLink'>,
  { check, slow }: Pick<ReturnType<typeof createAccessReader>, 'check' | 'slow'>,
): void {
  app.get('/login', (c) => {
    const next = localPath(c.req.query('next'));
    const isUnsent = c.req.query('unsent') === 'true';
    const page =
      ports.config.adminToken === null ? <NoLogin next={next} /> : <Login {...{ next, isUnsent, problem: null }} />;
    return c.html(`<!doctype html>${page}`);
  });
  // Before the token is looked at: whoever sends a flood is a stranger.
  app.on('POST', ['/login', '/login/link'], limited);
  app.post('/login', async (c) => {
    const form = await c.req.formData().catch(() => new FormData());
    const [token, next] = [String(form.get('token') ?? '').trim(), localPath(String(form.get('next') ?? ''))];
    const isUnsent = form.get('unsent') === 'true';
    if (ports.config.adminToken === null) return c.redirect(next, 303);
    try {
      startSession(c, ports, check(c, token));
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      if (problem.retryAfterS !== undefined) c.header('retry-after', String(problem.retryAfterS));
      return c.html(`<!doctype html>${<Login {...{ next, isUnsent, problem: problem.detail }} />}`, problem.status);
    }
    return c.redirect(next, 303);
  });
  app.get('/login/link/:secret', (c) => {
    // What it was opened under is told nobody, not even this server's own pages. (`no-referrer` would have the form come from nowhere.)
    c.header('referrer-policy', 'strict-origin');
    // Nothing is looked up and nothing is used up: programs open links to show what is behind them.
    return c.html(`<!doctype html>${<LoginByLink secret={c.req.param('secret')} />}`);
  });
  app.post('/login/link', async (c) => {
    const form = await c.req.formData().catch(() => new FormData());
    if (ports.config.adminToken === null) return c.redirect('/', 303);
    const hash = readLinkSecret(String(form.get('secret') ?? ''), ports.config);
    if (hash === null) throw slow(c, () => linkVoid(404, MADE_UP));
    const use = await ports.useLoginLink(hash);
    if (use.kind === 'unknown') throw linkVoid(404, MADE_UP);
    if (use.kind === 'expired') throw linkVoid(410, `The link was valid until ${formatTime(use.at)} UTC`);
    if (use.kind === 'used_before') {
      throw linkVoid(410, `Somebody logged in with this link at ${formatTime(use.at)} UTC, and it works once`);
    }
    startSession(c, ports, use.role);
    return c.redirect('/', 303);
  });
  app.post('/logout', (c) => {
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.redirect('/login', 303);
  });
}

const MADE_UP = 'This server has made no such link: it is not whole, or was made with another ADMIN_TOKEN or database';

function linkVoid(status: 404 | 410, what: string): ProblemError {
  return refuse(
    status,
    'http_link_void',
    `${what}. Make another one where the worker runs, with: ${commandLine('login-link')}. If it was not you who used it, make a new ADMIN_TOKEN`,
  );
}

function startSession(
  c: Context<Environment>,
  { config, now }: Pick<HttpPorts, 'config' | 'now'>,
  role: 'admin' | 'viewer',
): void {
  const until = Math.floor(now().getTime() / 1_000) + SESSION_S;
  const session = signSession({ role, until, nonce: randomBytes(9).toString('base64url') }, config);
  const isHttps =
    config.publicUrl?.startsWith('https:') === true ||
    (config.trustsProxy && c.req.header('x-forwarded-proto') === 'https');
  setCookie(c, SESSION_COOKIE, session, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: isHttps,
    maxAge: SESSION_S,
  });
}

/**
 * For pages without a session. A link from elsewhere comes without the cookie (SameSite=Strict): the page is asked for once more from
 * here, then with it. Whoever has none is led to log in, and then to where the form was, if one was sent.
 */
export function askToLogIn(
  c: Context<Environment>,
  { publicUrl, isPage }: { readonly publicUrl: string | null; isPage(path: string): boolean },
): Response | Promise<Response> {
  if (c.req.method === 'POST') {
    const from = ownReferer(c, publicUrl);
    const next = from !== null && isPage(from.pathname) ? localPath(from.pathname + from.search) : '/';
    return c.redirect(`/login?unsent=true&next=${encodeURIComponent(next)}`, 303);
  }
  const path = localPath(new URL(c.req.url).pathname + new URL(c.req.url).search);
  if (c.req.header('sec-fetch-site') === 'cross-site' && c.req.method === 'GET') {
    return c.html(`<!doctype html>${<Again path={path} />}`);
  }
  return c.redirect(`/login?next=${encodeURIComponent(path)}`, 303);
}

function ownReferer(c: Context<Environment>, publicUrl: string | null): URL | null {
  const text = c.req.header('referer') ?? '';
  if (!URL.canParse(text)) return null;
  const address = new URL(text);
  return isOwnOrigin(address.origin, { host: c.req.header('host') ?? '', publicUrl }) ? address : null;
}

/** Never to another site: a path of this server, else the overview. */
export function localPath(text: string | undefined): string {
  return text !== undefined && /^\/(?![/\\])[\x21-\x7e]{0,2000}$/.test(text) ? text : '/';
}
