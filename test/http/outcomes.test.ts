/** Each button tells what came of it, also where that comes later, or where a browser lets it do nothing. */
import { expect, inject, it } from 'vitest';
import { findBrowser, openBrowser, watchPage } from '../support/browser.js';
import { insertRun } from '../support/reads-database.js';
import { httpSuite } from '../support/stages/http.js';

const suite = httpSuite();

it('a sync that was asked for is told, and then its run', async () => {
  const headers = { accept: 'text/html' };
  const asked = await fetch(`${suite.http.url}/sync`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(),
    redirect: 'manual',
  });
  const place = suite.http.url + (asked.headers.get('location') ?? '');
  const read = async () => (await fetch(place, { headers })).text();
  expect(await read()).toContain('Its run stands here as soon as a worker begins it.');
  const run = await insertRun(suite.database.db, { startedAt: new Date(Date.now() + 60_000) });
  expect(await read()).toMatch(new RegExp(`A sync was asked for[\\s\\S]*Its run is <span[^>]*><a href="/runs/${run}"`));
});

it('what a browser does not copy is selected, so that the keyboard can', async ({ skip }) => {
  const path = findBrowser();
  if (path === null && inject('mustRunAll')) throw new Error('needs Chromium: apt-get install chromium');
  if (path === null) return skip('needs Chromium: apt-get install chromium');
  const browser = await openBrowser(path);
  try {
    const { page, complaints } = await watchPage(browser, suite.http.url);
    // As on a page over plain HTTP from another machine.
    await page.addInitScript('Object.defineProperty(navigator, "clipboard", { value: undefined })');
    await page.goto(`${suite.http.url}/runs`);
    await page.getByRole('button', { name: 'Copy' }).first().click();
    await page.getByRole('button', { name: 'Selected: copy it with the keyboard' }).waitFor();
    expect(await page.evaluate('String(getSelection())')).toBe('stripe-blnk-sync runs');
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
  }
});
