/** What can be asked for and decided over the API. Each may be sent again: what is done already stays done. */
import { z } from '@hono/zod-openapi';
import { type Moment, parseMoment } from '../../core/base/time-text.js';
import { isPlansDismissal } from '../../core/repair/repair-plan.js';
import { actorOf, needAdmin } from '../access.js';
import type { HttpPorts } from '../ports.js';
import { type Api, route } from './define.js';
import * as schema from './schemas.js';

/** As many as a person marks on a page. */
const REFERENCES_MAX = 1_000;

const NOW: Moment = { kind: 'ago', durationMs: 0 };

const references = z.array(schema.reference).min(1).max(REFERENCES_MAX);
/** Why it was decided, as it is kept. */
export const why = z.string().trim().min(1).max(500);
/** Nobody is called as a repair plan or a rebuild signs: what those dismissed is never looked for again. */
export const personName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((text) => !isPlansDismissal(text), {
    error: 'allowed is the name of a person; that is how a repair plan or a rebuild signs',
  });

const moment = z
  .string()
  .max(40)
  .transform((text, context) => {
    const read = parseMoment(text);
    if (read !== undefined) return read;
    context.addIssue({ code: 'custom', message: 'allowed is a UTC date, a time, a duration back from now, or now' });
    return z.NEVER;
  })
  .openapi({
    ...{ type: 'string', example: '2026-11-21' },
    description: 'A UTC date, a time in ISO 8601, a duration back from now (`30d`), or `now`',
  });

export function addChanging(api: Api, ports: Pick<HttpPorts, 'operationsFor'>): void {
  addRequests(api, ports);
  addRetry(api, ports);
  addDismissal(api, ports);
}

function addRequests(api: Api, ports: Pick<HttpPorts, 'operationsFor'>): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/runs',
        summary: 'Ask the workers for a sync now, or for a window to be read again',
        status: 202,
      },
      body: z.union([
        z.strictObject({ kind: z.literal('backfill'), from: moment, to: moment.optional() }),
        z.strictObject({ kind: z.literal('sync').optional() }),
      ]),
      answer: z.looseObject({
        ...{ requested_at: z.iso.datetime(), follow: z.string() },
        run_id: z.uuid().optional().openapi({ description: 'Of a backfill' }),
        window: z.looseObject({ from: z.iso.datetime(), to: z.iso.datetime() }).optional(),
      }),
    },
    async ({ body, c }) => {
      needAdmin(c);
      const operations = await ports.operationsFor(actorOf(c, false));
      if (body.kind === 'backfill') {
        const to = body.to ?? NOW;
        const { requestedAt, runId, window } = await operations.requestBackfill({ from: body.from, to });
        return { requestedAt, runId, window, follow: `/api/v1/runs/${runId}` };
      }
      const { requestedAt } = await operations.requestSync();
      return { requestedAt, follow: '/api/v1/runs?feed=events&empty=true' };
    },
  );
}

function addRetry(api: Api, ports: Pick<HttpPorts, 'operationsFor'>): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/parked/retry',
        summary: 'Parked payments back to posting: the named ones, or all of one reason',
      },
      body: z.union([z.strictObject({ references }), z.strictObject({ reason: z.enum(schema.REASONS) })]),
      answer: z.looseObject({
        retried: z.number().int(),
        still_parked: z
          .array(z.looseObject({ reference: z.string(), reason: z.enum(schema.REASONS), detail: z.string() }))
          .openapi({ description: 'Those that cannot be posted now either, and why' }),
        not_parked: z.array(z.string()).openapi({ description: 'Of the named ones, those that are not parked' }),
        queue_told: schema.queueTold,
      }),
    },
    async ({ body, c }) => {
      needAdmin(c);
      const operations = await ports.operationsFor(actorOf(c, false));
      const { outcome, queueFault } = await operations.retryParked(body);
      const { lanes: _, ...counts } = outcome;
      return { ...counts, queueTold: queueFault === null };
    },
  );
}

function addDismissal(api: Api, ports: Pick<HttpPorts, 'operationsFor'>): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/parked/dismiss',
        summary: 'Parked payments stay out of the ledger, by a decision that is kept',
      },
      body: z.strictObject({
        references,
        why,
        by: personName.optional(),
      }),
      answer: z.looseObject({ outcomes: z.array(z.looseObject({ reference: z.string(), outcome: z.string() })) }),
    },
    async ({ body, c }) => {
      needAdmin(c);
      const actor = actorOf(c, false);
      const operations = await ports.operationsFor(actor);
      const outcomes: { reference: string; outcome: string }[] = [];
      await operations.dismissParked(
        { references: body.references, why: body.why, by: body.by ?? actor.name },
        { onDecided: (reference, outcome) => void outcomes.push({ reference, outcome }) },
      );
      return { outcomes };
    },
  );
}
