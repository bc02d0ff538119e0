/** What stands beneath each page does what the page did: a command that only reads, a request, and links that keep the filters. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { repairItems, repairs } from '../../src/db/schema/certificates.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { ADMIN_TOKEN, type HttpStage, startHttp, VIEWER_TOKEN } from '../support/stages/http.js';

const PLAN = '0193a003-0000-7000-8000-000000000001';

let database: ReadsDatabase;
let http: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
});
beforeEach(async () => {
  await database.empty();
  http = await startHttp(database, { config: { adminToken: ADMIN_TOKEN, viewerToken: VIEWER_TOKEN } });
});
afterEach(() => http.close());
afterAll(() => database.drop());

async function read(path: string, token = ADMIN_TOKEN): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
  const answer = await fetch(http.url + path, { headers });
  return (await answer.text()).replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

describe('a plan', () => {
  beforeEach(async () => {
    const { db } = database;
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
    await database.sql`update stripe_blnk_sync.repair_items set state = 'done'`;
    expect(await read(`/repairs/${PLAN}`)).not.toContain('repair apply');
  });
});
