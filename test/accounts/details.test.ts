/** `BLNK_IDENTITIES=full`: names and e-mail addresses follow Stripe's customers, and what was deleted there is erased in Blnk. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SandboxClock } from '../../sandbox/clock.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { readIdentities } from '../../src/db/reads/identities.js';
import { identityStages } from '../support/stages/identities.js';

const open = identityStages();

const NOW = new Date('2026-06-01T12:00:00Z');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const WITHOUT = 'rk_test_without_customers';

let stripe: StripeSandbox;
let clock: SandboxClock;
beforeAll(async () => {
  clock = SandboxClock.frozen(NOW);
  stripe = await startStripeSandbox({
    clock,
    restrictedKeys: { [WITHOUT]: ['rak_payment_intent_read', 'rak_event_read', 'rak_charge_read'] },
  });
  stripe.changeCustomer('cus_anna', { name: 'Anna Ek', email: 'anna@example.com' });
  stripe.changeCustomer('cus_bert', { name: null, email: 'bert@example.com' });
});
afterAll(() => stripe.close());
beforeEach(() => clock.advance(2 * DAY));

const PAID = [
  { customer: 'cus_anna', currency: 'USD' },
  { customer: 'cus_bert', currency: 'USD' },
  { customer: 'acct_other', currency: 'USD' },
];

async function shown(stage: ReturnType<typeof open>) {
  const rows = [...(await stage.identities())].map(([customer, row]) => [customer, row.first_name, row.email_address]);
  return rows.sort();
}

describe('with names', () => {
  it('each identity has them, they follow changes, and a deleted customer leaves nothing of them', async () => {
    const stage = open();
    await stage.pay(PAID);
    const { turn } = await stage.worker({ mode: 'full', stripe });
    await turn();
    expect(await shown(stage)).toEqual([
      // Stripe has no such customer: nothing is written, and nothing that is there is taken away.
      ['acct_other', '', ''],
      ['cus_anna', 'Anna Ek', 'anna@example.com'],
      ['cus_bert', '-', 'bert@example.com'],
    ]);
    const asked = () => stripe.journal.requests['customers.retrieve'] ?? 0;
    const before = asked();
    await turn();
    expect(asked()).toBe(before);
    clock.advance(20 * MINUTE);
    stripe.changeCustomer('cus_anna', { name: 'Anna Berg' });
    stripe.changeCustomer('cus_bert', 'deleted');
    stripe.changeCustomer('cus_stranger', { name: 'Who never paid' });
    clock.advance(MINUTE);
    await turn();
    expect(asked()).toBe(before + 2);
    expect(await shown(stage)).toEqual([
      ['acct_other', '', ''],
      ['cus_anna', 'Anna Berg', 'anna@example.com'],
      ['cus_bert', '-', '-'],
    ]);
    // The same events are read again, within the lag: whoever was read since is not read anew.
    clock.advance(3 * MINUTE);
    await turn();
    expect(asked()).toBe(before + 2);
    // Longer than Stripe keeps events.
    clock.advance(40 * DAY);
    await turn();
    expect(asked()).toBe(before + 5);
  });

  it('identities are made while Stripe is away, and get their names when it is back', async () => {
    const stage = open();
    await stage.pay(PAID);
    stripe.faults.add({ effect: 'status', status: 503 });
    const { turn } = await stage.worker({ mode: 'full', stripe });
    await expect(turn()).rejects.toMatchObject({ code: 'stripe_unavailable' });
    expect(await readIdentities(stage.database.db)).toMatchObject({ customers: 3, linked: 3 });
    stripe.faults.clear();
    await turn();
    expect((await stage.identities()).get('cus_anna')).toMatchObject({ email_address: 'anna@example.com' });
  });

  it('names come to a mirror that had identities without them', async () => {
    const stage = open();
    await stage.pay(PAID);
    await (await stage.worker()).turn();
    expect((await stage.identities()).get('cus_anna')).toMatchObject({ first_name: '', email_address: '' });
    const made = stage.blnk.requestCount('POST /identities');
    await (await stage.worker({ mode: 'full', stripe })).turn();
    expect((await stage.identities()).get('cus_anna')).toMatchObject({ email_address: 'anna@example.com' });
    expect(stage.blnk.requestCount('POST /identities')).toBe(made);
  });

  it('a key that may not read customers costs the names alone, and they come with another key', async () => {
    const stage = open();
    await stage.pay(PAID);
    const told: string[] = [];
    const events = { permissionLost: ({ error }: { readonly error: string }) => void told.push(error) };
    await (await stage.worker({ mode: 'full', stripe, apiKey: WITHOUT, events })).turn();
    expect((await stage.identities()).get('cus_anna')).toMatchObject({ first_name: '' });
    expect(await readIdentities(stage.database.db)).toMatchObject({ customers: 3, linked: 3 });
    expect((await readIdentities(stage.database.db))?.customersRefusedSince).not.toBeNull();
    expect(told).toEqual([expect.stringContaining('permissions[]=rak_customer_read')]);
    await (await stage.worker({ mode: 'full', stripe })).turn();
    expect((await stage.identities()).get('cus_anna')).toMatchObject({ email_address: 'anna@example.com' });
    expect((await readIdentities(stage.database.db))?.customersRefusedSince).toBeNull();
  });

  it('nothing of a name is stored here', async () => {
    const stage = open();
    await stage.pay(PAID);
    stage.blnk.faults.add({ effect: 'status', status: 400, route: 'PUT /identities/:id', contains: 'first_name' });
    await (await stage.worker({ mode: 'full', stripe })).turn();
    const rows = await stage.sql`select identities::text as row from stripe_blnk_sync.identities`;
    expect(rows.map(({ row }) => String(row)).join('\n')).not.toMatch(/Anna|example\.com/);
    expect(rows.map(({ row }) => String(row)).join('\n')).toContain('refused_by_blnk');
  });
});
