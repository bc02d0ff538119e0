/** A page that stays open says the same as one that is opened anew, its headings, buttons and lists too; what a person types is kept. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { noteActions } from '../../src/db/actions/action-store.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { repairItems, repairs } from '../../src/db/schema/certificates.js';
import { mirror } from '../../src/db/schema/mirror.js';
import type { WorkInHand } from '../../src/operations/single-work.js';
import { findBrowser, openBrowser, watchPage } from '../support/browser.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

const MISSING = 'needs Chromium: apt-get install chromium';
const path = findBrowser();
const DAY = '2026-11-18';
const PLAN = '0193a003-0000-7000-8000-000000000001';

describe('a page that stays open', () => {
  let database: ReadsDatabase;
  let http: HttpStage;
  let browser: Browser;
  let page: Page;
  let close: () => Promise<void>;
  /** What is at work, as the process has it. */
  let current: WorkInHand | null = null;

  beforeAll(async () => {
    if (path === null && inject('mustRunAll')) throw new Error(MISSING);
    if (path === null) return;
    [browser, database] = await Promise.all([openBrowser(path), createReadsDatabase()]);
  });
  beforeEach(async ({ skip }) => {
    if (path === null) skip(MISSING);
    await database.empty();
    http = await startHttp(database, {
      decorate: (ports) => ({ ...ports, sides: { ...ports.sides, whyNot: null, current: () => current } }),
    });
    ({ page, close } = await watchPage(browser, http.url));
  });
  afterEach(async () => {
    await close?.();
    await http?.close();
  });
  afterAll(async () => {
    await browser?.close();
    await database?.drop();
  });

  /** Open, and following: what changes from now on is told. */
  async function open(address: string): Promise<void> {
    const stream = page.waitForResponse(`${http.url}/events`);
    await page.goto(http.url + address);
    await stream;
  }

  /** What a page says once it says this. */
  async function once(words: RegExp): Promise<string> {
    await page.locator('main', { hasText: words }).waitFor({ timeout: 20_000 });
    return page.locator('main').innerText();
  }

  it('of a payment says that it is in the ledger once it is', async () => {
    const firstRun = await insertRun(database.db);
    await insertPosting(database.db, { reference: 'pi_followed', firstRun });
    await open('/payments/pi_followed');
    await once(/to be posted/);
    await database.sql`update stripe_blnk_sync.postings
      set state = 'posted', prepared = null, transaction_id = 'txn_1', posted_at = now() where reference = 'pi_followed'`;
    expect(await once(/✓ in the ledger/)).not.toContain('to be posted');
  });

  it('of a run has its status and its parts', async () => {
    const { db, sql } = database;
    const id = await insertRun(db, { state: 'collecting', finishedAt: null, startedAt: new Date() });
    await open(`/runs/${id}`);
    await once(/collecting/);
    await insertRun(db, { parentId: id, startedAt: new Date() });
    await sql`update stripe_blnk_sync.sync_runs set state = 'collected', finished_at = now() where id = ${id}`;
    await once(/succeeded[\s\S]*Parts/);
  });

  it('of a plan has no button once nothing is left', async () => {
    const { db, sql } = database;
    await db.insert(repairs).values({ id: PLAN, fromDay: DAY, toDay: DAY, plannedBy: 'ann', version: 'test' });
    await db.insert(repairItems).values({
      ...{ repairId: PLAN, item: 1, day: DAY, paymentId: 'pi_1', finding: 'missing', action: 'post' },
      ...{ reference: 'pi_1', currency: 'USD', amount: 2_500n, seen: [], detail: 'it is missing', state: 'planned' },
    });
    await open(`/repairs/${PLAN}`);
    await once(/1 to do[\s\S]*Apply 1 item/);
    await sql`update stripe_blnk_sync.repair_items set state = 'done'`;
    await sql`update stripe_blnk_sync.repairs set applied_at = now(), applied_by = 'bo'`;
    await noteActions(db, { name: 'bo', origin: 'cli' }, [
      { kind: 'repair_apply', subject: PLAN, why: null, result: '1 done' },
    ]);
    const shown = await once(/✓ applied/);
    expect(shown).not.toContain('to do');
    expect(shown).not.toContain('Apply 1 item');
  });

  it('of a day and of its month has the first proof', async () => {
    const store = createCertificateStore(database.db, 'test');
    await open(`/days/${DAY}`);
    await once(/never proven/);
    await store.keepProof(proofOf([aCertificate({})]));
    expect(await once(/is sealed\./)).not.toContain('never proven');
    await open('/days?month=2026-11');
    await once(/Sealed/);
    const next = aCertificate({ day: '2026-11-17', state: 'open' });
    await store.keepProof(proofOf([next], { provedAt: new Date('2026-11-21T00:00:00Z') }));
    await once(/Not sealed\s*2026-11-17/);
  });

  it('keeps what a person types, and follows a plan that is being made', async () => {
    const now = new Date();
    const work = { what: 'plan', subject: null, by: { name: 'ann', origin: 'web' }, since: now } as const;
    await open('/repairs');
    await page.getByLabel('First day').fill('2026-11-03');
    await page.getByLabel('First day').blur();
    // Another plan cannot be asked for meanwhile: opened anew, the page has no form.
    current = { ...work, progress: null };
    await noteActions(database.db, { name: 'ann', origin: 'cli' }, [
      { kind: 'sync', subject: null, why: null, result: 'requested' },
    ]);
    await once(/A plan is being made/);
    expect(await page.getByLabel('First day').inputValue()).toBe('2026-11-03');
    // No row changes with it.
    current = { ...work, progress: { what: 'payments', done: 7, all: 9 } };
    await once(/7 of 9 payments read on both sides/);
    current = null;
  });

  it('of a day before the start does not promise that it is proven by itself', async () => {
    await database.db.insert(mirror).values({
      ...{ mirrorId: PLAN, livemode: false, blnkInstance: 'inst_1', source: '@stripe', sourceShards: 1 },
      ...{ guestDestination: '@stripe_guests', accountsMode: 'indicators', mappingVersion: 1 },
      startsAt: new Date('2026-11-01T00:00:00Z'),
    });
    await page.goto(`${http.url}/days/2026-09-01`);
    expect(await once(/before the start of this mirror/)).not.toContain('two days after');
  });
});
