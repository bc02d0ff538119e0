/**
 * Every list as CSV: the whole result. It is read page by page as it is sent, so that a million rows take no more memory than a
 * thousand, and what a reader does not take is not read.
 */
import type { Hono } from 'hono';
import { ACTION_KINDS } from '../../core/base/action.js';
import { DAY_MS, utcDay } from '../../core/base/window.js';
import { FEEDS, TRIGGERS } from '../../core/coverage/sync-run.js';
import { CERTIFICATE_STATES } from '../../core/proof/certificate.js';
import { CERTIFICATE_COLUMNS } from '../../views/certificate-csv.js';
import {
  ACTION_COLUMNS,
  DAY_TOTAL_COLUMNS,
  FINDING_COLUMNS,
  PAYMENT_COLUMNS,
  RUN_COLUMNS,
} from '../../views/list-csv.js';
import type { Environment } from '../access.js';
import { PAYMENT_STATES, REASONS, RUN_STATUSES } from '../api/schemas.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { dayOf } from './addresses.js';
import { csvFilters } from './csv-filters.js';
import { createCsvSender } from './csv-sender.js';
import type { PagesPorts } from './frame.js';

/** A page takes some megabytes at most, and a pooled connection for some milliseconds. */
const ROWS_A_PAGE = 1_000;
/** Sums of a day are a row for each currency. */
const DAYS_A_PAGE = 90;

export function addCsv(app: Hono<Environment>, ports: PagesPorts): void {
  const send = createCsvSender(ports);
  addRunsAndPayments(app, ports, send);
  addDaysCsv(app, ports, send);
  app.get('/actions.csv', (c) => {
    const asked = csvFilters(c, ['about', 'kind']);
    const filters = given({ subject: asked.text('about'), kind: asked.oneOf('kind', ACTION_KINDS) });
    return send(c, 'actions', ACTION_COLUMNS, async (after) => {
      const { actions: rows, next } = await ports.reads.actions({
        limit: ROWS_A_PAGE,
        ...filters,
        ...given({ after }),
      });
      return { rows, next };
    });
  });
}

type Send = ReturnType<typeof createCsvSender>;

function addRunsAndPayments(app: Hono<Environment>, { reads }: PagesPorts, send: Send): void {
  app.get('/runs.csv', (c) => {
    const asked = csvFilters(c, ['feed', 'status', 'trigger', 'from', 'to', 'empty']);
    const includeEmpty = asked.isTrue('empty');
    const filters = given({
      feed: asked.oneOf('feed', FEEDS),
      status: asked.oneOf('status', RUN_STATUSES),
      trigger: asked.oneOf('trigger', TRIGGERS),
      ...{ from: asked.day('from'), to: asked.day('to') },
    });
    return send(c, 'runs', RUN_COLUMNS, async (after) => {
      const query = { limit: ROWS_A_PAGE, includeEmpty, ...filters, ...given({ after }) };
      const { runs: rows, next } = await reads.runs(query);
      return { rows, next };
    });
  });
  app.get('/payments.csv', (c) => {
    const asked = csvFilters(c, ['q', 'state', 'currency', 'from', 'to']);
    const filters = given({
      search: asked.text('q')?.slice(0, 300),
      state: asked.oneOf('state', PAYMENT_STATES),
      currency: asked.currency('currency'),
      ...{ from: asked.day('from'), to: asked.day('to') },
    });
    return send(c, 'payments', PAYMENT_COLUMNS, async (after) => {
      const { payments: rows, next } = await reads.payments({ limit: ROWS_A_PAGE, ...filters, ...given({ after }) });
      return { rows, next };
    });
  });
  app.get('/parked.csv', (c) => {
    const asked = csvFilters(c, ['reason', 'dismissed']);
    const filters = {
      includeDismissed: asked.isTrue('dismissed'),
      ...given({ reason: asked.oneOf('reason', REASONS) }),
    };
    return send(c, 'parked', PAYMENT_COLUMNS, async (after) => {
      const { payments: rows, next } = await reads.parked({ limit: ROWS_A_PAGE, ...filters, ...given({ after }) });
      return { rows, next };
    });
  });
}

function addDaysCsv(app: Hono<Environment>, { reads, now }: PagesPorts, send: Send): void {
  app.get('/days.csv', (c) => {
    const asked = csvFilters(c, ['from', 'to', 'state']);
    const range = { from: asked.day('from'), to: asked.day('to') };
    const filters = given({ ...range, state: asked.oneOf('state', CERTIFICATE_STATES) });
    return send(c, 'days', CERTIFICATE_COLUMNS, async (after) => {
      const page = await reads.certificatePage({ limit: ROWS_A_PAGE, ...filters, ...given({ after }) });
      return { rows: page.certificates, next: page.next };
    });
  });
  app.get('/days/:day/findings.csv', async (c) => {
    csvFilters(c, []);
    const day = dayOf(c.req.param('day'));
    const found = day === undefined ? null : await reads.certificatesOfDay({ day });
    if (day === undefined || found === null) throw refuse(404, 'http_not_found', 'That day was never proven');
    const rows = found.certificates.flatMap(({ currency, findings }) =>
      findings.map((finding) => ({ ...finding, day, currency })),
    );
    return send(c, `findings-${day}`, FINDING_COLUMNS, async () => ({ rows, next: null }));
  });
  app.get('/totals.csv', async (c) => {
    const asked = csvFilters(c, ['from', 'to', 'currency']);
    const filters = given({ currency: asked.currency('currency') });
    const today = utcDay(now());
    const first = asked.day('from') ?? utcDay((await reads.mirror())?.startsAt ?? now());
    const last = asked.day('to') ?? today;
    return send(c, 'totals', DAY_TOTAL_COLUMNS, async (after = last) => {
      const from = laterDay(first, dayBefore(after, DAYS_A_PAGE - 1));
      const rows = from > after ? [] : await reads.dayTotals({ from, to: after, ...filters });
      return { rows, next: from <= first ? null : dayBefore(from, 1) };
    });
  });
}

function laterDay(a: string, b: string): string {
  return a > b ? a : b;
}

function dayBefore(day: string, days: number): string {
  return utcDay(new Date(Date.parse(day) - days * DAY_MS));
}
