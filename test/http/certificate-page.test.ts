/** The page of one day: it says how the day stands now, and what of it can be followed. */
import { expect, inject, it } from 'vitest';
import type { Certificate } from '../../src/core/proof/certificate.js';
import { noteActions } from '../../src/db/actions/action-store.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { repairItems, repairs } from '../../src/db/schema/certificates.js';
import { findBrowser, openBrowser, watchPage } from '../support/browser.js';
import { aCertificate, aFinding, proofOf } from '../support/certificates.js';
import { insertPosting, insertRun } from '../support/reads-database.js';
import { httpSuite } from '../support/stages/http.js';

const DAY = '2026-11-18';

const suite = httpSuite();

async function keep(certificate: Partial<Certificate>): Promise<void> {
  await createCertificateStore(suite.database.db, 'test').keepProof(proofOf([aCertificate(certificate)]));
}

async function read(path = `/days/${DAY}`): Promise<string> {
  return (await fetch(suite.http.url + path, { headers: { accept: 'text/html' } })).text();
}

it('is to be proven again, and not sealed, once a payment of it was stored since', async () => {
  await keep({});
  expect(await read()).toContain(`${DAY} is sealed.`);
  const firstRun = await insertRun(suite.database.db);
  await insertPosting(suite.database.db, { reference: 'pi_late', firstRun, effectiveAt: new Date(`${DAY}T08:00:00Z`) });
  const page = await read();
  expect(page).toContain(`${DAY} is to be proven again (was sealed), because something of USD changed since.`);
  expect(page).toContain('Both sides agreed when they were compared');
  expect(page).not.toContain('Both sides agree,');
});

it('leads to payments that are stored, and to none that only another side has', async () => {
  const { db } = suite.database;
  const firstRun = await insertRun(db);
  await insertPosting(db, { reference: 'pi_ours', firstRun });
  await keep({ state: 'broken', findings: [aFinding('missing', 'pi_ours'), aFinding('extra', 'pi_by_hand')] });
  const page = await read();
  expect(page).toContain('pi_by_hand');
  const links = [...page.matchAll(/href="(\/payments\/[^"]+)"/g)].map(([, link]) => link);
  expect(links).toEqual(['/payments/pi_ours']);
});

it('of a plan and of actions lead to payments that are stored alone, too', async () => {
  const { db } = suite.database;
  const firstRun = await insertRun(db);
  await insertPosting(db, { reference: 'pi_ours', firstRun });
  const id = '0193a003-0000-7000-8000-000000000001';
  await db.insert(repairs).values({ id, fromDay: DAY, toDay: DAY, plannedBy: 'ann', version: 'test' });
  for (const [index, paymentId] of ['pi_ours', 'pi_by_hand'].entries()) {
    await db.insert(repairItems).values({
      ...{ repairId: id, item: index + 1, day: DAY, paymentId, finding: 'extra', action: 'report', reference: null },
      ...{ currency: null, amount: null, seen: [], detail: 'it is extra', state: 'reported' },
    });
    const done = { kind: 'accept', subject: paymentId, why: 'meant', result: 'done' } as const;
    await noteActions(db, { name: 'Ann', origin: 'web' }, [done]);
  }
  for (const path of [`/repairs/${id}`, '/actions']) {
    const page = await read(path);
    expect(page).toContain('pi_by_hand');
    const links = [...page.matchAll(/href="(\/payments\/[^"]+)"/g)].map(([, link]) => link);
    expect([path, links]).toEqual([path, ['/payments/pi_ours']]);
  }
});

it('says in print what is needed to check it: the zone of its times, the version, and whole hashes', async ({
  skip,
}) => {
  const path = findBrowser();
  if (path === null && inject('mustRunAll')) throw new Error('needs Chromium: apt-get install chromium');
  if (path === null) return skip('needs Chromium: apt-get install chromium');
  const hash = 'f'.repeat(60).concat('0123');
  await keep({ stripe: { count: 2, sum: 2_000n, hash } });
  const browser = await openBrowser(path);
  try {
    // As wide as a sheet of A4.
    const { page } = await watchPage(browser, suite.http.url, { viewport: { width: 720, height: 1_000 } });
    await page.emulateMedia({ media: 'print' });
    await page.goto(`${suite.http.url}/days/${DAY}`);
    const printed = await page.locator('body').innerText();
    expect(printed).toContain(hash);
    expect(printed).toMatch(/Proven\s+2026-11-20 00:00:00 UTC/);
    expect(printed).toMatch(/stripe-blnk-sync test · all times UTC/);
    expect(printed).not.toContain('runbook');
    expect(await page.evaluate('document.querySelector(".scroll").scrollWidth')).toBe(
      await page.evaluate('document.querySelector(".scroll").clientWidth'),
    );
  } finally {
    await browser.close();
  }
});
