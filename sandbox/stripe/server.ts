// The HTTP side: from a request to an answer on the wire, through faults, key, permission and limits. Stripe's answers
// carry the sandbox clock's `Date`, a `Request-Id` and a `Stripe-Version`; clients measure time and lag by them.
// The order matters: a fault hits before the key is looked at, as a broken network would.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AccessOptions, checkAccess, keyFrom } from './access.js';
import { type Answer, sendAnswer } from './answer.js';
import { handleFault } from './fault-answers.js';
import type { StripeFaults } from './faults.js';
import type { Journal } from './journal.js';
import type { Limiter } from './limits.js';
import { Refusal, serverError, unknownRoute } from './refusal.js';
import { type Route, routeOf } from './routes.js';
import type { World } from './world.js';

export interface ServerParts {
  readonly world: World;
  readonly access: AccessOptions;
  readonly faults: StripeFaults;
  readonly limiter: Limiter;
  readonly journal: Journal;
  /** Real time between a request and its answer. */
  latencyMs: number;
  /** How far each request moves the sandbox clock before it is answered: a long catch-up without a real wait. */
  requestTakesMs: number;
}

/** Answers one request on Stripe's paths. Never rejects. */
export async function serveStripe(
  parts: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const route = request.method === 'GET' ? routeOf(url.pathname) : undefined;
  const name = route?.name ?? 'unknown';
  parts.journal.count(name);
  const fault = parts.faults.take({ route: name, url: request.url ?? '/' });
  const answer = (): Answer => answerFor(parts, { request, url, route });
  const leave = enter(parts, name);
  if (parts.requestTakesMs > 0) parts.world.clock.advance(parts.requestTakesMs);
  try {
    if (parts.latencyMs > 0) await delay(parts.latencyMs);
    if (leave instanceof Refusal && fault === undefined) sendAnswer(response, refused(parts, request, leave));
    else if (fault === undefined) sendAnswer(response, answer());
    else
      await handleFault(fault, {
        response,
        answer,
        refused: (refusal) => refused(parts, request, refusal),
      });
  } finally {
    if (!(leave instanceof Refusal)) leave();
    parts.journal.record({
      at: parts.world.clock.now(),
      method: request.method ?? '',
      url: request.url ?? '',
      route: name,
      status: response.headersSent ? response.statusCode : 0,
      requestId: String(response.getHeader('Request-Id') ?? ''),
    });
  }
}

function enter(parts: ServerParts, route: string): (() => void) | Refusal {
  try {
    return parts.limiter.enter(route);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function answerFor(
  parts: ServerParts,
  asked: { request: IncomingMessage; url: URL; route: Route | undefined },
): Answer {
  const { request, url, route } = asked;
  try {
    const key = keyFrom(request.headers.authorization);
    checkAccess(parts.access, { key, permission: route?.permission ?? null });
    if (route === undefined) throw unknownRoute(request.method ?? 'GET', url.pathname);
    const body = route.answer(parts.world, { search: url.searchParams, account: parts.access.account });
    return { status: 200, headers: headersFor(parts, request), body };
  } catch (error) {
    if (error instanceof Refusal) return refused(parts, request, error);
    // A defect of the stand-in must show as one, not as a Stripe that is down.
    process.stderr.write(`stripe sandbox: ${request.url}: ${error instanceof Error ? error.stack : String(error)}\n`);
    return refused(parts, request, serverError(500));
  }
}

function refused(parts: ServerParts, request: IncomingMessage, refusal: Refusal): Answer {
  const headers = { ...headersFor(parts, request), ...refusal.headers };
  if (headers['Request-Id'] === '') delete headers['Request-Id'];
  return { status: refusal.status, headers, body: JSON.stringify({ error: refusal.body }) };
}

function headersFor(parts: ServerParts, request: IncomingMessage): Record<string, string> {
  const asked = request.headers['stripe-version'];
  return {
    'Content-Type': 'application/json',
    Date: parts.world.clock.now().toUTCString(),
    'Request-Id': parts.journal.nextRequestId(),
    'Stripe-Version': typeof asked === 'string' ? asked : parts.world.options.apiVersion,
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
