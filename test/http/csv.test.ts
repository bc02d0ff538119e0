/** Lists as CSV: what is chosen by, and how many are sent at once. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

let database: ReadsDatabase;
let stage: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
  const firstRun = await insertRun(database.db);
  for (const reference of ['pi_1', 'pi_2']) await insertPosting(database.db, { reference, firstRun });
});
afterEach(() => stage.close());
afterAll(() => database.drop());

it.each([
  ['/payments.csv?state=parkd', 'state is "parkd"; allowed is one of pending, posted, parked, dismissed'],
  ['/payments.csv?from=2026-02-30', 'from is "2026-02-30"; allowed is a UTC day'],
  ['/payments.csv?currency=dollar', 'currency is "dollar"; allowed is a code of three letters'],
  ['/payments.csv?reason=conflict', '"reason" is no filter of this list; allowed are q, state, currency, from, to'],
  ['/parked.csv?reason=konflikt', 'reason is "konflikt"; allowed is one of'],
  ['/parked.csv?dismissed=yes', 'dismissed is "yes"; allowed is one of true, false'],
  ['/runs.csv?status=broken', 'status is "broken"; allowed is one of collecting'],
  ['/days.csv?state=closed', 'state is "closed"; allowed is one of sealed'],
  ['/days/2026-11-01/findings.csv?currency=USD', '"currency" is no filter of this list; allowed is none'],
  ['/actions.csv?kind=guess', 'kind is "guess"; allowed is one of'],
  ['/totals.csv?to=tomorrow', 'to is "tomorrow"; allowed is a UTC day'],
])('%s is refused instead of answered with everything', async (path, detail) => {
  stage = await startHttp(database);
  const answer = await fetch(stage.url + path);
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { code: 'http_request_invalid', detail: expect.stringContaining(detail) },
  ]);
});

it('empty fields of a form choose nothing, and a currency may be in small letters', async () => {
  stage = await startHttp(database);
  const lines = async (path: string) => (await (await fetch(stage.url + path)).text()).trimEnd().split('\r\n').length;
  expect(await lines('/payments.csv?q=&state=&currency=usd&from=&to=')).toBe(3);
  expect(await lines('/payments.csv?currency=eur')).toBe(1);
});
