// The control API, for tests and people in another process: `/_sandbox/…` beside Stripe's paths, JSON in and out, no key.
// It says nothing that the objects of sandbox.ts do not say, and it must never be needed by the software under test.
//
//   GET  stats · GET expected?from=&limit= · GET totals · GET kinds · GET log
//   GET  clock · POST clock {"advance_ms"} or {"to"} · POST latency {"ms"} · POST limits {…}
//   GET  faults · POST faults {rule} · DELETE faults[?id=] · POST faults/release
//   POST intents {…} · POST intents/<id>/<move> {"at","amountReceived","edit"}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { expectedPayments, expectedTotals } from './expectation.js';
import type { FaultRule } from './faults.js';
import { createIntent, moveIntent, type NewIntent, type NewMove } from './intents.js';
import { KINDS } from './kinds.js';
import type { MoveName } from './life.js';
import type { Limits } from './limits.js';
import type { ServerParts } from './server.js';

/** Answers one control request. What was asked wrongly gets a 400 that says what. */
export async function serveControl(
  parts: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  try {
    const body = await readJson(request);
    const result = control(parts, {
      method: request.method ?? 'GET',
      path: url.pathname,
      search: url.searchParams,
      body,
    });
    if (result === undefined) send(response, 404, { error: `there is no ${request.method} ${url.pathname}` });
    else send(response, 200, result);
  } catch (error) {
    send(response, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly search: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

function control(parts: ServerParts, asked: Asked): unknown {
  const [, , subject, ...rest] = asked.path.split('/');
  switch (`${asked.method} ${subject}`) {
    case 'GET stats':
      return stats(parts);
    case 'GET expected':
      return expectedPage(parts, asked.search);
    case 'GET totals':
      return expectedTotals(parts.world);
    case 'GET kinds':
      return KINDS;
    case 'GET log':
      return parts.journal.log;
    case 'GET clock':
    case 'POST clock':
      return clock(parts, asked);
    case 'POST latency':
      parts.latencyMs = numberOf(asked.body.ms, 'ms');
      return { latencyMs: parts.latencyMs };
    case 'POST limits':
      parts.limiter.change(limitsOf(asked.body));
      return asked.body;
    case 'GET faults':
      return { rules: parts.faults.inForce, hits: parts.faults.hits, hanging: parts.faults.hanging };
    case 'POST faults':
      return faults(parts, { asked, rest });
    case 'DELETE faults':
      parts.faults.clear(asked.search.get('id') ?? undefined);
      return { cleared: true };
    case 'POST intents':
      return intents(parts, { asked, rest });
    default:
      return undefined;
  }
}

function stats(parts: ServerParts): unknown {
  const memory = process.memoryUsage();
  return {
    now: parts.world.clock.now(),
    population: parts.world.population.size,
    requests: parts.journal.requests,
    answers: parts.journal.answers,
    fault_hits: parts.faults.hits.length,
    memory: { rss: memory.rss, heap_used: memory.heapUsed },
    cpu: process.cpuUsage(),
  };
}

/** `next` is the `from` of the following page, null after the last. */
function expectedPage(parts: ServerParts, search: URLSearchParams): unknown {
  const limit = Number(search.get('limit') ?? 1000);
  const data: unknown[] = [];
  for (const payment of expectedPayments(parts.world, { fromRank: Number(search.get('from') ?? 0) })) {
    if (data.length >= limit) return { data, next: payment.rank };
    data.push(payment);
  }
  return { data, next: null };
}

function clock(parts: ServerParts, asked: Asked): unknown {
  const { advance_ms: advanceMs, to } = asked.body;
  if (advanceMs !== undefined) parts.world.clock.advance(numberOf(advanceMs, 'advance_ms'));
  if (to !== undefined) parts.world.clock.set(dateOf(to, 'to'));
  return { now: parts.world.clock.now() };
}

function faults(parts: ServerParts, of: { asked: Asked; rest: readonly string[] }): unknown {
  if (of.rest[0] === 'release') {
    parts.faults.release();
    return { released: true };
  }
  if (!isFaultRule(of.asked.body)) throw new Error('a fault rule has a "fault" with an "effect"');
  return { id: parts.faults.add(of.asked.body) };
}

function intents(parts: ServerParts, of: { asked: Asked; rest: readonly string[] }): unknown {
  const [id, move] = of.rest;
  const { at, created, moves, ...fields } = of.asked.body;
  if (id === undefined) {
    const intent: NewIntent = {
      ...fields,
      ...(created === undefined ? {} : { created: dateOf(created, 'created') }),
      ...(Array.isArray(moves) ? { moves: moves.map(moveOf) } : {}),
    };
    return { id: createIntent(parts.world, intent) };
  }
  moveIntent(parts.world, id, moveOf({ ...fields, at, move }));
  return { id };
}

const MOVES: Readonly<Record<MoveName, true>> = {
  confirm_later: true,
  require_action: true,
  process: true,
  authorize: true,
  capture_part: true,
  fail: true,
  succeed: true,
  cancel: true,
  edit: true,
};

function moveOf(body: unknown): NewMove {
  const { at, move, ...fields } = isRecord(body) ? body : {};
  if (!isMoveName(move)) throw new Error(`a move is one of ${Object.keys(MOVES).join(', ')}`);
  return { ...fields, move, ...(at === undefined ? {} : { at: dateOf(at, 'at') }) };
}

function isMoveName(name: unknown): name is MoveName {
  return typeof name === 'string' && Object.hasOwn(MOVES, name);
}

function isFaultRule(body: unknown): body is FaultRule {
  return isRecord(body) && isRecord(body.fault) && typeof body.fault.effect === 'string';
}

function isRecord(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function limitsOf(body: Readonly<Record<string, unknown>>): Limits {
  return Object.fromEntries(Object.entries(body).map(([name, limit]) => [name, numberOf(limit, name)]));
}

function numberOf(given: unknown, name: string): number {
  if (typeof given !== 'number' || !Number.isFinite(given)) throw new Error(`${name} must be a number`);
  return given;
}

function dateOf(given: unknown, name: string): Date {
  const date = typeof given === 'string' || typeof given === 'number' ? new Date(given) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Error(`${name} must be a date, as ISO text or in milliseconds`);
  return date;
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const body: unknown = text === '' ? {} : JSON.parse(text);
  if (!isRecord(body)) throw new Error('the body must be a JSON object');
  return body;
}

/** Amounts are bigint and leave as decimal text. */
function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
