/** Comparing a payment, and repairs: what asks Stripe and Blnk themselves. Repairs go on although nobody waits for them. */
import { z } from '@hono/zod-openapi';
import { actorOf, needAdmin } from '../access.js';
import type { HttpPorts } from '../ports.js';
import { refuse } from '../problem.js';
import { personName } from './changing.js';
import { fromCursor, toCursor } from './cursor.js';
import { Accepted, type Api, route } from './define.js';
import * as schema from './schemas.js';

type RepairsPorts = Pick<HttpPorts, 'reads' | 'sides'>;

/** Of a plan without days, what it could not do is told as far as somebody reads. */
const TOLD_MAX = 200;

const id = z.uuid();
const GoesOn = z.looseObject({ work: schema.WorkInHand, follow: z.string() });

export function addRepairs(api: Api, ports: RepairsPorts): void {
  addComparing(api, ports);
  addPlans(api, ports);
  addPlanning(api, ports);
  addApplying(api, ports);
}

function addComparing(api: Api, { sides }: RepairsPorts): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/payments/{reference}/compare',
        summary: 'Both sides of a payment as they are now: one read of Stripe and a look-up in the ledger',
      },
      params: z.object({ reference: schema.reference }),
      answer: schema.Comparison,
    },
    async ({ params: { reference }, c }) => {
      // It costs a read of the account's budget.
      needAdmin(c);
      return sides.compare(reference);
    },
  );
}

function addPlans(api: Api, { reads, sides }: RepairsPorts): void {
  route(
    api,
    {
      ...{ method: 'get', path: '/repairs', summary: 'Repair plans, the newest first, and what is at work here' },
      query: z.object(schema.paging),
      answer: schema
        .page(schema.Repair)
        .extend({ current: schema.WorkInHand.nullable(), last: schema.EndedWork.nullable() }),
    },
    async ({ query: { limit, cursor } }) => {
      const after = cursor === undefined ? undefined : uuidOf(fromCursor('repairs', cursor));
      const found = await reads.repairs({ limit, ...(after === undefined ? {} : { after }) });
      const works = { current: sides.current(), last: sides.last() };
      return { data: found.repairs, next_cursor: toCursor('repairs', found.next), ...works };
    },
  );
  route(
    api,
    {
      ...{ method: 'get', path: '/repairs/{id}', summary: 'One repair plan, and its items in their order' },
      params: z.object({ id }),
      query: z.object(schema.paging),
      answer: schema.page(schema.RepairItem).extend({ repair: schema.Repair }),
    },
    async ({ params, query: { limit, cursor } }) => {
      const list = `repair-${params.id}`;
      const after = cursor === undefined ? undefined : numberOf(fromCursor(list, cursor));
      const found = await reads.repair(params.id, { limit, ...(after === undefined ? {} : { after }) });
      if (found === null) throw unknownPlan(params.id);
      const next = toCursor(list, found.next === null ? null : String(found.next));
      return { repair: found.repair, data: found.items, next_cursor: next };
    },
  );
}

function addPlanning(api: Api, { sides }: RepairsPorts): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/repairs',
        summary: 'Plan what is done about what the newest proofs found: of these days, or of all that are not sealed',
      },
      body: z.strictObject({ from: schema.day.optional(), to: schema.day.optional(), by: personName.optional() }),
      answer: z.looseObject({
        repair: schema.Repair.pick({ id: true, from_day: true, to_day: true }).nullable(),
        ...{ days: z.array(schema.day), reported_count: z.number(), left_count: z.number() },
        ...{ reported: z.array(z.looseObject({})), left: z.array(z.looseObject({})), findings_not_kept: z.number() },
      }),
      accepted: GoesOn,
    },
    async ({ body: { from = null, to = null, by }, c }) => {
      needAdmin(c);
      const actor = actorOf(c, false);
      const begun = await sides.planRepair({ ...actor, name: by ?? actor.name }, { fromDay: from, toDay: to });
      if (begun.kind === 'goes_on') return new Accepted({ work: begun.work, follow: '/api/v1/repairs' });
      const { plan, reported, left, ...rest } = begun.result;
      const told = {
        ...{ reported: reported.slice(0, TOLD_MAX), reportedCount: reported.length },
        ...{ left: left.slice(0, TOLD_MAX), leftCount: left.length },
      };
      if (plan === null) return { repair: null, ...rest, ...told };
      const { items: _items, ...repair } = plan;
      return { repair, ...rest, ...told, follow: `/api/v1/repairs/${plan.id}` };
    },
  );
}

const Confirmed = z.strictObject({
  items: z.number().int().min(0).max(10_000_000),
  sums: z
    .array(z.strictObject({ currency: z.string().regex(/^[A-Z]{3}$/), amount_minor: z.string().regex(/^-?\d{1,30}$/) }))
    .max(300),
});

function addApplying(api: Api, { reads, sides }: RepairsPorts): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/repairs/{id}/apply',
        summary: 'Do what a plan says, where nothing changed since; `confirm` repeats what is left of it',
      },
      params: z.object({ id }),
      body: z.strictObject({ confirm: Confirmed, by: personName.optional() }),
      answer: z.looseObject({ repair: schema.Repair, owes: z.boolean() }),
      accepted: GoesOn,
    },
    async ({ params, body: { confirm, by }, c }) => {
      needAdmin(c);
      const actor = actorOf(c, false);
      const sums = confirm.sums.map(({ currency, amount_minor: minor }) => ({ currency, amount: BigInt(minor) }));
      const confirmed = { items: confirm.items, sums };
      const begun = await sides.applyRepair({ ...actor, name: by ?? actor.name }, { plan: params.id, confirmed });
      const follow = `/api/v1/repairs/${params.id}`;
      if (begun.kind === 'goes_on') return new Accepted({ work: begun.work, follow });
      const shown = await reads.repair(params.id, { limit: 1 });
      if (shown === null) throw unknownPlan(params.id);
      return { repair: shown.repair, owes: begun.result.owes, follow };
    },
  );
}

function unknownPlan(plan: string) {
  return refuse(404, 'http_not_found', `There is no repair plan ${plan}; /api/v1/repairs lists them`);
}

function uuidOf(position: string): string {
  if (id.safeParse(position).success) return position;
  throw refuse(400, 'http_request_invalid', 'cursor is none that this server made');
}

function numberOf(position: string): number {
  if (/^\d{1,9}$/.test(position)) return Number(position);
  throw refuse(400, 'http_request_invalid', 'cursor is none that this server made');
}
