/** What the adapter makes of answers about identities that the stand-in does not give. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlnkIdentities, createIdentities } from '../../src/blnk/identities.js';
import { markOf } from '../../src/core/accounts/identity.js';
import { coreError, json, type ScriptedServer, startScriptedServer, text } from '../support/scripted-server.js';

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const ID = 'idt_6f1c8a7e-3a52-5c0b-9b8e-6c1d0f0f2a77';
const MARK = markOf('cus_1', { mirrorId: 'm', stripeAccount: null, livemode: true });
const IDENTITY = { identityId: ID, fields: { first_name: 'Anna Ek' }, mark: MARK };

/** What is asked first, and what a Core of today answers to it. */
const NEWER_CORE = coreError(404, 'IDT_NOT_FOUND');

async function connected<Result>(work: (identities: BlnkIdentities) => Promise<Result>): Promise<Result> {
  const identities = createIdentities({
    ...{ style: 'core', baseUrl: server.url, instanceId: null, readKey: async () => 'key' },
    ...{ lookUpAttemptsMax: 2, lookUpFirstWaitMs: 1 },
  });
  try {
    return await work(identities);
  } finally {
    await identities.close();
  }
}

describe('an identity that is there already is made', () => {
  it.each([
    ['as Core answers since 0.15.0', json(400, refusal({ Code: '23505' }))],
    ['as a conflict, which Core means to answer', json(409, refusal({ Code: '23505' }))],
    ['in words alone, as before', json(400, { error: `Identity already exists: ${ID}` })],
  ])('%s', async (_, answer) => {
    server.script(NEWER_CORE, answer);
    expect(await connected(({ createIdentity }) => createIdentity(IDENTITY))).toEqual({ kind: 'done' });
  });

  it.each([
    ['another rule', json(400, refusal({})), 'refused'],
    ['an unreadable body', coreError(400, 'GEN_MALFORMED_REQUEST'), 'refused'],
    ['a lock', coreError(423, 'GEN_RESOURCE_LOCKED'), 'later'],
    ['what is not there', coreError(404, 'IDT_NOT_FOUND'), 'missing'],
    ['the same in the words of an older Core', json(400, { error: `Identity with ID '${ID}' not found` }), 'missing'],
  ])('and not by %s', async (_, answer, kind) => {
    server.script(NEWER_CORE, answer);
    expect(await connected(({ createIdentity }) => createIdentity(IDENTITY))).toMatchObject({ kind });
  });

  it('nor by the good status of a page in between; and a name that is quoted is taken out', async () => {
    server.script(NEWER_CORE, text(200, '<html>welcome</html>'));
    await expect(connected(({ createIdentity }) => createIdentity(IDENTITY))).rejects.toMatchObject({
      code: 'blnk_answer_unreadable',
    });
    server.script(NEWER_CORE, json(400, { error: 'first_name: Anna Ek is no name' }));
    expect(await connected(({ createIdentity }) => createIdentity(IDENTITY))).toMatchObject({
      kind: 'refused',
      message: expect.not.stringContaining('Anna'),
    });
  });
});

it('a Core that would make another identity each time is refused before anything is made', async () => {
  // 0.13.4, as it was seen.
  server.script(json(400, { error: `NOT_FOUND: Identity with ID '${ID}' not found` }));
  await expect(connected(({ createIdentity }) => createIdentity(IDENTITY))).rejects.toMatchObject({
    code: 'blnk_core_too_old',
  });
  expect(server.seen.map(({ method }) => method)).toEqual(['PUT']);
});

it('a Core that gives metadata to its master key alone has its balances linked without a mark', async () => {
  server.script(coreError(403, 'AUTH_UNKNOWN_RESOURCE'));
  await connected(async ({ markBalance }) => {
    expect(await markBalance('bln_1', MARK)).toEqual({ kind: 'done' });
    expect(await markBalance('bln_2', MARK)).toEqual({ kind: 'done' });
  });
  expect(server.seen.map(({ url }) => url)).toEqual(['/bln_1/metadata']);
  server.script(coreError(403, 'AUTH_INSUFFICIENT_PERMISSIONS'));
  await expect(connected(({ markBalance }) => markBalance('bln_1', MARK))).rejects.toMatchObject({
    code: 'blnk_scope_missing',
  });
});

it('balances of other names are not taken for those that were asked for, and a row that comes twice counts once', async () => {
  const row = { balance_id: 'bln_1', indicator: '@cus_1', currency: 'USD', identity_id: '', meta_data: null };
  server.script(json(200, [row, row]));
  expect(await connected(({ balancesOfNames }) => balancesOfNames(['@cus_1', '@cus_2']))).toEqual(
    new Map([
      ['@cus_1', [{ balanceId: 'bln_1', currency: 'USD', identityId: null, metadata: null }]],
      ['@cus_2', []],
    ]),
  );
  server.script(json(200, [{ ...row, indicator: '@cus_3' }]));
  await expect(connected(({ balancesOfNames }) => balancesOfNames(['@cus_1']))).rejects.toMatchObject({
    code: 'blnk_answer_unreadable',
  });
});

function refusal(details: object): object {
  const message = `Identity already exists: ${ID}`;
  const code = 'IDT_VALIDATION_ERROR';
  return { error: 'refused', error_detail: { code, message, details } };
}
