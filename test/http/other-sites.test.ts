/**
 * What pages of other sites get, as browsers send their requests: the table of docs/security.md, written by executing it. Where it is
 * not so any more, this fails and shows the table as it is now.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { listActions } from '../../src/db/actions/action-store.js';
import { type Answer, askAsItIs, type Sent } from '../support/ask-as-it-is.js';
import { readText, section } from '../support/documents.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { ADMIN_TOKEN, type HttpStage, startHttp } from '../support/stages/http.js';

let database: ReadsDatabase;
let open: HttpStage;
let guarded: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
});
beforeEach(async () => {
  open = await startHttp(database);
  guarded = await startHttp(database, { config: { adminToken: ADMIN_TOKEN } });
});
afterEach(() => Promise.all([open.close(), guarded.close()]));
afterAll(() => database.drop());

const EVIL = 'https://evil.example';
/** Of a page whose name was led to this machine: to the browser it is the same origin. */
const REBOUND = { host: 'evil.example:3000', origin: 'http://evil.example:3000', 'sec-fetch-site': 'same-origin' };
const FOREIGN = { origin: EVIL, 'sec-fetch-site': 'cross-site' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_BODY = { 'content-type': 'application/json' };
const PREFLIGHT = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };

interface Request extends Sent {
  readonly what: string;
  readonly path: string;
  /** With ADMIN_TOKEN set; else everybody on this machine may do everything. */
  readonly isGuarded?: boolean;
}

const REQUESTS: readonly Request[] = [
  { what: 'script of another site reads the API', path: '/api/v1/status', headers: FOREIGN },
  { what: 'script of another site follows the stream', path: '/events', headers: FOREIGN },
  {
    what: 'script of another site opens streams that it never reads',
    path: '/events',
    method: 'HEAD',
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  },
  {
    what: 'script of another site asks for a list',
    path: '/payments.csv',
    headers: { 'sec-fetch-site': 'cross-site' },
  },
  {
    what: 'page of another site frames a page',
    path: '/',
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' },
  },
  { what: 'form of another site', path: '/sync', method: 'POST', headers: { ...FOREIGN, ...FORM } },
  {
    what: 'form of another site, in a sandbox',
    path: '/sync',
    method: 'POST',
    headers: { origin: 'null', 'sec-fetch-site': 'cross-site', ...FORM },
  },
  {
    what: 'form of another port of this machine',
    path: '/sync',
    method: 'POST',
    headers: { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site', ...FORM },
  },
  { what: 'form of another site, an old browser', path: '/sync', method: 'POST', headers: { origin: EVIL, ...FORM } },
  {
    what: 'script of another site asks whether it may send JSON',
    path: '/api/v1/runs',
    method: 'OPTIONS',
    headers: { ...FOREIGN, ...PREFLIGHT },
  },
  {
    what: 'script of another site sends JSON all the same',
    path: '/api/v1/runs',
    method: 'POST',
    headers: { ...FOREIGN, ...JSON_BODY },
    body: '{}',
  },
  {
    what: 'form of another site that looks like JSON',
    path: '/api/v1/runs',
    method: 'POST',
    headers: { ...FOREIGN, 'content-type': 'text/plain' },
    body: '{}',
  },
  { what: 'script of another site deletes', path: '/api/v1/runs', method: 'DELETE', headers: FOREIGN },
  { what: 'rebound page reads a page', path: '/', headers: REBOUND },
  { what: 'rebound page reads the API', path: '/api/v1/status', headers: REBOUND },
  { what: 'rebound page reads the metrics', path: '/metrics', headers: REBOUND },
  { what: 'rebound page asks for a sync', path: '/sync', method: 'POST', headers: { ...REBOUND, ...FORM } },
  {
    what: 'rebound page sends JSON',
    path: '/api/v1/runs',
    method: 'POST',
    headers: { ...REBOUND, ...JSON_BODY },
    body: '{}',
  },
  { what: 'rebound page asks whether it is alive', path: '/health/live', headers: REBOUND },
  {
    what: 'rebound page sends a webhook',
    path: '/webhooks/stripe',
    method: 'POST',
    headers: { ...REBOUND, ...JSON_BODY },
    body: '{}',
  },
  {
    what: 'link of another site, to whoever has no session',
    path: '/runs',
    headers: { accept: 'text/html', 'sec-fetch-site': 'cross-site' },
    isGuarded: true,
  },
  {
    what: 'form of another site logs in with a right token',
    path: '/login',
    method: 'POST',
    headers: { ...FOREIGN, ...FORM },
    body: `token=${ADMIN_TOKEN}`,
    isGuarded: true,
  },
  {
    what: 'form of another site presses a link to log in',
    path: '/login/link',
    method: 'POST',
    headers: { ...FOREIGN, ...FORM },
    body: 'secret=x',
    isGuarded: true,
  },
  {
    what: 'rebound page shows a session',
    path: '/',
    headers: { ...REBOUND, cookie: 'stripe_blnk_sync_session=x' },
    isGuarded: true,
  },
];

/** As a browser decides: an answer of the same origin, or one that allows it. */
function isShown({ headers }: Request, answer: Answer): boolean {
  const isSameOrigin = headers?.['sec-fetch-site'] === 'same-origin';
  return answer.status < 400 && (isSameOrigin || answer.headers['access-control-allow-origin'] !== undefined);
}

async function changes(): Promise<number> {
  const { actions } = await listActions(database.db, { limit: 10 });
  return actions.length + open.woken.length + guarded.woken.length;
}

it('other sites get what the page of security says: they are shown nothing of a mirror, and change nothing', async () => {
  const rows: string[] = [];
  for (const request of REQUESTS) {
    const stage = request.isGuarded === true ? guarded : open;
    const answer = await askAsItIs(new URL(request.path, stage.url), request);
    const told = [
      request.what,
      `\`${request.method ?? 'GET'} ${request.path}\``,
      String(answer.status),
      isShown(request, answer) ? `\`${answer.body.trim()}\`` : 'nothing',
      answer.headers['set-cookie'] === undefined && (await changes()) === 0 ? 'nothing' : '**something**',
    ];
    rows.push(`| ${told.join(' | ')} |`);
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  }
  const table = ['| who asks | request | answer | shown to it | changed |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
  const documented = section(readText('docs/security.md'), '### What other sites get');
  expect(documented.slice(documented.indexOf('|')).trim()).toBe(table);
});
