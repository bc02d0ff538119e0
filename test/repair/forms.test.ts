/**
 * Somebody else's code booked the payments first, one in each form that Blnk has. The lane drains, the day is proven and
 * planned, and each piece of advice is followed as it stands: no payment ends in the source balance twice, and the day seals.
 */
import { afterEach, expect, it } from 'vitest';
import { createAcceptanceStore } from '../../src/db/proof/acceptance-store.js';
import { type ForeignForm, postAsSomebodyElse } from '../support/somebody-else.js';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY } from '../support/stages/proof.js';
import { openRepairStage, type RepairStage } from '../support/stages/repair.js';
import { halfInTier } from '../support/tier.js';

const openStage = stages();
let repair: RepairStage;
afterEach(() => repair.proof.closeLedger());

interface Wanted {
  /** Of our posting once it settled: its state, and its reason. */
  readonly posting: string;
  /** What the first proof says. */
  readonly finding: string | null;
  /** What the plan has for it: an action, or words of its report. */
  readonly advice: string | RegExp | null;
  /** What of the payment is in the source balance in the end, in hundredths of it. */
  readonly share?: bigint;
}

const FORMS: Readonly<Partial<Record<ForeignForm, Wanted>>> = {
  equal: { posting: 'posted', finding: null, advice: null },
  queued: { posting: 'posted', finding: null, advice: null },
  'queued-rejected': { posting: 'parked burnt_reference', finding: 'burnt', advice: 'replace' },
  'split-by-destinations': { posting: 'parked conflict', finding: 'different', advice: /in parts.*accept/s },
  'split-queued': { posting: 'parked conflict', finding: 'different', advice: /in parts.*accept/s },
  'split-by-sources': { posting: 'parked conflict', finding: 'different', advice: /in parts.*accept/s, share: 60n },
  'inflight-committed': { posting: 'posted', finding: null, advice: null },
  'inflight-committed-at-once': { posting: 'posted', finding: null, advice: null },
  'inflight-voided': { posting: 'parked burnt_reference', finding: 'burnt', advice: 'replace' },
  refunded: { posting: 'parked conflict', finding: 'parked', advice: 'replace' },
  'refunded-twice': { posting: 'posted', finding: null, advice: null },
  'reversed-by-hand': { posting: 'parked conflict', finding: 'parked', advice: 'replace' },
  'reversed-by-hand-queued': { posting: 'parked conflict', finding: 'parked', advice: 'replace' },
};

it.each(halfInTier(Object.entries(FORMS)))('%s', { timeout: 60_000 }, async (form, wanted) => {
  await playForm(form as ForeignForm, wanted);
});

it.each(halfInTier(['split-by-destinations', 'split-queued'] as const))(
  '%s, booked between our look and our post: our own posting is the double, and its advice takes it back',
  { timeout: 60_000 },
  async (form) => {
    repair = await openRepairStage(await openStage(), { queuedChildren: 'soon' });
    const [id = ''] = repair.pay(1);
    await repair.proof.settle();
    await book(form, id);
    expect((await repair.prove()).findings).toContain(`doubled ${id}`);
    const { reported } = await repair.plan();
    expect(reported[0]?.detail).toMatch(/our own posting is the double/);
    const [body = '', ...more] = linesOf(reported[0]?.detail ?? '');
    expect(more).toEqual([]);
    expect(JSON.parse(body)).toMatchObject({ reference: `${id}:undo`, destination: expect.any(String) });
    await repair.proof.postByHand(JSON.parse(body));
    await followUntilSealed(id);
    expect(netOf(id)).toBe(repair.owed.get(id));
  },
);

/** What Blnk, or whoever booked it there, has still to decide; then the posting settles by itself. */
const OPEN: ReadonlyArray<readonly [ForeignForm, RegExp, 'commit' | 'void' | null]> = [
  ['inflight-open', /neither committed nor voided.*commit or void it/, 'commit'],
  ['inflight-committed-in-part', /5\.00 USD committed, 5\.00 USD still open.*commit or void it/, 'commit'],
  ['inflight-committed-in-part', /5\.00 USD committed, 5\.00 USD still open.*commit or void it/, 'void'],
  ['scheduled', /scheduled .* its time has not come/, null],
];

it.each(halfInTier(OPEN))('%s: %s, then %s', { timeout: 60_000 }, async (form, words, decision) => {
  repair = await openRepairStage(await openStage(), { queuedChildren: 'soon' });
  const [id = ''] = repair.pay(1);
  await book(form, id);
  await repair.proof.collect();
  expect(await repair.prove()).toEqual({ states: { USD: 'open' }, findings: [`queued ${id}`] });
  const { plan, left, reported } = await repair.plan();
  expect([plan, reported]).toEqual([null, []]);
  expect(left.find(({ paymentId }) => paymentId === id)?.detail).toMatch(words);
  if (decision === null) return;

  const { blnk } = repair.proof;
  const path = `${blnk.url}/transactions/inflight/${blnk.byReference(id)?.transaction_id}`;
  const headers = { 'x-blnk-key': blnk.coreKey, 'content-type': 'application/json' };
  const body = JSON.stringify({ status: decision, skip_queue: true });
  expect((await fetch(path, { method: 'PUT', headers, body })).status).toBe(200);
  await repair.proof.post();
  await followUntilSealed(id);
  expect(netOf(id)).toBe(repair.owed.get(id));
});

it('partly taken back by hand: the difference is posted, or accepted', { timeout: 60_000 }, async () => {
  repair = await openRepairStage(await openStage());
  const [id = ''] = repair.pay(1);
  await repair.proof.settle();
  const part = {
    precision: 100,
    currency: 'USD',
    precise_amount: 300,
    source: '@stripe_guests',
    destination: '@stripe',
  };
  const at = { effective_date: `${DAMAGED_DAY}T00:00:00Z`, skip_queue: true };
  await repair.proof.postByHand({ ...part, ...at, reference: `${id}:undo` });
  expect((await repair.prove()).findings).toContain(`different ${id}`);
  const [item] = (await repair.plan()).plan?.items ?? [];
  expect(item).toMatchObject({ action: 'correct', amount: 300n });
  expect(item?.detail).toContain(`If ${id}:undo is meant, apply nothing: accept ${id} --why`);
  await followUntilSealed(id);
  expect(netOf(id)).toBe(repair.owed.get(id));
});

async function playForm(form: ForeignForm, wanted: Wanted): Promise<void> {
  repair = await openRepairStage(await openStage(), { queuedChildren: 'soon' });
  const [id = ''] = repair.pay(1);
  await book(form, id);
  await repair.proof.settle();
  const posting = (await repair.proof.postings()).get(id);
  expect([posting?.state, posting?.reason ?? []].flat().join(' ')).toBe(wanted.posting);

  const first = await repair.prove();
  const kinds = first.findings.filter(
    (finding) => finding.endsWith(` ${id}`) && !/effective_date|day_key/.test(finding),
  );
  expect(kinds).toEqual(wanted.finding === null ? [] : [`${wanted.finding} ${id}`]);
  const { plan, reported } = await repair.plan();
  const item =
    plan?.items.find(({ paymentId }) => paymentId === id) ?? reported.find(({ paymentId }) => paymentId === id);
  if (wanted.advice === null) expect(item).toBeUndefined();
  else if (typeof wanted.advice === 'string') expect(item?.action).toBe(wanted.advice);
  else expect(item?.detail).toMatch(wanted.advice);

  await followUntilSealed(id);
  const whole = repair.owed.get(id) ?? 0n;
  expect(netOf(id)).toBe((whole * (wanted.share ?? 100n)) / 100n);
}

/** Applies what is planned, and accepts where the advice says that nothing is to be posted. */
async function followUntilSealed(id: string): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const { states } = await repair.prove();
    if (['sealed', 'sealed_with_exceptions'].includes(states.USD ?? '')) return;
    const { outcome } = await repair.repair();
    const report = outcome.reported.find(({ paymentId }) => paymentId === id);
    if (report === undefined || !report.detail.includes(`accept ${id} --why`)) continue;
    await repair.prove();
    const store = createAcceptanceStore(repair.proof.db, 'test');
    const signed = await store.accept({ payment: id, by: 'tester', why: 'the parts are the payment' });
    expect(signed.kind).toBe('accepted');
  }
  const last = await repair.prove();
  expect({ ...last, sealed: ['sealed', 'sealed_with_exceptions'].includes(last.states.USD ?? '') }).toMatchObject({
    sealed: true,
  });
}

/** What the rows of the payment took out of the source balance: its own, and what commits or refunds them. */
function netOf(id: string): bigint {
  const rows = [...repair.proof.blnk.transactions()];
  const ids = new Set<string>();
  const isOfIt = (row: (typeof rows)[number]) => row.reference.startsWith(id) || ids.has(row.parent);
  let known = -1;
  while (ids.size > known) {
    known = ids.size;
    for (const row of rows) if (isOfIt(row)) ids.add(row.transaction_id);
  }
  return rows
    .filter((row) => ids.has(row.transaction_id) && row.status === 'APPLIED')
    .reduce((sum, row) => {
      if (row.source === '@stripe') return sum + row.precise_amount;
      return row.destination === '@stripe' ? sum - row.precise_amount : sum;
    }, 0n);
}

async function book(form: ForeignForm, id: string): Promise<void> {
  const { blnk } = repair.proof;
  await postAsSomebodyElse(
    form,
    {
      ...{ reference: id, preciseAmount: repair.owed.get(id) ?? 0n, precision: 100, currency: 'USD' },
      ...{ source: '@stripe', destination: '@stripe_guests', effectiveDate: `${DAMAGED_DAY}T00:00:00Z` },
    },
    { baseUrl: blnk.url, headers: { 'x-blnk-key': blnk.coreKey } },
  );
}

function linesOf(detail: string): string[] {
  return detail.split('\n').flatMap((line) => (line.startsWith('POST /transactions ') ? [line.slice(19)] : []));
}
