/**
 * The database is lost, the ledger and Stripe are not. What rebuild makes of that: everything in the ledger adopted,
 * nothing posted by itself, whatever interrupts it; and everything that it refuses.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { KINDS } from '../../sandbox/stripe/kinds.js';
import { type Home as OpenedHome, openHome } from '../../src/app/home.js';
import { readHomeConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';
import { type Home, homes } from '../support/homes.js';
import { type Child, startChild } from '../support/process/child.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { inTier } from '../support/tier.js';

const STORY_TIMEOUT_MS = 180_000;

/** The one with a database that others migrate, where there is one. */
const [embedded, onServer] = homes();
const home = onServer ?? embedded;
if (home === undefined) throw new Error('there is no home');
const theHome: Home = home;

type Sql = OpenedHome['database']['sql'];

/** A new, migrated, empty database beside the session's; the session's counts as lost. */
async function emptyDatabase(session: Session): Promise<{ variables: Variables; look(): Promise<Sql> }> {
  const place = await theHome.create();
  const variables = { ...session.variables, ...place.environment };
  if (place.environment.DATABASE_URL !== undefined) await runCommand(['migrate'], variables);
  let opened: OpenedHome | undefined;
  onTestFinished(async () => {
    await opened?.close();
    await place.destroy();
  });
  const log = createLog({ level: 'silent' });
  return {
    variables,
    look: async () => {
      opened ??= await openHome(readHomeConfig(variables), { log, role: 'command' });
      return opened.database.sql;
    },
  };
}

const rebuild = (variables: Variables, ...words: string[]): Child =>
  startChild({ script: 'src/main.ts', words: ['rebuild', ...words], variables });

/** Everything that the ledger holds: what must not change. */
const ledgerOf = ({ blnk }: Session): string =>
  [...blnk.transactions()].map((row) => `${row.transaction_id} ${row.reference} ${row.status}`).join('\n');

async function settledBy(sql: Sql): Promise<Map<string, string>> {
  const rows = await sql<{ reference: string; text: string }[]>`
    select reference, concat_ws(' ', kind, state, reason, transaction_id, settled_how, exception, amount, currency, source,
      destination, effective_at, object_id) as text from stripe_blnk_sync.postings`;
  return new Map(rows.map(({ reference, text }) => [reference, text]));
}

describe('a lost database over many of posted payments', () => {
  let session: Session;
  let before: Map<string, string>;

  beforeAll(async () => {
    // All of them can be posted, so that every day can be sealed; the others are in unusual.test.ts.
    const kinds = KINDS.filter(({ expected }) => expected.outcome === 'posted');
    session = await startSession(theHome, {
      population: { ...population(inTier({ quick: 800, full: 3_000 })), kinds },
    });
    const worker = session.quickWorker();
    await session.untilSettled(120_000);
    worker.kill('SIGTERM');
    await worker.ended;
    before = await settledBy(await session.look());
  }, STORY_TIMEOUT_MS);

  afterAll(() => session.close(), STORY_TIMEOUT_MS);

  it(
    'is made anew, killed twice on the way; then a worker goes on, and nothing was posted but what a person confirmed',
    async () => {
      const { stripe, blnk } = session;
      const now = stripe.clock.now();
      const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
      // The lost database knew that this one was left out on purpose; nothing else does. Its day is among those that are proven below.
      const [{ reference: dismissed } = { reference: '' }] = await (await session.look())<{ reference: string }[]>`
        select reference from stripe_blnk_sync.postings where kind = 'payment' and state = 'posted'
          and effective_at > ${daysAgo(18).toISOString()} and effective_at < ${daysAgo(4).toISOString()} order by reference limit 1`;
      expect(blnk.deleteTransaction(dismissed)).toBe(true);
      // While nobody ran: one that succeeded at once, and one that was created long before.
      const late = stripe.createIntent({
        ...{ created: daysAgo(10), amount: 1_234, currency: 'usd' },
        moves: [{ move: 'succeed', at: now }],
      });
      const fresh = stripe.createIntent({
        created: now,
        amount: 99,
        currency: 'eur',
        moves: [{ move: 'succeed', at: now }],
      });
      stripe.clock.advance(60_000);
      const ledger = ledgerOf(session);
      const { variables, look } = await emptyDatabase(session);

      stripe.setLatency(150);
      for (const pages of [3, 12]) {
        const killed = rebuild(variables);
        const sql = await look();
        const covered = async () => (await sql`select 1 from stripe_blnk_sync.coverage`).length;
        await until('some pages are stored', async () => (await covered()) >= pages, { explain: killed.errors });
        killed.kill('SIGKILL');
        expect((await killed.ended).signal).toBe('SIGKILL');
        const [mirror] = await sql`select rebuilding_since from stripe_blnk_sync.mirror`;
        expect(mirror?.rebuilding_since).toEqual(expect.any(String));
        const refused = await runCommand(['worker'], variables);
        expect([refused.code, refused.errors]).toEqual([2, expect.stringMatching(/rebuild_unfinished|being rebuilt/)]);
      }
      stripe.setLatency(0);
      const requests = stripe.journal.requests['payment_intents.list'] ?? 0;
      const ended = await rebuild(variables, '--json').ended;
      expect([ended.code, ended.errors]).toEqual([0, expect.stringContaining('goes on')]);
      const result = JSON.parse(ended.output);
      expect(result).toMatchObject({ complete: true, already_there: 0 });
      expect(ledgerOf(session)).toBe(ledger);
      // It went on: pages that were stored before are not read again.
      expect((stripe.journal.requests['payment_intents.list'] ?? 0) - requests).toBeLessThan(result.stripe_requests);

      const sql = await look();
      const after = await settledBy(sql);
      const wanted = new Map(before);
      expect([...after.keys()].sort()).toEqual([...wanted.keys(), late, fresh].sort());
      const parked = [dismissed, late, fresh].sort();
      const rebuilt = await sql<
        { reference: string }[]
      >`select reference from stripe_blnk_sync.postings where reason = 'rebuild' order by 1`;
      expect(rebuilt.map(({ reference }) => reference)).toEqual(parked);
      for (const reference of parked) after.delete(reference);
      wanted.delete(dismissed);
      expect([...after].filter(([reference, text]) => wanted.get(reference) !== text)).toEqual([]);
      const [mirrors] =
        await sql`select mirror_id, rebuilding_since, first_post_at, starts_at from stripe_blnk_sync.mirror`;
      const [lost] = await (await session.look())`select mirror_id from stripe_blnk_sync.mirror`;
      expect(mirrors).toMatchObject({
        mirror_id: lost?.mirror_id,
        rebuilding_since: null,
        first_post_at: expect.any(String),
      });
      const [posted] = await sql`select count(*)::int as count from stripe_blnk_sync.postings where state = 'posted'`;
      expect(result.posted).toBe(posted?.count);

      // A request of the lost worker lands only now, after the rebuild has looked.
      const [row] = await sql<
        { prepared: string }[]
      >`select prepared from stripe_blnk_sync.postings where reference = ${late}`;
      const landed = await fetch(`${blnk.url}/transactions`, {
        method: 'POST',
        headers: { 'x-blnk-key': blnk.coreKey, 'content-type': 'application/json' },
        body: row?.prepared ?? '',
      });
      expect(landed.status).toBe(201);
      expect((await runCommand(['parked', 'dismiss', dismissed, '--why', 'as before'], variables)).code).toBe(0);
      expect((await runCommand(['parked', 'retry', '--reason', 'rebuild'], variables)).code).toBe(0);
      const rows = blnk.stats().rows;
      const worker = startChild({ script: 'src/main.ts', words: ['worker'], variables });
      const states = async () =>
        sql`select reference, state from stripe_blnk_sync.postings where reference in (${late}, ${fresh}) and state = 'posted'`;
      await until('both are posted', async () => (await states()).length === 2, {
        explain: () => worker.output() + worker.errors(),
        timeoutMs: 60_000,
      });
      const newest = stripe.createIntent({ amount: 77, currency: 'usd', moves: [{ move: 'succeed' }] });
      await runCommand(['sync'], variables);
      const mirrored = async () =>
        (await sql`select 1 from stripe_blnk_sync.postings where reference = ${newest} and state = 'posted'`).length;
      await until('the tail goes on', async () => (await mirrored()) === 1, {
        explain: () => worker.output() + worker.errors(),
        timeoutMs: 60_000,
      });
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      expect(blnk.stats().rows).toBe(rows + 2);
      expect(blnk.byReference(dismissed)).toBeUndefined();

      const dayOf = (days: number) => daysAgo(days).toISOString().slice(0, 10);
      // Yesterday is open for as long as the lag after midnight.
      const words = ['prove', '--from', dayOf(20), '--to', dayOf(2), '--json'];
      const proved = await startChild({ script: 'src/main.ts', words, variables }).ended;
      expect(proved.code, `${proved.errors}${proved.output.slice(0, 2_000)}`).toBe(0);
      const { certificates } = JSON.parse(proved.output) as {
        certificates: { state: string; findings: { kind: string; payment_id: string }[] }[];
      };
      expect(certificates.length).toBeGreaterThan(100);
      const excepted = certificates.filter(({ state }) => state !== 'sealed');
      expect(
        excepted.map(({ state, findings }) => [state, ...findings.map(({ kind, payment_id: id }) => `${kind} ${id}`)]),
      ).toEqual([['sealed_with_exceptions', `dismissed ${dismissed}`]]);
    },
    STORY_TIMEOUT_MS,
  );

  it('is not what it is for: a database that mirrors something is refused', async () => {
    const ended = await runCommand(['rebuild'], session.variables);
    expect([ended.code, ended.output]).toEqual([2, '']);
    expect(ended.errors).toMatch(/^database_not_empty: .* already mirrors acct_sandbox .*prove/);
  });

  it('refuses a key of another account, and one that may not read', async () => {
    const { startStripeSandbox } = await import('../../sandbox/stripe/sandbox.js');
    const other = await startStripeSandbox({ account: 'acct_other', restrictedKeys: { rk_test_nothing11: [] } });
    onTestFinished(() => other.close());
    const { variables, look } = await emptyDatabase(session);
    const ended = await runCommand(['rebuild'], { ...variables, STRIPE_API_BASE: other.url });
    expect([ended.code, ended.errors]).toEqual([2, expect.stringMatching(/^other_account: Stripe does not know pi_/)]);
    const blind = { ...variables, STRIPE_API_BASE: other.url, STRIPE_API_KEY: 'rk_test_nothing11' };
    expect((await runCommand(['rebuild'], blind)).errors).toMatch(/^stripe_permission_missing: .*PaymentIntents: Read/);
    expect((await (await look())`select 1 from stripe_blnk_sync.mirror`).length).toBe(0);
  });
});

describe('a ledger without a transaction of this software', () => {
  it('has nothing to rebuild from', async () => {
    const session = await startSession(theHome, { population: population(5) });
    onTestFinished(() => session.close());
    const ended = await runCommand(['rebuild'], session.variables);
    expect([ended.code, ended.errors]).toEqual([2, expect.stringMatching(/^nothing_to_rebuild: /)]);
  });
});
