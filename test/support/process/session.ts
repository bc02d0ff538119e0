/**
 * One mirror under test: a home, a stand-in for Stripe and one for Blnk in this process, and the real processes that work
 * between them. Has no assertions; truth.ts compares the ends.
 */
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import type { BlnkSandboxOptions } from '../../../sandbox/blnk/sandbox-options.js';
import { SandboxClock } from '../../../sandbox/clock.js';
import { type StripeSandbox, type StripeSandboxOptions, startStripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import { type Home as OpenedHome, openHome } from '../../../src/app/home.js';
import type { Timings } from '../../../src/app/timings.js';
import { readHomeConfig } from '../../../src/config/config.js';
import { createLog } from '../../../src/observability/log.js';
import type { Home } from '../homes.js';
import { type Child, type ChildOptions, type Ended, endChildren, startChild } from './child.js';
import { type CommandEnd, runCommand } from './command.js';
import { type EmbeddedAddress, type ForeignQueue, openForeignQueue } from './queue.js';
import { until } from './wait.js';
import type { WorkerOrder } from './worker.js';
import { endWorkersHere, startWorkerHere } from './worker-here.js';

export type Variables = Readonly<Record<string, string>>;

interface QuickWorkerOptions {
  readonly variables?: Variables;
  readonly timings?: Partial<Timings>;
  /** As `--adopt` does. */
  readonly adopt?: boolean;
}

export interface Session {
  readonly stripe: StripeSandbox;
  readonly blnk: BlnkSandbox;
  /** What every process of this mirror gets. */
  readonly variables: Variables;
  /** A command to its end: in this process, where it is not the one whose server the embedded home has. */
  run(words: readonly string[], variables?: Variables): Promise<CommandEnd | Ended>;
  /** `src/main.ts <words>` to its end. */
  runProcess(words: readonly string[], variables?: Variables): Promise<Ended>;
  /** `src/main.ts worker`, as production runs it. */
  worker(variables?: Variables, words?: readonly string[], at?: Pick<ChildOptions, 'within'>): Child;
  /** A worker with shorter waits. */
  quickWorker(options?: QuickWorkerOptions): Child;
  /** The same in this process, for where nothing is about the process: it starts in a tenth of the time. */
  workerHere(options?: QuickWorkerOptions): Child;
  /** The database, looked at from this process; it must exist. */
  look(): Promise<OpenedHome['database']['sql']>;
  /** The queue as another program sees it. */
  foreignQueue(): Promise<ForeignQueue>;
  /** Resolves once every backfill is read and nothing is pending. */
  untilSettled(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Leases, locks and pauses of seconds where production has half a minute. The 6 minutes of doubt stay. */
export const QUICK: Partial<Timings> = {
  leaseMs: 2_000,
  jobLockMs: 1_500,
  runSilentAfterMs: 4_000,
  backoff: { baseMs: 100, maxMs: 1_000 },
  lanePause: { baseMs: 100, maxMs: 500 },
  startRetry: { baseMs: 200, maxMs: 500 },
  stripeRetryBaseMs: 50,
  lookUpFirstWaitMs: 50,
};

const DAY_MS = 86_400_000;

/** Intents of every kind over the last 20 days; about three in four of them succeeded. */
export function population(size: number): NonNullable<StripeSandboxOptions['population']> {
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  return { size, from: new Date(now - 20 * DAY_MS), to: new Date(now - 3_600_000) };
}

export async function startSession(
  home: Home,
  options: StripeSandboxOptions = {},
  ledger: BlnkSandboxOptions = {},
): Promise<Session> {
  const place = await home.create({ migrated: true });
  // Standing still, so that nothing succeeds by itself while the ends are compared.
  const clock = SandboxClock.frozen(new Date(Math.floor(Date.now() / 1_000) * 1_000));
  const [stripe, blnk] = await Promise.all([startStripeSandbox({ clock, ...options }), startBlnkSandbox(ledger)]);
  const variables: Variables = {
    ...place.environment,
    STRIPE_API_KEY: stripe.apiKey,
    HTTP_PORT: 'off',
    STRIPE_API_BASE: stripe.url,
    STRIPE_SHARE: '1',
    BLNK_API_KEY: blnk.cloudToken,
    BLNK_API_BASE: blnk.url,
    BLNK_INSTANCE_ID: blnk.instanceId,
  };
  const opened: { home?: OpenedHome; queue?: ForeignQueue } = {};
  const openedHome = async (): Promise<OpenedHome> => {
    opened.home ??= await openHome(readHomeConfig(variables), {
      log: createLog({ level: 'silent' }),
      role: 'command',
    });
    return opened.home;
  };
  const session: Session = {
    stripe,
    blnk,
    variables,
    run(words, more = {}) {
      const all = { ...variables, ...more };
      return all.DATABASE_URL === undefined ? session.runProcess(words, more) : runCommand(words, all);
    },
    runProcess: (words, more = {}) =>
      startChild({ script: 'src/main.ts', words, variables: { ...variables, ...more } }).ended,
    worker: (more = {}, words = [], at = {}) =>
      startChild({ script: 'src/main.ts', words: ['worker', ...words], variables: { ...variables, ...more }, ...at }),
    quickWorker(options) {
      const words = [JSON.stringify(orderOf(variables, options))];
      return startChild({ script: 'test/support/process/worker.ts', words, variables: {} });
    },
    workerHere: (options) => startWorkerHere(orderOf(variables, options)),
    look: async () => (await openedHome()).database.sql,
    foreignQueue: async () => {
      opened.queue ??= openForeignQueue(variables, await embeddedAddress(variables, session));
      return opened.queue;
    },
    untilSettled: (timeoutMs = 60_000) => untilSettled(session, timeoutMs),
    close: async () => {
      await Promise.all([endChildren(), endWorkersHere()]);
      await opened.queue?.close();
      await opened.home?.close();
      await Promise.all([stripe.close(), blnk.close()]);
      await place.destroy();
    },
  };
  if (variables.DATABASE_URL !== undefined) await migrate(variables);
  return session;
}

function orderOf(
  ofAll: Variables,
  { variables = {}, timings = {}, adopt = false }: QuickWorkerOptions = {},
): WorkerOrder {
  return { variables: { ...ofAll, ...variables }, timings: { ...QUICK, ...timings }, adopt };
}

/** Another home, migrated, without vendors and processes of its own. */
export async function openPlace(home: Home): Promise<Pick<Session, 'variables' | 'look' | 'close'>> {
  const { environment, destroy } = await home.create({ migrated: true });
  if (environment.DATABASE_URL !== undefined) await migrate(environment);
  let opened: OpenedHome | null = null;
  return {
    variables: environment,
    look: async () => {
      const log = createLog({ level: 'silent' });
      opened ??= await openHome(readHomeConfig(environment), { log, role: 'command' });
      return opened.database.sql;
    },
    close: async () => {
      await opened?.close();
      await destroy();
    },
  };
}

/** In this process: the command itself is tried in process/start.test.ts. Nothing to do where a home made the tables. */
export async function migrate(variables: Variables): Promise<void> {
  const log = createLog({ level: 'silent' });
  const home = await openHome(readHomeConfig(variables), { log, role: 'worker' });
  try {
    await home.migrate();
  } finally {
    await home.close();
  }
}

async function embeddedAddress(variables: Variables, session: Session): Promise<EmbeddedAddress | null> {
  if (variables.DATABASE_URL !== undefined) return null;
  const sql = await session.look();
  const [row] = await sql<{ folder: string; port: string; user: string; database: string }[]>`
    select split_part(current_setting('unix_socket_directories'), ',', 1) as folder, current_setting('port') as port,
      current_user as user, current_database() as database`;
  if (row === undefined) throw new Error('the embedded server does not say where it is');
  const [host] = sql.options.host;
  const folder = sql.options.path === undefined ? host : String(sql.options.path).replace(/\/\.s\.PGSQL\.\d+$/, '');
  return { host: folder ?? row.folder, port: Number(row.port), user: row.user, database: row.database };
}

async function untilSettled(session: Session, timeoutMs: number): Promise<void> {
  let last = 'not looked at yet';
  await until(
    'everything is read and settled',
    async () => {
      const sql = await session.look();
      const [tables] = await sql`select to_regclass('stripe_blnk_sync.postings') is not null as present`;
      if (tables?.present !== true) return false;
      const [row] = await sql<{ begun: boolean; open: number; pending: number }[]>`
        select exists (select 1 from stripe_blnk_sync.mirror where hand_over_at is not null) as begun,
          (select count(*)::int from stripe_blnk_sync.sync_runs where feed = 'payment_intents' and parent_id is null and state = 'collecting') as open,
          (select count(*)::int from stripe_blnk_sync.postings where state = 'pending') as pending`;
      const waiting = await sql`
        select reference, attempts, look_ups, due_at - now() as due_in, claimed_until - now() as claimed_for, reason, last_error
        from stripe_blnk_sync.postings where state = 'pending' limit 3`;
      last = JSON.stringify([row, ...waiting]);
      return row?.begun === true && row.open === 0 && row.pending === 0;
    },
    { timeoutMs, explain: () => last },
  );
}
