/** Lists as CSV: what is chosen by, and how many are sent at once. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import type { HttpPorts } from '../../src/http/ports.js';
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

const AT_ONCE = 4;
type Payments = HttpPorts['reads']['payments'];
const reading = (payments: Payments) => (ports: HttpPorts) => ({ ...ports, reads: { ...ports.reads, payments } });

it('no more are read at once than are sent at once, and what cannot be read gives its place back', async () => {
  let isAway = false;
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const payments: Payments = async () => {
    await gate;
    if (isAway) throw new Error('away');
    return { payments: [], next: null };
  };
  stage = await startHttp(database, { decorate: reading(payments) });
  const ask = async () => (await fetch(`${stage.url}/payments.csv`)).status;
  let refused = 0;
  const all = Array.from({ length: AT_ONCE * 2 }, async () => {
    const status = await ask();
    if (status === 429) refused += 1;
    return status;
  });
  await expect.poll(() => refused, { timeout: 5_000 }).toBe(AT_ONCE);
  go();
  expect((await Promise.all(all)).sort()).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
  isAway = true;
  for (let asked = 0; asked <= AT_ONCE; asked += 1) expect(await ask()).toBe(503);
  isAway = false;
  await expect.poll(ask).toBe(200);
});

it('who takes nothing for a minute loses the place to the next one, and who takes something does not', async () => {
  // A list without an end.
  const payments: Payments = async () => ({ payments: [], next: 'pi_1' });
  stage = await startHttp(database, { decorate: reading(payments) });
  // Of another server in this process: no socket takes what nobody reads.
  const app = createApp(stage.ports, { isDraining: () => false });
  const ask = async () =>
    app.fetch(new Request(`${stage.url}/payments.csv?state=posted`, { headers: { host: 'localhost' } }));
  const [first, ...silent] = await Promise.all(Array.from({ length: AT_ONCE }, ask));
  const reader = first?.body?.getReader();
  expect((await ask()).status).toBe(429);
  stage.nowMs += 30_000;
  expect((await reader?.read())?.done).toBe(false);
  // What was read ahead for it waits from now on.
  await expect.poll(() => reader?.read().then(({ done }) => done)).toBe(false);
  expect((await ask()).status).toBe(429);
  stage.nowMs += 30_000;
  const next = await ask();
  expect(next.status).toBe(200);
  for (const cut of silent) await expect(cut.text()).rejects.toThrow('Nothing of the list was taken');
  expect((await reader?.read())?.done).toBe(false);
  await Promise.all([reader?.cancel(), next.body?.cancel()]);
});
