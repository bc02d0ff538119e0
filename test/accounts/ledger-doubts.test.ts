/**
 * The mirror's own ledger where it is not as it was left: balances that Blnk lost, refuses to make or shows again, marks that somebody
 * changed before the database was lost. No payment goes to a balance that is guessed, and nobody else's payment waits for it.
 */
import { describe, expect, it } from 'vitest';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { needsOfAccounts } from '../../src/core/verdict/needs-of-accounts.js';
import { createBalanceStore } from '../../src/db/accounts/balance-store.js';
import { readMirror } from '../../src/db/mirror/mirror-store.js';
import { readAccounts } from '../../src/db/reads/accounts.js';
import { restoreMap } from '../../src/operations/restore-map.js';
import { asCore } from '../blnk-contract/sandbox-client.js';
import { decorateWith } from '../support/context.js';
import { accountsStages, LEDGER_MIRROR, type PaidBy } from '../support/stages/accounts.js';

const open = accountsStages();
type Stage = Awaited<ReturnType<typeof open>>;

const LOST = 'bln_00000000-0000-4000-8000-000000000000';
const PAID: readonly PaidBy[] = [
  ['cus_anna', 'USD'],
  ['cus_bert', 'USD'],
  [null, 'USD'],
];
/** More than a claim looks at from either end of its lane. */
const MANY = 2_050;

/** The payments of these customers stand before all others, from whichever end a lane is taken. */
async function putInFront({ sql }: Stage, like: string): Promise<void> {
  await sql`
    update stripe_blnk_sync.postings set due_at = due_at - interval '1 hour', effective_at = effective_at + interval '1 hour'
    where destination like ${like} and state = 'pending'`;
}

/** As if minutes had passed since the last attempt of all that is open. */
async function waitLong({ sql }: Stage): Promise<void> {
  await sql`
    update stripe_blnk_sync.postings set due_at = now(), last_attempt_at = now() - interval '1 hour' where state = 'pending'`;
}

async function needs({ database }: Stage): Promise<ReadonlyMap<string, string>> {
  const accounts = await readAccounts(database.db);
  return new Map(needsOfAccounts({ accounts } as VerdictFacts).map(({ code, text }) => [code, text]));
}

async function pendingOfOthers({ sql }: Stage, like: string): Promise<string[]> {
  const rows = await sql<{ destination: string }[]>`
    select destination from stripe_blnk_sync.postings where state = 'pending' and destination not like ${like}`;
  return rows.map(({ destination }) => destination);
}

/** What `status` says to execute once balances are gone for good. */
async function forgetMissing(stage: Stage): Promise<void> {
  const said = (await needs(stage)).get('balances_missing') ?? '';
  await stage.sql.unsafe(/others are made: (with .*)\.$/.exec(said)?.[1] ?? 'nothing was said');
}

/** A few drains: under load a claim may lapse before its chunk is posted. @returns what of others is pending still */
async function drainOthers(stage: Stage, drain: () => Promise<void>, name: string): Promise<readonly string[]> {
  let pending: readonly string[] = [];
  for (let drains = 0; drains < 6 && (drains === 0 || pending.length > 0); drains += 1) {
    await drain();
    pending = await pendingOfOthers(stage, name);
  }
  return pending;
}

describe('however many payments wait for', () => {
  it('a balance that Blnk lacks, those of others are posted', { timeout: 60_000 }, async () => {
    const stage = await open();
    await stage.pay([['cus_gone', 'USD'], ...PAID]);
    const worker = stage.worker();
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    await stage.sql`
      update stripe_blnk_sync.account_balances set balance_id = ${LOST}, missing_since = now(), due_at = now() + interval '10 minutes'
      where name = '@cus_gone'`;
    await stage.pay(Array.from({ length: MANY }, (): PaidBy => ['cus_gone', 'USD']));
    await stage.pay(PAID);
    await putInFront(stage, '@cus_gone');
    expect(await drainOthers(stage, worker.drain, '@cus_gone')).toEqual([]);
  });

  it('balances that cannot be made now, those of others are posted', { timeout: 60_000 }, async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker();
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    stage.blnk.faults.add({ effect: 'status', status: 429, route: 'POST /balances' });
    await stage.pay(Array.from({ length: MANY }, (_, at): PaidBy => [`cus_new${at}`, 'USD']));
    await stage.pay(PAID);
    await putInFront(stage, '@cus_new%');
    await worker.turn();
    await stage.sql`update stripe_blnk_sync.account_balances set wanted_at = now() - interval '2 minutes' where balance_id is null`;
    expect(await drainOthers(stage, worker.drain, '@cus_new%')).toEqual([]);
  });
});

describe('a balance that was forgotten as status says', () => {
  it('is forgotten by every worker: what knew the old one posts to the new one', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const one = stage.worker();
    await stage.untilMapped(one.turn);
    await stage.sql`update stripe_blnk_sync.account_balances set balance_id = ${LOST} where name = '@cus_anna'`;
    await stage.sql`
      insert into stripe_blnk_sync.account_balances_seen (balance_id, name, currency, created_at)
      values (${LOST}, '@cus_anna', 'USD', now() - interval '1 day')`;
    const other = stage.worker();
    await other.context.vendors.ledger.findBalances({ indicators: ['@cus_anna'], currency: 'USD' });
    for (let drains = 0; drains < 3; drains += 1) await one.drain();
    await one.turn();
    await waitLong(stage);
    await one.drain();
    const [parked] = await stage.sql`select state, reason from stripe_blnk_sync.postings where state <> 'posted'`;
    expect(parked).toEqual({ state: 'parked', reason: 'balance_missing' });
    await stage.missLongAgo();
    await one.turn();
    await forgetMissing(stage);
    await stage.sql`
      update stripe_blnk_sync.postings set state = 'pending', reason = null, reason_detail = null, due_at = now()
      where state = 'parked'`;
    await one.turn();
    expect((await stage.map()).get('USD:@cus_anna')).not.toBe(LOST);
    await other.drain();
    await waitLong(stage);
    await other.drain();
    const after = await stage.sql`
      select state, reason from stripe_blnk_sync.postings where destination = '@cus_anna'`;
    expect([...after]).toEqual([{ state: 'posted', reason: null }]);
  });

  it('is one that Blnk lacked twice: a look that came back empty once gives nobody another one', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker();
    await stage.untilMapped(worker.turn);
    const before = await stage.map();
    const anna = before.get('USD:@cus_anna') ?? '';
    const lookUp = () =>
      stage.sql`update stripe_blnk_sync.account_balances set due_at = now() where balance_id = ${anna}`;
    const lag = stage.blnk.faults.add({ effect: 'stale_reads', rows: 0, untilMicros: 0, api: 'core' });
    await lookUp();
    await worker.turn();
    expect([...(await needs(stage)).keys()]).toEqual([]);
    await stage.missLongAgo();
    await worker.turn();
    const said = /others are made: (with .*)\.$/.exec((await needs(stage)).get('balances_missing') ?? '')?.[1];
    lag.remove();
    await lookUp();
    await worker.turn();
    expect([...(await needs(stage)).keys()]).toEqual([]);
    // Printed while it was missing, executed when it was not any more.
    await stage.sql.unsafe(said ?? 'nothing was said');
    expect(await stage.map()).toEqual(before);
  });

  it('and that Blnk shows again by then is used on: no second one is made', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker();
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    // Made long before the newest one, so that the look after a batch does not reach back to it.
    stage.blnk.clock.advance(3_600_000);
    await stage.pay([['cus_late', 'USD']]);
    await stage.untilMapped(worker.turn);
    const before = await stage.map();
    await stage.sql`update stripe_blnk_sync.account_balances set missing_since = now(), reason = 'gone' where name = '@cus_anna'`;
    await forgetMissing(stage);
    await stage.pay([['cus_anna', 'USD']]);
    await stage.untilMapped(worker.turn);
    expect(await stage.map()).toEqual(before);
  });
});

describe('after the database was lost', () => {
  const mark = (customer: string) => ({ mirror: LEDGER_MIRROR.mirrorId, role: 'customer', customer });
  const writeMark = (stage: Stage, balanceId: string | undefined, customer: string) =>
    asCore(stage.blnk, {
      path: `/${balanceId}/metadata`,
      body: { meta_data: { stripe_blnk_sync: mark(customer) } },
    });

  const restore = (stage: Stage, { context }: ReturnType<Stage['worker']>) =>
    restoreMap(stage.database, context.vendors.accounts, LEDGER_MIRROR, context.vendors.ledgerSide);

  async function lose({ sql }: Stage): Promise<void> {
    for (const table of ['account_balances', 'account_balances_seen', 'accounts_ledger']) {
      await sql`delete from ${sql(`stripe_blnk_sync.${table}`)}`;
    }
  }

  it('with a mark that was edited, nobody is posted to until it is written back', async () => {
    const stage = await open();
    await stage.pay([['cus_anna', 'USD']]);
    const first = stage.worker();
    await stage.untilMapped(first.turn);
    await stage.pay(PAID);
    await stage.untilMapped(first.turn);
    await stage.untilPosted(first.drain);
    const before = await stage.map();
    await writeMark(stage, before.get('USD:@cus_anna'), 'cus_bert');
    await lose(stage);
    const next = stage.worker();
    expect(await restore(stage, next)).toBe(true);
    await stage.pay([
      ['cus_bert', 'USD'],
      [null, 'USD'],
    ]);
    await next.turn();
    for (let drains = 0; drains < 3; drains += 1) await next.drain();
    expect(await pendingOfOthers(stage, '')).toEqual(['@cus_bert']);
    expect((await needs(stage)).get('balances_parked')).toContain('several balances with money carry the mark');
    await stage.passTime();
    await next.turn();
    expect((await stage.map()).has('USD:@cus_bert')).toBe(false);

    await writeMark(stage, before.get('USD:@cus_anna'), 'cus_anna');
    await stage.pay([['cus_anna', 'USD']]);
    await stage.untilMapped(next.turn);
    await stage.untilPosted(next.drain);
    expect(await stage.map()).toEqual(before);
    expect((await needs(stage)).has('balances_parked')).toBe(false);
  });

  it('a ledger that carries the mark and holds nothing of the mirror is not taken, however old it is', async () => {
    const stage = await open();
    const older = await asCore(stage.blnk, { path: '/ledgers', body: { name: 'Other' } });
    await stage.pay(PAID);
    const first = stage.worker();
    await stage.untilMapped(first.turn);
    await stage.untilPosted(first.drain);
    const before = await stage.map();
    const [own] = await stage.inBlnk('ledgers').then((all) => all.filter(({ meta_data: data }) => data !== null));
    await asCore(stage.blnk, {
      path: `/${(older.body as { ledger_id: string }).ledger_id}/metadata`,
      body: { meta_data: own?.meta_data },
    });
    await lose(stage);
    await restore(stage, first);
    expect(await stage.map()).toEqual(before);
  });

  it('a ledger that was made besides is not taken for the one that was posted to, whose mark is gone', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker();
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    const before = await stage.map();
    const [used] = await stage.inBlnk('ledgers');
    const body = { name: 'Shop', meta_data: used?.meta_data };
    const besides = (await asCore(stage.blnk, { path: '/ledgers', body })).body as { ledger_id: string };
    const markUsed = (data: unknown) =>
      asCore(stage.blnk, { path: `/${String(used?.ledger_id)}/metadata`, body: { meta_data: data } });
    await markUsed({ stripe_blnk_sync: {} });
    await lose(stage);
    const refused = await restore(stage, worker).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: 'fatal', code: 'mirror_differs' });
    expect(String(refused)).toMatch(new RegExp(`${besides.ledger_id} .*Write the mark back on the ledger that does`));
    expect((await stage.map()).size).toBe(0);
    await markUsed(used?.meta_data);
    expect(await restore(stage, worker)).toBe(true);
    expect(await stage.map()).toEqual(before);
  });

  it('a ledger that nothing was posted to is the right one, where nothing was posted at all', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker();
    await stage.untilMapped(worker.turn);
    const before = await stage.map();
    await lose(stage);
    expect(await restore(stage, worker)).toBe(true);
    expect(await stage.map()).toEqual(before);
  });
});

it('a balance of somebody else in the ledger may hold more than 64 bits', async () => {
  const { sql } = (await open()).database;
  const store = createBalanceStore(sql, LEDGER_MIRROR);
  const seen = { hasMoved: true, createdAt: '2026-11-01T12:00:00Z' };
  await store.noteSeen([
    { ...seen, balanceId: 'bln_theirs', currency: 'ETH', name: null, amount: 10n ** 19n },
    { ...seen, balanceId: 'bln_ours', currency: 'USD', name: '@cus_anna', amount: 0n },
  ]);
  expect(await store.fillMap(null)).toHaveLength(1);
});

describe('what nobody but a person can mend is said, while payments wait', () => {
  it('a key that may not look for ledgers', async () => {
    const stage = await open();
    await stage.pay(PAID);
    stage.blnk.faults.add({ effect: 'status', status: 403, body: 'cloud', route: 'POST /ledgers/filter' });
    const worker = stage.worker();
    await worker.turn().catch(() => {});
    expect([...(await needs(stage)).keys()]).toEqual(['ledger_not_made', 'balances_parked']);
    stage.blnk.faults.clear();
    await stage.untilMapped(stage.worker().turn);
    expect([...(await needs(stage)).keys()]).toEqual([]);
  });

  it.each(['limit', 'cloud'] as const)('a plan or a key that lets no balance be made (%s)', async (body) => {
    const stage = await open();
    await stage.pay(PAID);
    stage.blnk.faults.add({ effect: 'status', status: 403, body, route: 'POST /balances' });
    await stage
      .worker()
      .turn()
      .catch(() => {});
    expect((await needs(stage)).get('balances_parked')).toContain('3 balances not made in Blnk, whose payments wait');
    stage.blnk.faults.clear();
    await stage.untilMapped(stage.worker().turn);
    expect([...(await needs(stage)).keys()]).toEqual([]);
    expect(await stage.inBlnk('balances')).toHaveLength(PAID.length);
  });

  it('and what was to pass by itself, once nothing was made for a quarter of an hour', async () => {
    const stage = await open();
    await stage.pay(PAID);
    stage.blnk.faults.add({ effect: 'status', status: 429, route: 'POST /balances' });
    await stage.worker().turn();
    const age = (minutes: number) =>
      stage.sql`update stripe_blnk_sync.account_balances set wanted_at = now() - ${minutes} * interval '1 minute'`;
    await age(6);
    expect([...(await needs(stage)).keys()]).toEqual(['balances_waiting']);
    await age(16);
    expect([...(await needs(stage)).keys()]).toEqual(['balances_standstill']);
    await stage.sql`
      insert into stripe_blnk_sync.account_balances (name, currency, balance_id, mapped_at, due_at)
      values ('@cus_carl', 'USD', 'bln_carl', now(), null)`;
    expect([...(await needs(stage)).keys()]).toEqual(['balances_waiting']);
  });
});

it('the mode is free until a payment is claimed, and frozen on disk before that payment is sent', async () => {
  const stage = await open();
  await stage.pay(PAID);
  const firstPostAt = async () => (await readMirror(stage.database.db)).firstPostAt;
  const atPost: boolean[] = [];
  const noting =
    <Given extends unknown[], Answer>(post: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      atPost.push((await firstPostAt()) !== null);
      return post(...given);
    };
  const decorate = decorateWith({
    ledger: (ledger) => ({ ...ledger, post: noting(ledger.post), postBulk: noting(ledger.postBulk) }),
  });
  stage.blnk.faults.add({ effect: 'status', status: 403, body: 'cloud', route: 'POST /ledgers/filter' });
  const worker = stage.worker({ decorate });
  await worker.turn().catch(() => {});
  await worker.drain();
  expect(await firstPostAt()).toBeNull();
  stage.blnk.faults.clear();
  await stage.untilMapped(stage.worker().turn);
  await stage.untilPosted(worker.drain);
  expect(atPost.length).toBeGreaterThan(0);
  expect(atPost).not.toContain(false);
});

it('what is made by a clock that is behind is found before it is asked for again', async () => {
  const stage = await open();
  await stage.pay(PAID);
  stage.blnk.clock.advance(3_600_000);
  await stage.untilMapped(stage.worker().turn);
  stage.blnk.clock.advance(-3_600_000);
  await stage.pay([['cus_late', 'USD']]);
  await stage.worker().turn();
  expect((await stage.map()).has('USD:@cus_late')).toBe(false);
  await stage.passTime();
  await stage.worker().turn();
  expect((await stage.map()).has('USD:@cus_late')).toBe(true);
  expect(stage.asked('POST /balances')).toBe(PAID.length + 1);
});

it('a ledger that Blnk lost is said, and once it is forgotten as status says another one is made', async () => {
  const stage = await open();
  await stage.pay(PAID);
  const worker = stage.worker();
  await stage.untilMapped(worker.turn);
  const before = await stage.map();
  stage.blnk.wipe();
  await stage.pay([['cus_new', 'USD']]);
  await worker.turn();
  await worker.turn();
  const said = (await needs(stage)).get('ledger_gone') ?? '';
  expect(said).toContain('does not have the mirror');
  await stage.sql.unsafe(/another one is made: (with .*)\.$/.exec(said)?.[1] ?? 'nothing was said');
  await stage.untilMapped(stage.worker().turn);
  const after = await stage.map();
  expect([...after.keys()]).toEqual([...before.keys(), 'USD:@cus_new'].sort());
  const shown = new Set((await stage.inBlnk('balances')).map(({ balance_id: id }) => id));
  expect([...after.values()].filter((id) => !shown.has(id))).toEqual([]);
  expect([...(await needs(stage)).keys()]).toEqual([]);
});

it('a balance that Blnk refuses for itself says nothing of the ledger', async () => {
  const stage = await open();
  await stage.pay(PAID);
  const refused = { effect: 'status', status: 400, body: 'core', route: 'POST /balances' } as const;
  stage.blnk.faults.add({ ...refused, contains: 'cus_anna' });
  await stage.worker().turn();
  expect([...(await needs(stage)).keys()]).toEqual(['balances_parked']);
});
