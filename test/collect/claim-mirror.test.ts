/** Claiming the mirror: what a worker may take over, and every refusal with both values in its words. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SyncError } from '../../src/core/base/errors.js';
import { STRIPE_EPOCH } from '../../src/core/posting/mirror.js';
import { createCollectStore } from '../../src/db/collect/collect-store.js';
import {
  createMirror,
  findMirror,
  markFirstPost,
  nameAccount,
  readMirror,
  restartMirror,
} from '../../src/db/mirror/mirror-store.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { readStandings } from '../../src/db/reads/standings.js';
import { anyStoredIntent } from '../../src/db/workers/worker-registry.js';
import { claimMirror, type MirrorPorts, type Wanted } from '../../src/worker/claim-mirror.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { DAY, HOUR, NOW, type Stage, stages } from '../support/stages/collect.js';

const WANTED: Wanted = {
  livemode: false,
  blnkInstance: 'inst_test',
  source: '@stripe',
  sourceShards: 1,
  guestDestination: '@stripe_guests',
  accountsMode: 'indicators',
  syncStart: { kind: 'ago', durationMs: 30 * DAY },
};

describe('claiming the mirror', () => {
  const open = stages();

  /** The database and the stand-in are real; what the ledger says and what a key may read is the test's. */
  function portsOf(stage: Stage, said: Partial<MirrorPorts> = {}): MirrorPorts {
    const { db } = stage;
    return {
      find: () => findMirror(db),
      create: (mirror) => createMirror(db, mirror),
      nameAccount: (account) => nameAccount(db, account),
      restart: (identity) => restartMirror(db, identity),
      anyStoredIntent: () => anyStoredIntent(stage.sql),
      readAccount: async () => ({ id: stage.sandbox.account, livemode: false }),
      readIntent: async (id) => stage.account.readIntent(id),
      serverTime: async () => stage.clock.now(),
      ledgerHasTransactionsOfOurs: async () => false,
      newMirrorId: randomUUID,
      noteAdopted: async () => {},
      ...said,
    };
  }

  const claim = (ports: MirrorPorts, wanted: Partial<Wanted> = {}, adopt = false) =>
    claimMirror(ports, { ...WANTED, ...wanted }, { adopt });

  async function refusal(claimed: Promise<unknown>): Promise<SyncError> {
    const thrown = await claimed.then(
      () => new Error('it was not refused'),
      (error: unknown) => error,
    );
    expect(thrown).toMatchObject({ name: 'SyncError', kind: 'fatal' });
    return thrown as SyncError;
  }

  it('freezes the start of a new mirror as an absolute time of Stripe, in whole seconds', async () => {
    const stage = await open();
    const starts = async (syncStart: Wanted['syncStart']) => {
      await stage.sql`truncate stripe_blnk_sync.mirror`;
      stage.clock.set(new Date(NOW.getTime() + 700));
      return (await claim(portsOf(stage), { syncStart })).startsAt;
    };
    expect(await starts({ kind: 'ago', durationMs: 2 * HOUR })).toEqual(new Date(NOW.getTime() - 2 * HOUR));
    expect(await starts({ kind: 'time', time: new Date('2026-01-01T00:00:00.900Z') })).toEqual(
      new Date('2026-01-01T00:00:00Z'),
    );
    expect(await starts({ kind: 'ago', durationMs: 36_500 * DAY })).toEqual(STRIPE_EPOCH);
    expect(await starts({ kind: 'time', time: new Date('1900-01-01') })).toEqual(STRIPE_EPOCH);
    expect(await starts({ kind: 'all' })).toEqual(STRIPE_EPOCH);
    stage.clock.advance(DAY);
    expect((await claim(portsOf(stage))).startsAt).toEqual(STRIPE_EPOCH);
  });

  it('tells who keeps what people did, once, when a mirror began over a ledger that was adopted', async () => {
    const stage = await open();
    await stage.sql`truncate stripe_blnk_sync.mirror`;
    const adopted: string[] = [];
    const ports = portsOf(stage, { noteAdopted: async ({ mirrorId }) => void adopted.push(mirrorId) });
    const { mirrorId } = await claim(ports, {}, true);
    await claim(ports, {}, true);
    expect(adopted).toEqual([mirrorId]);
    const restarted = await claim(ports, { source: '@other' }, true);
    expect(adopted).toEqual([mirrorId, restarted.mirrorId]);
    await claim(ports, { source: '@stripe' });
    expect(adopted).toHaveLength(2);
  });

  it('makes one mirror when two workers start at once', async () => {
    const stage = await open();
    await stage.sql`truncate stripe_blnk_sync.mirror`;
    const [one, two] = await Promise.all([claim(portsOf(stage)), claim(portsOf(stage))]);
    expect(one).toEqual(two);
  });

  it.each([
    ['livemode', { livemode: true }, ['livemode', 'true', 'false']],
    ['the Blnk instance', { blnkInstance: 'inst_other' }, ['BLNK_INSTANCE_ID', 'inst_other', 'inst_test']],
    ['the source', { source: '@other' }, ['BLNK_SOURCE', '@other', '@stripe']],
    ['the number of source balances', { sourceShards: 4 }, ['BLNK_SOURCE_SHARDS', '4', '1']],
    ['the guest balance', { guestDestination: '@g' }, ['BLNK_GUEST_DESTINATION', '@g', '@stripe_guests']],
  ])('refuses another value of %s once something was posted, and names both', async (_what, differs, words) => {
    const stage = await open();
    await claim(portsOf(stage));
    await markFirstPost(stage.db, (await readMirror(stage.db)).mirrorId);
    const { code, message } = await refusal(claim(portsOf(stage), differs));
    expect(code).toBe('mirror_differs');
    for (const word of words) expect(message).toContain(word);
    expect(await readMirror(stage.db)).toMatchObject({ livemode: false, source: '@stripe', blnkInstance: 'inst_test' });
  });

  it('takes a change over before the first posting, and forgets what was read and prepared for the other one', async () => {
    const stage = await open({ startsAt: new Date(NOW.getTime() - DAY) });
    stage.pay({ created: new Date(NOW.getTime() - HOUR) });
    await stage.begin();
    expect((await stage.postings()).size).toBe(1);
    const certificates = createCertificateStore(stage.db, 'test');
    const { provedAt } = await certificates.beginProof('2026-05-30');
    await certificates.keepProof(proofOf([aCertificate({ day: '2026-05-30' })], { provedAt }));
    const claimed = await claim(portsOf(stage), { source: '@shop', livemode: true });
    expect(claimed).toMatchObject({ source: '@shop', livemode: true, cutoverAt: null });
    expect(await stage.coverage()).toEqual([]);
    // A day that was sealed for the other account would never be proven for this one.
    expect(await readStandings(stage.db)).toEqual([]);
    expect((await stage.postings()).size).toBe(0);
    expect(await stage.runs()).toEqual([]);
    await claim(portsOf(stage), { source: '@shop' });
    await stage.begin();
    expect([...(await stage.postings()).values()]).toMatchObject([{ source: '@shop', state: 'pending' }]);
    await stage.assertHonest();
  });

  it('refuses when posting begins in the moment of the change', async () => {
    const stage = await open();
    await claim(portsOf(stage));
    const ports = portsOf(stage, {
      restart: async (identity) => {
        await markFirstPost(stage.db, (await readMirror(stage.db)).mirrorId);
        return restartMirror(stage.db, identity);
      },
    });
    expect((await refusal(claim(ports, { source: '@other' }))).code).toBe('mirror_differs');
    expect((await readMirror(stage.db)).source).toBe('@stripe');
  });

  it('stops a worker of the configuration before, before it posts or stores anything', async () => {
    const stage = await open();
    const before = await claim(portsOf(stage));
    const after = await claim(portsOf(stage), { source: '@other' });
    expect(after.mirrorId).not.toBe(before.mirrorId);
    const old = createCollectStore(stage.db, { workerId: randomUUID(), version: 'test', mirrorId: before.mirrorId });
    await expect(old.mirror()).rejects.toMatchObject({ kind: 'fatal', code: 'mirror_differs' });
    await expect(markFirstPost(stage.db, before.mirrorId)).rejects.toMatchObject({ code: 'mirror_differs' });
    expect((await readMirror(stage.db)).firstPostAt).toBeNull();
    await markFirstPost(stage.db, after.mirrorId);
    const first = (await readMirror(stage.db)).firstPostAt;
    expect(first).not.toBeNull();
    const version = () => stage.sql`select xmin::text, ctid::text, first_post_at from stripe_blnk_sync.mirror`;
    const marked = await version();
    await markFirstPost(stage.db, after.mirrorId);
    expect(await version(), 'every lane asks, and the row is written once').toEqual(marked);
    expect((await readMirror(stage.db)).firstPostAt).toEqual(first);
  });

  it('requires --adopt when the changed configuration leads to a ledger with transactions of ours', async () => {
    const stage = await open();
    await claim(portsOf(stage));
    const used = portsOf(stage, { ledgerHasTransactionsOfOurs: async () => true });
    expect((await refusal(claim(used, { blnkInstance: 'inst_used' }))).code).toBe('ledger_not_empty');
    expect((await readMirror(stage.db)).blnkInstance).toBe('inst_test');
  });

  it('refuses a start that has not come yet, and names both times', async () => {
    const stage = await open();
    await stage.sql`truncate stripe_blnk_sync.mirror`;
    const time = new Date(NOW.getTime() + DAY);
    const { code, message } = await refusal(claim(portsOf(stage), { syncStart: { kind: 'time', time } }));
    expect(code).toBe('start_in_future');
    expect(message).toContain(time.toISOString());
  });

  it('refuses another account and names both, posted or not', async () => {
    const stage = await open();
    await claim(portsOf(stage));
    const other = portsOf(stage, { readAccount: async () => ({ id: 'acct_other', livemode: false }) });
    const { code, message } = await refusal(claim(other));
    expect(code).toBe('other_account');
    expect(message).toContain('acct_other');
    expect(message).toContain(stage.sandbox.account);
  });

  describe('when a restricted key cannot read its account', () => {
    const unreadable = { readAccount: async () => ({ id: null, livemode: false }) };

    it('goes on while a stored intent is known to Stripe', async () => {
      const stage = await open({ startsAt: new Date(NOW.getTime() - DAY) });
      stage.pay();
      await stage.begin();
      stage.clock.advance(HOUR);
      await stage.tail();
      expect(await claim(portsOf(stage, unreadable))).toMatchObject({ stripeAccount: stage.sandbox.account });
    });

    it.each([
      [false, 'test data was deleted'],
      [true, 'another account'],
    ])('refuses when Stripe does not know it (livemode %s)', async (livemode, words) => {
      const stage = await open();
      await claim(portsOf(stage), { livemode });
      const missing = portsOf(stage, {
        ...unreadable,
        anyStoredIntent: async () => 'pi_gone',
      });
      const { code, message } = await refusal(claim(missing, { livemode }));
      expect(code).toBe('other_account');
      expect(message).toContain('pi_gone');
      expect(message).toContain(words);
      expect(message.includes('deleted')).toBe(!livemode);
    });

    it('learns its id from a better key, but only of an account that knows the stored intent', async () => {
      const stage = await open();
      await stage.sql`update stripe_blnk_sync.mirror set stripe_account = null`;
      const other = portsOf(stage, {
        readAccount: async () => ({ id: 'acct_other', livemode: false }),
        anyStoredIntent: async () => 'pi_ours',
      });
      expect((await refusal(claim(other))).message).toContain('pi_ours');
      expect((await readMirror(stage.db)).stripeAccount).toBeNull();
      expect(await claim(portsOf(stage))).toMatchObject({ stripeAccount: stage.sandbox.account });
    });
  });

  it('refuses an empty database over a ledger that holds our transactions, and goes on with adopt', async () => {
    const stage = await open();
    await stage.sql`truncate stripe_blnk_sync.mirror`;
    const ports = portsOf(stage, { ledgerHasTransactionsOfOurs: async () => true });
    const { code, message } = await refusal(claim(ports));
    expect(code).toBe('ledger_not_empty');
    expect(message).toContain('worker --adopt');
    expect(await findMirror(stage.db)).toBeNull();
    expect(await claim(ports, {}, true)).toMatchObject({ source: '@stripe' });
    expect(await claim(ports)).toMatchObject({ source: '@stripe' });
  });
});
