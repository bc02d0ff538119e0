/** What the adapter makes of answers about ledgers and balances, and how names give way to ids in what is posted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BalanceMap } from '../../src/accounts/balance-ports.js';
import { type BlnkAccounts, createAccounts } from '../../src/blnk/accounts.js';
import { findByMap, postByMap } from '../../src/blnk/named-balances.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Ledger, PostAnswer } from '../../src/post/ports.js';
import { coreError, json, type ScriptedServer, startScriptedServer, text } from '../support/scripted-server.js';
import { makePayments, RULES } from '../support/stages/ledger.js';

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const MARK = { mirror: 'm', role: 'ledger' };
const BALANCE = { ledgerId: 'ldg_1', currency: 'USD', identityId: null, mark: { mirror: 'm' } };

async function connected<Result>(
  work: (accounts: BlnkAccounts) => Promise<Result>,
  style: 'core' | 'cloud' = 'core',
): Promise<Result> {
  const accounts = createAccounts({
    ...{ style, baseUrl: server.url, instanceId: style === 'cloud' ? 'inst' : null, readKey: async () => 'key' },
    ...{ lookUpAttemptsMax: 2, lookUpFirstWaitMs: 1 },
  });
  try {
    return await work(accounts);
  } finally {
    await accounts.close();
  }
}

describe('a request that makes a balance is sent once, and', () => {
  it.each([
    ['is known to have made it', json(201, { balance_id: 'bln_1' }), 'made'],
    ['is known not to have, when Core refuses it', coreError(400, 'GEN_BAD_REQUEST'), 'refused'],
    ['in the words of an older Core', json(400, { error: 'Invalid ledger ID' }), 'refused'],
    ['when there are too many', text(429, 'slow down'), 'not_made'],
    ['may have made it, when a proxy gave up', text(504, '<html>late</html>'), 'unclear'],
    ['when a page in between is friendly', text(201, '<html>welcome</html>'), 'unclear'],
    ['when it is cut off', (response: { destroy(): void }) => response.destroy(), 'unclear'],
    ['when Core fails', coreError(500, 'GEN_INTERNAL'), 'unclear'],
  ])('%s', async (_, answer, kind) => {
    server.script(answer);
    expect(await connected(({ createBalance }) => createBalance(BALANCE))).toMatchObject({ kind });
    expect(server.seen).toHaveLength(1);
  });

  it('is not sent where nobody listens', async () => {
    const accounts = createAccounts({
      ...{ style: 'core', baseUrl: 'http://127.0.0.1:1', instanceId: null, readKey: async () => 'key' },
    });
    expect(await accounts.createBalance(BALANCE)).toMatchObject({ kind: 'not_made' });
    await accounts.close();
  });
});

it('a mark is spelled as a Core and as the Cloud find it, and the other way where the first is refused', async () => {
  const ledger = {
    ledger_id: 'ldg_1',
    name: 'Shop',
    created_at: '2026-01-01T00:00:00.1Z',
    meta_data: { stripe_blnk_sync: MARK },
  };
  const filters = () => server.seen.map(({ body }) => JSON.parse(body).filters);
  const object = [{ field: 'meta_data.stripe_blnk_sync', operator: 'eq', value: MARK }];
  const dotted = Object.entries(MARK).map(([key, value]) => ({
    field: `meta_data.stripe_blnk_sync.${key}`,
    operator: 'eq',
    value,
  }));
  server.script(json(200, [ledger]));
  expect(await connected(({ findLedgers }) => findLedgers(MARK))).toEqual([
    { ledgerId: 'ldg_1', name: 'Shop', createdAt: ledger.created_at, metadata: ledger.meta_data },
  ]);
  expect(filters()).toEqual([object]);
  server.script(coreError(400, 'GEN_BAD_REQUEST'), json(200, { data: [ledger], total: 1 }));
  expect(await connected(({ findLedgers }) => findLedgers(MARK), 'cloud')).toHaveLength(1);
  expect(filters()).toEqual([dotted, object]);
});

it('rows that do not fit the question are no answer', async () => {
  const ledger = { ledger_id: 'ldg_1', name: 'Theirs', created_at: '2026-01-01T00:00:00Z', meta_data: null };
  server.script(json(200, [ledger]));
  await expect(connected(({ findLedgers }) => findLedgers(MARK))).rejects.toMatchObject({
    code: 'blnk_answer_unreadable',
  });
  const row = { balance_id: 'bln_1', ledger_id: 'ldg_2', currency: 'USD', created_at: '2026-01-01T00:00:00Z' };
  server.script(json(200, [row]));
  const first = async ({ listBalances }: BlnkAccounts) => {
    for await (const page of listBalances('ldg_1', null)) return page;
    return [];
  };
  await expect(connected(first)).rejects.toMatchObject({ code: 'blnk_answer_unreadable' });
});

describe('with a map', () => {
  const isAccountName = (name: string) => name !== '@stripe';
  const stored = new Map([['USD:@cus_1', 'bln_1']]);
  const doubted: string[] = [];
  const map: BalanceMap = {
    idsOf: async (currency, names) =>
      new Map(
        [...names].flatMap((name) =>
          stored.has(`${currency}:${name}`) ? [[name, stored.get(`${currency}:${name}`) ?? '']] : [],
        ),
      ),
    namesById: async () => new Map(),
    doubt: async (_currency, names) => void doubted.push(...names),
  };
  const bodyOf = (customerId: string, description = 'x'): string => {
    const [payment] = makePayments(1, { customerId, description, amountReceived: 123_456_789_012_345_678n });
    if (payment === undefined) throw new Error('there is no payment');
    const prepared = preparePayment(payment, RULES);
    if (prepared.kind !== 'prepared') throw new Error(prepared.detail);
    return prepared.transaction.body;
  };
  const sent: string[] = [];
  const answering = (answer: PostAnswer): Pick<Ledger, 'post' | 'postBulk'> => ({
    post: async (body) => {
      sent.push(body);
      return answer;
    },
    postBulk: async (bodies) => {
      sent.push(...bodies);
      return answer;
    },
  });

  it('an id takes the place of a name, and not a byte changes beside it', async () => {
    const body = bodyOf('cus_1', 'to "source":"@stripe","destination":"@cus_1","description":"');
    const { post } = postByMap(answering({ kind: 'busy', message: '', retryAfterMs: null }), { map, isAccountName });
    await post(body);
    await post(body);
    expect(sent.splice(0)).toEqual(Array(2).fill(body.replace('"destination":"@cus_1"', '"destination":"bln_1"')));
    expect(body).toContain('123456789012345678');
  });

  it('what is not in it is not sent, and blames the first of a bulk', async () => {
    const { post, postBulk } = postByMap(answering({ kind: 'applied', row: null }), { map, isAccountName });
    expect(await post(bodyOf('cus_2'))).toMatchObject({ kind: 'busy', retryAfterMs: null });
    expect(await postBulk([bodyOf('cus_1'), bodyOf('cus_2')])).toMatchObject({ kind: 'unclear', blamed: 1 });
    expect(sent).toEqual([]);
  });

  it('nothing is sent when the claim ended while the map was read', async () => {
    let mayStillSend = true;
    const slow: BalanceMap = {
      ...map,
      async idsOf(currency, names) {
        mayStillSend = false;
        return map.idsOf(currency, names);
      },
    };
    const assertMaySend = () => {
      if (!mayStillSend) throw new Error('too old');
    };
    const ledger = postByMap(answering({ kind: 'applied', row: null }), { map: slow, isAccountName });
    await expect(ledger.post(bodyOf('cus_1'), assertMaySend)).rejects.toThrow('too old');
    await expect(ledger.postBulk([bodyOf('cus_1')], assertMaySend)).rejects.toThrow('too old');
    expect(sent).toEqual([]);
  });

  it('an id that the ledger does not know is doubted, and the posting is not refused for good', async () => {
    const unknown = { kind: 'refused', message: '404', isBalanceUnknown: true } as const;
    const { post } = postByMap(answering(unknown), { map, isAccountName });
    expect(await post(bodyOf('cus_1'))).toMatchObject({ kind: 'refused', reason: 'balance_missing' });
    expect(doubted.splice(0)).toEqual(['@cus_1']);
    const rule = postByMap(answering({ kind: 'refused', message: 'no' }), { map, isAccountName });
    expect(await rule.post(bodyOf('cus_1'))).toEqual({ kind: 'refused', message: 'no' });
    expect(doubted).toEqual([]);
  });

  it('an id that somebody had forgotten meanwhile was not posted to, and the next attempt goes to the other one', async () => {
    const ids = ['bln_gone', 'bln_new'];
    const moving: BalanceMap = { ...map, idsOf: async () => new Map([['@cus_1', ids.shift() ?? '']]) };
    const unknown = { kind: 'refused', message: '404', isBalanceUnknown: true } as const;
    const { post } = postByMap(answering(unknown), { map: moving, isAccountName });
    expect(await post(bodyOf('cus_1'))).toEqual({ kind: 'busy', message: '404', retryAfterMs: null });
    expect(ids).toEqual([]);
  });

  it('names of the ledger are answered by it, others by Blnk', async () => {
    const asked: string[][] = [];
    const { findBalances } = findByMap(
      {
        findBalances: async ({ indicators }) => {
          asked.push([...indicators]);
          return new Map([['@stripe', 'bln_source']]);
        },
      },
      { map, isAccountName },
    );
    const found = await findBalances({ indicators: ['@stripe', '@cus_1', '@cus_2'], currency: 'USD' });
    expect([...found].sort()).toEqual([
      ['@cus_1', 'bln_1'],
      ['@stripe', 'bln_source'],
    ]);
    await findBalances({ indicators: ['@cus_1'], currency: 'USD' });
    expect(asked).toEqual([['@stripe']]);
  });
});
