/**
 * The pages in a real browser: complete without scripts, at home on a phone and in the dark, quiet on the console, and asking no
 * other host. What a person does there happens, once, in their name; what another site tries does not.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { DAY_MS, utcDay } from '../../src/core/base/window.js';
import { barriersOf, findBrowser, openBrowser, watchPage } from '../support/browser.js';
import { fillLargeMirror, paymentId, runId } from '../support/large-mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { insertPosting, insertRun } from '../support/reads-database.js';
import { ADMIN_TOKEN, type HttpStage, startHttp } from '../support/stages/http.js';
import { inTier } from '../support/tier.js';

const SIZE = { postings: 8_000, runs: 600, days: 40, pending: 30 };
const path = findBrowser();
const MISSING = 'needs Chromium: apt-get install chromium';

const PARKED = paymentId(1_500);
const PROVEN = utcDay(new Date(Date.now() - 5 * DAY_MS));
const PAGES = [
  ...[
    '/',
    '/runs',
    '/runs?status=failed',
    '/runs?status=posting&feed=charges',
    '/payments',
    '/payments?q=cus_7',
    '/payments?state=pending',
  ],
  ...[
    '/payments?q=pi_nobody',
    `/payments/${PARKED}`,
    `/payments/${paymentId(8)}`,
    '/parked',
    '/parked?reason=conflict&dismissed=true',
  ],
  ...[
    '/parked?reason=rebuild',
    '/days',
    `/days/${PROVEN}`,
    '/actions',
    '/settings',
    '/login',
    '/runbook',
    `/runs/${runId(1)}`,
  ],
  ...['/?currency=USD', '/repairs', `/days/${PROVEN}/accept?payment=${PARKED}`],
];

/** Rules of axe about what a page looks like. */
const LOOKS = ['color-contrast', 'target-size', 'link-in-text-block', 'scrollable-region-focusable', 'meta-viewport'];

describe('pages', () => {
  let database: OwnDatabase;
  let browser: Browser;
  let stage: HttpStage;
  const opened: Array<{ close(): Promise<void> }> = [];

  beforeAll(async () => {
    if (path === null && inject('mustRunAll')) throw new Error(MISSING);
    if (path === null) return;
    [browser, database] = await Promise.all([openBrowser(path), openMigratedDatabase()]);
    await fillLargeMirror(database, SIZE);
  }, 120_000);
  beforeEach(async ({ skip }) => {
    if (path === null) skip(MISSING);
    stage = await startHttp(database);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
    await stage?.close();
  });
  afterAll(async () => {
    await browser?.close();
    await database?.remove();
  });

  async function look(options: Parameters<Browser['newContext']>[0] = {}) {
    const watched = await watchPage(browser, stage.url, options);
    opened.push(watched);
    return watched;
  }

  it.each([
    // Each colour and each width once; all four of them with every size of mirror in the full test.
    ['in the light, on a desk', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
    ['in the dark, on a phone', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ] as const)(
    '%s can be used by everybody, and ask nobody else',
    async (name, options) => {
      // Only these depend on colour and width.
      const rules = name.startsWith('in the dark') ? inTier({ quick: LOOKS, full: undefined }) : undefined;
      const { page, complaints } = await look(options);
      for (const address of PAGES) {
        const answer = await page.goto(stage.url + address);
        expect([address, answer?.status()]).toEqual([address, 200]);
        expect([address, await barriersOf(page, rules)]).toEqual([address, []]);
        const isTooWide = await page.evaluate(
          'document.documentElement.scrollWidth > document.documentElement.clientWidth',
        );
        expect([address, isTooWide]).toEqual([address, false]);
        expect(await page.locator('h1').count()).toBe(1);
      }
      expect(complaints).toEqual([]);
      expect(stage.faults).toEqual([]);
    },
    120_000,
  );

  it('say the same without scripts', async () => {
    const { page } = await look({ javaScriptEnabled: false });
    for (const address of PAGES) {
      expect((await page.goto(stage.url + address))?.status()).toBe(200);
      expect((await page.locator('main').innerText()).length).toBeGreaterThan(40);
    }
    await page.goto(stage.url);
    await page.getByRole('button', { name: 'Sync now' }).click();
    expect(stage.woken).toEqual(['manual']);
  }, 60_000);

  it('answer first whether everything is in the ledger', async () => {
    const { page } = await look();
    await page.goto(stage.url);
    expect(await page.getByRole('region', { name: 'The answer' }).innerText()).toMatch(
      /Not everything is in the ledger/,
    );
    await page.getByRole('link', { name: 'Parked' }).last().click();
    expect(await page.locator('h1').innerText()).toMatch(/^Parked/);
  });

  it('find one payment by its id, by its transaction, and by the key /', async () => {
    const { page } = await look();
    await page.goto(`${stage.url}/payments`);
    await page.keyboard.press('/');
    await page.keyboard.type(paymentId(77));
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/payments/${paymentId(77)}`);
    expect(await page.locator('main').innerText()).toContain('in the ledger');
  });

  it('name the command that shows a payment, and break what was read into lines', async () => {
    const { page } = await look();
    const textOf = async (reference: string) => {
      await page.goto(`${stage.url}/payments/${reference}`);
      return page.locator('main').innerText();
    };
    expect(await textOf(paymentId(8))).toContain(`The same as stripe-blnk-sync payments ${paymentId(8)}`);
    expect(await textOf(PARKED)).toContain(`The same as stripe-blnk-sync parked show ${PARKED}`);
    const firstRun = await insertRun(database.db);
    const payment = JSON.stringify({ id: 'pi_lines', amount_received: 12 });
    await insertPosting(database.db, { reference: 'pi_lines', firstRun, state: 'parked', reason: 'conflict', payment });
    expect(await textOf('pi_lines')).toMatch(/As it was read from Stripe\s+\{\s*\n\s+"id": "pi_lines",\s*\n/);
  });

  it('lead through a list and back, with the filters in the address', async () => {
    const { page } = await look();
    await page.goto(`${stage.url}/payments?state=posted`);
    const first = await page.locator('tbody tr').first().innerText();
    await page.getByRole('link', { name: 'Older' }).click();
    expect(page.url()).toContain('state=posted');
    expect(await page.locator('tbody tr').first().innerText()).not.toBe(first);
    await page.getByRole('link', { name: 'Newest' }).click();
    expect(await page.locator('tbody tr').first().innerText()).toBe(first);
  });

  it('dismiss what a person chose, after it was repeated, with who and why', async () => {
    const { page } = await look();
    await page.goto(`${stage.url}/payments/${PARKED}`);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    expect(await page.locator('h1').innerText()).toBe('Leave 1 payment out of the ledger?');
    await page.getByLabel('Why').fill('refunded <b>by hand</b>');
    await page.getByLabel('Your name').fill('Ann');
    await page.getByRole('button', { name: 'Leave 1 payment out' }).click();
    expect(await page.locator('main').innerText()).toContain(`${PARKED} stays out of the ledger.`);
    await page.goto(`${stage.url}/payments/${PARKED}`);
    expect(await page.locator('main').innerText()).toContain('dismiss by Ann (web) "refunded <b>by hand</b>"');
    await page.goto(`${stage.url}/actions`);
    expect(await page.locator('tbody tr').first().innerText()).toContain('Ann, web');
  });

  it('retry what was chosen from a list, and all of a reason with their number', async () => {
    const { page } = await look();
    await page.goto(`${stage.url}/parked?reason=conflict`);
    await page
      .getByLabel(/^Choose pi_/)
      .first()
      .check();
    await page.getByRole('button', { name: 'Retry the chosen' }).click();
    expect(await page.locator('h1').innerText()).toBe('Retry 1 payment?');
    await page.getByRole('button', { name: 'Retry 1 payment' }).click();
    expect(await page.locator('main').innerText()).toContain('1 payment will be posted again');
    await page.goto(`${stage.url}/parked?reason=conflict`);
    await page.getByRole('button', { name: 'Dismiss the chosen' }).click();
    expect(await page.locator('main').innerText()).toContain('No payment was chosen');
  });

  it('repeat the number of a reason once more when it changed meanwhile', async () => {
    const { page } = await look();
    await page.goto(`${stage.url}/parked?reason=conflict`);
    await page.getByRole('button', { name: 'Dismiss all' }).click();
    const shown = await page.locator('h1').innerText();
    const firstRun = await insertRun(database.db);
    await insertPosting(database.db, { reference: 'pi_meanwhile', firstRun, state: 'parked', reason: 'conflict' });
    await page.getByLabel('Why').fill('written off');
    await page.getByLabel('Your name').fill('Ann');
    await page.getByRole('button', { name: 'Leave' }).click();
    expect(await page.locator('main').innerText()).toContain('Nothing was done');
    expect(await page.locator('h1').innerText()).not.toBe(shown);
    await page.goto(`${stage.url}/payments/pi_meanwhile`);
    expect(await page.locator('main').innerText()).toContain('parked');
  });

  it('give every list as CSV, whole, with what spreadsheets would run defused', async () => {
    const { db } = database;
    const firstRun = await insertRun(db);
    const reasonDetail = '=HYPERLINK("http://evil.example"), "x"';
    await insertPosting(db, {
      ...{ reference: 'pi_formula', firstRun, state: 'parked', reason: 'conflict', reasonDetail },
    });
    const read = async (address: string) => {
      const answer = await fetch(stage.url + address);
      expect([address, answer.status, answer.headers.get('content-type')]).toEqual([
        address,
        200,
        'text/csv; charset=utf-8',
      ]);
      return (await answer.text()).trimEnd().split('\r\n');
    };
    const [kept] = await database.sql<{ count: number }[]>`
      select count(*)::int as count from stripe_blnk_sync.postings where state = 'posted'`;
    const posted = (await read('/payments.csv?state=posted')).slice(1).map((line) => line.split(',')[0]);
    expect([posted.length, new Set(posted).size]).toEqual([kept?.count, kept?.count]);
    const parked = await read('/parked.csv');
    expect(parked.find((line) => line.startsWith('pi_formula'))).toContain(
      `"'=HYPERLINK(""http://evil.example""), ""x"""`,
    );
    for (const address of [
      ...['/runs.csv?empty=true', '/days.csv', '/actions.csv', '/totals.csv', `/days/${PROVEN}/findings.csv`],
    ]) {
      expect((await read(address))[0]).toMatch(/^[a-z_]+(?:,[a-z_]+)+$/);
    }
    const { page } = await look();
    await page.goto(`${stage.url}/payments?state=pending`);
    expect(await page.getByRole('link', { name: 'as CSV' }).getAttribute('href')).toBe('/payments.csv?state=pending');
  }, 30_000);

  it('leave no list open that nobody reads', async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      const giving = new AbortController();
      const answer = await fetch(`${stage.url}/payments.csv`, { signal: giving.signal });
      if (answer.status === 200) await answer.body?.getReader().read();
      giving.abort();
      await fetch(`${stage.url}/payments.csv`, { method: 'HEAD' });
    }
    await vi.waitFor(async () => expect((await fetch(`${stage.url}/actions.csv`)).status).toBe(200), 10_000);
  });

  it('show what changes while somebody looks, unless it is paused', async () => {
    const { page } = await look();
    const stream = page.waitForResponse(`${stage.url}/events`);
    await page.goto(`${stage.url}/payments`);
    await stream;
    const { db } = database;
    const firstRun = await insertRun(db);
    await insertPosting(db, { reference: 'pi_live_1', firstRun, effectiveAt: new Date(Date.now() + 1_000) });
    await page.getByText('pi_live_1').waitFor({ timeout: 15_000 });
    await page.getByRole('button', { name: 'Pause' }).click();
    await insertPosting(db, { reference: 'pi_live_2', firstRun, effectiveAt: new Date(Date.now() + 1_000) });
    await page.getByRole('button', { name: 'Follow again' }).click();
    await page.getByText('pi_live_2').waitFor({ timeout: 15_000 });
  }, 60_000);

  it('mark as new only what is news: how long ago something was is none', async () => {
    const { db } = database;
    const { page } = await look();
    const stream = page.waitForResponse(`${stage.url}/events`);
    await page.goto(`${stage.url}/`);
    await stream;
    const ago = () => page.locator('#runs [data-ago]').first().innerText();
    await page.evaluate("document.querySelector('#runs [data-ago]').textContent = ' (long ago)'");
    const firstRun = await insertRun(db, { startedAt: new Date(0) });
    await insertPosting(db, { reference: 'pi_news', firstRun, effectiveAt: new Date(Date.now() + 1_000) });
    await vi.waitFor(async () => expect(await ago()).not.toContain('long'), { timeout: 15_000, interval: 200 });
    expect(await page.locator('#runs').getAttribute('data-fresh')).toBeNull();
  }, 60_000);

  it('show hostile texts as text', async () => {
    const { db } = database;
    const firstRun = await insertRun(db);
    const hostile =
      '<script>alert(1)</script><img src=x onerror=alert(2)>\u202Egnp.exe =HYPERLINK("http://evil.example")';
    const reference = `pi_"><script>alert(3)</script>`;
    await insertPosting(db, { ...{ reference, firstRun, state: 'parked', reason: 'conflict', reasonDetail: hostile } });
    const { page, complaints } = await look();
    page.on('dialog', () => complaints.push('a script ran'));
    for (const address of [
      `/payments/${encodeURIComponent(reference)}`,
      '/parked',
      `/payments?q=${encodeURIComponent(hostile)}`,
    ]) {
      await page.goto(stage.url + address);
      expect(await page.locator('main').innerText()).toContain('<script>');
      expect(await page.locator('main').innerText()).not.toContain('\u202E');
    }
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it('let a person who follows a link from elsewhere in, and nobody without the token', async () => {
    await stage.close();
    stage = await startHttp(database, { config: { adminToken: ADMIN_TOKEN } });
    const elsewhere = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html');
      answer.end(`<a href="${stage.url}/runs?status=failed">the runs that failed</a>`);
    }).listen(0, 'localhost');
    try {
      const { page } = await watchPage(browser, stage.url);
      await page.goto(`${stage.url}/days`);
      expect(page.url()).toContain('/login?next=%2Fdays');
      await page.getByLabel('Token').fill(ADMIN_TOKEN);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL('**/days');
      await page.goto(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`);
      await page.getByRole('link').click();
      await page.waitForURL('**/runs?status=failed');
      expect(await page.locator('h1').innerText()).toBe('Runs');
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.waitForURL('**/login');
      await page.context().close();
    } finally {
      elsewhere.close();
    }
  }, 60_000);

  it("cannot be read, written or framed by somebody else's page", async () => {
    const foreign = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html');
      answer.end(
        `<iframe src="${stage.url}/"></iframe><form id="f" method="post" action="${stage.url}/sync"><button>go</button></form>`,
      );
    }).listen(0, 'localhost');
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`http://localhost:${(foreign.address() as AddressInfo).port}/`);
      const read = (address: string, options: string) =>
        page.evaluate(
          `fetch(${JSON.stringify(stage.url + address)}, ${options}).then((answer) => answer.text().then((text) => 'read ' + text.length), () => 'refused')`,
        );
      expect(await read('/api/v1/status', '{}')).toBe('refused');
      expect(await read('/sync', `{ method: 'POST', body: new URLSearchParams({}) }`)).toBe('refused');
      expect(
        await read('/api/v1/runs', `{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }`),
      ).toBe('refused');
      expect(await read('/events', '{}')).toBe('refused');
      const frame = page.frames().at(1);
      expect(await frame?.evaluate('document.body?.innerText ?? ""').catch(() => '')).not.toContain('ledger');
      await page.getByRole('button').click();
      await page.waitForLoadState();
      expect(await page.locator('body').innerText()).toContain('Another page may not ask for that');
      expect(stage.woken).toEqual([]);
      await context.close();
    } finally {
      foreign.close();
    }
  }, 60_000);
});
