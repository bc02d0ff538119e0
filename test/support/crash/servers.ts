/**
 * Servers of the crash suite's own, which may be killed: PostgreSQL with the programs that the package brings, and Redis
 * where `redis-server` is on the PATH. Each comes back on the same port; PostgreSQL after crash recovery, Redis empty.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { prepareBinaries } from '../../../src/db/embedded/binaries.js';
import { ensureDataFolder, SUPERUSER } from '../../../src/db/embedded/data-folder.js';
import { prepareHome } from '../../../src/db/embedded/home.js';
import { spawnOptions } from '../../../src/db/embedded/run-program.js';
import { freePort } from '../free-port.js';
import { until } from '../process/wait.js';

export interface OwnServer {
  /** Of PostgreSQL: of its first database. */
  readonly url: string;
  /** Ends it at once, as a crash does; it is up again on the same port after this time and what it needs to recover. */
  restart(downMs: number): Promise<void>;
  /** Stops it and removes what it stored. */
  close(): Promise<void>;
}

/** PostgreSQL on a loopback port. Nobody but this machine reaches it, so it asks for no password. */
export async function startOwnPostgres(): Promise<OwnServer> {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'crash-postgres-'))];
  // As root the server runs as nobody, who has to pass.
  await chmod(folder, 0o755);
  const home = await prepareHome({ dataDir: folder, whenUnreachable: 'fail', log: () => {} });
  const binaries = await prepareBinaries({ dataDir: home.dataDir, account: home.account });
  await ensureDataFolder(home, binaries, () => {});
  const settings = [
    ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', `hba_file=${join(home.dataDir, 'hba.conf')}`],
    // Killed processes leave theirs until the system notices.
    'max_connections=200',
    // A process that is killed loses nothing that it wrote; only a machine would.
    'fsync=off',
    ...['shared_buffers=32MB', 'io_method=sync', 'jit=off', 'timezone=UTC', 'max_parallel_workers_per_gather=0'],
  ];
  await writeFile(join(home.dataDir, 'hba.conf'), 'host all all 127.0.0.1/32 trust\n', { mode: 0o644 });
  const words = ['-D', home.dataFolder, '-p', `${port}`, ...settings.flatMap((setting) => ['-c', setting])];
  const url = `postgres://${SUPERUSER}@127.0.0.1:${port}/postgres`;
  return keepServer({
    ...{ url, folder },
    start: () =>
      spawn(binaries.postgres, words, {
        ...spawnOptions({ account: home.account, cwd: home.dataDir, env: binaries.env }),
        stdio: 'ignore',
        // Ctrl-C ends it too.
        detached: false,
      }),
    // Its own word for ending at once: it recovers at its next start. SIGKILL would leave its other processes.
    endAtOnce: 'SIGQUIT',
    answers: () => answersPostgres(url),
  });
}

/** Null where there is no `redis-server`. What it holds is gone with each end. */
export async function startOwnRedis(): Promise<OwnServer | null> {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'crash-redis-'))];
  const words = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const url = `redis://127.0.0.1:${port}`;
  const redis = { url, folder, endAtOnce: 'SIGKILL', answers: () => answersRedis(url) } as const;
  try {
    return await keepServer({ ...redis, start: () => spawn('redis-server', words, { stdio: 'ignore' }) });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

interface Keeping {
  readonly url: string;
  readonly folder: string;
  readonly endAtOnce: NodeJS.Signals;
  start(): ChildProcess;
  answers(): Promise<boolean>;
}

async function keepServer({ url, folder, endAtOnce, start, answers }: Keeping): Promise<OwnServer> {
  let server = start();
  const isUp = async (): Promise<void> => {
    if (server.pid === undefined) await once(server, 'spawn');
    await until(`${url} answers`, () => answers(), { timeoutMs: START_WITHIN_MS });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  };
  await isUp();
  return {
    url,
    async restart(downMs) {
      await end(endAtOnce);
      await new Promise((resolve) => setTimeout(resolve, downMs));
      server = start();
      await isUp();
    },
    async close() {
      await end(endAtOnce);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Recovery included, on a machine that is busy. */
const START_WITHIN_MS = 60_000;

async function answersPostgres(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function answersRedis(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
