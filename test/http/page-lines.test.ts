/** What stands beneath each page does what the page did: a command that only reads, a request, and links that keep the filters. */
import { beforeEach, describe, expect, it } from 'vitest';
import { repairItems, repairs } from '../../src/db/schema/certificates.js';
import { insertPosting, insertRun } from '../support/reads-database.js';
import { ADMIN_TOKEN, httpSuite, VIEWER_TOKEN } from '../support/stages/http.js';

const PLAN = '0193a003-0000-7000-8000-000000000001';

const suite = httpSuite({ config: { adminToken: ADMIN_TOKEN, viewerToken: VIEWER_TOKEN } });

async function read(path: string, token = ADMIN_TOKEN): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
  const answer = await fetch(suite.http.url + path, { headers });
  return (await answer.text()).replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

describe('a plan', () => {
  beforeEach(async () => {
    const { db } = suite.database;
    await db
      .insert(repairs)
      .values({ id: PLAN, fromDay: '2026-11-01', toDay: '2026-11-02', plannedBy: 'ann', version: 'test' });
    await db.insert(repairItems).values({
      ...{ repairId: PLAN, item: 1, day: '2026-11-01', paymentId: 'pi_1', finding: 'missing', action: 'post' },
      ...{ reference: 'pi_1', currency: 'USD', amount: 2_500n, seen: [], detail: 'it is missing', state: 'planned' },
    });
  });

  it.each([`/repairs/${PLAN}`, '/repairs'])('offers no command that changes things as the same as %s', async (path) => {
    expect(await read(path)).not.toContain('The same as');
  });

  it('names the command that applies it to those who may, with what it does', async () => {
    const line = `To apply it in a terminal (posts at once): <code>stripe-blnk-sync repair apply ${PLAN}</code>`;
    expect(await read(`/repairs/${PLAN}`)).toContain(line);
    expect(await read(`/repairs/${PLAN}`, VIEWER_TOKEN)).not.toContain('repair apply');
    expect(await read('/repairs', VIEWER_TOKEN)).not.toContain('repair plan');
    await suite.database.sql`update stripe_blnk_sync.repair_items set state = 'done'`;
    expect(await read(`/repairs/${PLAN}`)).not.toContain('repair apply');
  });
});

describe('a filter', () => {
  it.each([
    ['/runs?trigger=manual', null, '/runs?trigger=manual'],
    ['/runs?from=2026-11-01', null, '/runs?from=2026-11-01'],
    ['/runs?feed=events&status=failed', 'runs --feed events --status failed', '/runs?feed=events&status=failed'],
    ['/runs?empty=true', 'runs --all', '/runs?empty=true'],
    ['/parked?reason=conflict', 'parked list --reason conflict', '/payments?state=parked&reason=conflict'],
    ['/parked?dismissed=true', 'parked list --dismissed', null],
    ['/actions?about=pi_1&kind=retry', 'actions --about pi_1 --kind retry', '/actions?subject=pi_1&kind=retry'],
  ])('of %s is in the command and in the request', async (path, command, request) => {
    const page = await read(path);
    const named = /The same as <code>stripe-blnk-sync (.*?)<\/code>/.exec(page)?.[1] ?? null;
    const asked = /For programs: <code>.*?\/api\/v1(.*?)'<\/code>/.exec(page)?.[1] ?? null;
    expect([named, asked]).toEqual([command, request]);
  });

  it('of actions is kept on the way back to the newest', async () => {
    expect(await read('/actions?about=pi_1&kind=retry&after=7')).toContain('href="/actions?about=pi_1&kind=retry">←');
  });
});

it('a request names the variable of the token that was shown', async () => {
  expect(await read('/runs')).toContain('Bearer $ADMIN_TOKEN');
  expect(await read('/runs', VIEWER_TOKEN)).toContain('Bearer $VIEWER_TOKEN');
});

it('payments of a run go on by reference, and lead back to the first', async () => {
  const { db } = suite.database;
  const run = await insertRun(db);
  const references = Array.from({ length: 51 }, (_, index) => `pi_${String(index).padStart(2, '0')}`);
  for (const reference of references) await insertPosting(db, { reference, firstRun: run });
  const further = /href="([^"]*after=[^"]*)">Further/.exec(await read(`/runs/${run}`))?.[1] ?? '';
  const second = await read(further);
  expect([second.includes('/payments/pi_50'), second.includes('/payments/pi_49')]).toEqual([true, false]);
  expect(second).toContain(`href="/runs/${run}">← From the first`);
});

describe('a reason', () => {
  beforeEach(async () => {
    const { db } = suite.database;
    const firstRun = await insertRun(db);
    await insertPosting(db, { reference: 'pi_reason', firstRun, state: 'parked', reason: 'conflict' });
    await insertPosting(db, { reference: 'pi_no_reason', firstRun, state: 'parked' });
  });

  it('that there is not is answered as such, and not with all that is parked', async () => {
    const page = await read('/parked?reason=conflct');
    expect(page).toContain('There is no reason conflct;');
    expect(page).not.toContain('/payments/pi_reason');
    expect(page).not.toContain('of this reason');
    expect(await read('/parked?reason=conflict')).toContain('Retry all 1 of this reason');
  });

  it('leads to its payments, and none to those of all', async () => {
    const page = await read('/parked');
    expect(page).toContain('href="/parked?reason=conflict"');
    expect(page).toContain('none stored');
    expect(page).not.toContain('href="/parked?reason="');
  });
});
