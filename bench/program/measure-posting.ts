/**
 * The pace of posting: an outbox that was filled before, a worker that drains it, and bare loops of bulks to the same ledger in
 * turns with it. Each is measured for so many seconds; the worker from its first posting on.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { type Home, openHome } from '../../src/app/home.js';
import { createLedger } from '../../src/blnk/ledger.js';
import { readHomeConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';
import { POSTING } from '../../src/post/posting-sizes.js';
import { freePort } from '../../test/support/free-port.js';
import { answerWith, openHttpProxy } from '../../test/support/http-proxy.js';
import { copyPending } from '../backlog/rows.js';
import { type PreparedText, postBulks } from './bulk-loop.js';
import { answers, cpuMs, migrate, residentMb, start } from './measured-process.js';
import { serverCpuMs } from './server-cpu.js';
import { startStripe } from './stripe-process.js';
import { stop } from './worker-process.js';

export interface PostingSettings {
  /** Postings that are pending before the first round. */
  readonly pending: number;
  /** False: of the currency of the most payments alone. */
  readonly allCurrencies: boolean;
  readonly rounds: number;
  /** Each posting, and each of the bare loops, is the first one of its customer. */
  readonly everyCustomerNew: boolean;
  readonly secondsEach: number;
  readonly blnkLatencyMs: number;
  /** How long each posted transaction holds its balances; of the stand-in only. */
  readonly blnkItemMs: number;
  /** A Core that runs already; null: the stand-in. */
  readonly core: { readonly url: string; readonly key: string } | null;
  /** An empty database. */
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  /** Further variables of the worker. */
  readonly variables: Readonly<Record<string, string>>;
  readonly profileTo: string | null;
}

/** Payments a second of one round. */
export interface PostingRound {
  readonly worker: number;
  readonly bare: number;
  readonly looking: number;
  /** Of the worker and of PostgreSQL for each payment that was posted in the round; null where it cannot be seen. */
  readonly workerMicros: number;
  readonly serverMicros: number | null;
  readonly residentMb: number;
}

const INTENTS = 3_000;
const LOOK_EVERY_MS = 50;
/** Of the bare loops, one after the other. */
const PREPARED_TEXTS = 2_000;
const SILENT = createLog({ level: 'silent' });

export async function measurePosting(settings: PostingSettings, onRound: (round: PostingRound) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stripe-blnk-sync-bench-'));
  const closing: Array<() => Promise<unknown>> = [() => rm(folder, { recursive: true, force: true })];
  const started = (child: ChildProcess): ChildProcess => {
    closing.push(() => stop(child));
    return child;
  };
  try {
    const to = Math.floor(Date.now() / 1_000);
    const stripe = await startStripe({
      ...{ intents: INTENTS, from: to - 25 * 86_400, to, latencyMs: 0 },
      ...{ endpointPerSecond: null, newestTenth: null },
    });
    started(stripe.child);
    const blnk = await openBlnk(settings, started, closing);
    const variables = {
      STRIPE_API_KEY: stripe.apiKey,
      HTTP_PORT: 'off',
      STRIPE_API_BASE: stripe.url,
      STRIPE_SHARE: '1',
      STRIPE_RATE_LIMIT: '10000',
      SYNC_EVERY: '12h',
      BLNK_API_STYLE: 'core',
      BLNK_API_KEY: blnk.key,
      BLNK_API_BASE: blnk.url,
      LOG_LEVEL: 'warn',
      DATA_DIR: folder,
      DATABASE_URL: settings.databaseUrl,
      ...(settings.redisUrl === null ? {} : { REDIS_URL: settings.redisUrl, QUEUE_PREFIX: `bench-${process.pid}` }),
      ...settings.variables,
    };
    await migrate(variables);
    const home = await openHome(readHomeConfig(variables), { log: SILENT, role: 'command' });
    closing.push(() => home.close());
    await fill(home.database.sql, started(await start('bench/program/reading-worker.ts', [], variables)), settings);
    const ledger = createLedger({ baseUrl: blnk.url, style: 'core', instanceId: null, readKey: async () => blnk.key });
    closing.push(() => ledger.close());
    const texts = await home.database.sql<Array<PreparedText & { readonly lane: string }>>`
      select lane, reference, prepared from stripe_blnk_sync.postings where state = 'pending' limit ${PREPARED_TEXTS}`;
    // One loop for each balance, as the worker has a lane for each.
    const loop = async (name: string, looksUp: boolean): Promise<number> => {
      const rates = [...new Set(texts.map(({ lane }) => lane))].map((lane, at) =>
        postBulks({
          ...{ ledger, prepared: texts.filter((text) => text.lane === lane), name: `${name}_${at}`, looksUp },
          ...{ chunkSize: POSTING.chunkSize, inFlight: POSTING.chunksInFlight },
          durationMs: settings.secondsEach * 1_000,
        }),
      );
      return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
    };
    for (let round = 0; round < settings.rounds; round += 1) {
      const name = `bare_${process.pid}_${round}`;
      const measures = [
        async () => ({ bare: await loop(name, false) }),
        async () => drain(home, await start('src/main.ts', ['worker'], variables, settings.profileTo), settings),
        async () => ({ looking: await loop(`${name}_l`, true) }),
      ];
      // In the other order each second time: a ledger slows down while it grows.
      const figures: Partial<PostingRound> = {};
      for (const measure of round % 2 === 0 ? measures : measures.reverse()) Object.assign(figures, await measure());
      onRound(figures as PostingRound);
    }
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

interface Blnk {
  readonly url: string;
  readonly key: string;
}

async function openBlnk(
  { core, blnkLatencyMs, blnkItemMs }: PostingSettings,
  started: (child: ChildProcess) => ChildProcess,
  closing: Array<() => Promise<unknown>>,
): Promise<Blnk> {
  if (core !== null) {
    const proxy = await openHttpProxy(core.url);
    proxy.intercept(async ({ forward, response }) => {
      await sleep(blnkLatencyMs / 2);
      const answer = await forward();
      await sleep(blnkLatencyMs / 2);
      answerWith(response, answer);
    });
    closing.push(() => proxy.close());
    return { url: proxy.url, key: core.key };
  }
  const port = await freePort();
  const key = 'test-master-key';
  started(await start('sandbox/blnk/cli.ts', ['--port', port, '--latency', blnkLatencyMs, '--item', blnkItemMs]));
  await answers(port);
  return { url: `http://127.0.0.1:${port}`, key };
}

/** Reads a history, and copies its postings until enough of them wait. */
async function fill(sql: postgres.Sql, reader: ChildProcess, settings: PostingSettings): Promise<void> {
  for (;;) {
    if (reader.exitCode !== null) throw new Error(`the worker left with ${reader.exitCode}`);
    const rows = await sql`
      select 1 from stripe_blnk_sync.sync_runs
      where feed = 'payment_intents' and parent_id is null and state <> 'collecting'`;
    if (rows.length > 0) break;
    await sleep(LOOK_EVERY_MS);
  }
  await stop(reader);
  if (!settings.allCurrencies) {
    await sql`
      delete from stripe_blnk_sync.postings where currency is distinct from (
        select currency from stripe_blnk_sync.postings where state = 'pending' group by currency order by count(*) desc limit 1)`;
  }
  await copyPending(sql, settings.pending);
  if (settings.everyCustomerNew) {
    await sql`
      update stripe_blnk_sync.postings set destination = '@cus_of_' || reference,
        prepared = replace(prepared, '"destination":"' || destination || '"', '"destination":"@cus_of_' || reference || '"')
      where state = 'pending'`;
    await sql`delete from stripe_blnk_sync.account_balances where balance_id is null`;
  }
}

async function drain(
  { database: { sql } }: Home,
  worker: ChildProcess,
  { secondsEach }: PostingSettings,
): Promise<Omit<PostingRound, 'bare' | 'looking'>> {
  const countPosted = async (): Promise<number> => {
    if (worker.exitCode !== null) throw new Error(`the worker left with ${worker.exitCode}`);
    const [row] = await sql<{ n: number }[]>`
      select count(*)::int as n from stripe_blnk_sync.postings where state = 'posted'`;
    return row?.n ?? 0;
  };
  const before = await countPosted();
  let first = before;
  while (first === before) {
    await sleep(LOOK_EVERY_MS);
    first = await countPosted();
  }
  const [begunMs, workerMs, serverMs] = [performance.now(), cpuMs(worker), await serverCpuMs(sql)];
  await sleep(secondsEach * 1_000);
  const [posted, tookMs] = [(await countPosted()) - first, performance.now() - begunMs];
  const [workerAfterMs, serverAfterMs, rss] = [cpuMs(worker), await serverCpuMs(sql), residentMb(worker)];
  await stop(worker);
  const micros = (ms: number): number => Math.round((ms * 1_000) / Math.max(1, posted));
  return {
    worker: posted / (tookMs / 1_000),
    workerMicros: micros(workerAfterMs - workerMs),
    serverMicros: serverMs === null || serverAfterMs === null ? null : micros(serverAfterMs - serverMs),
    residentMb: rss,
  };
}
