/**
 * Who may ask, under which name, from which page: each request as a browser or a program sends it, and what it gets. What is
 * refused read nothing and changed nothing.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/core/base/error-codes.js';
import type { HttpPorts } from '../../src/http/ports.js';
import { askAsItIs, type Sent } from '../support/ask-as-it-is.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { ADMIN_TOKEN, type HttpStage, startHttp, VIEWER_TOKEN } from '../support/stages/http.js';

let database: ReadsDatabase;
let stage: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
});
afterEach(() => stage.close());
afterAll(() => database.drop());

const ask = (path: string, sent: Sent = {}) => askAsItIs(new URL(path, stage.url), sent);

const JSON_BODY = { 'content-type': 'application/json' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const syncs = () => stage.woken.filter((trigger) => trigger === 'manual').length;

describe('on this machine, without tokens', () => {
  it.each([
    ['localhost:3000', 200],
    ['127.0.0.1', 200],
    ['127.9.9.9:80', 200],
    ['[::1]:3000', 200],
    ['evil.example:3000', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.evil.example', 421],
    ['2130706433.nip.io', 421],
  ])('a request to the host %j is answered with %i', async (host, status) => {
    stage = await startHttp(database);
    for (const path of ['/api/v1/status', '/', '/api/openapi.json']) {
      expect((await ask(path, { headers: { host } })).status, path).toBe(status);
    }
  });

  it.each<readonly [who: string, headers: Record<string, string>, status: number]>([
    ['a program', {}, 202],
    ['a page of its own', { origin: 'OWN', 'sec-fetch-site': 'same-origin' }, 202],
    ["somebody else's page", { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of another port', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }, 403],
    ['an old browser on a foreign page', { origin: 'https://evil.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a page that hides where it is', { 'sec-fetch-site': 'cross-site' }, 403],
  ])('a sync that %s asks for is answered with its status', async (_, headers, status) => {
    stage = await startHttp(database);
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value === 'OWN' ? stage.url : value]),
    );
    const answer = await ask('/api/v1/runs', { method: 'POST', headers: { ...JSON_BODY, ...own }, body: '{}' });
    expect([answer.status, syncs()]).toEqual([status, status === 202 ? 1 : 0]);
    const form = await ask('/sync', { method: 'POST', headers: { ...FORM, ...own }, body: '' });
    expect(form.status).toBe(status === 202 ? 303 : 403);
  });

  it('a rebound name with its own origin changes nothing', async () => {
    stage = await startHttp(database);
    const headers = {
      host: 'evil.example:3900',
      origin: 'http://evil.example:3900',
      'sec-fetch-site': 'same-origin',
      ...FORM,
    };
    expect((await ask('/sync', { method: 'POST', headers })).status).toBe(421);
    expect(syncs()).toBe(0);
  });

  it('a form of another site cannot be sent as JSON', async () => {
    stage = await startHttp(database);
    const headers = { 'content-type': 'text/plain' };
    expect((await ask('/api/v1/runs', { method: 'POST', headers, body: '{}' })).status).toBe(415);
    expect(syncs()).toBe(0);
  });

  it.each<readonly [what: string, path: string, sent: Sent, status: number]>([
    // The process of these tests has no keys: 409 is the answer of whoever was let in.
    ['nothing at all', '/payments/pi_1/compare', {}, 409],
    ['an empty body as JSON', '/payments/pi_1/compare', { headers: JSON_BODY }, 409],
    ['JSON that does not say so', '/payments/pi_1/compare', { body: '{}' }, 415],
    ['an empty form', '/payments/pi_1/compare', { headers: FORM }, 415],
    [
      "another site's page, and nothing",
      '/payments/pi_1/compare',
      { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } },
      403,
    ],
    ['an old browser on a foreign page, and nothing', '/payments/pi_1/compare', { headers: { origin: 'null' } }, 403],
    ['nothing where a body is needed', '/runs', {}, 415],
    ['nothing to what is only read', '/status', {}, 405],
  ])('a POST with %s to %s is answered as a program or as a form', async (_, path, sent, status) => {
    stage = await startHttp(database);
    expect((await ask(`/api/v1${path}`, { method: 'POST', ...sent })).status).toBe(status);
    expect(syncs()).toBe(0);
  });

  it('every answer keeps other sites and caches out', async () => {
    stage = await startHttp(database);
    for (const path of ['/', '/api/v1/status', '/nothing', '/health/live', '/login']) {
      const { headers } = await ask(path);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});

it('without a token the page to log in asks for none, and leads on', async () => {
  stage = await startHttp(database);
  const { body } = await ask('/login?next=/days');
  expect(body).toContain('No log-in is needed');
  expect(body).toContain('href="/days"');
  expect(body).not.toMatch(/need a token|<form/);
});

it('the runbook is a page with an anchor for each code, and text for programs', async () => {
  stage = await startHttp(database);
  const { body, headers } = await ask('/runbook', { headers: { accept: 'text/html' } });
  expect(headers['content-type']).toMatch(/^text\/html/);
  for (const code of ERROR_CODES) expect(body).toContain(`<tr id="${code}">`);
  const targets = [...body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? '');
  expect(targets.length).toBeGreaterThan(10);
  expect(targets.filter((id) => !body.includes(` id="${id}"`))).toEqual([]);
  expect(body).not.toMatch(/href="[^"]*\.md/);
  expect(body).toContain('href="/"');
  expect((await ask('/runbook')).body).toMatch(/^# Runbook/);
});

describe('with tokens', () => {
  const tokens = { adminToken: ADMIN_TOKEN, viewerToken: VIEWER_TOKEN };

  it.each<readonly [who: string, headers: Record<string, string>, read: number, write: number]>([
    ['nobody', {}, 401, 401],
    ['the admin', bearer(ADMIN_TOKEN), 200, 202],
    ['the viewer', bearer(VIEWER_TOKEN), 200, 403],
    ['a wrong token', bearer('a-token-that-is-wrong-1'), 401, 401],
    ['half of the token', bearer(ADMIN_TOKEN.slice(0, -1)), 401, 401],
    ['no token at all', { authorization: 'Bearer ' }, 401, 401],
    ['another scheme', { authorization: `Basic ${ADMIN_TOKEN}` }, 401, 401],
  ])('%s', async (_, headers, read, write) => {
    stage = await startHttp(database, { config: tokens });
    expect((await ask('/api/v1/status', { headers })).status).toBe(read);
    expect(
      (await ask('/api/v1/runs', { method: 'POST', headers: { ...headers, ...JSON_BODY }, body: '{}' })).status,
    ).toBe(write);
    expect(syncs()).toBe(write === 202 ? 1 : 0);
  });

  it('a supervisor needs none, and is told nothing but names', async () => {
    stage = await startHttp(database, { config: tokens });
    expect(await ask('/health/live', { headers: { host: 'pod.internal' } })).toMatchObject({
      status: 200,
      body: 'live\n',
    });
    stage.health = [{ name: 'database', isReady: false, why: 'no answer within 2 s', tookMs: 2_000 }];
    expect(await ask('/health/ready')).toMatchObject({
      status: 503,
      body: expect.stringContaining('[-] database: no answer'),
    });
    // A page whose name was led to this machine asks under that name.
    const { status, body } = await ask('/health/ready', { headers: { host: 'evil.example:3000' } });
    expect([status, body]).toEqual([503, '[-] database (2000 ms)\nnot ready\n']);
    stage.isDraining = true;
    expect((await ask('/health/ready')).status).toBe(503);
    expect((await ask('/health/live')).status).toBe(200);
  });

  it('a stranger is refused before anything is read, whatever is asked for', async () => {
    let reads = 0;
    const counted = (ports: HttpPorts): HttpPorts => ({
      ...ports,
      reads: new Proxy(ports.reads, {
        get(target, name) {
          reads += 1;
          return Reflect.get(target, name);
        },
      }),
    });
    stage = await startHttp(database, { config: tokens, decorate: counted });
    const asked = [
      '/',
      '/runs',
      '/runs/0193a001',
      '/payments?q=pi_1',
      '/payments/pi_1',
      '/payments/%00',
      '/parked',
      '/days',
    ];
    for (const path of [
      ...asked,
      '/days.csv',
      '/days/2026-11-01',
      '/actions',
      '/settings',
      '/metrics',
      '/events',
      '/nothing',
    ]) {
      const { status, body } = await ask(path);
      expect([path, status]).toEqual([path, 401]);
      expect(body).not.toContain('pi_');
      expect((await ask(path, { headers: { accept: 'text/html' } })).headers.location).toMatch(/^\/login\?next=/);
    }
    for (const path of ['/sync', '/parked/confirm', '/parked/retry', '/parked/dismiss']) {
      expect([path, (await ask(path, { method: 'POST', headers: FORM, body: 'reference=pi_1' })).status]).toEqual([
        path,
        401,
      ]);
    }
    expect(reads).toBe(0);
  });

  it('a flood at the log-in is not read', async () => {
    stage = await startHttp(database, { config: tokens });
    const flood = await ask('/login', { method: 'POST', headers: FORM, body: `token=${'x'.repeat(100_000)}` });
    expect(flood.status).toBe(413);
  });

  it('wrong ones are slowed down for each address, and the right one is not', async () => {
    stage = await startHttp(database, { config: { ...tokens, trustsProxy: true } });
    const wrong = (address: string) =>
      ask('/api/v1/status', { headers: { ...bearer('a-token-that-is-wrong-1'), 'x-forwarded-for': address } });
    for (let times = 0; times < 6; times += 1) expect((await wrong('10.0.0.1')).status).toBe(401);
    const slowed = await wrong('10.0.0.1');
    expect([slowed.status, Number(slowed.headers['retry-after'])]).toEqual([429, 1]);
    expect((await wrong('10.0.0.2')).status).toBe(401);
    // What a client claims before the proxy's own entry is not believed.
    expect((await wrong('10.0.0.9, 10.0.0.1')).status).toBe(429);
    stage.nowMs += 1_001;
    expect((await wrong('10.0.0.1')).status).toBe(401);
    expect((await wrong('10.0.0.1')).status).toBe(429);
    const right = { ...bearer(ADMIN_TOKEN), 'x-forwarded-for': '10.0.0.1' };
    expect((await ask('/api/v1/status', { headers: right })).status).toBe(200);
    expect(stage.wrongTokens).toContain('10.0.0.2');
  });

  it('a page leads to the log-in, and back to where one was', async () => {
    stage = await startHttp(database, { config: tokens });
    const html = { accept: 'text/html' };
    const led = await ask('/runs?status=failed', { headers: html });
    expect([led.status, led.headers.location]).toEqual([303, '/login?next=%2Fruns%3Fstatus%3Dfailed']);
    const body = new URLSearchParams({ token: VIEWER_TOKEN, next: '/runs?status=failed' }).toString();
    const logged = await ask('/login', { method: 'POST', headers: FORM, body });
    expect([logged.status, logged.headers.location]).toEqual([303, '/runs?status=failed']);
    const [cookie] = logged.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(VIEWER_TOKEN);
    const session = { ...html, cookie: cookie?.split(';')[0] ?? '' };
    expect((await ask('/runs', { headers: session })).status).toBe(200);
    const headers = { ...session, ...FORM, origin: stage.url };
    expect((await ask('/sync', { method: 'POST', headers })).status).toBe(403);
    expect(syncs()).toBe(0);
  });

  it.each([
    ['OWN/days/2026-11-01/accept?payment=pi_1', '/days/2026-11-01/accept?payment=pi_1'],
    ['OWN/parked/confirm', '/'],
    ['OWN/nothing/here', '/'],
    ['OWN//evil.example', '/'],
    ['https://evil.example/parked', '/'],
    ['not an address', '/'],
    [null, '/'],
  ])('a form that is sent from %j without a session is not taken, says so, and leads to %j', async (from, next) => {
    stage = await startHttp(database, { config: tokens });
    const referer = from === null ? {} : { referer: from.replace('OWN', stage.url) };
    const headers = { ...FORM, accept: 'text/html', origin: stage.url, ...referer };
    const sent = await ask('/parked/dismiss', { method: 'POST', headers, body: 'reference=pi_1&why=typed' });
    expect([sent.status, sent.headers.location]).toEqual([303, `/login?unsent=true&next=${encodeURIComponent(next)}`]);
    const { body } = await ask(sent.headers.location ?? '', { headers: { accept: 'text/html' } });
    expect(body).toContain('Nothing was done');
    const form = new URLSearchParams({ token: 'a-token-that-is-wrong-1', next, unsent: 'true' }).toString();
    expect((await ask('/login', { method: 'POST', headers: FORM, body: form })).body).toContain('Nothing was done');
    expect((await ask('/login', { headers: { accept: 'text/html' } })).body).not.toContain('Nothing was done');
  });

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', ''])(
    'a log-in never leads to %j',
    async (next) => {
      stage = await startHttp(database, { config: tokens });
      const body = new URLSearchParams({ token: ADMIN_TOKEN, next }).toString();
      expect((await ask('/login', { method: 'POST', headers: FORM, body })).headers.location).toBe('/');
    },
  );

  it('a session that was changed, is of other tokens, or too old is none', async () => {
    stage = await startHttp(database, { config: tokens });
    const body = new URLSearchParams({ token: VIEWER_TOKEN }).toString();
    const logged = await ask('/login', { method: 'POST', headers: FORM, body });
    const session = logged.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const forged = session.replace('viewer.', 'admin.');
    expect(forged).not.toBe(session);
    expect((await ask('/api/v1/status', { headers: { cookie: session } })).status).toBe(200);
    expect((await ask('/api/v1/status', { headers: { cookie: forged } })).status).toBe(401);
    await stage.close();
    stage = await startHttp(database, { config: { ...tokens, adminToken: 'another-admin-token-here' } });
    expect((await ask('/api/v1/status', { headers: { cookie: session } })).status).toBe(401);
    await stage.close();
    stage = await startHttp(database, {
      config: tokens,
      decorate: (ports) => ({ ...ports, now: () => new Date(Date.now() + 13 * 3_600_000) }),
    });
    expect((await ask('/api/v1/status', { headers: { cookie: session } })).status).toBe(401);
  });

  it('the cookie is sent over https alone where people come over https', async () => {
    stage = await startHttp(database, { config: { ...tokens, publicUrl: 'https://sync.example.com' } });
    const body = new URLSearchParams({ token: ADMIN_TOKEN }).toString();
    const headers = { ...FORM, host: 'sync.example.com', origin: 'https://sync.example.com' };
    const logged = await ask('/login', { method: 'POST', headers, body });
    expect(logged.headers['set-cookie']?.[0]).toMatch(/; Secure;/);
    expect(logged.headers['strict-transport-security']).toBeDefined();
    expect((await ask('/login', { headers: { host: 'other.example.com' } })).status).toBe(421);
  });
});
