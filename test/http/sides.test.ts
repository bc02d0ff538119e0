/**
 * What pages and API ask of both sides themselves, against stand-ins of both: a comparison costs one read, a plan is made and applied
 * once whoever waits for it, and days that a person asks for are proven by the worker's turn.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OpenedSides, openSides } from '../../src/app/sessions/ask-sides.js';
import { createScheduledProofs } from '../../src/app/stages/proving.js';
import { DAY_MS, utcDay } from '../../src/core/base/window.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { stages } from '../support/stages/collect.js';
import { READ_OPTIONS } from '../support/stages/command-line.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';
import { NEVER } from '../support/stages/ledger.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { openRepairStage, type RepairStage } from '../support/stages/repair.js';

const openStage = stages();

let stage: RepairStage;
let http: HttpStage;
let sides: OpenedSides;
let ids: string[];
const told: string[] = [];

beforeEach(async () => {
  stage = await openRepairStage(await openStage());
  ids = stage.pay(6);
  await stage.proof.settle();
  const { context, db } = stage.proof;
  sides = openSides(context.config, {
    ...{ database: context.database, events: context.events, reads: createReadModel(db, READ_OPTIONS) },
    // Played here: nothing else is asked of the queue.
    queue: {
      wakeLane: async () => void told.push('lane'),
      requestProofs: async () => void told.push('proofs'),
    } as never,
    overrides: { ...stage.proof.setting.overrides, blnk: { lookUpFirstWaitMs: 5 } },
  });
  http = await startHttp({ db }, { decorate: (ports) => ({ ...ports, sides }) });
});
afterEach(async () => {
  await sides.close();
  await http.close();
  await stage.proof.closeLedger();
});

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at in their parts, and are checked against their schemas elsewhere
type Body = any;
const get = async (path: string): Promise<Body> => (await fetch(`${http.url}/api/v1${path}`)).json();
const post = async (path: string, body: unknown): Promise<Body> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${http.url}/api/v1${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  return { ...((await answer.json()) as object), answered: answer.status };
};

it('compares both sides for one read of Stripe', async () => {
  const [same = '', wrong = '', gone = ''] = ids;
  stage.proof.blnk.alterTransaction(wrong, { preciseAmount: 1n });
  stage.proof.blnk.deleteTransaction(gone);
  stage.proof.requests();
  const equal = await post(`/payments/${same}/compare`, {});
  expect(stage.proof.requests()).toEqual({ 'payment_intents.retrieve': 1 });
  expect(equal).toMatchObject({
    ...{ answered: 200, verdict: 'applied', differences: [], stripe_requests: 1, detail: null },
    expected: { amount: '10.00', currency: 'USD', source: '@stripe', status: 'APPLIED' },
    ledger: { amount: '10.00', currency: 'USD', source: '@stripe', status: 'APPLIED' },
  });
  expect(equal.ledger_requests).toBeLessThanOrEqual(2);
  expect(await post(`/payments/${wrong}/compare`, {})).toMatchObject({
    ...{ verdict: 'conflict', differences: ['amount'], ledger: { amount: '0.01' } },
  });
  expect(await post(`/payments/${gone}/compare`, {})).toMatchObject({
    verdict: 'absent',
    ledger: null,
    differences: [],
  });
  expect(await post('/payments/pi_none/compare', {})).toMatchObject({ status: 404, code: 'payment_unknown' });
});

it('makes a plan and applies it once, when what is left of it is repeated', async () => {
  const [gone = '', wrong = ''] = ids;
  stage.proof.blnk.deleteTransaction(gone);
  stage.proof.blnk.alterTransaction(wrong, { preciseAmount: 1_000n });
  await stage.prove();
  const planned = await post('/repairs', { by: 'Ann' });
  expect(planned).toMatchObject({ answered: 200, repair: { planned_by: 'Ann' }, days: [DAMAGED_DAY] });
  const { id } = planned.repair;
  const shown = await get(`/repairs/${id}`);
  expect(shown.repair.left).toMatchObject({ items: 2, sums: [{ currency: 'USD', amount: '10.10' }] });
  const confirm = { items: 2, sums: [{ currency: 'USD', amount_minor: '1010' }] };
  const other = await post(`/repairs/${id}/apply`, { confirm: { ...confirm, items: 3 }, by: 'Bo' });
  expect(other).toMatchObject({
    answered: 409,
    code: 'repair_sums_differ',
    detail: expect.stringContaining('10.10 USD'),
  });
  expect((await get(`/repairs/${id}`)).repair.counts).toEqual({ planned: 2 });
  const applied = await post(`/repairs/${id}/apply`, { confirm, by: 'Bo' });
  expect(applied).toMatchObject({ answered: 200, owes: true, repair: { applied_by: 'Bo', counts: { done: 2 } } });
  expect(told).toContain('proofs');
  // Sent again, as by a client that lost the answer.
  expect(await post(`/repairs/${id}/apply`, { confirm, by: 'Bo' })).toMatchObject({
    answered: 200,
    repair: { counts: { done: 2 } },
  });
  await stage.proof.post();
  expect(await stage.prove()).toEqual({ states: { USD: 'sealed' }, findings: [] });
  expect((await get(`/repairs/${id}`)).data.map(({ standing }: Body) => standing)).toEqual(['gone', 'gone']);
  const { data } = await get(`/actions?subject=${id}`);
  expect(data.map(({ kind, actor, origin }: Body) => [kind, actor, origin])).toEqual([
    ['repair_apply', 'Bo', 'api'],
    ['repair_apply', 'Bo', 'api'],
    ['repair_plan', 'Ann', 'api'],
  ]);
});

it('refuses a name that cannot be kept before anything is applied', async () => {
  stage.proof.blnk.deleteTransaction(ids[0] ?? '');
  await stage.prove();
  const { repair } = await post('/repairs', { by: 'Ann' });
  const confirmed = { items: 1, sums: [{ currency: 'USD', amount: 1_000n }] };
  for (const name of ['An\u0000n', 'An\ud800n']) {
    const applied = sides.applyRepair({ name, origin: 'api' }, { plan: repair.id, confirmed });
    await expect(applied).rejects.toMatchObject({ name: 'Refusal' });
  }
  expect((await get(`/repairs/${repair.id}`)).repair.counts).toEqual({ planned: 1 });
});

it('does one at a time, and ends what is at work with the process', async () => {
  stage.proof.blnk.deleteTransaction(ids[0] ?? '');
  await stage.prove();
  stage.proof.blnk.faults.add({ effect: 'hang', times: 1_000 });
  const first = sides.planRepair({ name: 'Ann', origin: 'web' }, { fromDay: null, toDay: null });
  const ended = expect(first).rejects.toThrow();
  expect(await post('/repairs', {})).toMatchObject({
    answered: 409,
    code: 'repair_in_hand',
    detail: expect.stringContaining('Ann'),
  });
  expect((await get('/repairs')).current).toMatchObject({ what: 'plan', by: { name: 'Ann' } });
  await sides.close();
  await ended;
  expect(sides.current()).toBeNull();
  expect(sides.last()?.fault).not.toBeNull();
});

it('keeps what came of a plan that found nothing, for whoever did not wait', async () => {
  await stage.prove();
  await sides.planRepair({ name: 'Ann', origin: 'web' }, { fromDay: null, toDay: null });
  expect(sides.last()).toMatchObject({ fault: null, told: 'no day that was asked for is proven broken or open' });
  const page = await (await fetch(`${http.url}/repairs`, { headers: { accept: 'text/html' } })).text();
  expect(page).toMatch(
    /The last search found nothing that a plan can do[\s\S]*no day that was asked for is proven broken/,
  );
});

it('has the worker prove the days that a person asks for, once', async () => {
  const { context } = stage.proof;
  const asked = await post('/days/prove', { from: DAMAGED_DAY, to: DAMAGED_DAY });
  expect(asked).toMatchObject({ answered: 202, days: [DAMAGED_DAY], requested: [DAMAGED_DAY] });
  expect(await post('/days/prove', { from: DAMAGED_DAY, to: DAMAGED_DAY })).toMatchObject({
    days: [DAMAGED_DAY],
    requested: [],
  });
  const proofs = createScheduledProofs(context, {
    signal: NEVER,
    requestProofs: async () => {},
    confirmLedger: async () => {},
  });
  await proofs.turn();
  const { history, certificates } = await get(`/days/${DAMAGED_DAY}`);
  expect([history[0]?.trigger, certificates[0]?.state]).toEqual(['manual', 'sealed']);
  await proofs.turn();
  expect((await get(`/days/${DAMAGED_DAY}`)).history.filter(({ trigger }: Body) => trigger === 'manual')).toHaveLength(
    1,
  );
  const answer = await fetch(`${http.url}/api/v1/days/${DAMAGED_DAY}/certificates/USD`, {
    headers: { accept: 'text/csv' },
  });
  expect([answer.headers.get('content-type'), (await answer.text()).split('\r\n')[1]]).toEqual([
    'text/csv; charset=utf-8',
    expect.stringContaining(`${DAMAGED_DAY},USD,2,sealed`),
  ]);
  expect(await get(`/days/${DAMAGED_DAY}/certificates/EUR`)).toMatchObject({ status: 404 });
});

it('has a certificate of a currency that is none, as somebody else may book one', async () => {
  const currency = 'points, of "2026"/x';
  const { db } = stage.proof;
  await createCertificateStore(db, 'test').keepProof(proofOf([aCertificate({ currency, movement: null })]));
  const path = `/days/2026-11-18/certificates/${encodeURIComponent(currency)}`;
  expect(await get(path)).toMatchObject({ currency, state: 'sealed' });
  const answer = await fetch(`${http.url}/api/v1${path}.csv`);
  expect(answer.headers.get('content-disposition')).toBe(
    'attachment; filename="certificate-2026-11-18-points__of__2026__x.csv"',
  );
  expect(await get(`/payments?currency=${encodeURIComponent(currency)}`)).toMatchObject({ data: [] });
  expect(await get(`/totals/daily?currency=USDC`)).toMatchObject({ data: [] });
});

it('accepts a difference in the name of whoever signs it, and takes that back', async () => {
  stage.proof.blnk.deleteTransaction(ids[0] ?? '');
  await stage.prove();
  const signed = { payment: ids[0], why: 'refunded by hand', by: 'Ann' };
  expect(await post(`/days/${DAMAGED_DAY}/accept`, signed)).toMatchObject({ outcome: 'accepted' });
  expect(await post(`/days/${DAMAGED_DAY}/accept`, signed)).toMatchObject({
    answered: 200,
    outcome: 'already_accepted',
  });
  expect((await stage.prove()).states).toEqual({ USD: 'sealed_with_exceptions' });
  expect(await post(`/days/${DAMAGED_DAY}/take-back`, { ...signed, why: 'a mistake' })).toMatchObject({
    outcome: 'taken_back',
  });
  expect((await get('/actions?kind=accept')).data[0]).toMatchObject({
    actor: 'Ann',
    origin: 'api',
    why: 'refunded by hand',
  });
});

it('tells a person who asks for proofs of several days what is done, and what waited already', async () => {
  const earlier = utcDay(new Date(Date.parse(DAMAGED_DAY) - DAY_MS));
  const ask = async (from: string) => {
    const body = new URLSearchParams({ from, to: DAMAGED_DAY });
    return (await fetch(`${http.url}/days/prove`, { method: 'POST', body, headers: { accept: 'text/html' } })).text();
  };
  await ask(DAMAGED_DAY);
  const page = await ask(earlier);
  expect(page).toContain('Proofs of 2 days are asked for');
  expect(page).toContain('1 day waited for a proof already');
});
