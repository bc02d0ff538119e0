/** A real worker with a ledger of its own: what a dry run says is what is made, all of it is used, and a lost database finds it again. */
import type postgres from 'postgres';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { asCore, payment } from '../blnk-contract/sandbox-client.js';
import { homes } from '../support/homes.js';
import { openPlace, population, type Session, startSession } from '../support/process/session.js';

const TIMEOUT_MS = 120_000;
const VARIABLES = { BLNK_ACCOUNTS: 'ledger', BLNK_LEDGER_NAME: 'Shop', BLNK_IDENTITIES: 'ids', SYNC_START: '30d' };
const timings = { accounts: { ...TIMINGS.accounts, everyMs: 50 } };

let session: Session;
beforeAll(async () => {
  // A server that is there starts faster than one that is made.
  const home = homes().at(-1);
  if (home === undefined) throw new Error('there is no home');
  session = await startSession(home, { population: population(120) });
}, TIMEOUT_MS);
afterAll(() => session.close(), TIMEOUT_MS);

it(
  'a key that may not look for ledgers is refused by a start and named by doctor',
  async () => {
    session.blnk.faults.add({ effect: 'status', status: 403, body: 'cloud', route: 'POST /ledger/filter' });
    session.blnk.faults.add({ effect: 'status', status: 403, body: 'cloud', route: 'POST /ledgers/filter' });
    const started = await session.run(['worker'], VARIABLES);
    const looked = await session.run(['doctor'], VARIABLES);
    session.blnk.faults.clear();
    expect([started.code, started.errors]).toEqual([2, expect.stringContaining('ledger')]);
    expect([looked.code, looked.output]).toEqual([1, expect.stringContaining('blnk_forbidden')]);
  },
  TIMEOUT_MS,
);

/** As after the loss of the database: an empty one, until the test ends. */
async function emptyPlace() {
  const home = homes().at(-1);
  if (home === undefined) throw new Error('there is no home');
  const place = await openPlace(home);
  onTestFinished(() => place.close());
  return { look: place.look, variables: { ...VARIABLES, ...place.variables } };
}

/** Made anew in an empty database: refused in the other mode, and without a conflict in its own. */
async function rebuildElsewhere() {
  const { look, variables } = await emptyPlace();
  const wrong = await session.run(['rebuild', '--yes'], { ...variables, BLNK_ACCOUNTS: 'indicators' });
  expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining('set BLNK_ACCOUNTS=ledger')]);
  const rebuilt = await session.run(['rebuild', '--yes'], variables);
  expect([rebuilt.code, rebuilt.output]).toEqual([0, expect.not.stringContaining('conflict')]);
  return look();
}

/** The whole map. */
async function mapOf(sql: postgres.Sql): Promise<string | undefined> {
  const [row] = await sql<{ text: string }[]>`
    select string_agg(concat_ws(' ', name, currency, balance_id), ',' order by name, currency) as text
    from stripe_blnk_sync.account_balances`;
  return row?.text;
}

const made = (what: 'ledgers' | 'balances') => session.blnk.requestCount(`POST /${what}`);

it(
  'makes one ledger and as many balances as the dry run said, posts to them alone, and makes none at its second start',
  async () => {
    const planned = JSON.parse((await session.run(['sync', '--dry-run', '--json'], VARIABLES)).output);
    const worker = session.quickWorker({ variables: VARIABLES, timings });
    await session.untilSettled();
    expect([made('ledgers'), made('balances')]).toEqual([1, planned.balances - 1]);
    const sql = await session.look();
    const map = await sql`
      select name, currency, balance_id from stripe_blnk_sync.account_balances where balance_id is not null`;
    const pairs =
      await sql`select distinct destination, currency from stripe_blnk_sync.postings where state = 'posted'`;
    expect(map.length).toBe(pairs.length);
    // Of the source alone there are balances with names.
    const named = [{ field: 'indicator', operator: 'isnotnull' }];
    const shown = (await asCore(session.blnk, { path: '/balances/filter', body: { filters: named, limit: 100 } })).body;
    expect(new Set((shown as Array<{ indicator: string }>).map(({ indicator }) => indicator))).toEqual(
      new Set(['@stripe']),
    );
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    const checked = await session.run(['accounts'], VARIABLES);
    expect([checked.code, checked.output]).toEqual([0, expect.stringContaining('equal')]);
    const proven = await session.run(['prove', '--from', dayBack(6), '--to', dayBack(2)], VARIABLES);
    // Days of which something succeeds later are open.
    expect(proven.output).toMatch(/ sealed /);
    expect(proven.output).not.toMatch(/broken|conflict/);
    const again = session.quickWorker({ variables: VARIABLES, timings });
    await again.untilLogged(/^mirroring every/);
    again.kill('SIGTERM');
    await again.ended;
    expect([made('ledgers'), made('balances')]).toEqual([1, planned.balances - 1]);
  },
  TIMEOUT_MS,
);

it(
  'refuses another mode, and a database that was lost is rebuilt with the same balances',
  async () => {
    const other = await session.run(['worker'], { ...VARIABLES, BLNK_ACCOUNTS: 'indicators' });
    expect([other.code, other.errors]).toEqual([
      2,
      expect.stringContaining('BLNK_ACCOUNTS is indicators now, it was ledger'),
    ]);
    const sql = await rebuildElsewhere();
    expect(await mapOf(sql)).toBe(await mapOf(await session.look()));
    expect([
      ...(await sql`select distinct state from stripe_blnk_sync.postings where reason is distinct from 'three_decimal_amount'`),
    ]).toContainEqual({ state: 'posted' });
  },
  TIMEOUT_MS,
);

it(
  'a ledger that another mirror posted to as well is rebuilt as the mirror whose own ledger is there',
  async () => {
    const other = { stripe_mirror: 'd3b0f3d2-0000-4000-8000-000000000001', stripe_day: dayBack(3) };
    const fields = { effective_date: `${dayBack(3)}T10:00:00Z`, meta_data: other };
    await asCore(session.blnk, { path: '/transactions', body: payment('pi_of_another', fields) });
    expect(await mapOf(await rebuildElsewhere())).toBe(await mapOf(await session.look()));
  },
  TIMEOUT_MS,
);

it(
  'a balance whose mark names another customer than its payments are of comes into no map of a rebuild',
  async () => {
    const [used] = await (await session.look())<{ id: string; name: string; mirror: string }[]>`
      select balance_id as id, name, mirror_id as mirror from stripe_blnk_sync.account_balances, stripe_blnk_sync.mirror
      where name like '@cus_%' and balance_id is not null order by name limit 1`;
    const mark = { mirror: used?.mirror, role: 'customer', customer: 'cus_nobody' };
    const body = { meta_data: { stripe_blnk_sync: mark } };
    await asCore(session.blnk, { path: `/${used?.id}/metadata`, body });
    const { look, variables } = await emptyPlace();
    const rebuilt = await session.run(['rebuild', '--yes'], variables);
    expect([rebuilt.code, rebuilt.output]).toEqual([0, expect.stringContaining('parked, conflict')]);
    const sql = await look();
    expect([
      ...(await sql`select 1 from stripe_blnk_sync.account_balances where balance_id = ${used?.id ?? ''}`),
    ]).toEqual([]);
    const waiting = await sql<{ name: string }[]>`
      select name from stripe_blnk_sync.account_balances where reason = 'used_for_another' order by name`;
    expect(waiting.map(({ name }) => name).sort()).toEqual(['@cus_nobody', used?.name].sort());
  },
  TIMEOUT_MS,
);

function dayBack(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}
