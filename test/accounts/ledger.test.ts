/** A ledger of the mirror's own: one balance for each customer and currency in use, whatever is lost, repeated or shown late. */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/blnk/faults.js';
import type { BalanceStore, LedgerStore } from '../../src/accounts/balance-ports.js';
import { createStoredMap } from '../../src/db/accounts/balance-map.js';
import { createBalanceStore } from '../../src/db/accounts/balance-store.js';
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
  const beside = shown.filter(
    ({ balance_id: id, ledger_id: ledger }) => ledger !== 'general_ledger_id' && !used.has(id),
  );
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
    expect(stage.asked('POST /transactions')).toBe(0);
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    expect(await expectSound(stage)).toEqual({ surplus: 0 });
    const [ledger] = await stage.inBlnk('ledgers');
    expect(ledger).toMatchObject({
      name: 'Shop',
      meta_data: { stripe_blnk_sync: { mirror: LEDGER_MIRROR.mirrorId, role: 'ledger' } },
    });
    expect(await worker.check()).toContainEqual({
      currency: 'USD',
      customers: '3000',
      before: '3000',
      after: '3000',
      surplus: '0',
    });
    const made = stage.asked('POST /balances');
    await stage.worker({ style }).turn();
    expect([stage.asked('POST /balances'), stage.asked('POST /ledgers')]).toEqual([made, 1]);
  });
});

const MAKING = ['POST /ledgers', 'POST /balances'] as const;

describe('never two in use', () => {
  const FAULTS: ReadonlyArray<readonly [string, Fault, number]> = [
    ...MAKING.flatMap(
      (route): Array<readonly [string, Fault, number]> => [
        [`answers to ${route} are lost`, { effect: 'answer_lost', route, times: 2 }, 2],
        [`${route} never arrives`, { effect: 'reset', route, times: 2 }, 0],
        [
          `${route} is done, and answered with a page of a proxy`,
          { effect: 'status', status: 504, body: 'html', applied: true, route, times: 2 },
          2,
        ],
      ],
    ),
    ['the proxy repeats every request', { effect: 'repeated', api: 'core' }, 9],
    ['Blnk refuses some', { effect: 'status', status: 400, body: 'core', route: 'POST /balances', times: 2 }, 0],
    ['Blnk asks to wait', { effect: 'status', status: 429, route: 'POST /balances', times: 3 }, 0],
  ];

  it.each(FAULTS)('when %s', async (_name, fault, surplusMax) => {
    const stage = await open();
    await stage.pay(PAID);
    stage.blnk.faults.add(fault);
    const { turn, drain } = stage.worker();
    await stage.untilMapped(turn);
    stage.blnk.faults.clear();
    await stage.untilPosted(drain);
    const { surplus } = await expectSound(stage);
    expect(surplus).toBeLessThanOrEqual(surplusMax);
  });

  it.each(['core', 'cloud'] as const)(
    'when a replica lags (%s): what it does not show is looked for, and not made again at once',
    async (style) => {
      const stage = await open();
      await stage.pay(PAID);
      const lag = stage.blnk.faults.add({ effect: 'stale_reads', api: style });
      const { turn, drain } = stage.worker({ style, timings: { againAfterMs: 3_600_000 } });
      for (let turns = 0; turns < 3; turns += 1) {
        await turn();
        await stage.passTime();
      }
      expect([stage.asked('POST /ledgers'), stage.asked('POST /balances')]).toEqual([1, 0]);
      lag.remove();
      await turn();
      const behind = stage.blnk.faults.add({ effect: 'stale_reads', api: style });
      await stage.pay([['cus_late', 'USD']]);
      for (let turns = 0; turns < 3; turns += 1) {
        await turn();
        await stage.passTime();
      }
      behind.remove();
      await stage.untilMapped(turn);
      await stage.untilPosted(drain);
      expect(await expectSound(stage, [...PAIRS, 'USD:@cus_late'].sort())).toEqual({ surplus: 0 });
    },
  );

  it('when what was made is shown only after it was made again: the oldest that was seen first stays in use', async () => {
    const stage = await open();
    await stage.pay(PAID);
    const worker = stage.worker();
    await worker.turn();
    await stage.pay([['cus_late', 'USD']]);
    const lag = stage.blnk.faults.add({ effect: 'stale_reads', api: 'core' });
    for (let turns = 0; turns < 4; turns += 1) {
      await worker.turn();
      await stage.passTime();
    }
    lag.remove();
    await stage.untilMapped(worker.turn);
    await stage.untilPosted(worker.drain);
    const { surplus } = await expectSound(stage, [...PAIRS, 'USD:@cus_late'].sort());
    expect(surplus).toBeGreaterThan(0);
    const shown = await stage.inBlnk('balances');
    const ofLate = shown.filter(({ meta_data: data }) => JSON.stringify(data).includes('cus_late'));
    const oldest = ofLate.sort((a, b) => (comparable(a.created_at) < comparable(b.created_at) ? -1 : 1))[0];
    expect((await stage.map()).get('USD:@cus_late')).toBe(oldest?.balance_id);
  });

  it.each([
    ['with money on it', 1_000n],
    ['that was spent to nothing', 0n],
  ])('when the database was lost: one %s was in use, though an older one had been shown later', async (_, amount) => {
    const { sql } = (await open()).database;
    const store = createBalanceStore(sql, LEDGER_MIRROR);
    const seen = (balanceId: string, minute: number, hasMoved: boolean) => ({
      ...{ balanceId, currency: 'USD', name: '@cus_anna', amount: hasMoved ? amount : 0n, hasMoved },
      createdAt: new Date(Date.UTC(2026, 10, 1, 12, minute)).toISOString(),
    });
    await store.noteSeen([seen('bln_oldest', 1, false), seen('bln_used', 2, true), seen('bln_later', 3, false)]);
    expect(await store.fillMap(null)).toEqual([{ name: '@cus_anna', currency: 'USD' }]);
    expect((await createStoredMap(sql).idsOf('USD', ['@cus_anna'])).get('@cus_anna')).toBe('bln_used');
  });

  it('by two workers that start at once on an empty ledger', async () => {
    const stage = await open();
    const many = Array.from({ length: 60 }, (_, at): PaidBy => [`cus_${at}`, at % 2 === 0 ? 'USD' : 'EUR']);
    await stage.pay(many);
    // Leases that are over at once: both take the same balances.
    const workers = [stage.worker({ timings: { leaseMs: 400 } }), stage.worker({ timings: { leaseMs: 400 } })];
    await stage.untilMapped(() => Promise.all(workers.map(({ turn }) => turn())));
    await Promise.all(workers.map(({ drain }) => stage.untilPosted(drain)));
    await expectSound(stage, many.map(([customer, currency]) => `${currency}:@${customer}`).sort());
    expect(await stage.inBlnk('ledgers')).toHaveLength(1);
  });
});

describe('a worker that is killed', () => {
  const STEPS = ['noteAttempt', 'use', 'noteReadTo', 'noteAttempts', 'noteSeen', 'fillMap', 'putOff'] as const;

  it.each(STEPS.flatMap((step) => [[step, 'before'] as const, [step, 'after'] as const]))(
    'at %s, %s it, leaves one ledger and one balance each in use',
    async (dyingAt, when) => {
      const stage = await open();
      await stage.pay(PAID);
      let killed = false;
      const dying = <Store extends object>(store: Store): Store =>
        Object.fromEntries(
          Object.entries(store).map(([name, write]: [string, (...given: unknown[]) => Promise<unknown>]) => [
            name,
            async (...given: unknown[]) => {
              if (killed) throw new Error('killed');
              if (name !== dyingAt) return write(...given);
              killed = true;
              if (when === 'after') await write(...given);
              throw new Error('killed');
            },
          ]),
        ) as Store;
      const decorate = decorateWith({
        ledgerStore: (store: LedgerStore) => dying(store),
        balanceStore: (store: BalanceStore) => dying(store),
      });
      if (dyingAt === 'putOff') stage.blnk.faults.add({ effect: 'answer_lost', route: 'POST /balances', times: 1 });
      await stage
        .worker({ decorate })
        .turn()
        .catch(() => {});
      const { turn, drain } = stage.worker();
      await stage.untilMapped(turn);
      await stage.untilPosted(drain);
      await expectSound(stage);
      expect(await stage.inBlnk('ledgers')).toHaveLength(1);
    },
  );
});

/** Go leaves out the last zeros of a second's fraction: `….12Z` is earlier than `….123Z`. */
function comparable(time: unknown): string {
  const [seconds = '', fraction = ''] = String(time).replace('Z', '').split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}
