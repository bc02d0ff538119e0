/** Pages: each reads what it shows in one go, and is complete without scripts. What a form sends is done by operations, and ends in a page. */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Child } from 'hono/jsx';
import { ACTION_KINDS } from '../../core/base/action.js';
import { DAY_MS, utcDay } from '../../core/base/window.js';
import { FEEDS } from '../../core/coverage/sync-run.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { certificateCsv } from '../../views/certificate-csv.js';
import { type Access, type Environment, needAccess } from '../access.js';
import { PAYMENT_STATES, REASONS, RUN_STATUSES } from '../api/schemas.js';
import type { HttpPorts } from '../ports.js';
import { refuse } from '../problem.js';
import { Day, Days } from './days.js';
import { addDecisions } from './decisions.js';
import { type Frame, Page } from './layout.js';
import { Actions, Settings } from './others.js';
import { Overview } from './overview.js';
import { Parked } from './parked.js';
import { Payment, Payments } from './payments.js';
import { Run, Runs } from './runs.js';
import { SCRIPT, STYLE } from './style.js';

const ROWS = 50;
const CHART_DAYS = 30;
const BODY_BYTES_MAX = 64 * 1_024;

export type PagesPorts = HttpPorts;

/** What a page says of itself, before the frame is filled. */
export type About = Omit<Frame, 'mirror' | 'access' | 'version' | 'origin'> & { readonly mirror: Mirror | null };

export function addAssets(app: Hono<Environment>): void {
  const cached = { 'cache-control': 'public, max-age=3600' };
  app.get('/assets/style.css', (c) => c.body(STYLE, 200, { ...cached, 'content-type': 'text/css; charset=utf-8' }));
  app.get('/assets/live.js', (c) =>
    c.body(SCRIPT, 200, { ...cached, 'content-type': 'text/javascript; charset=utf-8' }),
  );
  app.get('/assets/icon.svg', (c) => c.body(ICON, 200, { ...cached, 'content-type': 'image/svg+xml' }));
}

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f5bb5"/><path d="M4 8h7M8 4.5 11.5 8 8 11.5" fill="none" stroke="#fff" stroke-width="2"/></svg>';

export function addPages(app: Hono<Environment>, ports: PagesPorts): void {
  app.use(
    '/parked/*',
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw refuse(
          413,
          'http_body_too_large',
          `The body is larger than ${BODY_BYTES_MAX} bytes; choose fewer payments at a time`,
        );
      },
    }),
  );
  addOverview(app, ports);
  addRuns(app, ports);
  addPayments(app, ports);
  addParked(app, ports);
  addDays(app, ports);
  addOthers(app, ports);
  addDecisions(app, ports);
}

/** The page with its frame. */
export function render(
  c: Context<Environment>,
  ports: PagesPorts,
  about: About,
  content: Child,
): Response | Promise<Response> {
  const access = needAccess(c);
  const origin = ports.config.publicUrl ?? new URL(c.req.url).origin;
  return c.html(
    `<!doctype html>${(
      <Page {...about} access={access} version={ports.version} origin={origin}>
        {content}
      </Page>
    )}`,
  );
}

function mayAct({ role }: Access): boolean {
  return role === 'admin';
}

function addOverview(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/', async (c) => {
    const today = utcDay(ports.now());
    const from = utcDay(new Date(Date.parse(today) - (CHART_DAYS - 1) * DAY_MS));
    const [status, { runs }, days, certificates] = await Promise.all([
      ports.reads.status(),
      ports.reads.runs({ limit: 8 }),
      ports.reads.dayTotals({ from, to: today }),
      ports.reads.certificates({ from, to: today, limit: null }),
    ]);
    const about = {
      title: 'Overview',
      place: '/',
      mirror: status.mirror,
      isLive: true,
      same: { command: 'status', api: '/status' },
    };
    return render(
      c,
      ports,
      about,
      <Overview {...{ status, runs, days, certificates }} mayAct={mayAct(needAccess(c))} />,
    );
  });
}

function addRuns(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/runs', async (c) => {
    const asked = queryOf(c, ['feed', 'status', 'empty', 'after']);
    const [feed, status] = [oneOf(FEEDS, asked.feed), oneOf(RUN_STATUSES, asked.status)];
    const page = await ports.reads.runs({
      ...{ limit: ROWS, includeEmpty: asked.empty === 'true' },
      ...given({ feed, status, after: asked.after }),
    });
    const options = given({ feed, status });
    const about = {
      ...{ title: 'Runs', place: '/runs', mirror: await mirrorOf(ports), isLive: asked.after === undefined },
      same: { command: commandOf(['runs'], options), api: pathOf('/runs', options) },
    };
    return render(
      c,
      ports,
      about,
      <Runs
        page={page}
        asked={asked}
        now={ports.now()}
        older={olderOf('/runs', asked, page.next)}
        first={firstOf('/runs', asked)}
      />,
    );
  });
  app.get('/runs/:id', async (c) => {
    const { after } = queryOf(c, ['after']);
    const id = c.req.param('id');
    const answer = await ports.reads.run(id);
    if (answer.kind !== 'found')
      throw refuse(
        404,
        'http_not_found',
        `No single run has an id that is or begins with ${JSON.stringify(id.slice(0, 60))}`,
      );
    const { run, parts } = answer;
    const payments = await ports.reads.runBatch(run.id, { limit: ROWS, ...given({ after }) });
    const older = payments.next === null ? null : `/runs/${run.id}?after=${encodeURIComponent(payments.next)}`;
    const about = {
      ...{ title: `Run ${run.id.slice(0, 13)}`, place: '/runs', mirror: await mirrorOf(ports), isLive: true },
      same: { command: `run ${run.id}`, api: `/runs/${run.id}` },
    };
    return render(c, ports, about, <Run {...{ run, parts, payments, older }} now={ports.now()} />);
  });
}

function addPayments(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/payments', async (c) => {
    const asked = queryOf(c, ['q', 'state', 'currency', 'from', 'to', 'after']);
    const state = oneOf(PAYMENT_STATES, asked.state);
    const currency = /^[A-Za-z]{3}$/.test(asked.currency ?? '') ? asked.currency?.toUpperCase() : undefined;
    const [from, to] = [dayOf(asked.from), dayOf(asked.to)];
    const filters = given({ state, currency, from, to });
    const search = asked.q?.slice(0, 300);
    const page = await ports.reads.payments({ limit: ROWS, ...filters, ...given({ search, after: asked.after }) });
    const [only] = page.payments;
    // A whole id leads straight to its payment.
    if (
      search !== undefined &&
      page.payments.length === 1 &&
      only !== undefined &&
      page.next === null &&
      !/^(?:cus_|@)/.test(search)
    ) {
      return c.redirect(`/payments/${encodeURIComponent(only.reference)}`);
    }
    const about = {
      ...{ title: 'Payments', place: '/payments', mirror: await mirrorOf(ports), isLive: asked.after === undefined },
      same: {
        command: commandOf(search === undefined ? ['payments'] : ['payments', search], filters),
        api: pathOf('/payments', { ...filters, ...given({ q: search }) }),
      },
    };
    return render(
      c,
      ports,
      about,
      <Payments
        page={page}
        asked={asked}
        older={olderOf('/payments', asked, page.next)}
        first={firstOf('/payments', asked)}
      />,
    );
  });
  app.get('/payments/:reference', async (c) => {
    const reference = c.req.param('reference');
    const payment = await ports.reads.show(reference);
    if (payment === null)
      throw refuse(
        404,
        'http_not_found',
        `No payment has the reference ${JSON.stringify(reference.slice(0, 100))}; search for it at /payments`,
      );
    const about = {
      ...{
        title: payment.reference,
        place: '/payments',
        mirror: await mirrorOf(ports),
        isLive: payment.state === 'pending',
      },
      same: {
        command: commandOf(['parked', 'show', payment.reference]),
        api: `/payments/${encodeURIComponent(payment.reference)}`,
      },
    };
    return render(c, ports, about, <Payment payment={payment} now={ports.now()} mayAct={mayAct(needAccess(c))} />);
  });
}

function addParked(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/parked', async (c) => {
    const asked = queryOf(c, ['reason', 'dismissed', 'after']);
    const reason = oneOf(REASONS, asked.reason);
    const [status, page] = await Promise.all([
      ports.reads.status(),
      ports.reads.parked({
        limit: ROWS,
        includeDismissed: asked.dismissed === 'true',
        ...given({ reason, after: asked.after }),
      }),
    ]);
    const about = {
      ...{ title: 'Parked', place: '/parked', mirror: status.mirror, isLive: asked.after === undefined },
      same: {
        command: commandOf(['parked', 'list'], given({ reason })),
        api: pathOf('/payments', { state: 'parked', ...given({ reason }) }),
      },
    };
    return render(
      c,
      ports,
      about,
      <Parked
        {...{
          page,
          asked: { ...asked, ...given({ reason }) },
          reasons: status.parked,
          now: ports.now(),
          mayAct: mayAct(needAccess(c)),
        }}
        older={olderOf('/parked', asked, page.next)}
        first={firstOf('/parked', asked)}
      />,
    );
  });
}

function addDays(app: Hono<Environment>, ports: PagesPorts): void {
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

function addOthers(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/actions', async (c) => {
    const { about: subject, kind: asked, after } = queryOf(c, ['about', 'kind', 'after']);
    const kind = oneOf(ACTION_KINDS, asked);
    const position = /^\d{1,18}$/.test(after ?? '') ? after : undefined;
    const page = await ports.reads.actions({ limit: ROWS, ...given({ subject, kind, after: position }) });
    const about = {
      ...{ title: 'Actions', place: '/actions', mirror: await mirrorOf(ports), isLive: after === undefined },
      same: {
        command: commandOf(['actions'], given({ about: subject, kind })),
        api: pathOf('/actions', given({ subject, kind })),
      },
    };
    const older = olderOf('/actions', given({ about: subject, kind }), page.next);
    return render(
      c,
      ports,
      about,
      <Actions page={page} about={subject ?? null} isFirst={after === undefined} now={ports.now()} older={older} />,
    );
  });
  app.get('/settings', async (c) => {
    const status = await ports.reads.status();
    const about = {
      title: 'Settings',
      place: '/settings',
      mirror: status.mirror,
      same: { command: null, api: '/settings' },
    };
    return render(c, ports, about, <Settings settings={ports.settings()} status={status} />);
  });
}

export async function mirrorOf({ reads }: Pick<PagesPorts, 'reads'>): Promise<Mirror | null> {
  return reads.mirror();
}

/** Empty fields of a form are none. */
function queryOf<Name extends string>(c: Context<Environment>, names: readonly Name[]): { [Key in Name]?: string } {
  const entries = names.map((name) => [name, c.req.query(name)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== '')) as {
    [Key in Name]?: string;
  };
}

function oneOf<Value extends string>(values: readonly Value[], text: string | undefined): Value | undefined {
  return values.find((value) => value === text);
}

function dayOf(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) || utcDay(new Date(time)) !== text ? undefined : text;
}

function given<Given extends object>(fields: Given): { [Name in keyof Given]?: Exclude<Given[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** Null for words that a shell would read otherwise: what is copied has to do what the page did. */
function commandOf(words: readonly string[], options: object = {}): string | null {
  const all = [...words, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])];
  return all.every((word) => /^[\w@:.,+-]+$/.test(word)) ? all.join(' ') : null;
}

function pathOf(path: string, query: object): string {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The next page keeps the filters. */
function olderOf(path: string, asked: object, next: string | null): string | null {
  return next === null ? null : pathOf(path, { ...asked, after: next });
}

function firstOf(path: string, asked: object): string {
  const { after: _, ...filters } = asked as { after?: string };
  return pathOf(path, filters);
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
