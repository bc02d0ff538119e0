/** What the adapter refuses, throws and gives up: posts that were never sent, faults that need a person, keys. */
import { describe, expect, it } from 'vitest';
import { BODY, ROW, scriptedLedger } from '../support/scripted-ledger.js';
import { coreError, json, type ScriptedServer, startScriptedServer, text } from '../support/scripted-server.js';

const { server, connect } = scriptedLedger();

describe('a post that cannot have been sent is only busy', () => {
  it('when nobody listens, by address and by name', async () => {
    const gone = await startScriptedServer();
    await gone.close();
    const { port } = new URL(gone.url);
    for (const host of ['127.0.0.1', 'localhost']) {
      const ledger = connect({ baseUrl: `http://${host}:${port}` });
      expect(await ledger.post(BODY)).toMatchObject({ kind: 'busy', retryAfterMs: null });
      expect(await ledger.postBulk([BODY])).toMatchObject({ kind: 'busy' });
    }
  });

  it('when the name does not exist', async () => {
    expect(await connect({ baseUrl: 'http://ledger.invalid' }).post(BODY)).toMatchObject({ kind: 'busy' });
  });

  it('when the adapter was closed', async () => {
    server().script(json(201, ROW));
    const ledger = connect();
    expect(await ledger.post(BODY)).toMatchObject({ kind: 'applied' });
    await ledger.close();
    expect(await ledger.post(BODY)).toMatchObject({ kind: 'busy' });
    expect(server().seen).toHaveLength(1);
  });
});

it('close waits for the post in flight', async () => {
  let answer: (() => void) | undefined;
  server().script((response, asked) => {
    answer = () => json(201, ROW)(response, asked);
  });
  const ledger = connect();
  const order: string[] = [];
  const posted = ledger.post(BODY).then((value) => order.push(value.kind));
  await expect.poll(() => answer).toBeDefined();
  const closed = ledger.close().then(() => order.push('closed'));
  answer?.();
  await Promise.all([posted, closed]);
  expect(order).toEqual(['applied', 'closed']);
});

describe('what needs a person is thrown as fatal', () => {
  const cases: Array<[string, Parameters<ScriptedServer['script']>[0], string, RegExp]> = [
    ['a wrong key', coreError(401, 'AUTH_INVALID_API_KEY'), 'blnk_key_refused', /BLNK_API_KEY.*valid one/],
    ['an expired token', json(401, { message: 'token is EXPIRED' }), 'blnk_key_refused', /has expired/],
    ['an expired token, answered 403', json(403, { error: 'Token expired' }), 'blnk_key_refused', /has expired/],
    [
      'a Core that is taken for the Cloud',
      coreError(401, 'AUTH_MISSING_API_KEY'),
      'blnk_key_refused',
      /BLNK_API_STYLE=core/,
    ],
    [
      'a missing scope',
      json(403, { message: 'Missing required scope' }),
      'blnk_scope_missing',
      /BLNK_API_KEY.*proxy:write \(the key of a Custom App: data:write\)/,
    ],
    [
      'a permission that a Core misses, before 0.15.0',
      json(403, { error: 'Insufficient permissions for transactions:write' }),
      'blnk_scope_missing',
      /BLNK_API_KEY.*proxy:write/,
    ],
    [
      'a refusal that names no permission',
      json(403, { error: 'forbidden' }),
      'blnk_forbidden',
      /ask who runs.*forbidden/,
    ],
    [
      'an instance that only reads',
      json(403, { error: 'instance is in read-only mode' }),
      'blnk_forbidden',
      /BLNK_INSTANCE_ID.*only reads.*read-only mode/,
    ],
    [
      'a wrong address',
      text(404, '404 page not found'),
      'blnk_route_missing',
      /\/proxy\/.*BLNK_API_BASE.*BLNK_API_STYLE/,
    ],
    ['an unknown instance', json(404, { error: 'instance not found' }), 'blnk_route_missing', /BLNK_INSTANCE_ID/],
    [
      'an address that moved',
      text(308, '', { location: 'https://new.test/' }),
      'blnk_route_missing',
      /https:\/\/new\.test/,
    ],
    ['a refused overdraft', coreError(400, 'TXN_INSUFFICIENT_FUNDS'), 'blnk_overdraft_refused', /BLNK_SOURCE/],
  ];
  it.each(cases)('%s', async (_name, act, code, message) => {
    server().script(act);
    const ledger = connect();
    const expected = { name: 'SyncError', kind: 'fatal', code, message: expect.stringMatching(message) };
    await expect(ledger.post(BODY)).rejects.toMatchObject(expected);
    await expect(ledger.postBulk([BODY])).rejects.toMatchObject(expected);
  });

  it('a look-up without its scope names data:read', async () => {
    server().script(json(403, { error: 'the token lacks a scope' }));
    const rejected = expect(connect().findByReference(['pi_1'])).rejects;
    await rejected.toMatchObject({ code: 'blnk_scope_missing', message: expect.stringContaining('data:read') });
  });

  it('an address or an instance that cannot be used', () => {
    expect(() => connect({ baseUrl: 'ftp://ledger' })).toThrow(/BLNK_API_BASE.*ftp:\/\/ledger/);
    expect(() => connect({ instanceId: null })).toThrow(/BLNK_INSTANCE_ID/);
  });
});

describe('a 403 that is not about the key', () => {
  const PAGE = '<html><h1>Access Denied</h1>You do not have permission to access this server.</html>';

  it('as a page comes from somebody in between, and passes', async () => {
    server().script(text(403, PAGE));
    expect(await connect().post(BODY)).toMatchObject({
      kind: 'unclear',
      message: expect.stringMatching(/^403 <html>/),
    });
    expect(await connect().postBulk([BODY])).toMatchObject({ kind: 'unclear' });
    server().script(text(403, PAGE), text(403, PAGE), json(200, { data: [], total: 0 }));
    expect(await connect().findByReference(['pi_1'])).toEqual([]);
    server().script(text(403, PAGE));
    await expect(connect().checkPermissions()).rejects.toMatchObject({ kind: 'transient', code: 'blnk_unavailable' });
  });

  it.each([402, 403])('as a limit is said as a limit, and passes once it is raised (%i)', async (status) => {
    server().script(json(status, { error: 'Record limit reached' }));
    const said = expect.stringMatching(/a limit is reached.*raise it.*Record limit reached/);
    expect(await connect().post(BODY)).toEqual({ kind: 'busy', message: said, retryAfterMs: null });
    // Some of its transactions may be in: look-ups decide.
    expect(await connect().postBulk([BODY])).toMatchObject({ kind: 'unclear' });
    const thrown = { kind: 'transient', code: 'blnk_limit_reached', message: said };
    await expect(connect().findByReference(['pi_1'])).rejects.toMatchObject(thrown);
    server().script(json(200, []), json(200, []), json(status, { error: 'Record limit reached' }));
    await expect(connect().checkPermissions()).rejects.toMatchObject(thrown);
  });
});

describe('the key', () => {
  it('is read again after a 401, and the request is repeated once with the new one', async () => {
    server().script(coreError(401, 'AUTH_EXPIRED_API_KEY', 'expired'), json(201, ROW));
    const keys = ['old', 'new'];
    const ledger = connect({ readKey: async () => keys.shift() ?? 'none' });
    expect(await ledger.post(BODY)).toMatchObject({ kind: 'applied' });
    await ledger.post(BODY);
    expect(server().seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer old',
      'Bearer new',
      'Bearer new',
    ]);
  });

  it('is not tried again when it did not change', async () => {
    server().script(coreError(401, 'AUTH_INVALID_API_KEY'));
    await expect(connect().post(BODY)).rejects.toMatchObject({ code: 'blnk_key_refused' });
    expect(server().seen).toHaveLength(1);
  });

  it('never shows in an error', async () => {
    for (const readKey of [async () => 'se cret', async () => '', () => Promise.reject(new Error('ENOENT'))]) {
      const failure = await connect({ readKey })
        .post(BODY)
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: 'SyncError', message: expect.stringContaining('BLNK_API_KEY') });
      expect(String(failure)).not.toContain('se cret');
    }
  });
});
