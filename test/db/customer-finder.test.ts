/** Customers out of the postings: page by page and none left out; and what becomes known of one during a turn is not lost. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CustomerFinder } from '../../src/accounts/find-customers.js';
import { beginWalkWhenDue, createCustomerFinder, noteIdentitiesMode } from '../../src/db/accounts/customer-finder.js';
import { createIdentityStore } from '../../src/db/accounts/identity-store.js';
import { countWithoutIdentity, knownCustomers, readIdentities } from '../../src/db/reads/identities.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { insertPosting } from '../support/reads-database.js';

const RUN = '0193a001-0000-7000-8000-000000000001';

let database: OwnDatabase;
let finder: CustomerFinder;
beforeAll(async () => {
  database = await openMigratedDatabase();
  const identityIdOf = (customer: string) => `idt_${customer}`;
  finder = createCustomerFinder(database.sql, { identityIdOf, withDetails: false });
});
afterAll(() => database.remove());
beforeEach(async () => {
  for (const table of ['identities', 'identity_balances', 'identity_progress', 'postings']) {
    await database.sql`delete from ${database.sql(`stripe_blnk_sync.${table}`)}`;
  }
});

async function post(destinations: readonly string[], state: 'posted' | 'pending' = 'posted'): Promise<void> {
  for (const [at, destination] of destinations.entries()) {
    const reference = `pi_${state}_${destination}_${at}`;
    const currency = at % 2 === 0 ? 'USD' : 'EUR';
    await insertPosting(database.db, { reference, firstRun: RUN, destination, currency, state });
  }
}

describe('a walk', () => {
  it('shows every balance that was posted to once with its currencies, in pages, and leaves out those that it is told', async () => {
    const names = Array.from({ length: 25 }, (_, at) => `@cus_${String(at).padStart(2, '0')}`);
    await post([...names, ...names.slice(0, 3), '@guests', '@guests']);
    await post(['@cus_pending'], 'pending');
    const pages: string[][] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page = await finder.nextPostedTo(after, 10, ['@guests']);
      pages.push(page.found.map(({ destination, currency }) => `${destination} ${currency}`));
      after = page.end;
    }
    expect(pages.map((page) => page.length)).toEqual([13, 10, 5]);
    expect(pages.flat().slice(0, 4)).toEqual(['@cus_00 EUR', '@cus_00 USD', '@cus_01 EUR', '@cus_01 USD']);
    expect(new Set(pages.flat()).size).toBe(28);
  });

  it('begins with the mode, goes on where it was, and begins again a day after it was over', async () => {
    const walkedTo = () => finder.walkedTo();
    await noteIdentitiesMode(database.sql, 'off');
    expect([await walkedTo(), await readIdentities(database.db)]).toEqual([null, null]);
    await noteIdentitiesMode(database.sql, 'ids');
    expect(await walkedTo()).toBe('');
    await finder.noteWalk('@cus_07');
    await noteIdentitiesMode(database.sql, 'ids');
    expect(await walkedTo()).toBe('@cus_07');
    await noteIdentitiesMode(database.sql, 'full');
    expect(await walkedTo()).toBe('');
    await finder.noteWalk(null);
    await beginWalkWhenDue(database.sql, 60_000);
    expect(await walkedTo()).toBeNull();
    await database.sql`update stripe_blnk_sync.identity_progress set walked_at = now() - interval '2 minutes'`;
    await beginWalkWhenDue(database.sql, 60_000);
    expect(await walkedTo()).toBe('');
  });
});

describe('a claim', () => {
  const store = () => createIdentityStore(database.sql);
  const claim = async (leaseMs = 60_000) => (await store().claim({ limit: 10, leaseMs }))[0];

  it('ends nothing once a new currency became known, or another worker has taken over', async () => {
    await noteIdentitiesMode(database.sql, 'ids');
    await finder.want([{ customer: 'cus_1', currency: 'USD' }]);
    const first = await claim();
    if (first === undefined) throw new Error('nothing is due');
    expect(await claim()).toBeUndefined();
    await store().noteCreated('cus_1', true);
    await store().noteLinked('cus_1', { currency: 'USD', balanceId: 'bln_1' });
    await finder.want([{ customer: 'cus_1', currency: 'EUR' }]);
    await store().end(first, { kind: 'done' });
    const second = await claim();
    expect(second).toMatchObject({ unlinked: ['EUR'], isCreated: true });
    if (second === undefined) throw new Error('it was lost');
    await store().noteLinked('cus_1', { currency: 'EUR', balanceId: 'bln_2' });
    await store().end(second, { kind: 'done' });
    expect(await readIdentities(database.db)).toMatchObject({ customers: 1, linked: 1 });
    expect(await claim()).toBeUndefined();
  });

  it('that is given back is due at once, and one that ran out is anybody’s', async () => {
    await finder.want([{ customer: 'cus_1', currency: 'USD' }]);
    const first = await claim();
    if (first === undefined) throw new Error('nothing is due');
    await store().release([first]);
    const late = await claim(-1);
    if (late === undefined) throw new Error('it was not given back');
    const other = await claim();
    expect(other).toMatchObject({ customer: 'cus_1' });
    await store().end(late, { kind: 'later', error: 'x', dueInMs: 0 });
    await store().noteDetails(late, new Date());
    const [row] = await database.sql`select attempts, details_as_of from stripe_blnk_sync.identities`;
    expect(row).toEqual({ attempts: 0, details_as_of: null });
  });
});

it('a dry run counts customers without identity, and knows those who were posted to', async () => {
  await post(['@cus_1', '@cus_1', '@cus_2', '@guests']);
  await finder.want([{ customer: 'cus_1', currency: 'USD' }]);
  expect(await countWithoutIdentity(database.sql, ['@guests'])).toBe(2);
  await createIdentityStore(database.sql).noteCreated('cus_1', true);
  expect(await countWithoutIdentity(database.sql, ['@guests'])).toBe(1);
  expect([...(await knownCustomers(database.sql, ['@cus_1', '@cus_3']))]).toEqual(['@cus_1']);
});
