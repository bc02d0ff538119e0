/**
 * A day that differs, mended by a person in a real browser against stand-ins of both sides: compared, planned, applied with the sums
 * repeated, proven again; and a difference that is meant, signed and taken back.
 */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type OpenedSides, openSides } from '../../src/app/sessions/ask-sides.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { barriersOf, findBrowser, openBrowser, type Watched, watchPage } from '../support/browser.js';
import { stages } from '../support/stages/collect.js';
import { READ_OPTIONS } from '../support/stages/command-line.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { itInFull } from '../support/tier.js';

const openStage = stages();
const path = findBrowser();
const MISSING = 'needs Chromium: apt-get install chromium';

describe('a day that differs', () => {
  let browser: Browser;
  let stage: RepairStage;
  let http: HttpStage;
  let sides: OpenedSides;
  let watched: Watched;
  let gone = '';
  let meant = '';

  beforeAll(async () => {
    if (path === null && inject('mustRunAll')) throw new Error(MISSING);
    if (path !== null) browser = await openBrowser(path);
  });
  afterAll(() => browser?.close());
  beforeEach(async ({ skip }) => {
    if (path === null) skip(MISSING);
    stage = await openRepairStage(await openStage());
    [gone = '', meant = ''] = stage.pay(6);
    await stage.proof.settle();
    const { context, db, blnk } = stage.proof;
    blnk.deleteTransaction(gone);
    blnk.deleteTransaction(meant);
    await stage.prove();
    sides = openSides(context.config, {
      ...{ database: context.database, events: context.events, reads: createReadModel(db, READ_OPTIONS) },
      queue: { wakeLane: async () => {}, requestProofs: async () => {} } as never,
      overrides: { ...stage.proof.setting.overrides, blnk: { lookUpFirstWaitMs: 5 } },
    });
    http = await startHttp({ db }, { decorate: (ports) => ({ ...ports, sides }) });
    watched = await watchPage(browser, http.url, { viewport: { width: 390, height: 844 } });
  });
  afterEach(async () => {
    await watched?.close();
    await sides?.close();
    await http?.close();
    await stage?.proof.closeLedger();
  });

  it('is compared, accepted in part, repaired with its sums confirmed, and asked to be proven', async () => {
    const { page, complaints } = watched;
    const main = () => page.locator('main').innerText();
    await page.goto(`${http.url}/payments/${gone}`);
    await page.getByRole('button', { name: 'Compare now' }).click();
    expect(await main()).toMatch(/It is not in the ledger[\s\S]*with 1 read of Stripe/);
    expect(await barriersOf(page)).toEqual([]);

    await page.goto(`${http.url}/days/${DAMAGED_DAY}`);
    await page.getByRole('row', { name: meant }).getByRole('link', { name: 'Accept' }).click();
    await page.getByLabel('Why').fill('given back in cash');
    await page.getByLabel('Your name').fill('Ann');
    await page.getByRole('button', { name: 'Accept it' }).click();
    await page.waitForURL(`**/days/${DAMAGED_DAY}`);

    await page.getByRole('button', { name: 'Plan a repair' }).click();
    await page.waitForURL('**/repairs/*');
    expect(await main()).toMatch(/1 item: \+10\.00 USD/);
    expect(await barriersOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Apply 1 item' }).click();
    expect(await page.locator('h1').innerText()).toBe('Apply 1 item?');
    expect(await main()).toContain('+10.00 USD');
    await page.getByLabel('Your name').fill('Bo');
    await page.getByRole('button', { name: 'Apply 1 item' }).click();
    await page.waitForURL('**/repairs/*');
    expect(await main()).toMatch(/applied[\s\S]*by Bo/);
    await stage.proof.post();

    await page.goto(`${http.url}/days/${DAMAGED_DAY}`);
    await page.getByRole('button', { name: 'Prove now' }).click();
    await page.waitForURL(`**/days/${DAMAGED_DAY}`);
    expect(await main()).toContain('A proof was asked for');
    expect((await stage.prove()).states).toEqual({ USD: 'sealed_with_exceptions' });
    await page.goto(`${http.url}/days/${DAMAGED_DAY}`);
    expect(await main()).not.toContain('A proof was asked for');
    await page.getByRole('link', { name: 'Take back' }).first().click();
    await page.getByLabel('Why').fill('it was not');
    await page.getByLabel('Your name').fill('Ann');
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.goto(`${http.url}/actions`);
    expect(
      (await main()).match(/(?:take back|accept|repair apply|repair plan|prove)\b/g)?.length,
    ).toBeGreaterThanOrEqual(5);
    expect(complaints).toEqual([]);
    expect(http.faults).toEqual([]);
  }, 90_000);

  itInFull(
    'is not repaired when what was confirmed changed meanwhile',
    async () => {
      const { page } = watched;
      const { plan } = await stage.plan();
      await page.goto(`${http.url}/repairs/${plan?.id}`);
      await page.getByRole('button', { name: 'Apply 2 items' }).click();
      await page.getByLabel('Your name').fill('Bo');
      // Somebody else is faster, with one of them.
      await stage.proof.sql`update stripe_blnk_sync.repair_items set state = 'skipped' where item = 2`;
      await page.getByRole('button', { name: 'Apply 2 items' }).click();
      expect(await page.locator('main').innerText()).toMatch(/Confirmed were 2 items[\s\S]*are left 1 items/);
      expect((await stage.proof.sql`select 1 from stripe_blnk_sync.repair_items where state = 'done'`).length).toBe(0);
    },
    60_000,
  );
});
