/**
 * A link for one log-in: printed by the command, opened as often as programs like, used up by the button alone, once. Whatever else is
 * done with it is told in words, and it stands nowhere but in the hands of whoever it was made for.
 */
import { sql } from 'drizzle-orm';
import type { Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { listActions } from '../../src/db/actions/action-store.js';
import { makeLinkSecret } from '../../src/http/security/tokens.js';
import { findBrowser, openBrowser, watchPage } from '../support/browser.js';
import { homes } from '../support/homes.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { ADMIN_TOKEN, type HttpStage, startHttp, VIEWER_TOKEN } from '../support/stages/http.js';

const tokens = { adminToken: ADMIN_TOKEN, viewerToken: VIEWER_TOKEN };
const served = homes().find(({ name }) => name === 'postgres');

let database: OwnDatabase;
let stage: HttpStage;
beforeAll(async () => {
  database = await openMigratedDatabase(served);
});
beforeEach(async () => {
  stage = await startHttp(database, { config: tokens });
});
afterEach(() => stage.close());
afterAll(() => database.remove());

interface Said {
  readonly output: string;
  readonly errors: string;
  readonly code: number;
}

/** The command opens a database of its own accord. */
function addressOf({ address }: OwnDatabase): string {
  if (address.kind !== 'url') throw new Error('the database is not on a server');
  return address.url;
}

async function command(words: string, variables: Record<string, string> = {}): Promise<Said> {
  const said = { output: '', errors: '', code: 0 };
  const environment = commandEnvironment({
    variables: {
      DATABASE_URL: addressOf(database),
      ...{ HTTP_PORT: new URL(stage.url).port, ADMIN_TOKEN, VIEWER_TOKEN },
      ...variables,
    },
    directory: '/nowhere',
    standardOutput: { write: (text) => (said.output += text) },
    standardError: { write: (text) => (said.errors += text) },
    signal: new AbortController().signal,
    userName: 'ana',
    exit: (code) => {
      said.code = code;
    },
  });
  await runCommandLine(composeCommandLine(environment), environment, words.split(' '));
  return said;
}

const linkOf = async (words = 'login-link', variables = {}) => (await command(words, variables)).output.trim();
const secretOf = (link: string) => link.slice(link.lastIndexOf('/') + 1);

async function press(
  link: string,
): Promise<{ readonly status: number; readonly text: string; readonly cookie: string }> {
  const body = new URLSearchParams({ secret: secretOf(link) });
  const answer = await fetch(`${stage.url}/login/link`, {
    ...{ method: 'POST', body, redirect: 'manual' },
    headers: { accept: 'text/html', origin: stage.url, 'sec-fetch-site': 'same-origin' },
  });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { status: answer.status, text: await answer.text(), cookie };
}

async function mayRead(cookie: string): Promise<number> {
  return (await fetch(`${stage.url}/api/v1/status`, { headers: { cookie } })).status;
}

async function mayChange(cookie: string): Promise<number> {
  const headers = { cookie, 'content-type': 'application/json' };
  return (await fetch(`${stage.url}/api/v1/runs`, { method: 'POST', body: '{}', headers })).status;
}

describe.skipIf(served === undefined)('a link for one log-in', () => {
  it('begins the session of an admin, once', async () => {
    const link = await linkOf();
    expect(link).toMatch(new RegExp(`^${stage.url}/login/link/[\\w.-]{76}$`));
    const first = await press(link);
    expect([first.status, await mayRead(first.cookie), await mayChange(first.cookie)]).toEqual([303, 200, 202]);
    const second = await press(link);
    expect([second.status, second.cookie]).toEqual([410, '']);
    expect(second.text).toMatch(/Somebody logged in with this link at .* UTC, and it works once.*login-link/);
  });

  it('begins that of a viewer with --viewer', async () => {
    const { cookie } = await press(await linkOf('login-link --viewer'));
    expect([await mayRead(cookie), await mayChange(cookie)]).toEqual([200, 403]);
  });

  it('is not used up by programs that open it', async () => {
    const link = await linkOf();
    for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS']) await fetch(link, { method, redirect: 'manual' });
    const shown = await fetch(link, { headers: { 'sec-fetch-site': 'cross-site', accept: 'text/html' } });
    expect([shown.status, shown.headers.get('referrer-policy')]).toEqual([200, 'strict-origin']);
    expect(await shown.text()).toContain('<button type="submit"');
    expect((await press(link)).status).toBe(303);
  });

  it('pressed twice at once lets one of both in', async () => {
    const link = await linkOf();
    const answers = await Promise.all(Array.from({ length: 8 }, () => press(link)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array(7).fill(410)]);
    expect(answers.filter(({ cookie }) => cookie !== '')).toHaveLength(1);
  });

  it('of ten minutes ago is refused', async () => {
    const link = await linkOf();
    await database.db.execute(sql`update stripe_blnk_sync.login_links set expires_at = now() where used_at is null`);
    const late = await press(link);
    expect([late.status, late.cookie]).toEqual([410, '']);
    expect(late.text).toMatch(/The link was valid until .* UTC.*login-link/);
  });

  it.each([
    ['nonsense', () => `${stage.url}/login/link/nonsense`, '404'],
    ['made with another ADMIN_TOKEN', () => linkOf('login-link', { ADMIN_TOKEN: 'another-admin-token-1' }), '404'],
    ['made with another VIEWER_TOKEN', () => linkOf('login-link', { VIEWER_TOKEN: 'another-viewer-token' }), '404'],
    ['signed, but never stored', () => `/${makeLinkSecret(tokens).secret}`, '404'],
  ])('that is %s is refused', async (_, make, status) => {
    const { status: got, text, cookie } = await press(await make());
    expect([String(got), cookie]).toEqual([status, '']);
    expect(text).toContain('This server has made no such link');
  });

  it('that is made up is not looked for, and slows down whoever tries', async () => {
    await stage.close();
    let asked = 0;
    stage = await startHttp(database, {
      config: tokens,
      decorate: (ports) => ({
        ...ports,
        useLoginLink: async (hash) => {
          asked += 1;
          return ports.useLoginLink(hash);
        },
      }),
    });
    for (let times = 0; times < 6; times += 1)
      expect((await press(`/${'x'.repeat(32)}.${'y'.repeat(43)}`)).status).toBe(404);
    expect((await press('/nonsense')).status).toBe(429);
    expect(asked).toBe(0);
    // Whoever has a real one is kept out by nobody.
    expect((await press(await linkOf())).status).toBe(303);
  });

  it('of somebody else is not pressed by a page of theirs', async () => {
    const body = new URLSearchParams({ secret: secretOf(await linkOf()) });
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await fetch(`${stage.url}/login/link`, { method: 'POST', body, headers })).status).toBe(403);
  });

  it('names where people reach the server', async () => {
    expect(await linkOf('login-link', { PUBLIC_URL: 'https://sync.example.com' })).toMatch(
      /^https:\/\/sync\.example\.com\/login\/link\//,
    );
    expect(await linkOf('login-link', { HTTP_HOST: '0.0.0.0', HTTP_PORT: '3999' })).toMatch(
      /^http:\/\/127\.0\.0\.1:3999\/login/,
    );
    expect(JSON.parse((await command('login-link --viewer --json')).output)).toMatchObject({
      role: 'viewer',
      url: expect.stringContaining('/login/link/'),
    });
  });

  it('is not made where nobody logs in', async () => {
    const without = await command('login-link', { ADMIN_TOKEN: '', VIEWER_TOKEN: '' });
    expect([without.code, without.output, without.errors]).toEqual([
      2,
      '',
      expect.stringContaining('ADMIN_TOKEN is not set'),
    ]);
    const off = await command('login-link', { HTTP_PORT: 'off' });
    expect([off.code, off.output, off.errors]).toEqual([2, '', expect.stringContaining('HTTP_PORT is off')]);
  });

  it('stands nowhere: not in a table, not in what is noted; who made and who used it does', async () => {
    const link = await linkOf('login-link --by bo');
    await press(link);
    const rows = await database.sql`select to_jsonb(links)::text as row from stripe_blnk_sync.login_links links`;
    const { actions } = await listActions(database.db, { limit: 2 });
    expect(JSON.stringify([rows, actions])).not.toContain(secretOf(link).slice(0, 32));
    expect(actions).toMatchObject([
      { kind: 'login', actor: 'admin', origin: 'web', result: 'a session as admin began with a link of bo' },
      { kind: 'login_link', actor: 'bo', origin: 'cli' },
    ]);
    expect(actions[0]?.subject).toBe(actions[1]?.subject);
    expect(stage.faults).toEqual([]);
  });

  it('is forgotten a day after it expired', async () => {
    await linkOf();
    await database.db.execute(sql`update stripe_blnk_sync.login_links set expires_at = now() - interval '25 hours'`);
    await linkOf();
    const [count] = await database.sql<{ n: number }[]>`select count(*)::int as n from stripe_blnk_sync.login_links`;
    expect(count?.n).toBe(1);
  });

  it('logs a browser in that comes from elsewhere, and is told to nobody by it', async (context) => {
    const path = findBrowser();
    if (path === null) return context.skip('no Chromium is here');
    const browser = await openBrowser(path);
    try {
      const { page, complaints } = await watchPage(browser, stage.url);
      const asked: Request[] = [];
      page.on('request', (request) => void asked.push(request));
      const link = await linkOf();
      await page.goto(link);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL(`${stage.url}/`);
      expect(await page.title()).toContain('Overview');
      const referers = (await Promise.all(asked.map((request) => request.headerValue('referer')))).map(String);
      expect(referers.length).toBeGreaterThan(2);
      expect(referers.filter((referer) => referer.includes('/login/link/'))).toEqual([]);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
