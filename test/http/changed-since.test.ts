/** What a person confirms on a page is what was shown there: what changed since is not done, and shown again. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

let database: ReadsDatabase;
let http: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
});
beforeEach(async () => {
  http = await startHttp(database);
});
afterEach(() => http.close());
afterAll(() => database.drop());

async function send(path: string, fields: Readonly<Record<string, string>>): Promise<string> {
  const answer = await fetch(http.url + path, {
    ...{ method: 'POST', body: new URLSearchParams(fields), headers: { accept: 'text/html' } },
  });
  return answer.text();
}

/** The hidden fields of the form that repeats what is about to be done. */
async function confirmed(fields: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const page = await send('/parked/confirm', fields);
  const hidden = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
}

async function api(path: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${http.url}/api/v1${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  expect(answer.ok).toBe(true);
}

async function park(reference: string, reason: 'conflict' | 'burnt_reference'): Promise<void> {
  const firstRun = await insertRun(database.db);
  await insertPosting(database.db, { reference, firstRun, state: 'parked', reason, currency: 'USD', amount: 100n });
}

async function stateOf(reference: string): Promise<string> {
  const answer = await fetch(`${http.url}/api/v1/payments/${reference}`);
  return ((await answer.json()) as { state: string }).state;
}

describe('a decision that was confirmed', () => {
  it('does not take back a dismissal that was made since', async () => {
    await park('pi_a', 'conflict');
    const form = await confirmed({ what: 'retry', reference: 'pi_a' });
    await api('/parked/dismiss', { references: ['pi_a'], why: 'refunded outside', by: 'Bob' });
    expect(await send('/parked/retry', form)).toContain('Nothing was done');
    expect(await stateOf('pi_a')).toBe('dismissed');
  });

  it('of all of a reason does not leave out one that took the place of another', async () => {
    for (const reference of ['pi_b1', 'pi_b2']) await park(reference, 'burnt_reference');
    const form = await confirmed({ what: 'dismiss', reason: 'burnt_reference' });
    await api('/parked/dismiss', { references: ['pi_b1'], why: 'written off', by: 'Bob' });
    await park('pi_b3', 'burnt_reference');
    const signed = { ...form, why: 'written off', by: 'Ann' };
    expect(await send('/parked/dismiss', signed)).toContain('Nothing was done');
    expect([await stateOf('pi_b2'), await stateOf('pi_b3')]).toEqual(['parked', 'parked']);
  });

  it('is done while all of it stands as it was shown', async () => {
    await park('pi_c', 'conflict');
    const form = await confirmed({ what: 'dismiss', reference: 'pi_c' });
    await send('/parked/dismiss', { ...form, why: 'written off', by: 'Ann' });
    expect(await stateOf('pi_c')).toBe('dismissed');
  });
});

describe('what came of a decision', () => {
  const headingOf = (page: string) => /<h1>(.*?)<\/h1>/.exec(page)?.[1];

  it('is told as it is: what is pending again will be posted, and is not yet', async () => {
    for (const reference of ['pi_d1', 'pi_d2', 'pi_d3']) await park(reference, 'conflict');
    const one = await confirmed({ what: 'retry', reference: 'pi_d1' });
    expect(headingOf(await send('/parked/retry', one))).toBe('1 payment will be posted again');
    const left = await confirmed({ what: 'dismiss', reference: 'pi_d2' });
    const signed = { ...left, why: 'written off', by: 'Ann' };
    expect(headingOf(await send('/parked/dismiss', signed))).toBe('1 payment stays out of the ledger');
  });

  it('is nothing where nothing was changed', async () => {
    await park('pi_e', 'conflict');
    await api('/parked/dismiss', { references: ['pi_e'], why: 'written off', by: 'Bob' });
    const form = await confirmed({ what: 'dismiss', reference: 'pi_e' });
    const page = await send('/parked/dismiss', { ...form, why: 'written off', by: 'Ann' });
    expect(headingOf(page)).toBe('Nothing was changed');
    expect(page).toContain('pi_e was dismissed before.');
  });

  it('of more of a reason than one request decides leads to the next, until none is left', async () => {
    const { db, sql } = database;
    await sql`delete from stripe_blnk_sync.postings`;
    const firstRun = await insertRun(db);
    await insertPosting(db, { reference: 'pi_many', firstRun, state: 'parked', reason: 'conflict' });
    // The same row 2,000 times more, each under a reference of its own.
    await sql.unsafe(`
      do $$ declare many stripe_blnk_sync.postings; begin
        select * into many from stripe_blnk_sync.postings where reference = 'pi_many';
        for index in 1..1000 loop
          many.reference := 'pi_many_' || index;
          many.object_id := many.reference;
          insert into stripe_blnk_sync.postings select many.*;
        end loop;
      end $$`);
    const signed = { why: 'written off', by: 'Ann' };
    const first = await confirmed({ what: 'dismiss', reason: 'conflict' });
    const page = await send('/parked/dismiss', { ...first, ...signed });
    expect(headingOf(page)).toBe('1,000 payments stay out of the ledger');
    expect(page).toContain('1 is parked as conflict still.');
    const after = /name="after" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const last = await confirmed({ what: 'dismiss', reason: 'conflict', after });
    const ended = await send('/parked/dismiss', { ...last, ...signed });
    expect(headingOf(ended)).toBe('1 payment stays out of the ledger');
    expect(ended).not.toContain('still.');
  });
});

describe('text that no database keeps is refused, and never told as a fault of ours', () => {
  const nul = '%00';
  it.each([
    ...[`/payments/${nul}`, `/payments?q=${nul}`, `/parked?after=${nul}`, `/actions?about=${nul}`, `/runs/${nul}abcd`],
    ...['/days/0000-01-01', '/payments?to=9999-12-31', '/runs?from=0000-01-01', '/runs?to=9999-12-31'],
    ...['/api/v1/days/0000-01-01', '/api/v1/payments?to=9999-12-31', `/api/v1/actions?subject=${nul}`],
    ...['2026-02-30 USD', '0000-01-01 USD'].map(
      (place) => `/api/v1/days?cursor=${Buffer.from(`days ${place}`).toString('base64url')}`,
    ),
  ])('reading %s', async (path) => {
    const { status } = await fetch(http.url + path, { redirect: 'manual' });
    expect([status < 500, http.faults]).toEqual([true, []]);
  });

  it.each([
    ['/parked/dismiss', { references: ['pi_x'], why: 'a\u0000b', by: 'Ann' }],
    ['/parked/dismiss', { references: ['pi_x'], why: 'ab', by: 'An\u0000n' }],
    ['/days/2026-11-21/accept', { payment: 'pi\ud800', why: 'ab', by: 'Ann' }],
    ['/days/prove', { from: '0000-01-01', to: '9999-12-31' }],
  ])('changing over %s', async (path, body) => {
    const { status } = await fetch(`${http.url}/api/v1${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    });
    expect([status >= 400 && status < 500, http.faults]).toEqual([true, []]);
  });

  it('in a form', async () => {
    expect(await send('/parked/confirm', { what: 'retry', reference: 'a\u0000b' })).toContain('cannot be kept');
  });
});
