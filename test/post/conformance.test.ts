/**
 * What every ledger promises to those who post, and of look-ups to those who prove, held to on each server that stands in for Blnk, and
 * as far as look-ups go on the rows in memory that other tests judge by. What the wire may do to an answer is in
 * `test/blnk/adapter.test.ts`, and what no real ledger answers in `test/blnk/look-ups.test.ts`.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { RowFinder } from '../../src/core/ledger/find-forms.js';
import type { LedgerRow } from '../../src/core/ledger/row.js';
import type { PreparedTransaction } from '../../src/core/posting/posting.js';
import { LEDGER_KINDS, ledgerPlaces, MIRROR_ID, type OpenPlace, postAll } from '../support/ledger-places.js';
import { rowsInMemory } from '../support/rows-in-memory.js';

const { openPlace, transactions: allTransactions } = ledgerPlaces();

const referencesOf = (rows: readonly { readonly reference: string }[]) => rows.map(({ reference }) => reference).sort();
const bodiesOf = (transactions: readonly PreparedTransaction[]) => transactions.map(({ body }) => body);

describe.each(LEDGER_KINDS)('posting to $name', (kind) => {
  const { place, connect, take, takeOne } = openPlace(kind);

  it('answers an applied post with the row that a look-up finds, exactly as it was prepared', async () => {
    const ledger = connect();
    const { body, reference, amount, currency, source, destination, effectiveDate } = takeOne();
    const answer = await ledger.post(body);
    const balances = await ledger.findBalances({ indicators: [source, destination], currency });
    const row = {
      ...{ transactionId: expect.stringMatching(/^txn_/), reference, status: 'APPLIED', amount, currency },
      ...{ source: balances.get(source), destination: balances.get(destination), effectiveDate },
      ...{ mirrorId: MIRROR_ID, rejectionReason: null, parentId: null },
    };
    expect(balances.size).toBe(2);
    expect(answer).toEqual({ kind: 'applied', row });
    expect(await ledger.findByReference([reference])).toEqual([row]);
  });

  it('answers a bulk of 100 without rows, and all of them are found', async () => {
    const ledger = connect();
    const bulk = take(100);
    await postAll(ledger, bulk);
    expect(referencesOf(await ledger.findByReference(referencesOf(bulk)))).toEqual(referencesOf(bulk));
  });

  it('answers a reference that exists with duplicate, whatever the content, and changes nothing', async () => {
    const ledger = connect();
    const { body, reference, amount } = takeOne();
    await ledger.post(body);
    expect(await ledger.post(body)).toMatchObject({ kind: 'duplicate' });
    const other = body.replace(`"precise_amount":${amount}`, `"precise_amount":${amount + 1n}`);
    expect(await ledger.post(other)).toMatchObject({ kind: 'duplicate' });
    expect(await ledger.findByReference([reference])).toMatchObject([{ amount }]);
  });

  it('stops a bulk at its first failure: what stands before it is applied, what stands after it is not', async () => {
    const ledger = connect();
    const [before, there, after] = take(3) as [PreparedTransaction, PreparedTransaction, PreparedTransaction];
    await ledger.post(there.body);
    expect(await ledger.postBulk(bodiesOf([before, there, after]))).toMatchObject({ kind: 'unclear' });
    const found = await ledger.findByReference(referencesOf([before, there, after]));
    expect(referencesOf(found)).toEqual(referencesOf([before, there]));
  });

  it('is unclear when the answer is lost, and what was sent is applied', async () => {
    const ledger = connect();
    const [one, ...bulk] = take(3) as [PreparedTransaction, ...PreparedTransaction[]];
    place().meet('answer_lost', { route: 'posts', times: 2 });
    expect(await ledger.post(one.body)).toMatchObject({ kind: 'unclear' });
    expect(await ledger.postBulk(bodiesOf(bulk))).toMatchObject({ kind: 'unclear' });
    place().endFaults();
    expect(await ledger.findByReference(referencesOf([one, ...bulk]))).toHaveLength(3);
  });

  it('is a duplicate of itself when a request is repeated on its way', async () => {
    place().meet('repeated', { route: 'posts', times: 1 });
    expect(await connect().post(takeOne().body)).toMatchObject({ kind: 'duplicate' });
  });

  it.each([
    ['unavailable', 'busy', 'unclear'],
    ['rate_limited', 'busy', 'busy'],
    ['locked', 'busy', 'unclear'],
    ['reset', 'unclear', 'unclear'],
  ] as const)('that meets %s is %s, a bulk %s, and nothing is applied', async (fault, ofOne, ofBulk) => {
    const ledger = connect();
    const [one, ...bulk] = take(3) as [PreparedTransaction, ...PreparedTransaction[]];
    place().meet(fault, { route: 'posts', times: 2 });
    expect(await ledger.post(one.body)).toMatchObject({ kind: ofOne });
    expect(await ledger.postBulk(bodiesOf(bulk))).toMatchObject({
      kind: ofBulk,
      ...(fault === 'locked' ? { isLocked: true } : {}),
    });
    place().endFaults();
    expect(await ledger.findByReference(referencesOf([one, ...bulk]))).toEqual([]);
    expect(await ledger.post(one.body)).toMatchObject({ kind: 'applied' });
  });

  it('is busy when nobody listens: it was not sent', async () => {
    const ledger = connect({ baseUrl: 'http://127.0.0.1:1' });
    const { body } = takeOne();
    expect(await ledger.post(body)).toMatchObject({ kind: 'busy', retryAfterMs: null });
    expect(await ledger.postBulk([body])).toMatchObject({ kind: 'busy', retryAfterMs: null });
  });

  it('throws that the key is refused, as fatal, and posts nothing', async () => {
    const refused = { kind: 'fatal', code: 'blnk_key_refused' };
    const wrong = connect({ readKey: async () => 'wrong' });
    const { body, reference } = takeOne();
    await expect(wrong.post(body)).rejects.toMatchObject(refused);
    await expect(wrong.postBulk([body])).rejects.toMatchObject(refused);
    expect(await connect().findByReference([reference])).toEqual([]);
  });

  it('is not aborted by a shutdown', async () => {
    const aborted = AbortSignal.abort();
    const ledger = connect({ signal: aborted, abort: aborted });
    expect(await ledger.post(takeOne().body)).toMatchObject({ kind: 'applied' });
    expect(await ledger.postBulk(bodiesOf(take(2)))).toMatchObject({ kind: 'applied' });
  });

  it('refuses to post nothing, and what has no reference', async () => {
    await expect(connect().postBulk([])).rejects.toThrow(RangeError);
    await expect(connect().post('{"precise_amount":1}')).rejects.toThrow(TypeError);
  });
});

/** One who looks up, and how rows come to be there. */
interface Finding {
  readonly finder: RowFinder<LedgerRow>;
  /** Takes transactions and has them in the ledger. */
  fill(count: number): Promise<PreparedTransaction[]>;
  take(count: number): PreparedTransaction[];
}

function findingOf(place: OpenPlace, finder: RowFinder<LedgerRow>): Finding {
  return {
    finder,
    take: place.take,
    async fill(count) {
      const taken = place.take(count);
      await postAll(place.connect(), taken);
      return taken;
    },
  };
}

function findingInMemory(): () => Finding {
  let transactions: PreparedTransaction[] = [];
  beforeAll(() => {
    transactions = allTransactions();
  });
  const rows: LedgerRow[] = [];
  const take = (count: number) => transactions.splice(0, count);
  const fill = async (count: number): Promise<PreparedTransaction[]> => {
    const taken = take(count);
    for (const { reference, amount, currency, source, destination, effectiveDate } of taken) {
      rows.push({
        ...{ transactionId: `txn_${reference}`, reference, status: 'APPLIED', amount, currency, source, destination },
        ...{ effectiveDate, mirrorId: MIRROR_ID, rejectionReason: null, parentId: null },
      });
    }
    return taken;
  };
  return () => ({ finder: rowsInMemory(rows), fill, take });
}

const FINDERS: ReadonlyArray<{ readonly name: string; open(): () => Finding }> = [
  ...LEDGER_KINDS.flatMap((kind) => [
    {
      name: `${kind.name}, by who posts,`,
      open: () => {
        const place = openPlace(kind);
        return () => findingOf(place, place.connect());
      },
    },
    {
      name: `${kind.name}, by who proves,`,
      open: () => {
        const place = openPlace(kind);
        return () => findingOf(place, place.connectSide());
      },
    },
  ]),
  { name: 'rows in memory', open: findingInMemory },
];

describe.each(FINDERS)('looking up in $name', ({ open }) => {
  const current = open();

  it('finds what exists of the references, and nothing else', async () => {
    const { finder, fill, take } = current();
    const there = await fill(3);
    const absent = take(2);
    const asked = referencesOf([...there, ...absent]);
    expect(referencesOf(await finder.findByReference(asked))).toEqual(referencesOf(there));
  });

  it('answers an empty list for references that nobody posted, and for none', async () => {
    const { finder, take } = current();
    expect(await finder.findByReference(referencesOf(take(2)))).toEqual([]);
    expect(await finder.findByReference([])).toEqual([]);
  });

  it('finds a row once, however often it is asked for', async () => {
    const { finder, fill } = current();
    const [{ reference }] = (await fill(1)) as [PreparedTransaction];
    expect(referencesOf(await finder.findByReference([reference, reference]))).toEqual([reference]);
  });

  it.each([
    [250, 250],
    [600, 250],
    [1_300, 650],
  ])('finds all that exist of %i references of which %i are there', async (asked, there) => {
    const { finder, fill } = current();
    const filled = await fill(there);
    const nobodys = Array.from({ length: asked - there }, (_, index) => `pi_nobody${there}x${index}`);
    const mixed = [...referencesOf(filled), ...nobodys].sort();
    expect(referencesOf(await finder.findByReference(mixed))).toEqual(referencesOf(filled));
  });

  it('takes 5,000 references and 100 transactions at once, and no more', async () => {
    const { finder } = current();
    const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}_${index}`);
    expect(await finder.findByReference(names('pi_none', 5_000))).toEqual([]);
    await expect(finder.findByReference(names('pi_none', 5_001))).rejects.toThrow(RangeError);
    expect(await finder.findChildren(names('txn_none', 100))).toEqual([]);
    await expect(finder.findChildren(names('txn_none', 101))).rejects.toThrow(RangeError);
  });

  it('finds no children of what has none', async () => {
    const { finder, fill } = current();
    const [row] = await finder.findByReference(referencesOf(await fill(1)));
    expect(await finder.findChildren([row?.transactionId ?? ''])).toEqual([]);
    expect(await finder.findChildren([])).toEqual([]);
  });
});

describe.each(LEDGER_KINDS)('a look-up in $name', (kind) => {
  const { place, connect, connectSide, take, takeOne } = openPlace(kind);

  it.each(['unavailable', 'rate_limited', 'reset'] as const)('is asked again after %s', async (fault) => {
    const ledger = connect();
    const { body, reference } = takeOne();
    await ledger.post(body);
    place().meet(fault, { route: 'lookups', times: 2 });
    expect(await ledger.findByReference([reference])).toHaveLength(1);
  });

  it.each(['unavailable', 'rate_limited', 'reset'] as const)(
    'is thrown as transient after %s to the last attempt: no answer is not absence',
    async (fault) => {
      const ledger = connect({ lookUpAttemptsMax: 2 });
      const failure = { kind: 'transient', code: 'blnk_unavailable' };
      place().meet(fault, { route: 'lookups', times: 2 });
      await expect(ledger.findByReference(['pi_1'])).rejects.toMatchObject(failure);
      place().meet(fault, { route: 'lookups', times: 2 });
      await expect(ledger.findChildren(['txn_1'])).rejects.toMatchObject(failure);
    },
  );

  it('is thrown as fatal when the key is refused', async () => {
    const refused = { kind: 'fatal', code: 'blnk_key_refused' };
    const wrong = connect({ readKey: async () => 'wrong' });
    await expect(wrong.findByReference(['pi_1'])).rejects.toMatchObject(refused);
    await expect(wrong.findBalances({ indicators: ['@stripe'], currency: 'USD' })).rejects.toMatchObject(refused);
  });

  it.each(['who posts', 'who proves'])(
    'finds balances of one currency by name, by %s, and leaves out others',
    async (who) => {
      const finder = who === 'who posts' ? connect() : connectSide();
      const { body, reference, source, destination, currency } = takeOne();
      await connect().post(body);
      const [row] = await finder.findByReference([reference]);
      const indicators = [source, destination, '@nobody'];
      const found = new Map([
        [source, row?.source],
        [destination, row?.destination],
      ]);
      expect(await finder.findBalances({ indicators, currency })).toEqual(found);
      expect(await finder.findBalances({ indicators, currency: 'XXX' })).toEqual(new Map());
      expect(await finder.findBalances({ indicators: [], currency })).toEqual(new Map());
      const many = Array.from({ length: 101 }, (_, index) => `@nobody${index}`);
      expect(await finder.findBalances({ indicators: many.slice(1), currency })).toEqual(new Map());
      await expect(finder.findBalances({ indicators: many, currency })).rejects.toThrow(RangeError);
    },
  );

  it('takes a request for each hundred rows that are there', async () => {
    const there = take(101);
    await postAll(connect(), there);
    const nobodys = Array.from({ length: 499 }, (_, index) => `pi_nobody${index}`);
    const requests: string[] = [];
    const counted = connect({ onRequest: ({ route }) => requests.push(route) });
    expect(await counted.findByReference([...referencesOf(there), ...nobodys])).toHaveLength(101);
    expect(requests).toHaveLength(2);
  });

  it('ends as stopped when it is aborted', async () => {
    const ledger = connect({ abort: AbortSignal.abort() });
    await expect(ledger.findByReference(['pi_1'])).rejects.toMatchObject({ kind: 'transient', code: 'stopped' });
  });
});

describe.each(LEDGER_KINDS.filter(({ takesAnything }) => takesAnything))('$name, which takes anything,', (kind) => {
  const { place, connect, connectUnowned, takeOne } = openPlace(kind);
  const changed = (changes: object, amount?: string): string => {
    const { precise_amount: given, ...fields } = JSON.parse(takeOne().body);
    return `{"precise_amount":${amount ?? given},${JSON.stringify({ ...fields, ...changes }).slice(1)}`;
  };

  it('keeps amounts beyond 2^53 exactly', async () => {
    const ledger = connect();
    const amount = 123456789012345678901n;
    const answer = await ledger.post(changed({ reference: 'pi_large' }, amount.toString()));
    expect(answer).toMatchObject({ kind: 'applied', row: { amount } });
    expect(await ledger.findByReference(['pi_large'])).toMatchObject([{ amount }]);
  });

  it.each([
    ['an amount of nothing', {}, '0'],
    ['an amount as text', {}, '"5"'],
    ['no description', { description: '' }, '5'],
    ['a balance id that nobody has', { destination: 'bln_nobody' }, '5'],
  ])('refuses %s for good', async (_what, changes, amount) => {
    expect(await connect().post(changed(changes, amount))).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['busy', 'both balances are one', { destination: '@stripe' }],
    ['unclear', 'PostgreSQL cannot hold a text', { description: 'a\u0000b' }],
  ])('is %s when %s', async (outcome, _why, changes) => {
    expect(await connect().post(changed(changes))).toMatchObject({ kind: outcome });
  });

  it('throws a refused overdraft as fatal, of one and of a bulk', async () => {
    const refused = { kind: 'fatal', code: 'blnk_overdraft_refused' };
    const poor = { allow_overdraft: false, source: '@poor' };
    await expect(connect().post(changed(poor))).rejects.toMatchObject(refused);
    await expect(connect().postBulk([changed(poor)])).rejects.toMatchObject(refused);
  });

  it('waits for a post in flight when it is closed', async () => {
    const { sandbox } = place();
    const inFlight = sandbox?.faults.add({ effect: 'hang', route: 'posts' });
    const ledger = connectUnowned();
    const answer = ledger.post(takeOne().body);
    await expect.poll(() => inFlight?.hits).toBe(1);
    const closed = ledger.close();
    inFlight?.remove();
    await closed;
    expect(await answer).toMatchObject({ kind: 'applied' });
  });

  it('finds what commits a transaction, by the transaction that it commits', async () => {
    const ledger = connect();
    const { url, coreKey } = place().sandbox ?? { url: '', coreKey: '' };
    const headers = { 'x-blnk-key': coreKey, 'content-type': 'application/json' };
    const inflight = changed({ reference: 'pi_inflight', inflight: true });
    await fetch(`${url}/transactions`, { method: 'POST', headers, body: inflight });
    const [parent] = await ledger.findByReference(['pi_inflight']);
    expect(parent).toMatchObject({ status: 'INFLIGHT' });
    const body = JSON.stringify({ status: 'commit', skip_queue: true });
    const { transactionId = '' } = parent ?? {};
    await fetch(`${url}/transactions/inflight/${transactionId}`, { method: 'PUT', headers, body });
    const children = await ledger.findChildren([transactionId]);
    expect(children).toMatchObject([{ status: 'APPLIED', parentId: transactionId, amount: parent?.amount }]);
    expect(
      await rowsInMemory([...children, ...(parent === undefined ? [] : [parent])]).findChildren([transactionId]),
    ).toEqual(children);
  });
});
