/** What people and other programs do to the mirror's own ledger: said, and never guessed. And what it has with identities. */
import { expect, it } from 'vitest';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { needsOfAccounts } from '../../src/core/verdict/needs-of-accounts.js';
import { readAccounts } from '../../src/db/reads/accounts.js';
import { asCore, payment } from '../blnk-contract/sandbox-client.js';
import { until } from '../support/process/wait.js';
import { type AccountsStage, accountsStages, LEDGER_MIRROR, type PaidBy } from '../support/stages/accounts.js';

const open = accountsStages();

const PAID: readonly PaidBy[] = [
  ['cus_anna', 'USD'],
  ['cus_bert', 'USD'],
  [null, 'USD'],
];

async function posted(paid: readonly PaidBy[] = PAID, options: Parameters<AccountsStage['worker']>[0] = {}) {
  const stage = await open();
  await stage.pay(paid);
  const worker = stage.worker(options);
  await stage.untilMapped(worker.turn);
  await stage.untilPosted(worker.drain);
  return { stage, worker };
}

async function needs(stage: AccountsStage): Promise<string[]> {
  const accounts = await readAccounts(stage.database.db);
  return needsOfAccounts({ accounts } as VerdictFacts).map(({ code }) => code);
}

const idOf = async (stage: AccountsStage, pair: string): Promise<string> => (await stage.map()).get(pair) ?? '';

it('a mark that somebody changes or removes is told, the balance stays in use, and nothing is made anew', async () => {
  const { stage, worker } = await posted();
  const before = await stage.map();
  const mark = (customer: string) => ({ mirror: LEDGER_MIRROR.mirrorId, role: 'customer', customer });
  const write = (id: string, data: object) =>
    asCore(stage.blnk, { path: `/${id}/metadata`, body: { meta_data: data } });
  await write(await idOf(stage, 'USD:@cus_anna'), { crm: 7, stripe_blnk_sync: mark('cus_bert') });
  await write(await idOf(stage, 'USD:@cus_bert'), { stripe_blnk_sync: {} });
  await worker.check();
  expect(await needs(stage)).toEqual(['balance_marks_changed']);
  const made = stage.asked('POST /balances');
  await stage.pay(PAID);
  await worker.turn();
  await stage.untilPosted(worker.drain);
  expect([await stage.map(), stage.asked('POST /balances')]).toEqual([before, made]);
  await write(await idOf(stage, 'USD:@cus_anna'), { stripe_blnk_sync: mark('cus_anna') });
  await write(await idOf(stage, 'USD:@cus_bert'), { stripe_blnk_sync: mark('cus_bert') });
  await worker.check();
  expect(await needs(stage)).toEqual([]);
});

it('money that somebody else posts to a customer shows in the sums', async () => {
  const { stage, worker } = await posted();
  const destination = await idOf(stage, 'USD:@cus_anna');
  await asCore(stage.blnk, { path: '/transactions', body: payment('theirs', { source: '@bank', destination }) });
  expect(await worker.check()).toEqual([
    { currency: 'USD', customers: '4250', before: '3000', after: '3000', surplus: '0' },
  ]);
  expect(await needs(stage)).toEqual(['balance_sums_differ']);
});

it('what another mirror posts out of the same source is not counted, and what is wrong shows all the same', async () => {
  const { stage, worker } = await posted();
  const other = { meta_data: { stripe_mirror: '5a1d0b7a-0000-4a5e-9a0e-5c1f6f9d2b11' } };
  await asCore(stage.blnk, {
    path: '/transactions',
    body: payment('other', { destination: '@cus_theirs', precise_amount: 700, ...other }),
  });
  expect(await worker.check()).toEqual([
    { currency: 'USD', customers: '3000', before: '3000', after: '3000', surplus: '0', isSourceShared: true },
  ]);
  expect(await needs(stage)).toEqual([]);
  const destination = await idOf(stage, 'USD:@cus_anna');
  await asCore(stage.blnk, { path: '/transactions', body: payment('theirs', { source: '@bank', destination }) });
  await worker.check();
  expect(await needs(stage)).toEqual(['balance_sums_differ']);
});

it('a balance beside the one in use is named, and one with money on it louder', async () => {
  const { stage, worker } = await posted();
  const [ledger] = await stage.inBlnk('ledgers');
  const mark = { mirror: LEDGER_MIRROR.mirrorId, role: 'customer', customer: 'cus_anna' };
  const body = { ledger_id: ledger?.ledger_id, currency: 'USD', meta_data: { stripe_blnk_sync: mark } };
  const made = (await asCore(stage.blnk, { path: '/balances', body })).body as { balance_id: string };
  await asCore(stage.blnk, { path: '/ledgers', body: { name: 'Shop', meta_data: ledger?.meta_data } });
  await worker.check();
  expect(await needs(stage)).toEqual(['balances_surplus']);
  expect((await stage.sql`select balance_id as id from stripe_blnk_sync.surplus_balances`).map(({ id }) => id)).toEqual(
    [made.balance_id],
  );
  const theirs = payment('theirs', { source: '@bank', destination: made.balance_id });
  await asCore(stage.blnk, { path: '/transactions', body: theirs });
  await worker.check();
  expect(await needs(stage)).toEqual(['balances_surplus_used', 'balance_sums_differ']);
});

it('a balance that Blnk does not know any more gets nothing, the others do, and the payment is parked once that is final', async () => {
  const { stage, worker } = await posted();
  const lost = 'bln_00000000-0000-4000-8000-000000000000';
  await stage.sql`update stripe_blnk_sync.account_balances set balance_id = ${lost} where name = '@cus_anna'`;
  // Seen first: it would come into the map again before every other one.
  await stage.sql`
    insert into stripe_blnk_sync.account_balances_seen (balance_id, name, currency, created_at)
    values (${lost}, '@cus_anna', 'USD', now() - interval '1 day')`;
  await stage.pay(PAID);
  const again = stage.worker();
  for (let drains = 0; drains < 3; drains += 1) await again.drain();
  await again.turn();
  expect(await needs(stage)).not.toContain('balances_missing');
  await stage.missLongAgo();
  await again.turn();
  expect(await needs(stage)).toContain('balances_missing');
  const parked = await stage.sql<{ destination: string; state: string; reason: string | null }[]>`
    select destination, state, reason from stripe_blnk_sync.postings where state <> 'posted'`;
  expect([...parked]).toEqual([{ destination: '@cus_anna', state: 'pending', reason: 'balance_missing' }]);
  await stage.sql`
    update stripe_blnk_sync.postings set due_at = now(), last_attempt_at = now() - interval '1 hour' where state = 'pending'`;
  await again.drain();
  const [row] = await stage.sql`select state, reason from stripe_blnk_sync.postings where state <> 'posted'`;
  expect(row).toEqual({ state: 'parked', reason: 'balance_missing' });
  // What was never sent to it waits.
  await stage.pay([['cus_anna', 'USD']]);
  await again.drain();
  const [waiting] = await stage.sql`select attempts from stripe_blnk_sync.postings where state = 'pending'`;
  expect(waiting).toEqual({ attempts: 0 });
  await worker.check();
  // Gone for good: as the need says.
  const accounts = await readAccounts(stage.database.db);
  const said = needsOfAccounts({ accounts } as VerdictFacts).find(({ code }) => code === 'balances_missing')?.text;
  await stage.sql.unsafe(/others are made: (with .*)\.$/.exec(said ?? '')?.[1] ?? 'nothing is said');
  const last = stage.worker();
  await last.turn();
  expect((await idOf(stage, 'USD:@cus_anna')).startsWith('bln_')).toBe(true);
  expect(await idOf(stage, 'USD:@cus_anna')).not.toBe(lost);
  await stage.untilPosted(last.drain);
});

it('a ledger that was renamed stays the one in use, under its new name', async () => {
  const { stage, worker } = await posted();
  const [ledger] = await stage.inBlnk('ledgers');
  const body = { name: 'Our shop' };
  await asCore(stage.blnk, { method: 'PUT', path: `/ledgers/${String(ledger?.ledger_id)}`, body });
  await worker.check();
  expect(await readAccounts(stage.database.db)).toMatchObject({ ledgerId: ledger?.ledger_id, ledgerName: 'Our shop' });
  await stage.pay(PAID);
  await stage.untilPosted(worker.drain);
  expect(stage.asked('POST /ledgers')).toBe(1);
});

it('an identity comes before its balance, which needs no link then; one that cannot be made keeps no balance from being made', async () => {
  const stage = await open();
  await stage.pay(PAID);
  stage.blnk.faults.add({ effect: 'status', status: 400, route: 'POST /identities', contains: 'cus_bert' });
  const worker = stage.worker({ identities: 'ids' });
  await stage.untilMapped(worker.turn);
  await stage.untilPosted(worker.drain);
  const balances = (await stage.inBlnk('balances')) as Array<{ balance_id: string; identity_id: string }>;
  const identityOf = async (pair: string) => {
    const id = await idOf(stage, pair);
    return balances.find(({ balance_id: one }) => one === id)?.identity_id;
  };
  expect(await identityOf('USD:@cus_anna')).toMatch(/^idt_/);
  expect([await identityOf('USD:@cus_bert'), await identityOf('USD:@stripe_guests')]).toEqual(['', '']);
});

it('a customer keeps the identity that was made before the account could be read', async () => {
  const stage = await open();
  await stage.pay([['cus_anna', 'USD']]);
  await stage.untilMapped(stage.worker({ identities: 'ids', stripeAccount: null }).turn);
  await stage.pay([['cus_anna', 'EUR']]);
  await stage.untilMapped(stage.worker({ identities: 'ids', stripeAccount: 'acct_1' }).turn);
  const [kept] = await stage.sql`select identity_id as id, due_at from stripe_blnk_sync.identities`;
  const balances = await stage.inBlnk('balances');
  const linked = balances.filter(({ ledger_id: ledger }) => ledger !== 'general_ledger_id');
  expect(linked.map(({ identity_id: id }) => id)).toEqual([kept?.id, kept?.id]);
});

it('however many payments wait for a balance that Blnk refuses, those behind them are posted', async () => {
  const stage = await open();
  await stage.pay(Array.from({ length: 2_050 }, (): PaidBy => ['cus_refused', 'USD']));
  await stage.pay(PAID);
  // Behind the others from either end.
  await stage.sql`
    update stripe_blnk_sync.postings set due_at = due_at - interval '1 hour', effective_at = effective_at + interval '1 hour'
    where destination = '@cus_refused'`;
  const refused = { effect: 'status', status: 400, body: 'core', route: 'POST /balances' } as const;
  stage.blnk.faults.add({ ...refused, contains: 'cus_refused' });
  const { turn, drain } = stage.worker();
  await turn();
  await until('those behind are posted', async () => {
    await drain();
    const [row] = await stage.sql`select count(*)::int as count from stripe_blnk_sync.postings where state = 'posted'`;
    return row?.count === PAID.length;
  });
  expect(await needs(stage)).toContain('balances_parked');
});
