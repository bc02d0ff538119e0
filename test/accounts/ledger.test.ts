/** A ledger of the mirror's own: one balance for each customer and currency in use, whatever is lost, repeated or shown late. */
import { describe, expect, it } from 'vitest';
import type { BalanceStore, LedgerStore } from '../../src/accounts/balance-ports.js';
import { readAccounts } from '../../src/db/reads/accounts.js';
import { decorateWith } from '../support/context.js';
import { type AccountsStage, accountsStages, LEDGER_MIRROR, type PaidBy } from '../support/stages/accounts.js';

const open = accountsStages();

const PAID: readonly PaidBy[] = [
  ['cus_anna', 'USD'],
  ['cus_anna', 'EUR'],
  ['cus_anna', 'USD'],
  ['cus_bert', 'EUR'],
  [null, 'USD'],
  [null, 'JPY'],
];
const PAIRS = ['EUR:@cus_anna', 'EUR:@cus_bert', 'JPY:@stripe_guests', 'USD:@cus_anna', 'USD:@stripe_guests'];

interface Shown {
  readonly balance_id: string;
  readonly ledger_id: string;
  readonly currency: string;
  readonly balance: number;
}

/** What has to be so in the end, however it came about: everything is posted, to the balances of the map and to no other. */
async function expectSound(stage: AccountsStage, pairs: readonly string[] = PAIRS): Promise<{ surplus: number }> {
  const map = await stage.map();
  expect([...map.keys()]).toEqual(pairs);
  const used = new Set(map.values());
  expect(used.size).toBe(pairs.length);
  const postings = await stage.sql<{ destination: string; currency: string; amount: string; state: string }[]>`
    select destination, currency, amount::text as amount, state from stripe_blnk_sync.postings`;
  expect(postings.every(({ state }) => state === 'posted')).toBe(true);
  const shown = (await stage.inBlnk('balances')) as unknown as Shown[];
  for (const [pair, id] of map) {
    const balance = shown.find(({ balance_id: one }) => one === id);
    const paid = postings.filter(({ destination, currency }) => `${currency}:${destination}` === pair);
    expect([pair, balance?.currency, balance?.balance]).toEqual([
      ...[pair, pair.slice(0, 3)],
      paid.reduce((sum, { amount }) => sum + Number(amount), 0),
    ]);
  }
  const beside = shown.filter(({ balance_id: id, ledger_id: ledger }) => ledger !== 'general_ledger_id' && !used.has(id));
  expect(beside.map(({ balance }) => balance)).toEqual(beside.map(() => 0));
  const facts = await readAccounts(stage.database.db);
  expect(facts).toMatchObject({ balances: pairs.length, wanted: 0, surplus: { count: beside.length, used: 0 } });
  return { surplus: beside.length };
}

describe.each(['core', 'cloud'] as const)('in %s style', (style) => {
  it('makes one ledger, one balance for each customer and currency, posts to them, and makes none at a second start', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker({ style });
    await worker.drain();
    expect(stage.blnk.requestCount('POST /transactions')).toBe(0);
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    expect(await expectSound(stage)).toEqual({ surplus: 0 });
    const [ledger] = await stage.inBlnk('ledgers');
    expect(ledger).toMatchObject({
      name: 'Shop',
      meta_data: { stripe_blnk_sync: { mirror: LEDGER_MIRROR.mirrorId, role: 'ledger' } },
    });
    expect(await worker.check()).toContainEqual({ currency: 'USD', customers: '3000', before: '3000', after: '3000', surplus: '0' });
    const made = stage.blnk.requestCount('POST /balances');
    await stage.worker({ style }).turn();
    expect([stage.blnk.requestCount('POST /balances'), stage.blnk.requestCount('POST /ledgers')]).toEqual([made, 1]);
  });
});
