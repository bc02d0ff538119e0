/** Identities of customers in Blnk: made once, linked to every balance, whatever is lost on the way; and never in the way of others. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import type { IdentityStore } from '../../src/accounts/identity-ports.js';
import { SyncError } from '../../src/core/base/errors.js';
import { readIdentities } from '../../src/db/reads/identities.js';
import { asCore } from '../blnk-contract/sandbox-client.js';
import { decorateWith } from '../support/context.js';
import { until } from '../support/process/wait.js';
import { identityStages, MIRROR, markOn, type Paid } from '../support/stages/identities.js';

const open = identityStages();

const PAID: readonly Paid[] = [
  { customer: 'cus_anna', currency: 'USD' },
  { customer: 'cus_anna', currency: 'EUR' },
  { customer: 'cus_anna', currency: 'USD' },
  { customer: 'cus_bert', currency: 'EUR' },
  { customer: 'cus_carl', currency: 'JPY' },
];
const GUEST: Paid = { customer: 'stripe_guests', currency: 'USD' };

/** What has to be so in the end, however it came about. */
async function expectLinked(stage: ReturnType<typeof open>, paid: readonly Paid[] = PAID): Promise<void> {
  const identities = await stage.identities();
  expect([...identities.keys()].sort()).toEqual([...new Set(paid.map(({ customer }) => customer))].sort());
  for (const { customer, currency } of paid) {
    const balance = await stage.balance(customer, currency);
    expect([customer, currency, balance.identity_id]).toEqual([
      customer,
      currency,
      identities.get(customer)?.identity_id,
    ]);
    expect(markOn(balance)).toEqual(markOn(identities.get(customer) ?? {}));
  }
}

describe.each(['cloud', 'core'] as const)('in %s style', (style) => {
  it('every customer that was posted to gets one identity, linked to its balances in each currency, and guests get none', async () => {
    const stage = open();
    await stage.pay([...PAID, GUEST]);
    const { turn } = await stage.worker({ style });
    await turn();
    await expectLinked(stage);
    const [anna] = [...(await stage.identities()).values()].filter((row) => row.other_names === 'cus_anna');
    expect(anna).toMatchObject({
      identity_type: 'individual',
      category: 'stripe_customer',
      first_name: '',
      email_address: '',
      meta_data: {
        stripe_blnk_sync: {
          ...{ mirror: MIRROR.mirrorId, role: 'customer', customer: 'cus_anna', account: 'acct_1', mode: 'test' },
        },
      },
    });
    expect((await stage.balance('stripe_guests', 'USD')).identity_id).toBe('');
    const written = stage.writes();
    const again = await stage.worker({ style });
    await again.turn();
    expect(stage.writes()).toBe(written);
  });
});

describe('nothing is made twice', () => {
  it.each(['POST /identities', 'PUT /balances/:id/identity', 'POST /:id/metadata'])(
    'when answers to %s are lost',
    async (route) => {
      const stage = open();
      await stage.pay(PAID);
      stage.blnk.faults.add({ effect: 'answer_lost', route, times: 3 });
      const { turn } = await stage.worker();
      await stage.untilLinked(turn);
      await expectLinked(stage);
    },
  );

  it('when the proxy sends every request twice', async () => {
    const stage = open();
    await stage.pay(PAID);
    stage.blnk.faults.add({ effect: 'repeated', api: 'proxy' });
    const { turn } = await stage.worker();
    await stage.untilLinked(turn);
    await expectLinked(stage);
  });

  it('when a worker is killed before, or after, any of its steps', async () => {
    const stage = open();
    const both = PAID.filter(({ customer }) => customer === 'cus_anna');
    // Before and after each: made, two links, the end.
    const KILLS = 8;
    let kills = 0;
    // A round in which a balance was looked up before it was there has fewer steps, and is played again.
    for (let rounds = 0; kills < KILLS && rounds < 5 * KILLS; rounds += 1) {
      await stage.empty();
      await stage.pay(both);
      const [last, isBefore] = [Math.floor(kills / 2) + 1, kills % 2 === 0];
      let steps = 0;
      const step = async (write: () => Promise<void>): Promise<void> => {
        steps += 1;
        if (steps < last || (steps === last && !isBefore)) await write();
        if (steps >= last) throw new Error('killed');
      };
      const dying = (store: IdentityStore): IdentityStore => ({
        ...store,
        noteCreated: (...given) => step(() => store.noteCreated(...given)),
        noteLinked: (...given) => step(() => store.noteLinked(...given)),
        end: (...given) => step(() => store.end(...given)),
        // A process that is killed gives nothing back.
        release: async () => {},
      });
      const first = await stage.worker({ leaseMs: 1, decorate: decorateWith({ identityStore: dying }) });
      const killed = await first.turn().then(
        () => false,
        () => true,
      );
      await stage.untilLinked((await stage.worker()).turn);
      await expectLinked(stage, both);
      if (killed) kills += 1;
    }
    expect(kills).toBe(KILLS);
  });

  it('by two workers at once', async () => {
    const stage = open();
    const many = Array.from({ length: 60 }, (_, at) => ({ customer: `cus_${at}`, currency: at % 2 ? 'USD' : 'EUR' }));
    await stage.pay(many);
    // Leases that are over at once: both take the same customers.
    const workers = await Promise.all([stage.worker({ leaseMs: 1 }), stage.worker({ leaseMs: 1 })]);
    await Promise.all(workers.map(({ turn }) => turn()));
    await stage.untilLinked(async () => Promise.all(workers.map(({ turn }) => turn())));
    await expectLinked(stage, many);
  });

  it('by a mirror whose database was lost, or by another mirror of the same account', async () => {
    const stage = open();
    await stage.pay(PAID);
    await (await stage.worker()).turn();
    const before = await stage.identities();
    for (const table of ['identities', 'identity_balances', 'identity_progress']) {
      await stage.sql`delete from ${stage.sql(`stripe_blnk_sync.${table}`)}`;
    }
    const linked = stage.blnk.requestCount('PUT /balances/:id/identity');
    await (await stage.worker()).turn();
    expect([...(await stage.identities()).values()]).toEqual([...before.values()]);
    expect(stage.blnk.requestCount('PUT /balances/:id/identity')).toBe(linked);
    await expectLinked(stage);
  });
});

describe('what comes later', () => {
  it('a customer that is posted to in a new currency has that balance linked as well', async () => {
    const stage = open();
    await stage.pay(PAID);
    const { posted, turn } = await stage.worker();
    await turn();
    const more: Paid = { customer: 'cus_bert', currency: 'USD' };
    const made = stage.blnk.requestCount('POST /identities');
    // The walk is over: only what was posted here is looked at.
    posted.add(await stage.pay([more]));
    await turn();
    await expectLinked(stage, [...PAID, more]);
    expect(stage.blnk.requestCount('POST /identities')).toBe(made);
  });

  it('a balance that a lagging replica does not show yet is linked once it does', async () => {
    const stage = open();
    const [late] = [{ customer: 'cus_late', currency: 'USD' }];
    await stage.pay([late], { isInLedger: false });
    const { turn } = await stage.worker();
    await turn();
    const [waiting] = await stage.sql`select is_linked, last_error from stripe_blnk_sync.identities`;
    expect(waiting).toEqual({ is_linked: false, last_error: 'Blnk shows no balance in USD yet' });
    await stage.pay([late]);
    await stage.untilLinked(turn);
    await expectLinked(stage, [late]);
  });

  it('an identity that somebody took away is made again before its balance is linked', async () => {
    const stage = open();
    await stage.pay([{ customer: 'cus_anna', currency: 'USD' }]);
    const { posted, turn } = await stage.worker();
    await turn();
    stage.blnk.wipe();
    posted.add(await stage.pay([{ customer: 'cus_anna', currency: 'EUR' }]));
    await stage.untilLinked(turn);
    await expectLinked(stage, [{ customer: 'cus_anna', currency: 'EUR' }]);
  });
});

describe('what belongs to others', () => {
  it('a balance that is linked to another identity stays so, is told, and keeps nobody else from getting on', async () => {
    const stage = open();
    await stage.pay(PAID);
    const other = await asCore(stage.blnk, {
      path: '/identities',
      body: { identity_type: 'individual', first_name: 'Ann' },
    });
    const theirs = (other.body as { identity_id: string }).identity_id;
    const { balance_id: balanceId } = await stage.balance('cus_anna', 'USD');
    const path = `/balances/${String(balanceId)}/identity`;
    await asCore(stage.blnk, { method: 'PUT', path, body: { identity_id: theirs } });
    const told: object[] = [];
    const { turn } = await stage.worker({ events: { identityParked: (parked) => void told.push(parked) } });
    await turn();
    expect((await stage.balance('cus_anna', 'USD')).identity_id).toBe(theirs);
    expect(markOn(await stage.balance('cus_anna', 'USD'))).toBeUndefined();
    const ours = (await stage.identities()).get('cus_anna')?.identity_id;
    expect((await stage.balance('cus_anna', 'EUR')).identity_id).toBe(ours);
    expect((await stage.balance('cus_carl', 'JPY')).identity_id).not.toBe('');
    expect(told).toEqual([{ reason: 'linked_elsewhere', error: `${String(balanceId)} (USD) is linked to ${theirs}` }]);
    const rows = await stage.sql`
      select customer, reason, due_at > now() + interval '23 hours' as "isLate" from stripe_blnk_sync.identities
      where not is_linked`;
    expect([...rows]).toEqual([{ customer: 'cus_anna', reason: 'linked_elsewhere', isLate: true }]);
    // Mended by a person: the look of the next day finds it.
    await asCore(stage.blnk, { method: 'PUT', path, body: { identity_id: ours } });
    await stage.untilLinked(turn);
    expect([...(await stage.sql`select reason from stripe_blnk_sync.identities where reason is not null`)]).toEqual([]);
  });

  it('metadata beside our key stays as it is', async () => {
    const stage = open();
    await stage.pay(PAID);
    const { balance_id: balanceId } = await stage.balance('cus_anna', 'USD');
    const path = `/${String(balanceId)}/metadata`;
    const body = { meta_data: { crm: { id: 7 }, stripe_blnk_sync: { mirror: 'of before', extra: 'x' } } };
    await asCore(stage.blnk, { path, body });
    await (await stage.worker()).turn();
    expect((await stage.balance('cus_anna', 'USD')).meta_data).toMatchObject({ crm: { id: 7 } });
    await expectLinked(stage);
  });
});

it('on a Core that ignores ids of ours none is made, and status says why', async () => {
  const stage = open();
  await stage.pay(PAID);
  const old = await startBlnkSandbox({ coreVersion: '0.13.4' });
  onTestFinished(() => old.close());
  const { turn } = await stage.worker({ style: 'core', blnk: old });
  const isDue = async () =>
    (await stage.database.sql`select 1 from stripe_blnk_sync.identities where due_at > now()`).count === 0;
  for (let turns = 0; turns < 9; turns += 1) {
    await until('no customer waits any more', isDue);
    await expect(turn()).rejects.toMatchObject({ code: 'blnk_core_too_old' });
  }
  expect(old.requestCount('POST /identities')).toBe(0);
  expect(await readIdentities(stage.database.db)).toMatchObject({
    failing: { error: expect.stringContaining('too old for BLNK_IDENTITIES') },
  });
});

describe('while something is away', () => {
  it('what Blnk does not take is tried again, and nothing is asked of a ledger that is in doubt', async () => {
    const stage = open();
    await stage.pay(PAID);
    const doubt = new SyncError('not the same', { kind: 'transient', code: 'ledger_in_doubt' });
    const doubtful = await stage.worker({ confirmLedger: () => Promise.reject(doubt) });
    const asked = stage.blnk.requests.length;
    await expect(doubtful.turn()).rejects.toBe(doubt);
    expect(stage.blnk.requests.length).toBe(asked);
    stage.blnk.faults.add({ effect: 'status', status: 503, body: 'html', route: 'POST /identities' });
    const { turn } = await stage.worker();
    await expect(turn()).rejects.toMatchObject({ code: 'blnk_unavailable' });
    stage.blnk.faults.clear();
    await stage.untilLinked(turn);
    await expectLinked(stage);
  });

  it('a customer that alone cannot be made does not keep the others from getting on', async () => {
    const stage = open();
    await stage.pay(PAID);
    stage.blnk.faults.add({ effect: 'status', status: 500, route: 'POST /identities', contains: 'cus_anna' });
    stage.blnk.faults.add({ effect: 'status', status: 400, route: 'POST /identities', contains: 'cus_bert' });
    const { turn } = await stage.worker();
    await turn();
    const rows = await stage.sql`
      select customer, reason, attempts > 0 as "isTriedAgain" from stripe_blnk_sync.identities
      where not is_linked order by customer`;
    expect([...rows]).toEqual([
      { customer: 'cus_anna', reason: null, isTriedAgain: true },
      { customer: 'cus_bert', reason: 'refused_by_blnk', isTriedAgain: false },
    ]);
    expect((await stage.balance('cus_carl', 'JPY')).identity_id).not.toBe('');
  });

  it('a worker that stops begins nothing more, and leaves what it had in hand to others at once', async () => {
    const stage = open();
    await stage.pay(Array.from({ length: 30 }, (_, at) => ({ customer: `cus_${at}`, currency: 'USD' })));
    const stopping = new AbortController();
    const stopped = (store: IdentityStore): IdentityStore => ({
      ...store,
      async end(...given) {
        await store.end(...given);
        stopping.abort();
      },
    });
    const { turn } = await stage.worker({
      signal: stopping.signal,
      decorate: decorateWith({ identityStore: stopped }),
    });
    await turn();
    expect((await stage.identities()).size).toBeLessThan(10);
    const [left] = await stage.sql`
      select count(*)::int as due from stripe_blnk_sync.identities where not is_linked and due_at <= now()`;
    expect(left?.due).toBeGreaterThan(20);
  });
});
