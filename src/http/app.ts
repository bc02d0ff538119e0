/**
 * Everything that is served, in the order in which a request passes: who may ask at all, the webhook (which its signature
 * guards), health, the API, pages. What is thrown becomes a problem document, never a stack trace.
 */

import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import {
  createAccessReader,
  type Environment,
  knownOnly,
  ownHostsOnly,
  ownPagesOnly,
  ownReadersOnly,
} from './access.js';
import { createApi } from './api/api.js';
import { addHealth, type Draining } from './health.js';
import { addLive } from './live.js';
import { createMethodReader } from './methods.js';
import { createMetrics } from './metrics.js';
import { faultPage } from './pages/fault.js';
import { addLogIn, askToLogIn } from './pages/log-in.js';
import { addAssets, addPages } from './pages/pages.js';
import { addRunbook } from './pages/runbook.js';
import type { HttpPorts } from './ports.js';
import { answerProblem, type Problem, problemOf, refuse } from './problem.js';
import { HEADERS } from './security/headers.js';
import { addWebhook } from './webhook.js';

export interface App {
  readonly fetch: Hono<Environment>['fetch'];
  /** Ends what stays open by itself, so that the server can close. */
  endStreams(): void;
}

export function createApp(ports: HttpPorts, draining: Draining): App {
  const app = new Hono<Environment>();
  app.use(async (c, next) => {
    c.set('requestId', randomUUID());
    c.set('access', null);
    c.header('x-request-id', c.get('requestId'));
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
    if (ports.config.publicUrl?.startsWith('https:') === true)
      c.header('strict-transport-security', 'max-age=31536000');
    await next();
  });
  const metrics = createMetrics(ports);
  app.use(metrics.measure);
  // Supervisors and Stripe ask under any name: what they get says nothing, or is signed.
  addHealth(app, ports, draining);
  addWebhook(app, ports);
  const reader = createAccessReader(ports);
  app.use(reader.remember, ownHostsOnly(ports), ownPagesOnly(ports));
  metrics.add(app);
  addAssets(app);
  addLogIn(app, ports, reader);
  app.route('/api', createApi(ports));
  addRunbook(app);
  // Everything from here on is read in somebody's name: nothing of it is looked up for a stranger.
  app.use(knownOnly, ownReadersOnly(ports));
  const live = addLive(app, ports);
  addPages(app, ports);
  const methodsOf = createMethodReader(app);
  app.notFound((c) => {
    const methods = methodsOf(c.req.path);
    if (methods.length > 0) c.header('allow', methods.join(', '));
    return answer(c, notFound(c, methods));
  });
  const toLogIn = (c: Context<Environment>) =>
    askToLogIn(c, { ...ports.config, isPage: (path) => methodsOf(path).includes('GET') });
  app.onError((error, c) => {
    const problem = problemFor(error, c.req.path, ports);
    return problem.code === 'http_token_missing' && isForPeople(c) ? toLogIn(c) : answer(c, problem);
  });
  return { fetch: app.fetch, endStreams: () => live.end() };
}

function isForPeople(c: Context<Environment>): boolean {
  return !c.req.path.startsWith('/api') && (c.req.header('accept') ?? '').includes('text/html');
}

/** A page for whoever looks at pages, a problem document for programs. */
function answer(c: Context<Environment>, problem: Problem): Response | Promise<Response> {
  if (!isForPeople(c)) return answerProblem(c, problem);
  if (problem.retryAfterS !== undefined) c.header('retry-after', String(problem.retryAfterS));
  const isForm = c.req.method === 'POST';
  return c.html(faultPage(problem, { requestId: c.get('requestId'), isForm }), problem.status);
}

function notFound(c: Context<Environment>, methods: readonly string[]): Problem {
  if (methods.length > 0) {
    return refuse(
      405,
      'http_method_not_allowed',
      `${c.req.method} is not allowed for ${c.req.path}; allowed is ${methods.join(', ')}`,
    ).problem;
  }
  return refuse(
    404,
    'http_not_found',
    `There is nothing at ${c.req.path}; pages begin at /, the API is described at /api/openapi.json`,
  ).problem;
}

function problemFor(error: unknown, path: string, { onFault }: Pick<HttpPorts, 'onFault'>): Problem {
  const known = problemOf(error);
  if (known !== null) return known;
  if (error instanceof HTTPException) {
    return refuse(
      error.status,
      'http_request_invalid',
      error.message === '' ? 'The request cannot be read' : error.message,
    ).problem;
  }
  onFault(error, path);
  return {
    status: 503,
    code: 'database_failed',
    title: 'Try again',
    detail: 'It could not be answered now; the log has the reason',
    retryAfterS: 5,
  };
}
