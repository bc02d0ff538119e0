/** Repairs: the plans, one of them, and what forms ask for about them. */
import type { Context, Hono } from 'hono';
import { actorOf, type Environment, needAccess, needAdmin } from '../access.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { dayOf, olderOf, pathOf, queryOf } from './addresses.js';
import { mayAct, mirrorOf, type PagesPorts, ROWS, render } from './frame.js';
import { ConfirmApply, Repair } from './repair.js';
import { NothingPlanned, paymentsTold, Repairs } from './repairs.js';
import { nameOf, readFields, textOf } from './signature.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function addRepairs(app: Hono<Environment>, ports: PagesPorts): void {
  const { reads, sides } = ports;
  app.get('/repairs', async (c) => {
    const { after: asked } = queryOf(c, ['after']);
    const after = UUID.test(asked ?? '') ? asked : undefined;
    const page = await reads.repairs({ limit: ROWS, ...given({ after }) });
    const about = {
      ...{ title: 'Repairs', place: '/repairs', mirror: await mirrorOf(ports), isLive: true },
      same: {
        ...{ command: null, api: '/repairs' },
        act: { what: 'To make a plan in a terminal (reads both sides and keeps the plan)', command: 'repair plan' },
      },
    };
    return render(
      c,
      ports,
      about,
      <Repairs
        {...{ repairs: page.repairs, current: sides.current(), last: sides.last(), whyNot: sides.whyNot }}
        {...{ mayAct: mayAct(needAccess(c)), now: ports.now(), isFirst: after === undefined }}
        older={olderOf('/repairs', {}, page.next)}
      />,
    );
  });
  app.get('/repairs/plan', (c) => c.redirect('/repairs', 303));
  app.get('/repairs/:id', async (c) => {
    const { after } = queryOf(c, ['after']);
    const id = c.req.param('id');
    const shown = await shownPlan(ports, id, /^\d{1,9}$/.test(after ?? '') ? Number(after) : undefined);
    const stored = await reads.storedOf(shown.items.map(({ paymentId }) => paymentId));
    const current = sides.current();
    const about = {
      ...{ title: `Plan ${id.slice(0, 13)}`, place: '/repairs', mirror: await mirrorOf(ports), isLive: true },
      same: {
        ...{ command: null, api: `/repairs/${id}` },
        ...(shown.repair.left.items === 0
          ? {}
          : { act: { what: 'To apply it in a terminal (posts at once)', command: `repair apply ${shown.repair.id}` } }),
      },
    };
    return render(
      c,
      ports,
      about,
      <Repair
        {...{ shown, stored, current, whyNot: sides.whyNot, now: ports.now(), isFirst: after === undefined }}
        mayAct={mayAct(needAccess(c))}
        older={shown.next === null ? null : pathOf(`/repairs/${id}`, { after: shown.next })}
      />,
    );
  });
  addPlanning(app, ports);
  addApplying(app, ports);
}

function addPlanning(app: Hono<Environment>, ports: PagesPorts): void {
  app.post('/repairs/plan', async (c) => {
    needAdmin(c);
    const form = await readFields(c);
    const [fromDay, toDay] = [dayOf(textOf(form, 'from')) ?? null, dayOf(textOf(form, 'to')) ?? null];
    const begun = await ports.sides.planRepair(actorOf(c, true), { fromDay, toDay });
    if (begun.kind === 'goes_on') return c.redirect('/repairs', 303);
    const { plan } = begun.result;
    if (plan !== null) return c.redirect(`/repairs/${plan.id}`, 303);
    const about = await aboutDecision(ports, 'Nothing to repair');
    const stored = await ports.reads.storedOf(paymentsTold(begun.result));
    return render(c, ports, about, <NothingPlanned outcome={begun.result} stored={stored} />);
  });
}

function addApplying(app: Hono<Environment>, ports: PagesPorts): void {
  const confirm = async (c: Context<Environment>, id: string, problem: string | null): Promise<Response> => {
    const { repair } = await shownPlan(ports, id);
    if (repair.left.items === 0) return c.redirect(`/repairs/${id}`, 303);
    const about = await aboutDecision(ports, 'Confirm');
    return render(c, ports, about, <ConfirmApply repair={repair} problem={problem} />);
  };
  app.get('/repairs/:id/apply', (c) => {
    needAdmin(c);
    return confirm(c, c.req.param('id'), null);
  });
  app.post('/repairs/:id/apply', async (c) => {
    needAdmin(c);
    const id = c.req.param('id');
    const form = await readFields(c);
    const name = nameOf(form);
    if (name === null) return confirm(c, id, 'Say who you are: it is kept with what is done.');
    const { repair } = await shownPlan(ports, id);
    const confirmed = confirmedBy(form);
    await ports.sides.applyRepair({ ...actorOf(c, true), name }, { plan: repair.id, confirmed });
    return c.redirect(`/repairs/${id}`, 303);
  });
}

async function aboutDecision(ports: PagesPorts, title: string) {
  return { title, place: '/repairs', mirror: await mirrorOf(ports), same: { command: null, api: null } };
}

/** Throws ProblemError 404. */
async function shownPlan({ reads }: PagesPorts, id: string, after?: number) {
  const shown = UUID.test(id) ? await reads.repair(id, { limit: ROWS, ...given({ after }) }) : null;
  if (shown !== null) return shown;
  throw refuse(
    404,
    'http_not_found',
    `There is no repair plan ${JSON.stringify(id.slice(0, 60))}; all of them are at /repairs`,
  );
}

/** What the page before showed. Throws ProblemError 422 for what none shows. */
function confirmedBy(form: FormData) {
  const sums = form.getAll('sum').map((text) => {
    const [, currency = '', amount = ''] = /^([A-Z]{3}) (-?\d{1,30})$/.exec(String(text)) ?? [];
    if (currency === '') throw refuse(422, 'http_request_invalid', 'The sums are none that the page before showed');
    return { currency, amount: BigInt(amount) };
  });
  return { items: Number(textOf(form, 'items')) || 0, sums };
}
