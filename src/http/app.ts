/**
 * Everything that is served, in the order in which a request passes: who may ask at all, the webhook (which its signature
 * guards), health, the API, pages. What is thrown becomes a problem document, never a stack trace.
 */

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { packageFile } from '../package-root.js';
import { createAccessReader, type Environment, ownHostsOnly, ownPagesOnly } from './access.js';
import { createApi } from './api/api.js';
import { addHealth, type Draining } from './health.js';
import type { HttpPorts } from './ports.js';
import { answerProblem, type Problem, problemOf, refuse } from './problem.js';
import { HEADERS } from './security/headers.js';
import { addWebhook } from './webhook.js';

export function createApp(ports: HttpPorts, draining: Draining): Hono<Environment> {
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
  // Supervisors and Stripe ask under any name: what they get says nothing, or is signed.
  addHealth(app, ports, draining);
  addWebhook(app, ports);
  const { remember } = createAccessReader(ports);
  app.use(ownHostsOnly(ports), ownPagesOnly(ports), remember);
  app.route('/api', createApi(ports));
  app.get('/runbook', async (c) => c.text(await readFile(packageFile('docs/runbook.md'), 'utf8')));
  app.notFound((c) => {
    const known = app.routes.some(({ path }) => path === c.req.path);
    const problem = known
      ? refuse(405, 'http_method_not_allowed', `${c.req.method} is not allowed for ${c.req.path}`)
      : refuse(404, 'http_not_found', `There is nothing at ${c.req.path}; the API is described at /api/openapi.json`);
    return answerProblem(c, problem.problem);
  });
  app.onError((error, c) => answerProblem(c, problemFor(error, c.req.path, ports)));
  return app;
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
