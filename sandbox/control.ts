// The control API of both sandboxes, for tests and people in another process: `/_sandbox/…` beside the vendor's paths, JSON in
// and out, no key, because a sandbox listens on this machine only. Here are the routes that both have; what only one of them
// has is in its own control.ts. It must never be needed by the software under test.
//
//   GET  stats · GET log
//   GET  clock · POST clock {"to"} and/or {"advance_ms"} · POST latency {"ms"}
//   GET  faults · POST faults {"effect", "route", "nth", "times", "probability", …}; answers its id
//   DELETE faults[/<id>] · POST faults[/<id>]/release

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SandboxClock } from './clock.js';
import type { ActiveFault, FaultMatch, Faults } from './faults.js';

export type Fields = Readonly<Record<string, unknown>>;

export interface ControlRequest {
  readonly method: string;
  /** The first segment after `_sandbox`, and those after it. */
  readonly subject: string;
  readonly rest: readonly string[];
  readonly search: URLSearchParams;
  readonly body: Fields;
}

/** Of a list of faults, what every sandbox shows and does alike. */
type FaultList = Pick<
  Faults<FaultMatch & { readonly effect: string }, never>,
  'hits' | 'recentHits' | 'hanging' | 'release' | 'clear'
> & {
  readonly active: readonly ControlledFault[];
  find(id: string): ControlledFault | undefined;
};

type ControlledFault = Pick<
  ActiveFault<FaultMatch & { readonly effect: string }>,
  'id' | 'hits' | 'fault' | 'release' | 'remove'
>;

export interface Controlled {
  readonly faults: FaultList;
  readonly clock: SandboxClock;
  latencyMs: number;
  /** Throws when it is no fault of this sandbox: `faultOf`. */
  addFault(body: Fields): { readonly id: string };
  stats(): Fields;
  log(): readonly unknown[];
  /** What only this sandbox has. Undefined: there is no such route. */
  answer(asked: ControlRequest): unknown;
}

/** Refused for another reason than that it was asked wrongly. */
export class ControlRefusal extends Error {
  constructor(
    readonly status: 404 | 409,
    message: string,
  ) {
    super(message);
  }
}

/** Whether the request is one to the sandbox itself. */
export function isControl({ url }: IncomingMessage): boolean {
  return url?.startsWith('/_sandbox/') === true;
}

/** Answers one control request. What was asked wrongly gets a 400 that says what. */
export async function serveControl(
  controlled: Controlled,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  try {
    const [, , subject = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const { method = 'GET' } = request;
    const asked = { method, subject, rest, search: url.searchParams, body: await readJson(request) };
    const answer = answerCommon(controlled, asked) ?? (await controlled.answer(asked));
    if (answer === undefined) throw new ControlRefusal(404, `there is no ${method} ${url.pathname}`);
    send(response, 200, answer);
  } catch (error) {
    const status = error instanceof ControlRefusal ? error.status : 400;
    send(response, status, { error: error instanceof Error ? error.message : String(error) });
  }
}

function answerCommon(controlled: Controlled, { method, subject, rest, body }: ControlRequest): unknown {
  const { faults, clock } = controlled;
  switch (`${method} ${subject}`) {
    case 'GET stats':
      return { now: clock.now(), fault_hits: faults.hits, ...controlled.stats() };
    case 'GET log':
      return controlled.log();
    case 'GET clock':
    case 'POST clock':
      return moveClock(clock, body);
    case 'POST latency':
      controlled.latencyMs = numberOf(body.ms, 'ms');
      return { latency_ms: controlled.latencyMs };
    case 'GET faults':
      return {
        faults: faults.active.map(({ id, hits, fault }) => ({ id, hits, ...fault })),
        recent_hits: faults.recentHits,
        hanging: faults.hanging,
      };
    case 'POST faults':
      if (rest.at(-1) !== 'release') return { id: controlled.addFault(body).id };
      (rest.length === 1 ? faults : findFault(faults, rest[0])).release();
      return { released: true };
    case 'DELETE faults':
      if (rest[0] === undefined) faults.clear();
      else findFault(faults, rest[0]).remove();
      return { removed: true };
    default:
      return undefined;
  }
}

function findFault(faults: FaultList, id = ''): ControlledFault {
  const fault = faults.find(id);
  if (fault === undefined) throw new ControlRefusal(404, `there is no fault ${id}`);
  return fault;
}

/** What a fault must carry beside its effect, by effect. */
export type EffectFields<Effect extends string> = Readonly<
  Record<Effect, Readonly<Record<string, 'number' | 'string'>>>
>;

export function faultOf<Fault extends { readonly effect: string }>(
  body: Fields,
  effects: EffectFields<Fault['effect']>,
): Fault {
  const known = Object.entries<EffectFields<string>[string]>(effects);
  const isFault = (given: Fields): given is Fields & Fault => {
    const [, fields] = known.find(([effect]) => effect === given.effect) ?? [];
    return fields !== undefined && Object.entries(fields).every(([name, type]) => typeof given[name] === type);
  };
  if (isFault(body)) return body;
  const forms = known.map(([effect, fields]) => [effect, ...Object.keys(fields)].join(' with '));
  throw new Error(`a fault has an "effect", which is one of ${forms.join(', ')}`);
}

function moveClock(clock: SandboxClock, { advance_ms: advanceMs, to }: Fields): unknown {
  if (to !== undefined) clock.set(dateOf(to, 'to'));
  if (advanceMs !== undefined) clock.advance(numberOf(advanceMs, 'advance_ms'));
  return { now: clock.now() };
}

export function numberOf(given: unknown, name: string): number {
  if (typeof given !== 'number' || !Number.isFinite(given)) throw new Error(`${name} must be a number`);
  return given;
}

export function dateOf(given: unknown, name: string): Date {
  const date = typeof given === 'string' || typeof given === 'number' ? new Date(given) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Error(`${name} must be a date, as ISO text or in milliseconds`);
  return date;
}

export function isFields(given: unknown): given is Fields {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

async function readJson(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const body: unknown = text === '' ? {} : JSON.parse(text);
  if (!isFields(body)) throw new Error('the body must be a JSON object');
  return body;
}

/** Amounts are bigint and leave as decimal text. */
function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
