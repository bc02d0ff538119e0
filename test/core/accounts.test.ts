/** What an identity is, and what is to be done with a customer's balances. */
import { v5 } from 'uuid';
import { describe, expect, it } from 'vitest';
import {
  customerOf,
  detailFieldsOf,
  identityIdOf,
  isMarked,
  MARK_KEY,
  markOf,
  ownIdentityIds,
} from '../../src/core/accounts/identity.js';
import { balanceSteps, type FoundBalance, outcomeOf } from '../../src/core/accounts/link-balances.js';

const OWNER = { mirrorId: 'm1', stripeAccount: 'acct_1', livemode: true };

describe('the id of an identity', () => {
  it('is the same for ever, whatever mirror makes it', () => {
    const id = identityIdOf('cus_1', OWNER, v5);
    // In ledgers: never another one.
    expect(id).toBe('idt_ca41ff2e-3795-5ddd-951c-637e4d0abca8');
    expect(identityIdOf('cus_1', { ...OWNER, mirrorId: 'm2' }, v5)).toBe(id);
  });

  it('differs by customer, mode and account; and by mirror where the account is not known', () => {
    const unknown = { ...OWNER, stripeAccount: null };
    const ids = [
      identityIdOf('cus_1', OWNER, v5),
      identityIdOf('cus_2', OWNER, v5),
      identityIdOf('cus_1', { ...OWNER, livemode: false }, v5),
      identityIdOf('cus_1', { ...OWNER, stripeAccount: 'acct_2' }, v5),
      identityIdOf('cus_1', unknown, v5),
      identityIdOf('cus_1', { ...unknown, mirrorId: 'm2' }, v5),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^idt_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  });
});

it('a mark is ours when it is whole and says nothing else', () => {
  const mark = markOf('cus_1', OWNER);
  expect(mark).toEqual({ mirror: 'm1', role: 'customer', customer: 'cus_1', account: 'acct_1', mode: 'live' });
  expect(isMarked({ crm: 1, [MARK_KEY]: { ...mark } }, mark)).toBe(true);
  for (const found of [null, {}, { [MARK_KEY]: 'x' }, { [MARK_KEY]: { ...mark, more: '1' } }, { [MARK_KEY]: {} }]) {
    expect(isMarked(found, mark)).toBe(false);
  }
});

it('names and addresses are whole, clean and never empty', () => {
  expect(detailFieldsOf({ name: ' Anna\u0000 Ek ', email: 'a@b.c' })).toEqual({
    first_name: 'Anna Ek',
    email_address: 'a@b.c',
  });
  expect(detailFieldsOf({ name: '', email: null })).toEqual({ first_name: '-', email_address: '-' });
  expect(detailFieldsOf(null)).toEqual({ first_name: '-', email_address: '-' });
  expect(detailFieldsOf({ name: 'x'.repeat(5_000), email: null }).first_name).toHaveLength(996);
});

it('customers are what payments are posted to, but guests and the balances of the mirror', () => {
  const mirror = { source: '@stripe', sourceShards: 2, guestDestination: '@guests' };
  const of = (destination: string) => customerOf(destination, mirror);
  expect(['@cus_1', '@stripe_shop'].map(of)).toEqual(['cus_1', 'stripe_shop']);
  expect(['@guests', '@stripe', '@stripe_0', '@stripe_1', '@', 'bln_1'].map(of)).toEqual(Array(6).fill(null));
});

describe('the balances of a customer', () => {
  const mark = markOf('cus_1', OWNER);
  const own = { ids: ['idt_own', 'idt_before'], mark };
  const balance = (currency: string, more: Partial<FoundBalance> = {}): FoundBalance => ({
    ...{ balanceId: `bln_${currency}`, currency, identityId: null, metadata: null },
    ...more,
  });

  it('are linked and marked where they are not, in the currencies that were posted to', () => {
    const done = balance('EUR', { identityId: 'idt_own', metadata: { [MARK_KEY]: mark } });
    const plan = balanceSteps(['USD', 'EUR'], [balance('USD'), done, balance('JPY')], own);
    expect(plan).toEqual({
      steps: [
        { balanceId: 'bln_USD', currency: 'USD', link: true, mark: true },
        { balanceId: 'bln_EUR', currency: 'EUR', link: false, mark: false },
      ],
      ...{ missing: [], foreign: [] },
    });
    expect(outcomeOf(plan)).toEqual({ kind: 'done' });
  });

  it('that are linked to what the same mirror made before it knew the account are linked', () => {
    const plan = balanceSteps(
      ['USD'],
      [balance('USD', { identityId: 'idt_before', metadata: { [MARK_KEY]: mark } })],
      own,
    );
    expect(plan.steps).toEqual([{ balanceId: 'bln_USD', currency: 'USD', link: false, mark: false }]);
    expect(outcomeOf(plan)).toEqual({ kind: 'done' });
    const before = identityIdOf('cus_1', { ...OWNER, stripeAccount: null }, v5);
    expect(ownIdentityIds('cus_1', OWNER, v5)).toEqual([identityIdOf('cus_1', OWNER, v5), before]);
    expect(ownIdentityIds('cus_1', { ...OWNER, stripeAccount: null }, v5)).toEqual([before]);
  });

  it('that Blnk does not show are waited for; those of another identity are left to a person', () => {
    const other = balance('USD', { identityId: 'idt_other' });
    expect(outcomeOf(balanceSteps(['USD', 'EUR'], [balance('USD')], own))).toMatchObject({ kind: 'later' });
    const plan = balanceSteps(['USD', 'EUR'], [other], own);
    expect(plan.steps).toEqual([]);
    expect(outcomeOf(plan)).toEqual({
      kind: 'parked',
      reason: 'linked_elsewhere',
      detail: 'bln_USD (USD) is linked to idt_other',
    });
  });
});
