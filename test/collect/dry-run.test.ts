/**
 * `--dry-run`: what it says is what the real thing then does, before the first start and after it; and whatever it reads,
 * nothing is stored and nothing is posted.
 */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Home, homes } from '../support/homes.js';
import { startChild } from '../support/process/child.js';
import { runCommand, withoutProgress } from '../support/process/command.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { itInFull } from '../support/tier.js';

const STORY_TIMEOUT_MS = 90_000;

const [embedded, onServer] = homes();
const home = onServer ?? embedded;
if (home === undefined || embedded === undefined) throw new Error('there is no home');
const theHome: Home = home;
const privateHome: Home = embedded;

/** What `--json` prints. */
interface Report {
  readonly complete: boolean;
  readonly first_start: boolean;
  readonly found: number;
  readonly known_before: number;
  readonly fresh: number;
  readonly would_post: ReadonlyArray<{
    readonly currency: string;
    readonly count: number;
    readonly amount_minor: string;
  }>;
  readonly would_park: ReadonlyArray<{ readonly reason: string; readonly count: number; readonly examples: string[] }>;
  readonly stripe_requests: number;
  readonly estimate: Readonly<Record<string, number>>;
}

async function dryRun(variables: Variables, ...words: string[]): Promise<Report> {
  const ended = await runCommand([...words, '--dry-run', '--json'], variables);
  expect([ended.code, withoutProgress(ended.errors)]).toEqual([0, '']);
  return JSON.parse(ended.output) as Report;
}

/** Sums of a report in the words of the stand-in's own expectation. */
function inWordsOfStripe({ would_post: posts, would_park: parks }: Report) {
  return {
    posted: posts.reduce((sum, { count }) => sum + count, 0),
    parked: Object.fromEntries(parks.map(({ reason, count }) => [reason, count])),
    currencies: Object.fromEntries(
      posts.map(({ currency, count, amount_minor: minor }) => [currency, { payments: count, amount: BigInt(minor) }]),
    ),
  };
}

/** Rows of every table but those that count requests. */
async function rowCounts(session: Session): Promise<Record<string, number>> {
  const sql = await session.look();
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = 'stripe_blnk_sync' and table_type = 'BASE TABLE' and table_name not in ('rate_tokens', 'stripe_reads')`;
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from stripe_blnk_sync.${sql(name)}`;
    counts[name] = row?.count ?? -1;
  }
  return counts;
}

describe('before the first start', () => {
  let session: Session;
  beforeAll(async () => {
    session = await startSession(theHome, { population: population(700) });
  }, STORY_TIMEOUT_MS);
  afterAll(() => session.close(), STORY_TIMEOUT_MS);

  it('needs no tables, and makes none', async () => {
    const place = await theHome.create();
    onTestFinished(() => place.destroy());
    const variables = { ...session.variables, ...place.environment };
    const report = await dryRun(variables, 'sync');
    expect(report).toMatchObject({ complete: true, first_start: true, known_before: 0 });
    expect(inWordsOfStripe(report)).toEqual(expectationOf(session));
    expect((await runCommand(['status'], variables)).code).toBe(2);
  });

  it('creates no embedded home', async () => {
    const place = await privateHome.create();
    onTestFinished(() => place.destroy());
    const { DATABASE_URL: _url, REDIS_URL: _redis, ...rest } = session.variables;
    const report = await dryRun({ ...rest, ...place.environment }, 'sync');
    expect(inWordsOfStripe(report)).toEqual(expectationOf(session));
    expect(await readdir(place.environment.DATA_DIR ?? '')).toEqual([]);
  });

  it(
    'says what the first start then does',
    async () => {
      const report = await dryRun(session.variables, 'sync');
      expect(session.blnk.stats().rows).toBe(0);
      const worker = session.quickWorker();
      await session.untilSettled();
      worker.kill('SIGTERM');
      await worker.ended;
      const sql = await session.look();
      const posted = await sql`
        select currency, count(*)::int as count, sum(amount)::text as amount_minor from stripe_blnk_sync.postings where state = 'posted' group by 1 order by 1`;
      expect(report.would_post).toMatchObject([...posted]);
      const parked = await sql<{ reason: string; ids: string[] }[]>`
        select reason, array_agg(object_id) as ids from stripe_blnk_sync.postings where state = 'parked' group by 1`;
      expect(parked.length).toBeGreaterThan(2);
      for (const { reason, ids } of parked) {
        const told = report.would_park.find((one) => one.reason === reason);
        expect(told?.count).toBe(ids.length);
        expect(told?.examples.length).toBe(Math.min(5, ids.length));
        expect(ids).toEqual(expect.arrayContaining(told?.examples ?? []));
      }
      const bulks = session.blnk.requestCount('POST /transactions/bulk') - 1;
      const looks = session.blnk.requestCount('POST /transactions/filter');
      // Names of balances are looked up too, which depends on how many customers there are.
      expect(report.estimate.blnk_requests).toBeGreaterThan((bulks + looks) / 2);
      expect(report.estimate.blnk_requests).toBeLessThan((bulks + looks) * 2);
    },
    STORY_TIMEOUT_MS,
  );

  it('and after it, separates what is new from what is known, and changes nothing', async () => {
    const { stripe, blnk, variables } = session;
    // Long enough ago for every clock that has a say: nothing is listed beyond the earliest of them.
    const created = new Date(stripe.clock.nowMs() - 60_000);
    stripe.createIntent({ created, amount: 250, currency: 'usd', moves: [{ move: 'succeed', at: created }] });
    const odd = stripe.createIntent({
      created,
      amount: 1_001,
      currency: 'kwd',
      moves: [{ move: 'succeed', at: created }],
    });
    const [rows, before] = [blnk.stats().rows, await rowCounts(session)];

    const sync = await dryRun(variables, 'sync');
    expect(sync).toMatchObject({ first_start: false, fresh: 2 });
    expect(sync.would_post).toEqual([
      { currency: 'USD', currency_decimals: 2, count: 1, amount_minor: '250', amount: '2.50' },
    ]);
    expect(sync.would_park).toEqual([{ reason: 'three_decimal_amount', count: 1, examples: [odd] }]);

    const again = await dryRun(variables, 'backfill', '--from', '30d');
    const stored = before.postings ?? 0;
    expect(again).toMatchObject({ found: stored + 2, known_before: stored, fresh: 2 });
    const text = await runCommand(['backfill', '--from', '30d', '--dry-run'], variables);
    expect(text.output).toMatch(/^This backfill would store 2 payments\. Nothing was stored or posted\.$/m);
    expect(text.output).toMatch(/^USD +1 +2\.50 USD$/m);
    expect(text.output).toContain(odd);

    expect(await rowCounts(session)).toEqual(before);
    expect(blnk.stats().rows).toBe(rows);
  });

  itInFull('over an empty database and a ledger in use reports that no worker would start, as none does', async () => {
    const place = await theHome.create();
    onTestFinished(() => place.destroy());
    const variables = { ...session.variables, ...place.environment };
    const text = await runCommand(['sync', '--dry-run'], variables);
    expect([text.code, withoutProgress(text.errors)]).toEqual([1, '']);
    expect(text.output).toMatch(/^A worker would refuse to start: .*the ledger holds transactions/m);
    const json = await runCommand(['sync', '--dry-run', '--json'], variables);
    expect([json.code, JSON.parse(json.output).ledger_in_use]).toEqual([1, true]);
    await runCommand(['migrate'], variables);
    const worker = startChild({ script: 'src/main.ts', words: ['worker'], variables });
    const ended = await worker.ended;
    expect([ended.code, ended.errors + ended.output]).toEqual([2, expect.stringContaining('rebuild')]);
  });

  it('that is interrupted prints what it had read, as incomplete', async () => {
    const { stripe, variables } = session;
    stripe.setLatency(400);
    onTestFinished(() => stripe.setLatency(0));
    stripe.journal.reset();
    const child = startChild({ script: 'src/main.ts', words: ['backfill', '--from', '30d', '--dry-run'], variables });
    const pages = () => stripe.journal.requests['payment_intents.list'] ?? 0;
    await until('some pages are read', () => pages() >= 3, { explain: child.errors });
    child.kill('SIGINT');
    const ended = await child.ended;
    expect(ended.code).toBe(1);
    expect(ended.output).toMatch(/Incomplete: not everything was read/);
    expect(ended.output).toMatch(/found +\d+ = /);
  });

  it('that cannot start prints why with exit code 2', async () => {
    const words = ['backfill', '--from', '2020-01-02', '--to', '2020-01-01', '--dry-run'];
    const wrongWindow = await runCommand(words, session.variables);
    expect([wrongWindow.code, wrongWindow.errors]).toEqual([2, expect.stringContaining('cannot be read')]);
    const wrongKey = await runCommand(['sync', '--dry-run'], {
      ...session.variables,
      STRIPE_API_KEY: 'sk_test_nobody11',
    });
    expect([wrongKey.code, wrongKey.errors]).toEqual([2, expect.stringContaining('STRIPE_API_KEY')]);
    expect((await runCommand(['sync', '--dry-run', '--wait'], session.variables)).code).toBe(2);
  });
});

function expectationOf({ stripe }: Session) {
  const { posted, parked, currencies } = stripe.expectedTotals();
  return { posted, parked, currencies };
}
