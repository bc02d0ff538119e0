/** Days: a month, the certificate of one, and having days proven. */
import type { Context, Hono } from 'hono';
import { utcDay } from '../../core/base/window.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { actorOf, type Environment, needAccess, needAdmin } from '../access.js';
import { refuse } from '../problem.js';
import { commandOf, csvOf, dayOf, pathOf, queryOf } from './addresses.js';
import { Day } from './day.js';
import { paymentsNamed } from './day-findings.js';
import { Days, ProofsAsked } from './days.js';
import { mayAct, mirrorOf, type PagesPorts, render } from './frame.js';
import { closingOf, monthDays } from './month.js';
import { readFields, textOf } from './signature.js';

export function addDays(app: Hono<Environment>, ports: PagesPorts): void {
  const monthOf = (c: Context<Environment>) => {
    const { month } = queryOf(c, ['month']);
    return /^20\d\d-(?:0[1-9]|1[0-2])$/.test(month ?? '') ? (month ?? '') : utcDay(ports.now()).slice(0, 7);
  };
  app.get('/days', async (c) => {
    const month = monthOf(c);
    const range = { from: `${month}-01`, to: lastDayOf(month) };
    const [mirror, certificates, findings] = await Promise.all([
      mirrorOf(ports),
      ports.reads.certificates({ ...range, limit: null }),
      ports.reads.findingCounts(range),
    ]);
    const days = monthDays({ certificates, month, startsAt: mirror?.startsAt ?? null, now: ports.now() });
    const closing = closingOf(days, month, findings);
    const about = {
      ...{ title: `Days of ${month}`, place: '/days', mirror, isLive: true },
      same: {
        command: commandOf(['certificates', 'list'], range),
        api: pathOf('/days', range),
        csv: csvOf('/days', range),
      },
    };
    const months = monthsFrom(mirror, ports.now());
    return render(
      c,
      ports,
      about,
      <Days {...{ ...days, certificates, closing, month, months }} mayAct={mayAct(needAccess(c))} />,
    );
  });
  app.get('/days/:day', async (c) => {
    const day = dayOf(c.req.param('day'));
    if (day === undefined) throw noDay(c.req.param('day'));
    const [found, requests, mirror] = await Promise.all([
      ports.reads.certificatesOfDay({ day }),
      ports.reads.proofRequests([day]),
      mirrorOf(ports),
    ]);
    const about = {
      ...{ title: `Certificate of ${day}`, place: '/days', mirror, isLive: true },
      same: {
        ...{ command: `certificates show ${day}`, api: `/days/${day}` },
        ...(found === null ? {} : { csv: `/days/${day}/findings.csv` }),
      },
    };
    const [requestedAt, provedAt] = [requests.get(day) ?? null, found?.history[0]?.provedAt ?? null];
    const waitsSince = requestedAt !== null && (provedAt === null || requestedAt > provedAt) ? requestedAt : null;
    const stored = await ports.reads.storedOf(paymentsNamed(found?.certificates ?? []));
    const isBeforeStart = mirror !== null && day < utcDay(mirror.startsAt);
    const shown = { day, found, stored, waitsSince, isBeforeStart, mayAct: mayAct(needAccess(c)), now: ports.now() };
    return render(c, ports, about, <Day {...shown} />);
  });
  addProving(app, ports);
}

function addProving(app: Hono<Environment>, ports: PagesPorts): void {
  app.post('/days/prove', async (c) => {
    needAdmin(c);
    const form = await readFields(c);
    const [from, to] = [dayOf(textOf(form, 'from')), dayOf(textOf(form, 'to'))];
    if (from === undefined || to === undefined) {
      throw refuse(422, 'http_request_invalid', 'Name the first and the last day, as 2026-11-21');
    }
    const operations = await ports.operationsFor(actorOf(c, true));
    const asked = await operations.requestProofs({ from, to });
    // The page of one day says that a proof of it was asked for.
    if (from === to && asked.queueFault === null) return c.redirect(`/days/${from}`, 303);
    const about = {
      ...{ title: 'Proofs asked for', place: '/days', mirror: await mirrorOf(ports) },
      same: { command: null, api: null },
    };
    return render(c, ports, about, <ProofsAsked asked={asked} month={to.slice(0, 7)} />);
  });
}

function noDay(text: string) {
  return refuse(
    404,
    'http_not_found',
    `There is no day ${JSON.stringify(text.slice(0, 40))}; all of them are at /days`,
  );
}

function lastDayOf(month: string): string {
  return utcDay(new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)));
}

/** From the first that is mirrored to this one, the newest first. */
function monthsFrom(mirror: Mirror | null, now: Date): string[] {
  const first = mirror?.startsAt ?? now;
  const months: string[] = [];
  const cursor = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  while (months.length < 120 && (months.length === 0 || utcDay(cursor).slice(0, 7) >= utcDay(first).slice(0, 7))) {
    months.push(utcDay(cursor).slice(0, 7));
    cursor.setUTCMonth(cursor.getUTCMonth() - 1);
  }
  return months;
}
