/**
 * Canaries of every kind that must not get out, put through a whole worker and every command while vendors answer with
 * errors that quote them: then everything that was written is searched. Texts of merchants and customers may stand in one
 * place: the columns that hold what is still to be posted.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customerObject } from '../../sandbox/stripe/render-customer.js';
import { readText } from '../support/documents.js';
import { type Home, homes } from '../support/homes.js';
import type { Child, Ended } from '../support/process/child.js';
import { type Session, startSession, type Variables } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { openQuotingProxy, type QuotingProxy, refusal } from '../support/quoting-proxy.js';
import { inTier } from '../support/tier.js';

/** A loaded machine takes seconds to start a process; there are two dozen. */
const TIMEOUT_MS = 120_000;
const AT_ONCE = 4;
const DAY_MS = 86_400_000;

/** Four days ago, at noon. */
const NOON = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 4 * DAY_MS + DAY_MS / 2);
const DAY = NOON.toISOString().slice(0, 10);

const SECRETS = {
  stripeKey: 'sk_test_CanaryAStripeKey111',
  stripeKeyRotated: 'rk_test_CanaryBRotated222',
  blnkKey: 'blnk-canary-C-token-333',
  blnkKeyRotated: 'blnk-canary-D-token-444',
  databasePassword: 'CanaryEDatabase555',
  redisPassword: 'CanaryFRedis666',
} as const;

/** What Stripe shows of a payment and a customer. The last two need no posting at all. */
const MERCHANT_TEXTS = ['CanaryG description of "Ann" & Bob', 'CanaryH value of metadata'] as const;
const NEVER_STORED = [/@example\.com/, /Jenny Rosen/, /_secret_[A-Za-z0-9]{8}/];

const PAYMENTS = 12;
const REFUSED = 'pi_CanaryRefused000000000001';

/** With a queue in the database and one in Redis, which has a password more; passwords need servers. */
const tried = homes().length === 1 ? homes() : homes().slice(inTier({ quick: -1, full: 1 }));

describe.each(tried)('with the home $name', (home) => {
  const folder = mkdtempSync(join(tmpdir(), 'canaries-'));
  const files = { stripe: join(folder, 'stripe-key'), blnk: join(folder, 'blnk-key') };
  const proxies: { stripe?: QuotingProxy; blnk?: QuotingProxy } = {};
  const ends: Array<Ended & { readonly words: string }> = [];
  const turns = { stripe: 4, blnk: 6 };
  let session: Session;
  let variables: Variables;
  let worker: Child;

  beforeAll(async () => {
    session = await startSession(withPasswords(home));
    createPayments(session);
    proxies.stripe = await openQuotingProxy({
      behind: session.stripe.url,
      keyBehind: session.stripe.apiKey,
      quote: async ({ key, answer }) => {
        const turn = nextTurn('stripe');
        if (turn === 2) return { status: 500, body: refusal(`internal: Bearer ${key} ${await answer()}`) };
        return turn === 1 ? { status: 502, body: `<pre>${key} ${await answer()}</pre>` } : null;
      },
    });
    proxies.blnk = await openQuotingProxy({
      behind: session.blnk.url,
      keyBehind: session.blnk.cloudToken,
      quote: async ({ path, key, body, answer }) => {
        const said = `quoted: ${key} ${body}`;
        if (body.includes('precise_amount') && body.includes(REFUSED)) {
          return { status: 400, body: refusal(said, 'TXN_VALIDATION_ERROR') };
        }
        const turn = nextTurn('blnk');
        if (turn === 3) return { status: 500, body: refusal(said) };
        if (turn === 2) return { status: 502, body: `<pre>${said}</pre>` };
        return turn === 1 && path.includes('filter') ? { status: 502, body: (await answer()).slice(0, -5) } : null;
      },
    });
    rotate(SECRETS.stripeKey, SECRETS.blnkKey);
    variables = {
      ...session.variables,
      ...{ STRIPE_API_KEY: '', BLNK_API_KEY: '' },
      ...{ STRIPE_API_KEY_FILE: files.stripe, BLNK_API_KEY_FILE: files.blnk, LOG_LEVEL: 'trace' },
      ...{ STRIPE_API_BASE: proxies.stripe.url, BLNK_API_BASE: proxies.blnk.url, SYNC_EVERY: '1s', SYNC_START: '8d' },
    };
  }, TIMEOUT_MS);

  afterAll(async () => {
    await session?.close();
    await Promise.all([proxies.stripe?.close(), proxies.blnk?.close()]);
    rmSync(folder, { recursive: true, force: true });
  }, TIMEOUT_MS);

  it(
    'a worker mirrors in spite of errors that quote, and takes rotated keys',
    async () => {
      worker = session.quickWorker({
        variables,
      });
      await untilPosted(PAYMENTS);
      rotate(SECRETS.stripeKeyRotated, SECRETS.blnkKeyRotated);
      createPayment(session, { id: 'pi_CanaryAfterRotation0000001' });
      session.stripe.clock.advance(2_000);
      await untilPosted(PAYMENTS + 1);
      // A request that was on its way may have brought the payment; the next one has the old key.
      const isRefused = () => [proxies.stripe, proxies.blnk].every((proxy) => (proxy?.refused() ?? 0) > 0);
      await until('both refused the old keys', isRefused);
      expect(proxies.stripe?.quoted()).toBeGreaterThanOrEqual(2);
      expect(proxies.blnk?.quoted()).toBeGreaterThan(2);
    },
    TIMEOUT_MS,
  );

  it(
    'every command shows what it shows',
    async () => {
      const sql = await session.look();
      const [run] = await sql<
        { id: string }[]
      >`select first_run as id from stripe_blnk_sync.postings where state = 'posted' limit 1`;
      const [parked] = await sql<
        { reference: string }[]
      >`select reference from stripe_blnk_sync.postings where state = 'parked'`;
      const [posted] = await sql<{ reference: string }[]>`
        select reference from stripe_blnk_sync.postings where state = 'posted' and effective_at < ${NOON.toISOString()}::timestamptz + interval '1 hour' limit 1`;
      if (run === undefined || parked === undefined || posted === undefined)
        throw new Error('the worker left too little');
      const reading = [
        ...[['status'], ['status', '--json'], ['runs', '--all', '--json'], ['run', run.id], ['run', run.id, '--json']],
        ...[
          ['parked', 'list', '--json'],
          ['parked', 'show', parked.reference],
          ['certificates', 'list', '--csv'],
        ],
        ...[
          ['sync', '--dry-run'],
          ['backfill', '--from', DAY, '--dry-run', '--json'],
          ['rebuild', '--yes'],
        ],
      ];
      Object.assign(turns, { stripe: 3, blnk: 3 });
      // Once is enough for what does not depend on the home.
      await inTurns(home === tried[0] ? reading : [['status'], ['runs', '--all']]);
      if (home === tried[0]) {
        expect(session.blnk.deleteTransaction(posted.reference)).toBe(true);
        await inTurns([['prove', '--from', DAY, '--to', DAY]]);
        await inTurns([
          ['certificates', 'show', DAY],
          ['repair', 'plan', '--from', DAY, '--to', DAY],
        ]);
        const plan = /repair apply ([0-9a-f-]{36})/.exec(ends.at(-1)?.output ?? '')?.[1];
        await inTurns([['repair', 'apply', plan ?? 'none']]);
      }
      const wrong = { REDIS_URL: 'redis://:CanaryI@127.0.0.1:9/0', DATABASE_URL: 'postgres://x:CanaryI@127.0.0.1:9/x' };
      ends.push({ ...(await session.runProcess(['status'], wrong)), words: 'status of nowhere' });
      expect(ends.filter(({ words, code }) => code === 2 && !/nowhere|rebuild/.test(words))).toEqual([]);
      worker.kill('SIGTERM');
      ends.push({ ...(await worker.ended), words: 'worker' });
      expect(ends.at(-1)).toMatchObject({ code: 0, errors: '' });
    },
    TIMEOUT_MS,
  );

  it('nothing of it stands in a log, an output or a message', () => {
    const all = ends.flatMap(({ words, output, errors }) =>
      `${output}\n${errors}`.split('\n').map((line) => `${words}: ${line}`),
    );
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter((line) => isSecret(line) || line.includes('CanaryI'))).toEqual([]);
    // The one command that shows a person what is held for them.
    expect(all.filter((line) => isPrivate(line) && !line.startsWith('parked show'))).toEqual([]);
  });

  it('nothing of it stands in the database, but what is still to be posted', async () => {
    const rows = await readAllRows(await session.look());
    expect(rows.length).toBeGreaterThan(50);
    expect(new Set(rows.map(({ table }) => table.split('.')[0]))).toContain('stripe_blnk_sync');
    expect(rows.filter(({ text }) => isSecret(text))).toEqual([]);
    expect(rows.filter(({ text }) => NEVER_STORED.some((pattern) => pattern.test(text)))).toEqual([]);
    const holding = rows.filter(({ text }) => isPrivate(text));
    // The search finds what is there: the one that is refused, and the one that is parked.
    expect(new Set(holding.map(({ table, column }) => `${table} ${column}`))).toEqual(
      new Set(['stripe_blnk_sync.postings payment', 'stripe_blnk_sync.postings prepared']),
    );
    const sql = await session.look();
    const [kept] = await sql`
      select count(*)::int as posted from stripe_blnk_sync.postings where state = 'posted' and (prepared is not null or payment is not null)`;
    expect(kept).toEqual({ posted: 0 });
  });

  it('nothing of it stands in Redis', async (context) => {
    const { REDIS_URL = '', QUEUE_PREFIX = '' } = variables;
    if (REDIS_URL === '') return context.skip('the queue is in the database, and was searched there');
    const values = await readAllKeys(REDIS_URL, QUEUE_PREFIX);
    expect(values.length).toBeGreaterThan(5);
    expect(values.filter((text) => isSecret(text) || isPrivate(text))).toEqual([]);
  });

  /** Counts down; at 0 everything goes through. */
  function nextTurn(vendor: keyof typeof turns): number {
    const turn = turns[vendor];
    turns[vendor] = Math.max(0, turn - 1);
    return turn;
  }

  function rotate(stripeKey: string, blnkKey: string): void {
    writeFileSync(files.stripe, `${stripeKey}\n`);
    writeFileSync(files.blnk, `${blnkKey}\n`);
    proxies.stripe?.accept(stripeKey);
    proxies.blnk?.accept(blnkKey);
  }

  async function untilPosted(count: number): Promise<void> {
    let last = '';
    await until(
      `${count} are posted`,
      async () => {
        const sql = await session.look();
        const [table] = await sql`select to_regclass('stripe_blnk_sync.postings') is not null as present`;
        if (table?.present !== true) return false;
        const rows = await sql<{ state: string; number: number }[]>`
          select state, count(*)::int as number from stripe_blnk_sync.postings group by state`;
        last = JSON.stringify(rows);
        return rows.find(({ state }) => state === 'posted')?.number === count;
      },
      { explain: () => `${last}\n${worker.output().slice(-4_000)}${worker.errors()}` },
    );
  }

  async function inTurns(commands: readonly (readonly string[])[]): Promise<void> {
    for (let first = 0; first < commands.length; first += AT_ONCE) {
      const some = commands.slice(first, first + AT_ONCE);
      const done = await Promise.all(some.map((words) => session.runProcess(words, variables)));
      done.forEach((end, index) => {
        ends.push({ ...end, words: some[index]?.join(' ') ?? '' });
      });
    }
  }
});

function createPayments(session: Session): void {
  for (let number = 0; number < PAYMENTS; number += 1) createPayment(session, {});
  createPayment(session, { currency: 'xxx' });
  createPayment(session, { id: REFUSED });
}

function createPayment(
  session: Session,
  { id, currency = 'usd' }: { readonly id?: string; readonly currency?: string },
) {
  const [description, value] = MERCHANT_TEXTS;
  session.stripe.createIntent({
    ...(id === undefined ? {} : { id }),
    ...{ created: NOON, amount: 1_250, currency, description, metadata: { note: value }, latestCharge: 'object' },
    customer: customerObject({ id: 'cus_Canary', livemode: false }),
    moves: [{ move: 'succeed', at: id?.includes('Rotation') ? session.stripe.clock.now() : NOON }],
  });
}

/** In the form that it has, and as JSON inside of JSON. */
function isSecret(text: string): boolean {
  return Object.values(SECRETS).some((secret) => text.includes(secret));
}

function isPrivate(text: string): boolean {
  return /Canary[GH]|Ann.{1,9}Bob/.test(text) || NEVER_STORED.some((pattern) => pattern.test(text));
}

interface Cell {
  readonly table: string;
  readonly column: string;
  readonly text: string;
}

/** Every value of every table that is not PostgreSQL's own, as text. */
async function readAllRows(sql: postgres.Sql): Promise<Cell[]> {
  const columns = await sql<{ schema: string; table: string; column: string }[]>`
    select table_schema as schema, table_name as table, column_name as column from information_schema.columns
    join information_schema.tables using (table_schema, table_name)
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`;
  const cells: Cell[] = [];
  for (const { schema, table, column } of columns) {
    const values = await sql<{ text: string }[]>`
      select ${sql(column)}::text as text from ${sql(schema)}.${sql(table)} where ${sql(column)} is not null`;
    cells.push(...values.map(({ text }) => ({ table: `${schema}.${table}`, column, text })));
  }
  return cells;
}

async function readAllKeys(url: string, prefix: string): Promise<string[]> {
  const redis = new Redis(url);
  const read = async (key: string): Promise<unknown> => {
    switch (await redis.type(key)) {
      case 'hash':
        return redis.hgetall(key);
      case 'list':
        return redis.lrange(key, 0, -1);
      case 'set':
        return redis.smembers(key);
      case 'zset':
        return redis.zrange(key, '0', '-1');
      case 'stream':
        return redis.xrange(key, '-', '+');
      default:
        return redis.get(key);
    }
  };
  try {
    const keys: string[] = [];
    for await (const some of redis.scanStream({ match: `${prefix}:*` })) keys.push(...some);
    return await Promise.all(keys.map(async (key) => `${key} ${JSON.stringify(await read(key))}`));
  } finally {
    redis.disconnect();
  }
}

/** The login of docs/security.md, as it stands there. */
function redisRules({ password, prefix }: { readonly password: string; readonly prefix: string }): string[] {
  const [, rules] = /`user sync ([^`]+)`/.exec(readText('docs/security.md')) ?? [];
  if (rules === undefined) throw new Error('docs/security.md has no login for Redis');
  return rules.replaceAll('bull:', `${prefix}:`).replace('>secret', `>${password}`).split(/\s+/);
}

/** The same home under logins that have passwords. */
function withPasswords(home: Home): Home {
  return {
    name: home.name,
    async create() {
      const place = await home.create();
      const { DATABASE_URL, REDIS_URL } = place.environment;
      if (DATABASE_URL === undefined) return place;
      const login = `canary_${randomBytes(6).toString('hex')}`;
      const database = new URL(DATABASE_URL);
      const admin = postgres(DATABASE_URL, { max: 1, onnotice: () => {} });
      await admin.unsafe(`create role ${login} login password '${SECRETS.databasePassword}'`);
      await admin.unsafe(`alter database ${database.pathname.slice(1)} owner to ${login}`);
      await admin.unsafe(`grant all on schema public to ${login}`);
      database.username = login;
      database.password = SECRETS.databasePassword;
      const redis = REDIS_URL === undefined ? null : new Redis(REDIS_URL);
      const rules = redisRules({ password: SECRETS.redisPassword, prefix: place.environment.QUEUE_PREFIX ?? '' });
      await redis?.call('ACL', 'SETUSER', login, ...rules);
      const queue = REDIS_URL === undefined ? null : new URL(REDIS_URL);
      if (queue !== null) Object.assign(queue, { username: login, password: SECRETS.redisPassword });
      return {
        environment: {
          ...place.environment,
          DATABASE_URL: database.href,
          ...(queue === null ? {} : { REDIS_URL: queue.href }),
        },
        async destroy() {
          await admin.unsafe(`reassign owned by ${login} to current_user; drop owned by ${login}`);
          await admin.end();
          await place.destroy();
          const last = postgres(DATABASE_URL.replace(/\/[^/]*$/, '/postgres'), { max: 1, onnotice: () => {} });
          await last.unsafe(`drop role ${login}`);
          await last.end();
          await redis?.call('ACL', 'DELUSER', login);
          redis?.disconnect();
        },
      };
    },
  };
}
