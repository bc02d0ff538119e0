/** One route of the API: its request and its answer as schemas, which check, type and document it. */
import type { OpenAPIHono, RouteConfig, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { toJson } from '../../views/json.js';
import type { Environment } from '../access.js';
import { type Problem, refuse } from '../problem.js';
import { ProblemDocument } from './schemas.js';

export type Api = OpenAPIHono<Environment>;

interface Shape<Query, Params, Body> {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly query?: Query;
  readonly params?: Params;
  readonly body?: Body;
  readonly answer: z.ZodType;
  /** 200 where it is not said. */
  readonly status?: 200 | 202;
  /** Of what goes on after the answer (`Accepted`). */
  readonly accepted?: z.ZodType;
  /** Whether it may also answer CSV, to whoever accepts that. */
  readonly csv?: boolean;
}

type Read<Schema> = Schema extends z.ZodType ? z.infer<Schema> : undefined;

export interface Asked<Query, Params, Body> {
  readonly query: Read<Query>;
  readonly params: Read<Params>;
  readonly body: Read<Body>;
  readonly c: Context<Environment>;
}

/** Answered with 202 where the route answers 200 otherwise. */
export class Accepted {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

const JSON_TYPE = 'application/json';
const CSV_TYPE = 'text/csv';

/** @param handle answers plain values as the read model has them, which are spelled as `--json` spells them; or a whole answer */
export function route<
  Query extends z.ZodObject | undefined = undefined,
  Params extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(api: Api, shape: Shape<Query, Params, Body>, handle: (asked: Asked<Query, Params, Body>) => Promise<unknown>): void {
  const { method, path, query, params, body, status = 200 } = shape;
  api.openAPIRegistry.registerPath(describeRoute(shape));
  api.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
    if (method === 'post') needJson(c, { hasBody: body !== undefined || isBodySent(c) });
    const asked = {
      query: readQuery(query, c.req.query()),
      params: read(params, c.req.param(), 400),
      body: body === undefined ? undefined : read(body, await readJson(c), 422),
      c,
    } as Asked<Query, Params, Body>;
    const answer = await handle(asked);
    if (answer instanceof Response) return answer;
    const headers = { 'content-type': JSON_TYPE };
    if (answer instanceof Accepted) return c.body(toJson(answer.value), 202, headers);
    return c.body(toJson(answer), status, headers);
  });
}

/** Whether the answer is wanted as CSV: by the header, as programs do, and not by browsers, which accept everything. */
export function wantsCsv(c: Context<Environment>): boolean {
  return (c.req.header('accept') ?? '').split(',').some((kind) => kind.trim().startsWith(CSV_TYPE));
}

function describeRoute(
  shape: Shape<z.ZodObject | undefined, z.ZodObject | undefined, z.ZodType | undefined>,
): RouteConfig {
  const { method, path, summary, query, params, body, answer, accepted, csv, status = 200 } = shape;
  const asCsv = csv === true ? { [CSV_TYPE]: { schema: { type: 'string' as const } } } : {};
  const inJson = (schema: z.ZodType) => ({ [JSON_TYPE]: { schema } });
  return {
    ...{ method, path, summary },
    security: [{ bearer: [] }],
    request: {
      ...(query === undefined ? {} : { query }),
      ...(params === undefined ? {} : { params }),
      ...(body === undefined ? {} : { body: { required: true, content: inJson(body) } }),
    },
    responses: {
      [status]: { description: summary, content: { ...inJson(answer), ...asCsv } },
      ...(accepted === undefined
        ? {}
        : { 202: { description: 'It goes on; follow it where the answer says', content: inJson(accepted) } }),
      default: {
        description: 'What went wrong, and what to do; type is its place in the runbook',
        content: { 'application/problem+json': { schema: ProblemDocument } },
      },
    },
  };
}

/** Throws ProblemError with every place that is wrong. */
function read(schema: z.ZodType | undefined, given: unknown, status: 400 | 422): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw invalid(
    status,
    result.error.issues.map(({ path, message }) => ({ pointer: `/${path.map(String).join('/')}`, detail: message })),
  );
}

/** What is no filter here is refused: answered without it, everything would be taken for what was chosen. */
function readQuery(schema: z.ZodObject | undefined, given: Readonly<Record<string, string>>): unknown {
  const names = Object.keys(schema?.shape ?? {});
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  if (unknown.length === 0) return read(schema, given, 400);
  const detail = `there is no such parameter here; allowed ${names.length === 0 ? 'is none' : `are ${names.join(', ')}`}`;
  throw invalid(
    400,
    unknown.map((name) => ({ pointer: `/${name}`, detail })),
  );
}

function invalid(status: 400 | 422, errors: NonNullable<Problem['errors']>) {
  const detail = errors.map((error) => `${error.pointer}: ${error.detail}`).join('; ');
  return refuse(status, 'http_request_invalid', detail, { errors });
}

function isBodySent(c: Context<Environment>): boolean {
  return Number(c.req.header('content-length') ?? 0) > 0 || c.req.header('transfer-encoding') !== undefined;
}

/** 415 for what a form of another site can send, which is never JSON: also for an empty one, which says its kind all the same. */
function needJson(c: Context<Environment>, { hasBody }: { readonly hasBody: boolean }): void {
  const kind = c.req.header('content-type');
  if ((kind === undefined && !hasBody) || /^application\/json\b/i.test(kind ?? '')) return;
  throw refuse(415, 'http_media_type', 'The body has to be JSON, with the header Content-Type: application/json');
}

async function readJson(c: Context<Environment>): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch {
    throw refuse(400, 'http_request_invalid', 'The body is no JSON');
  }
}
