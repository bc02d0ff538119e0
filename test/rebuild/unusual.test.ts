/**
 * What a rebuild makes of payments that are not simply in the ledger or missing: other people's rows, burnt and queued
 * references, replacements and corrections that the lost database had made.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MappingRules, prepareVariant, type Variant } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { type Home, homes } from '../support/homes.js';
import { runCommand } from '../support/process/command.js';
import { openPlace, type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const [embedded, onServer] = homes();
const home = onServer ?? embedded;
if (home === undefined) throw new Error('there is no home');
const theHome: Home = home;

const LOST_MIRROR = '5d0c2f0e-3c0b-4a6e-8d8e-0d6c4a1b7f01';
const ANOTHER_MIRROR = 'd3b0f3d2-0000-4000-8000-000000000001';

const RULES: MappingRules = {
  mappingVersion: 1,
  sourceShards: 1,
  mirrorId: LOST_MIRROR,
  livemode: false,
  source: '@stripe',
  guestDestination: '@stripe_guests',
};

interface Row {
  readonly reference: string;
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
  readonly reason_detail: string | null;
  readonly settled_how: string | null;
  readonly dismissed_by: string | null;
  readonly dismissed_why: string | null;
  readonly amount: string;
  readonly source: string;
  readonly transaction_id: string | null;
}

describe('payments that are not simply there or missing', () => {
  let session: Session;
  let rows: ReadonlyMap<string, Row>;
  let ledgerRows: number;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    session = await startSession(theHome);
    const { stripe } = session;
    const created = new Date(stripe.clock.now().getTime() - 3 * 86_400_000);
    const pay = (name: string): Payment => {
      const id = stripe.createIntent({
        created,
        amount: 1_000,
        currency: 'usd',
        moves: [{ move: 'succeed', at: created }],
      });
      ids[name] = id;
      return {
        ...{ kind: 'payment', id, amountReceived: 1_000n, currency: 'usd', created, livemode: false },
        ...{ customerId: null, chargeId: null, description: null, metadata: [] },
      };
    };
    await post(pay('posted'));
    await post(pay('by others'), {}, { meta_data: { source: 'an import' } });
    await post(pay('other amount'), {}, { precise_amount: 990 });
    pay('missing');
    await burn(pay('burnt'));
    const replaced = pay('replaced');
    await burn(replaced);
    await post(replaced, { reference: `${replaced.id}:r1` });
    const corrected = pay('corrected');
    await post(corrected, {}, { precise_amount: 700 });
    await post(corrected, { reference: `${corrected.id}:adj:1`, correctedBy: 400n });
    await post(corrected, { reference: `${corrected.id}:adj:2`, correctedBy: -100n });
    const replacedByParts = pay('corrections alone');
    await post(replacedByParts, { reference: `${replacedByParts.id}:adj:1`, correctedBy: 600n });
    await post(replacedByParts, { reference: `${replacedByParts.id}:adj:2`, correctedBy: 400n });
    const half = pay('half corrected');
    await post(half, {}, { precise_amount: 700 });
    await post(half, { reference: `${half.id}:adj:1`, correctedBy: 100n });
    const takeBack = (payment: Payment, reference = `${payment.id}:undo`, towards = '@stripe') => {
      const back = towards === '@stripe' ? { source: '@stripe_guests', destination: '@stripe' } : {};
      return post(payment, { reference }, { ...back, reference });
    };
    const takenBack = pay('taken back');
    await post(takenBack);
    await takeBack(takenBack);
    const takenAndReplaced = pay('taken back and replaced');
    await post(takenAndReplaced);
    await takeBack(takenAndReplaced);
    await post(takenAndReplaced, { reference: `${takenAndReplaced.id}:r1` });
    const putBack = pay('taken back and put back');
    await post(putBack);
    await takeBack(putBack);
    await takeBack(putBack, `${putBack.id}:undo:undo`, '@stripe_guests');
    const refunded = pay('refunded');
    await post(refunded);
    await fetch(`${session.blnk.url}/refund-transaction/${session.blnk.byReference(refunded.id)?.transaction_id}`, {
      method: 'POST',
      headers: { 'x-blnk-key': session.blnk.coreKey, 'content-type': 'application/json' },
      body: JSON.stringify({ skip_queue: true }),
    });
    await post(pay('day moved'), {}, { effective_date: '2026-01-01T00:00:00Z' });
    session.blnk.setQueuedChildren('held');
    const queued = pay('queued');
    await post(queued, {}, { skip_queue: false });
    await until('the queued row is there', () => session.blnk.byReference(queued.id) !== undefined);
    stripe.createIntent({
      created,
      amount: 1_001,
      currency: 'kwd',
      moves: [{ move: 'succeed', at: created }],
      id: 'pi_odd',
    });
    ledgerRows = session.blnk.stats().rows;

    const ended = await runCommand(['rebuild', '--from', '4d'], session.variables);
    expect(ended).toMatchObject({ code: 0, output: expect.stringMatching(/^parked, conflict +4$/m) });
    const sql = await session.look();
    rows = new Map(
      (await sql<Row[]>`select *, amount::text as amount from stripe_blnk_sync.postings`).map((row) => [
        row.reference,
        row,
      ]),
    );
  }, 60_000);

  afterAll(() => session.close());

  const of = (name: string, suffix = ''): Row | undefined => rows.get(`${ids[name]}${suffix}`);

  it('posts nothing, and takes the id that the ledger carries', async () => {
    expect(session.blnk.stats().rows).toBe(ledgerRows);
    const sql = await session.look();
    expect((await sql`select mirror_id from stripe_blnk_sync.mirror`)[0]).toEqual({ mirror_id: LOST_MIRROR });
  });

  it.each([
    ['posted', { state: 'posted', settled_how: 'posted' }],
    ['by others', { state: 'posted', settled_how: 'already_there' }],
    ['missing', { state: 'parked', reason: 'rebuild', dismissed_by: null }],
    ['queued', { state: 'parked', reason: 'rebuild', reason_detail: expect.stringContaining('queued this reference') }],
    ['burnt', { state: 'parked', reason: 'burnt_reference', dismissed_by: null }],
    ['other amount', { state: 'parked', reason: 'conflict', reason_detail: expect.stringContaining('9.90 USD') }],
    [
      'half corrected',
      {
        state: 'parked',
        reason: 'conflict',
        dismissed_by: null,
        reason_detail: expect.stringContaining('holds 8.00 USD'),
      },
    ],
    ['replaced', { state: 'parked', reason: 'burnt_reference', dismissed_by: 'rebuild' }],
    ['taken back', { state: 'parked', reason: 'conflict', dismissed_by: null }],
    ['refunded', { state: 'parked', reason: 'conflict', dismissed_by: null }],
    ['taken back and replaced', { state: 'parked', reason: 'conflict', dismissed_by: 'rebuild' }],
    ['taken back and put back', { state: 'posted', settled_how: 'posted' }],
    ['corrected', { state: 'parked', reason: 'conflict', dismissed_by: 'rebuild' }],
    ['corrections alone', { state: 'parked', reason: 'rebuild', dismissed_by: 'rebuild' }],
    ['day moved', { state: 'posted', exception: expect.stringContaining('effective date') }],
  ])('%s', (name, wanted) => {
    expect(of(name)).toMatchObject({ kind: 'payment', amount: '1000', ...wanted });
  });

  it('keeps replacements and corrections as postings of their own', () => {
    expect(of('replaced', ':r1')).toMatchObject({ kind: 'replacement', state: 'posted', amount: '1000' });
    expect(of('replaced')?.dismissed_why).toBe(`replaced by ${ids.replaced}:r1`);
    expect(of('corrected', ':adj:1')).toMatchObject({
      kind: 'correction',
      state: 'posted',
      amount: '400',
      source: '@stripe',
    });
    expect(of('corrected', ':adj:2')).toMatchObject({ state: 'posted', amount: '100', source: '@stripe_guests' });
    expect(of('corrected')?.dismissed_why).toBe(`corrected by ${ids.corrected}:adj:1, ${ids.corrected}:adj:2`);
    expect(of('half corrected', ':adj:1')).toMatchObject({ kind: 'correction', state: 'posted' });
    expect([...rows.values()].filter(({ kind }) => kind !== 'payment').length).toBe(7);
  });

  it('parks what cannot be mapped for its own reason, and counts every payment once', async () => {
    expect(rows.get('pi_odd')).toMatchObject({ state: 'parked', reason: 'three_decimal_amount' });
    const sql = await session.look();
    const wrong = await sql`
      select id from stripe_blnk_sync.sync_history where found <> known_before + stored or stored <> posted + already_there + parked + pending`;
    expect([...wrong]).toEqual([]);
  });

  it('gives a new id to a mirror whose ledger carries several, and names which', async () => {
    const place = await theHome.create();
    const variables = { ...session.variables, ...place.environment };
    try {
      if (place.environment.DATABASE_URL !== undefined) await runCommand(['migrate'], variables);
      await post(paymentOf('pi_of_another'), {}, { meta_data: { stripe_mirror: ANOTHER_MIRROR } });
      const ended = await runCommand(['rebuild', '--from', '4d', '--json'], variables);
      expect([ended.code, ended.errors]).toEqual([0, expect.stringContaining(LOST_MIRROR)]);
      const result = JSON.parse(ended.output);
      expect(result.mirror_id).not.toBe(LOST_MIRROR);
      expect(result).toMatchObject({ posted: 0, complete: true });
      expect(result.already_there).toBeGreaterThan(2);
    } finally {
      await place.destroy();
    }
  });

  it('rebuilds the one that a person names, and goes on with no other', async () => {
    const place = await openPlace(theHome);
    try {
      const variables = { ...session.variables, ...place.variables };
      const named = await runCommand(['rebuild', '--from', '4d', '--mirror', LOST_MIRROR], variables);
      expect([named.code, named.errors]).toEqual([0, expect.stringContaining(`Rebuilding the mirror ${LOST_MIRROR}`)]);
      expect(named.errors).toContain(`What other mirrors posted (${ANOTHER_MIRROR}) counts as already there`);
      const sql = await place.look();
      expect([...(await sql`select mirror_id from stripe_blnk_sync.mirror`)]).toEqual([{ mirror_id: LOST_MIRROR }]);
      const [posted] =
        await sql`select state from stripe_blnk_sync.postings where reference = ${ids.posted ?? ''} and settled_how = 'posted'`;
      expect(posted).toEqual({ state: 'posted' });
      await sql`update stripe_blnk_sync.mirror set rebuilding_since = now()`;
      const other = await runCommand(['rebuild', '--mirror', ANOTHER_MIRROR], variables);
      expect([other.code, other.errors]).toEqual([2, expect.stringMatching(/^mirror_differs: .*Leave --mirror out/)]);
    } finally {
      await place.close();
    }
  });

  function paymentOf(id: string): Payment {
    const created = new Date(session.stripe.clock.now().getTime() - 86_400_000);
    return {
      ...{ kind: 'payment', id, amountReceived: 5n, currency: 'usd', created, livemode: false },
      ...{ customerId: null, chargeId: null, description: null, metadata: [] },
    };
  }

  /** As the lost worker did it, or somebody else, with changes to the body. */
  async function post(payment: Payment, variant: Partial<Variant> = {}, changes: Record<string, unknown> = {}) {
    const preparation = prepareVariant(payment, RULES, { reference: payment.id, ...variant });
    if (preparation.kind !== 'prepared') throw new Error('the payment cannot be posted');
    const answer = await fetch(`${session.blnk.url}/transactions`, {
      method: 'POST',
      headers: { 'x-blnk-key': session.blnk.coreKey, 'content-type': 'application/json' },
      body: JSON.stringify({ ...JSON.parse(preparation.transaction.body), ...changes }),
    });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  }

  /** Queued without overdraft: Core rejects its copy. */
  async function burn(payment: Payment): Promise<void> {
    session.blnk.setQueuedChildren('soon');
    await post(payment, {}, { skip_queue: false, allow_overdraft: false, meta_data: {}, source: '@empty' });
    await until(
      'the queued copy is rejected',
      () => session.blnk.byReference(`${payment.id}_q`)?.status === 'REJECTED',
    );
  }
});
