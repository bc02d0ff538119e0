/**
 * Every page on an empty, a small and a large mirror, light and dark, on a phone and on a desk, with and without scripts: no word on the
 * console, no request to elsewhere, nothing that keeps people out, and quick enough while payments are stored beside.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { barriersOf, findBrowser, openBrowser, watchPage } from '../support/browser.js';
import { fillLargeMirror } from '../support/large-mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { apiOf, pagesOf, timePages, writeBeside } from '../support/pages-at-work.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

const SIZES = [
  ['an empty mirror', { postings: 0, runs: 0, days: 1, pending: 0 }],
  ['a small mirror', { postings: 3_000, runs: 400, days: 30, pending: 20 }],
  ['a large mirror', { postings: 1_000_000, runs: 100_000, days: 365, pending: 1_000 }],
] as const;
const MISSING = 'needs Chromium: apt-get install chromium';
const path = findBrowser();

/** Generous: a machine of tests is busy. What a quiet one takes is in docs/engineering/performance.md. */
const P50_MS = 500;
const P99_MS = 1_500;
const ASKED = 30;

describe.skipIf(path === null && !inject('mustRunAll')).each(SIZES)('on %s', (_, size) => {
  let browser: Browser;
  let database: OwnDatabase;
  let stage: HttpStage;
  const pages = pagesOf(size);

  beforeAll(async () => {
    if (path === null && inject('mustRunAll')) throw new Error(MISSING);
    database = await openMigratedDatabase();
    if (size.postings > 0) await fillLargeMirror(database, size);
    if (path !== null) browser = await openBrowser(path);
    stage = await startHttp(database);
  }, 1_800_000);
  afterAll(async () => {
    await browser?.close();
    await stage?.close();
    await database?.remove();
  });

  it.each([
    ...(['light', 'dark'] as const).flatMap((colorScheme) =>
      [1_280, 390].flatMap((width) => [true, false].map((scripts) => [colorScheme, width, scripts] as const)),
    ),
  ])(
    'each page is for everybody: %s, %i px, scripts %s',
    async (colorScheme, width, javaScriptEnabled) => {
      const options = { colorScheme, viewport: { width, height: 900 }, javaScriptEnabled };
      const { page, complaints, close } = await watchPage(browser, stage.url, options);
      for (const address of pages) {
        expect([address, (await page.goto(stage.url + address))?.status()]).toEqual([address, 200]);
        expect([address, (await page.locator('main').innerText()).length > 40]).toEqual([address, true]);
        if (!javaScriptEnabled) continue;
        expect([address, await barriersOf(page)]).toEqual([address, []]);
        const isTooWide = await page.evaluate(
          'document.documentElement.scrollWidth > document.documentElement.clientWidth',
        );
        expect([address, isTooWide]).toEqual([address, false]);
      }
      expect(complaints).toEqual([]);
      expect(stage.faults).toEqual([]);
      await close();
    },
    900_000,
  );

  it('each page and each list of the API is quick while payments are stored beside', async () => {
    const writer = writeBeside(database.db);
    try {
      const times = await timePages(stage.url, size.postings === 0 ? pages : [...pages, ...apiOf(size)], ASKED);
      expect(times.filter(({ p50Ms, p99Ms }) => p50Ms > P50_MS || p99Ms > P99_MS)).toEqual([]);
    } finally {
      await writer.stop();
    }
  }, 900_000);
});
