/**
 * The place of one crash round: a session whose servers stand behind proxies, and the worker processes that are started and
 * get the faults. Has no assertions.
 */
import type { Timings } from '../../../src/app/timings.js';
import type { Home } from '../homes.js';
import { type Child, startChild } from '../process/child.js';
import { QUICK, type Session, startSession, type Variables } from '../process/session.js';
import { openTcpProxy, type TcpProxy } from '../tcp-proxy.js';
import type { CrashOrder, Instruction, Stand, Standing } from './child.js';
import type { CrashServers } from './homes.js';
import type { RoundPlan } from './plan.js';
import type { RealCore } from './real-core.js';

/** Every wait that a worker has, short enough for a round of seconds; each still longer than what it must outlast. */
const CRASH_TIMINGS: Partial<Timings> = {
  ...QUICK,
  // Longer than the stand-in's leaked locks together with the longest request.
  finalAfterMs: 5_000,
  dismissedLooksAfterMs: [1_000, 3_000],
  postTimeoutMs: 3_500,
};

/** Days are proven again and again where an injected fault waits for that; else a start proves them, and that is enough. */
function proofTimings({ injections }: RoundPlan): Timings['proofs'] {
  const isAwaited = injections.some(
    (injection) => injection.kind === 'process' && injection.place.startsWith('prove.'),
  );
  const againAfterMs = isAwaited ? 1_000 : 30_000;
  return {
    askEveryMs: 1_000,
    turnMs: 5_000,
    failedAfterMs: 1_000,
    firstAfterMs: 0,
    lateAfterMs: 75 * DAY_MS,
    againAfterMs,
    rotateEveryMs: againAfterMs,
    rotateAgeMs: 0,
    giveWayForMs: 0,
  };
}

const LEAKED_LOCK_MS = 1_200;
const DAY_MS = 86_400_000;
/** How far the population goes back. */
export const CRASH_DAYS = 5;

/** What a real Core needs: its locks live five minutes, whoever waits. */
const REAL_LEDGER_TIMINGS: Partial<Timings> = { ...CRASH_TIMINGS, finalAfterMs: 6 * 60_000, postTimeoutMs: 70_000 };

export interface CrashProcess extends Child {
  /** Where it stands, since the last instruction. */
  standsAt(): string | null;
  /** Another place to stand at, or none; what stands goes on. */
  instruct(stand: Stand | null): void;
}

export interface CrashStage {
  readonly session: Session;
  /** Null: the stand-in. */
  readonly realCore: RealCore | null;
  /** For commands in this process: past the proxies. */
  readonly variables: Variables;
  /** Null where there is no such server. */
  readonly proxies: { readonly database: TcpProxy | null; readonly redis: TcpProxy | null };
  readonly servers: CrashServers;
  /** The folder of the embedded server. */
  readonly dataFolder: string | null;
  worker(stand?: Stand | null): CrashProcess;
  command(words: readonly string[], stand: Stand, variables?: Variables): CrashProcess;
  /** Every worker so far. */
  workers(): readonly CrashProcess[];
  /** Workers that have not ended. */
  living(): readonly CrashProcess[];
  /** Servers answer, faults are over, locks are free. */
  calm(): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly home: Home;
  readonly servers: CrashServers;
  readonly realCore: RealCore | null;
}

export async function openCrashStage(plan: RoundPlan, { home, servers, realCore }: StageOptions): Promise<CrashStage> {
  const to = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000);
  const population = { size: plan.intents, from: new Date(to.getTime() - CRASH_DAYS * DAY_MS), to };
  // A real ledger keeps the rows of earlier rounds: payments of the same ids would be in it already.
  const seed = realCore === null ? plan.seed : (Date.now() + plan.seed) % 2 ** 31;
  const session = await startSession(home, { population, seed }, { leakLockMs: LEAKED_LOCK_MS });
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATA_DIR: dataFolder } = session.variables;
  const proxies = { database: await proxyBefore(databaseUrl), redis: await proxyBefore(redisUrl) };
  const { BLNK_INSTANCE_ID: instance, ...others } = session.variables;
  const ledger: Variables = realCore === null ? { BLNK_INSTANCE_ID: instance ?? '' } : realCore.variables;
  // A little more than the population needs; a month of empty days would only be read and proven.
  const direct: Variables = { ...others, ...ledger, SYNC_START: `${CRASH_DAYS + 2}d` };
  const variables: Variables = {
    ...direct,
    ...(proxies.database === null ? {} : { DATABASE_URL: proxies.database.url }),
    ...(proxies.redis === null ? {} : { REDIS_URL: proxies.redis.url }),
    ...(realCore === null ? {} : { BLNK_API_BASE: realCore.proxy.url }),
    SYNC_EVERY: '1s',
    HTTP_PORT: 'off',
    SHUTDOWN_GRACE: '6s',
  };
  const timings = { ...(realCore === null ? CRASH_TIMINGS : REAL_LEDGER_TIMINGS), proofs: proofTimings(plan) };
  const workers: CrashProcess[] = [];
  return {
    ...{ session, realCore, proxies, servers },
    variables: direct,
    dataFolder: dataFolder ?? null,
    worker(stand = null) {
      const worker = startProcess({ variables, timings, words: null, stand, adopt: realCore !== null });
      workers.push(worker);
      return worker;
    },
    command: (words, stand, more = {}) =>
      startProcess({ variables: { ...variables, ...more }, timings, words, stand, adopt: false }),
    workers: () => workers,
    living: () => workers.filter((worker) => worker.isAlive()),
    async calm() {
      session.stripe.faults.clear();
      session.blnk.faults.clear();
      session.blnk.expireLeakedLocks();
      for (const proxy of Object.values(proxies)) {
        proxy?.letGo();
        await proxy?.open();
      }
      for (const worker of workers) {
        worker.kill('SIGCONT');
        worker.instruct(null);
      }
    },
    async close() {
      for (const worker of workers) worker.kill('SIGKILL');
      await session.close();
      await Promise.all([proxies.database?.close(), proxies.redis?.close()]);
    },
  };
}

async function proxyBefore(url: string | undefined): Promise<TcpProxy | null> {
  return url === undefined ? null : openTcpProxy(url);
}

function startProcess(order: CrashOrder): CrashProcess {
  let standsAt: string | null = null;
  const child = startChild({
    script: 'test/support/crash/child.ts',
    words: [JSON.stringify(order)],
    variables: {},
    onMessage: (message) => {
      standsAt = (message as unknown as Standing).standsAt;
    },
  });
  return {
    ...child,
    standsAt: () => standsAt,
    instruct(stand) {
      standsAt = null;
      const instruction: Instruction = { stand: stand === null ? null : { ...stand } };
      child.send(instruction as never);
    },
  };
}
