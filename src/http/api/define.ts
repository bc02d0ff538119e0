/** One route of the API: its request and its answer as schemas, which check, type and document it. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { toPlain } from '../../views/json.js';
import type { Environment } from '../access.js';
import { ProblemDocument } from './schemas.js';

export type Api = OpenAPIHono<Environment>;

interface Shape<Query, Params, Body, Answer> {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly query?: Query;
  readonly params?: Params;
  readonly body?: Body;
  readonly answer: Answer;
  /** 200 where it is not said. */
  readonly status?: 200 | 202;
}

type Read<Schema> = Schema extends z.ZodType ? z.infer<Schema> : undefined;

export interface Asked<Query, Params, Body> {
  readonly query: Read<Query>;
  readonly params: Read<Params>;
  readonly body: Read<Body>;
  readonly c: Context<Environment>;
}

/** @param handle answers plain values as the read model has them; they are spelled as `--json` spells them */
export function route<
  Answer extends z.ZodType,
  Query extends z.ZodObject | undefined = undefined,
  Params extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  api: Api,
  shape: Shape<Query, Params, Body, Answer>,
  handle: (asked: Asked<Query, Params, Body>) => Promise<unknown>,
): void {
  const { method, path, summary, query, params, body, answer, status = 200 } = shape;
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: ProblemDocument } },
  });
  const definition = createRoute({
    ...{ method, path, summary },
    security: [{ bearer: [] }],
    request: {
      ...(query === undefined ? {} : { query }),
      ...(params === undefined ? {} : { params }),
      ...(body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      [status]: { description: summary, content: { 'application/json': { schema: answer } } },
      default: problem('What went wrong, and what to do; type is its place in the runbook'),
    },
  });
  api.openapi(definition, (async (c: Context<Environment>) => {
    const valid = (target: 'query' | 'param' | 'json') => c.req.valid(target as never);
    const asked = {
      query: query === undefined ? undefined : valid('query'),
      params: params === undefined ? undefined : valid('param'),
      body: body === undefined ? undefined : valid('json'),
      c,
    } as Asked<Query, Params, Body>;
    return c.json(toPlain(await handle(asked)) as never, status);
  }) as never);
}
