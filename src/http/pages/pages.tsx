/** All pages: each reads what it shows in one go, and is complete without scripts. */
import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { DAY_MS, utcDay } from '../../core/base/window.js';
import { type Environment, needAccess } from '../access.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { wholeTextOnly } from '../whole-text.js';
import { addAccepting } from './accept.js';
import { addActions } from './actions.js';
import { addDays } from './add-days.js';
import { addParked } from './add-parked.js';
import { addPayments } from './add-payments.js';
import { addRepairs } from './add-repairs.js';
import { addRuns } from './add-runs.js';
import { currencyOf, queryOf } from './addresses.js';
import { addCsv } from './csv.js';
import { addDecisions } from './decisions.js';
import { mayAct, type PagesPorts, render } from './frame.js';
import { FAILED_MAX, Overview } from './overview.js';
import { addSettings } from './settings.js';
import { SCRIPT, STYLE } from './style.js';

const CHART_DAYS = 30;
const BODY_BYTES_MAX = 64 * 1_024;

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
  // Of what forms send; the API has a limit of its own.
  const limited = bodyLimit({
    maxSize: BODY_BYTES_MAX,
    onError: () => {
      throw refuse(
        413,
        'http_body_too_large',
        `The body is larger than ${BODY_BYTES_MAX} bytes; choose fewer payments at a time`,
      );
    },
  });
  app.use((c, next) => (c.req.method === 'POST' ? limited(c, next) : next()));
  app.use(wholeTextOnly);
  addCsv(app, ports);
  addOverview(app, ports);
  addRuns(app, ports);
  addPayments(app, ports);
  addParked(app, ports);
  addDays(app, ports);
  addAccepting(app, ports);
  addRepairs(app, ports);
  addActions(app, ports);
  addSettings(app, ports);
  addDecisions(app, ports);
}

function addOverview(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/', async (c) => {
    const today = utcDay(ports.now());
    const from = utcDay(new Date(Date.parse(today) - (CHART_DAYS - 1) * DAY_MS));
    const currency = currencyOf(queryOf(c, ['currency']).currency);
    const [status, { runs }, failed, days, certificates] = await Promise.all([
      ports.reads.status(),
      ports.reads.runs({ limit: 8 }),
      ports.reads.runs({ limit: FAILED_MAX, status: 'failed', from: today, includeEmpty: true }),
      ports.reads.dayTotals({ from, to: today, ...given({ currency }) }),
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
      <Overview
        {...{ status, runs, days, certificates, failed: failed.runs, currency: currency ?? null }}
        mayAct={mayAct(needAccess(c))}
      />,
    );
  });
}
