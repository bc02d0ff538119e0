/** Logging in: a token becomes a session, which is a cookie that no script reads and no other site sends. */
import { randomBytes } from 'node:crypto';
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, setCookie } from 'hono/cookie';
import { type createAccessReader, type Environment, SESSION_COOKIE } from '../access.js';
import type { HttpPorts } from '../ports.js';
import { problemOf, refuse } from '../problem.js';
import { sign } from '../security/tokens.js';
import { Again, Login } from './log-in-page.js';

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
  ports: Pick<HttpPorts, 'config' | 'now'>,
  { check }: Pick<ReturnType<typeof createAccessReader>, 'check'>,
): void {
  app.get('/login', (c) => c.html(`<!doctype html>${<Login next={localPath(c.req.query('next'))} problem={null} />}`));
  // Before the token is looked at: whoever sends a flood is a stranger.
  app.use('/login', (c, next) => (c.req.method === 'POST' ? limited(c, next) : next()));
  app.post('/login', async (c) => {
    const form = await c.req.formData().catch(() => new FormData());
    const [token, next] = [String(form.get('token') ?? '').trim(), localPath(String(form.get('next') ?? ''))];
    if (ports.config.adminToken === null) return c.redirect(next, 303);
    try {
      startSession(c, ports, check(c, token));
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      if (problem.retryAfterS !== undefined) c.header('retry-after', String(problem.retryAfterS));
      return c.html(`<!doctype html>${<Login next={next} problem={problem.detail} />}`, problem.status);
    }
    return c.redirect(next, 303);
  });
  app.post('/logout', (c) => {
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.redirect('/login', 303);
  });
}

function startSession(
  c: Context<Environment>,
  { config, now }: Pick<HttpPorts, 'config' | 'now'>,
  role: 'admin' | 'viewer',
): void {
  const until = Math.floor(now().getTime() / 1_000) + SESSION_S;
  const session = sign('session', { role, until, nonce: randomBytes(9).toString('base64url') }, config);
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
 * here, then with it. Whoever has none is led to log in.
 */
export function askToLogIn(c: Context<Environment>): Response | Promise<Response> {
  const path = localPath(new URL(c.req.url).pathname + new URL(c.req.url).search);
  if (c.req.header('sec-fetch-site') === 'cross-site' && c.req.method === 'GET') {
    return c.html(`<!doctype html>${<Again path={path} />}`);
  }
  return c.redirect(`/login?next=${encodeURIComponent(path)}`, 303);
}

/** Never to another site: a path of this server, else the overview. */
export function localPath(text: string | undefined): string {
  return text !== undefined && /^\/(?![/\\])[\x21-\x7e]{0,2000}$/.test(text) ? text : '/';
}
