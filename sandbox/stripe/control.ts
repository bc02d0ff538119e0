// The routes of the control API that only Stripe's sandbox has; those of both are in ../control.ts.
//
//   GET  expected?from=&limit= · GET totals · GET kinds
//   POST limits {…}
//   POST intents {…} · POST intents/<id>/<move> {"at","amountReceived","edit"}

import { type Controlled, type ControlRequest, dateOf, type Fields, faultOf, isFields, numberOf } from '../control.js';
import { expectedPayments, expectedTotals } from './expectation.js';
import { EFFECTS } from './faults.js';
import { createIntent, moveIntent, type NewIntent, type NewMove } from './intents.js';
import { KINDS } from './kinds.js';
import type { MoveName } from './life.js';
import type { Limits } from './limits.js';
import type { ServerParts } from './server.js';

export function controlled(parts: ServerParts): Controlled {
  return {
    faults: parts.faults,
    clock: parts.world.clock,
    get latencyMs() {
      return parts.latencyMs;
    },
    set latencyMs(ms) {
      parts.latencyMs = ms;
    },
    addFault: (body) => parts.faults.add(faultOf(body, EFFECTS)),
    stats: () => stats(parts),
    log: () => parts.journal.log,
    answer: (asked) => answer(parts, asked),
  };
}

function answer(parts: ServerParts, asked: ControlRequest): unknown {
  switch (`${asked.method} ${asked.subject}`) {
    case 'GET expected':
      return expectedPage(parts, asked.search);
    case 'GET totals':
      return expectedTotals(parts.world);
    case 'GET kinds':
      return KINDS;
    case 'POST limits':
      parts.limiter.change(limitsOf(asked.body));
      return asked.body;
    case 'POST intents':
      return intents(parts, asked);
    default:
      return undefined;
  }
}

function stats(parts: ServerParts): Fields {
  const memory = process.memoryUsage();
  return {
    population: parts.world.population.size,
    requests: parts.journal.requests,
    answers: parts.journal.answers,
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

function intents(parts: ServerParts, { rest: [id, move], body }: ControlRequest): unknown {
  const { at, created, moves, ...fields } = body;
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
  const { at, move, ...fields } = isFields(body) ? body : {};
  if (!isMoveName(move)) throw new Error(`a move is one of ${Object.keys(MOVES).join(', ')}`);
  return { ...fields, move, ...(at === undefined ? {} : { at: dateOf(at, 'at') }) };
}

function isMoveName(name: unknown): name is MoveName {
  return typeof name === 'string' && Object.hasOwn(MOVES, name);
}

function limitsOf(body: Fields): Limits {
  return Object.fromEntries(Object.entries(body).map(([name, limit]) => [name, numberOf(limit, name)]));
}
