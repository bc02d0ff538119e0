/** Days: a month, as a table of CSV too, and the certificate of one. */
import type { Context, Hono } from 'hono';
import { utcDay } from '../../core/base/window.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { certificateCsv } from '../../views/certificate-csv.js';
import type { Environment } from '../access.js';
import { refuse } from '../problem.js';
import { commandOf, dayOf, pathOf, queryOf } from './addresses.js';
import { Day, Days } from './days.js';
import { mirrorOf, type PagesPorts, render } from './frame.js';

export function addDays(app: Hono<Environment>, ports: PagesPorts): void {
  const monthOf = (c: Context<Environment>) => {
    const { month } = queryOf(c, ['month']);
    return /^20\d\d-(?:0[1-9]|1[0-2])$/.test(month ?? '') ? (month ?? '') : utcDay(ports.now()).slice(0, 7);
  };
  const certificatesOf = (month: string) =>
    ports.reads.certificates({ from: `${month}-01`, to: lastDayOf(month), limit: null });
  app.get('/days', async (c) => {
    const month = monthOf(c);
    const [mirror, certificates] = await Promise.all([mirrorOf(ports), certificatesOf(month)]);
    const range = { from: `${month}-01`, to: lastDayOf(month) };
    const about = {
      ...{ title: `Days of ${month}`, place: '/days', mirror, isLive: true },
      same: { command: commandOf(['certificates', 'list'], range), api: pathOf('/days', range) },
    };
    return render(c, ports, about, <Days {...{ certificates, month, months: monthsFrom(mirror, ports.now()) }} />);
  });
  app.get('/days.csv', async (c) => {
    const month = monthOf(c);
    const lines = certificateCsv(await certificatesOf(month));
    return c.body(`${lines.join('\n')}\n`, 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="days-${month}.csv"`,
    });
  });
  app.get('/days/:day', async (c) => {
    const day = dayOf(c.req.param('day'));
    const found = day === undefined ? null : await ports.reads.certificatesOfDay({ day });
    if (day === undefined || found === null) {
      throw refuse(
        404,
        'http_not_found',
        `The day ${JSON.stringify(c.req.param('day').slice(0, 40))} was never proven; a day is proven two days after it ended`,
      );
    }
    const about = {
      ...{ title: `Certificate of ${day}`, place: '/days', mirror: await mirrorOf(ports) },
      same: { command: `certificates show ${day}`, api: `/days/${day}` },
    };
    return render(c, ports, about, <Day day={day} found={found} />);
  });
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
