/**
 * The database was lost, and the mark of a balance names another customer than its payments are of. The payments show it: nobody is posted
 * to that balance, nor to a second one, until a person decided whose it is.
 */
import { expect, it } from 'vitest';
import { createBalanceNames } from '../../src/core/ledger/balance-names.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { needsOfAccounts } from '../../src/core/verdict/needs-of-accounts.js';
import { readAccounts } from '../../src/db/reads/accounts.js';
import { noteContested } from '../../src/operations/note-contested.js';
import { restoreMap } from '../../src/operations/restore-map.js';
import { judgePage } from '../../src/prove/rebuild.js';
import { asCore } from '../blnk-contract/sandbox-client.js';
import { type AccountsStage, accountsStages, LEDGER_MIRROR } from '../support/stages/accounts.js';
import { makePayments, RULES } from '../support/stages/ledger.js';

const open = accountsStages();
type Worker = ReturnType<AccountsStage['worker']>;

const markOf = (customer: string) => ({ mirror: LEDGER_MIRROR.mirrorId, role: 'customer', customer });
const writeMark = ({ blnk }: AccountsStage, balanceId: string, mark: object) =>
  asCore(blnk, { path: `/${balanceId}/metadata`, body: { meta_data: { stripe_blnk_sync: mark } } });

/** What Stripe says of the one payment of Anna's that the stage stores first. */
const PAID_BY_ANNA = makePayments(1, { name: '1_', customerId: 'cus_anna', currency: 'usd' });

/** Anna's payment is posted, her balance gets Bert's mark, the database is lost and rebuilt. */
async function rebuilt() {
  const stage = await open();
  await stage.pay([['cus_anna', 'USD']]);
  const worker = stage.worker();
  await stage.untilMapped(worker.turn);
  await stage.untilPosted(worker.drain);
  const balanceId = (await stage.map()).get('USD:@cus_anna') ?? '';
  await writeMark(stage, balanceId, markOf('cus_bert'));
  for (const table of ['account_balances', 'account_balances_seen', 'accounts_ledger']) {
    await stage.sql`delete from ${stage.sql(`stripe_blnk_sync.${table}`)}`;
  }
  await rebuild(stage, worker);
  return { stage, worker: stage.worker(), balanceId, made: stage.asked('POST /balances') };
}

async function rebuild(stage: AccountsStage, { context: { vendors } }: Worker): Promise<void> {
  await restoreMap(stage.database, vendors.accounts, LEDGER_MIRROR, vendors.ledgerSide);
  const page = PAID_BY_ANNA.map((payment) => ({ preparation: preparePayment(payment, RULES) }));
  const ports = { ledger: vendors.ledgerSide, balances: createBalanceNames(vendors.ledgerSide) };
  const judged = await judgePage(page, { ...ports, confirmSource: async () => {} }, LEDGER_MIRROR);
  expect(judged).toMatchObject([{ verdict: { kind: 'parked', reason: 'conflict' } }]);
  await noteContested(stage.database, LEDGER_MIRROR, judged);
}

/** Both are paid for, and a worker does all that it can. */
async function payBoth(stage: AccountsStage, worker: Worker): Promise<void> {
  await stage.pay([
    ['cus_anna', 'USD'],
    ['cus_bert', 'USD'],
  ]);
  await goOn(stage, worker);
}

async function goOn(stage: AccountsStage, worker: Worker): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) {
    await stage.passTime();
    await worker.turn();
    // What waited long for its balance stands behind others for a minute.
    await stage.sql`update stripe_blnk_sync.postings set due_at = now() where state = 'pending'`;
    await worker.drain();
  }
}

async function pending({ sql }: AccountsStage): Promise<string[]> {
  const rows = await sql<{ destination: string }[]>`
    select destination from stripe_blnk_sync.postings where state = 'pending' order by destination`;
  return rows.map(({ destination }) => destination);
}

async function parkedText({ database }: AccountsStage): Promise<string> {
  const accounts = await readAccounts(database.db);
  const needs = needsOfAccounts({ accounts } as VerdictFacts);
  return needs.find(({ code }) => code === 'balances_parked')?.text ?? '';
}

it('nobody is posted to it, nor to a second balance, and both are named', async () => {
  const { stage, worker, balanceId, made } = await rebuilt();
  expect((await stage.map()).size).toBe(0);
  await payBoth(stage, worker);
  expect(await pending(stage)).toEqual(['@cus_anna', '@cus_bert']);
  expect([(await stage.map()).size, stage.asked('POST /balances')]).toEqual([0, made]);
  const wishes = await stage.sql`select distinct reason, last_error from stripe_blnk_sync.account_balances`;
  expect([...wishes]).toEqual([
    {
      reason: 'used_for_another',
      last_error: `${balanceId} carries the mark of @cus_bert, and payments of @cus_anna were posted to it`,
    },
  ]);
  expect(await parkedText(stage)).toContain('payments of another were posted to it');
  // It goes on as it was when it is interrupted and begun again, and a fault of Blnk decides nothing.
  await rebuild(stage, worker);
  // A refusal of all that is asked has a reason of its own, and does not take the place of this one.
  for (const fault of [{ status: 503 }, { status: 403, body: 'cloud' }] as const) {
    stage.blnk.faults.add({ effect: 'status', ...fault, route: 'POST /balances/filter' });
    await stage.passTime();
    await worker.turn().catch(() => {});
    stage.blnk.faults.clear();
  }
  await goOn(stage, stage.worker());
  expect([(await stage.map()).size, stage.asked('POST /balances')]).toEqual([0, made]);
});

it('once its mark is written back it is used on, and the other customer gets one', async () => {
  const { stage, worker, balanceId, made } = await rebuilt();
  await payBoth(stage, worker);
  await writeMark(stage, balanceId, {});
  await goOn(stage, worker);
  expect([(await stage.map()).get('USD:@cus_anna'), (await pending(stage)).includes('@cus_anna')]).toEqual([
    undefined,
    true,
  ]);
  await writeMark(stage, balanceId, markOf('cus_anna'));
  await goOn(stage, worker);
  const map = await stage.map();
  expect([map.get('USD:@cus_anna'), map.has('USD:@cus_bert')]).toEqual([balanceId, true]);
  expect(map.get('USD:@cus_bert')).not.toBe(balanceId);
  expect([await pending(stage), stage.asked('POST /balances'), await parkedText(stage)]).toEqual([[], made + 1, '']);
});

it('no balance is made for a customer whom only the wrong mark named', async () => {
  const { stage, worker, balanceId, made } = await rebuilt();
  await stage.pay([['cus_anna', 'USD']]);
  await writeMark(stage, balanceId, markOf('cus_anna'));
  await goOn(stage, worker);
  expect([...(await stage.map())]).toEqual([['USD:@cus_anna', balanceId]]);
  expect([await pending(stage), stage.asked('POST /balances')]).toEqual([[], made]);
});

it('a mark that is right all the same is taken once a person says so as status does', async () => {
  const { stage, worker, balanceId } = await rebuilt();
  await payBoth(stage, worker);
  const said = /right all the same: (update .*? = )'<id>'/.exec(await parkedText(stage))?.[1] ?? 'nothing is said';
  await stage.sql.unsafe(`${said}'${balanceId}'`);
  await goOn(stage, worker);
  const map = await stage.map();
  expect([map.get('USD:@cus_bert'), map.has('USD:@cus_anna'), await pending(stage)]).toEqual([balanceId, true, []]);
});
