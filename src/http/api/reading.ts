/** What can be read over the API. */
import { z } from '@hono/zod-openapi';
import { ACTION_KINDS } from '../../core/base/action.js';
import { FEEDS, TRIGGERS } from '../../core/coverage/sync-run.js';
import { exitCodeOf, verdictOf } from '../../core/verdict/verdict.js';
import { plainText } from '../../views/text-width.js';
import { given } from '../given.js';
import type { HttpPorts } from '../ports.js';
import { refuse } from '../problem.js';
import { fromCursor, toCursor } from './cursor.js';
import { type Api, route } from './define.js';
import { PaymentSides } from './proof-schemas.js';
import * as schema from './schemas.js';

type Reading = Pick<HttpPorts, 'reads' | 'settings'>;

export function addReading(api: Api, ports: Reading): void {
  addStatus(api, ports);
  addRuns(api, ports);
  addProgress(api, ports);
  addPayments(api, ports);
}

function addStatus(api: Api, { reads, settings }: Reading): void {
  route(
    api,
    {
      method: 'get',
      path: '/status',
      summary: 'Is everything in the ledger, and what needs a person',
      answer: schema.Status,
    },
    async () => {
      const status = await reads.status();
      const { state, sentence: answer, needs, ...rest } = verdictOf(status);
      const spelled = needs.map((need) => ({ ...need, text: plainText(need.text) }));
      return { ok: exitCodeOf({ needs, ...rest }) === 0, state, answer, needs: spelled, ...status };
    },
  );
  route(
    api,
    {
      ...{ method: 'get', path: '/lanes', summary: 'What waits to be posted, by source balance and currency' },
      answer: z.looseObject({ data: z.array(schema.Lane) }),
    },
    async () => ({ data: (await reads.status()).lanes }),
  );
  route(
    api,
    {
      ...{ method: 'get', path: '/settings', summary: 'Every variable, its value, and where it comes from' },
      answer: z.looseObject({ data: z.array(schema.Setting) }),
    },
    async () => ({ data: settings() }),
  );
  route(
    api,
    {
      ...{ method: 'get', path: '/actions', summary: 'What people asked for and decided, the newest first' },
      query: z.object({
        ...schema.paging,
        subject: z.string().max(300).optional(),
        kind: z.enum(ACTION_KINDS).optional(),
      }),
      answer: schema.page(schema.Action),
    },
    async ({ query: { limit, cursor, subject, kind } }) => {
      const found = await reads.actions({
        ...{ limit, ...given({ subject, kind }) },
        ...(cursor === undefined ? {} : { after: numberOf(fromCursor('actions', cursor)) }),
      });
      return { data: found.actions, next_cursor: toCursor('actions', found.next) };
    },
  );
}

const runParams = z.object({ id: z.string().min(4).max(36) });

function addRuns(api: Api, { reads }: Reading): void {
  route(
    api,
    {
      ...{ method: 'get', path: '/runs', summary: 'Sync runs, the newest first' },
      query: z.object({
        ...schema.paging,
        feed: z.enum(FEEDS).optional(),
        status: z.enum(schema.RUN_STATUSES).optional(),
        trigger: z.enum(TRIGGERS).optional(),
        ...{ from: schema.day.optional(), to: schema.day.optional() },
        empty: z.enum(['true', 'false']).default('false').openapi({ description: 'Also runs that found nothing new' }),
      }),
      answer: schema.page(schema.Run),
    },
    async ({ query: { limit, cursor, empty, ...filters } }) => {
      const found = await reads.runs({
        ...{ limit, includeEmpty: empty === 'true', ...given(filters) },
        ...(cursor === undefined ? {} : { after: fromCursor('runs', cursor) }),
      });
      return { data: found.runs, next_cursor: toCursor('runs', found.next) };
    },
  );
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/runs/{id}',
        summary: 'One run and its parts, by its id or the beginning of it',
        params: runParams,
      },
      answer: z.looseObject({ run: schema.Run, parts: z.array(schema.Run) }),
    },
    async ({ params: { id } }) => {
      const { run, parts } = await findRun(reads, id);
      return { run, parts };
    },
  );
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/runs/{id}/payments',
        summary: 'The payments that a run stored first',
        params: runParams,
      },
      query: z.object({ ...schema.paging, state: z.enum(schema.PAYMENT_STATES).optional() }),
      answer: schema.page(schema.Payment),
    },
    async ({ params: { id }, query: { limit, cursor, state } }) => {
      const { run } = await findRun(reads, id);
      const found = await reads.runBatch(run.id, {
        ...{ limit, ...given({ state }) },
        ...(cursor === undefined ? {} : { after: fromCursor(`run-${run.id}`, cursor) }),
      });
      return { data: found.payments, next_cursor: toCursor(`run-${run.id}`, found.next) };
    },
  );
}

function addProgress(api: Api, { reads }: Reading): void {
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/runs/{id}/progress',
        summary: 'How far the payments of a run are',
        params: runParams,
      },
      answer: schema.Progress,
    },
    async ({ params: { id } }) => {
      const { run } = await findRun(reads, id);
      return { id: run.id, ...(await reads.progress(run.id)) };
    },
  );
}

function addPayments(api: Api, { reads }: Reading): void {
  route(
    api,
    {
      ...{ method: 'get', path: '/payments', summary: 'Payments, the newest first, or those that an id names' },
      query: z.object({
        ...schema.paging,
        q: schema.reference
          .optional()
          .openapi({ description: 'A PaymentIntent, reference, customer, balance or transaction' }),
        state: z.enum(schema.PAYMENT_STATES).optional(),
        reason: z.enum(schema.REASONS).optional(),
        currency: schema.currencyFilter.optional(),
        ...{ from: schema.day.optional(), to: schema.day.optional() },
      }),
      answer: schema.page(schema.Payment),
    },
    async ({ query: { limit, cursor, q: search, ...filters } }) => {
      const found = await reads.payments({
        ...{ limit, ...given({ search, ...filters }) },
        ...(cursor === undefined ? {} : { after: fromCursor('payments', cursor) }),
      });
      return { data: found.payments, next_cursor: toCursor('payments', found.next) };
    },
  );
  route(
    api,
    {
      ...{ method: 'get', path: '/payments/{reference}', summary: 'One payment with both of its sides' },
      params: z.object({ reference: schema.reference }),
      answer: PaymentSides,
    },
    async ({ params: { reference } }) => {
      const payment = await reads.show(reference);
      if (payment === null)
        throw refuse(404, 'http_not_found', `No payment has the reference ${JSON.stringify(reference)}`);
      return payment;
    },
  );
}

async function findRun(reads: HttpPorts['reads'], id: string) {
  const answer = await reads.run(id);
  if (answer.kind === 'found') return answer;
  if (answer.kind === 'unknown')
    throw refuse(404, 'http_not_found', `No run has an id that is or begins with ${JSON.stringify(id)}`);
  throw refuse(409, 'http_request_invalid', `Several runs begin with ${JSON.stringify(id)}: ${answer.ids.join(', ')}`);
}

/** The position in the list of actions is a number. */
function numberOf(position: string): string {
  if (/^\d{1,18}$/.test(position)) return position;
  throw refuse(400, 'http_request_invalid', 'cursor is none that this server made');
}
