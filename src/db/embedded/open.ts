// The embedded PostgreSQL home: one call gives a process a private, real PostgreSQL in a folder, alone or shared with
// other processes of the same machine. Whoever finds no server starts it, whoever leaves last stops it; one that was
// left by a kill is adopted by the next, or stops by itself. It is for one machine: nothing listens on the network.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { prepareBinaries } from './binaries.js';
import { ensureDataFolder, readServerRun, readVersion, releaseReusedProcessId, SUPERUSER } from './data-folder.js';
import { EmbeddedPostgresError } from './errors.js';
import { type EmbeddedHome, prepareHome } from './home.js';
import { enterServer, type Presence, type ServerAddress } from './presence.js';
import { boundLog, PORT, type StartedServer, saysHeldByAnother, startServer } from './server.js';
import { hasSocket, socketFolder } from './socket.js';
import { withStartLock } from './start-lock.js';

export interface EmbeddedPostgres {
  /** For postgres.js and pg: `host` is the folder of the Unix socket. There is no password. */
  connection: ServerAddress;
  /** The folder in use: another than asked for only with `whenUnreachable: 'temporary'`. */
  dataDir: string;
  /**
   * Leaves. Stops the server, and waits for that, only when nobody else is connected. Close your own connections first:
   * what is still connected counts as somebody else.
   */
  close(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  dataDir: string;
  log?: (message: string) => void;
  /** For finding or creating and starting the server, including recovery after a crash. Default one minute. */
  startTimeoutMs?: number;
  /** How long a server without any client lives on after a kill. Default five minutes. */
  idleStopMs?: number;
  /**
   * What root does when the server's user (PostgreSQL refuses root) cannot get to `dataDir`: refuse, naming the folder in
   * the way, or use a folder under the system's temporary one. Default refuse.
   */
  whenUnreachable?: 'fail' | 'temporary';
}

const START_TIMEOUT_MS = 60_000;
const IDLE_STOP_MS = 5 * 60_000;
const STOP_TIMEOUT_MS = 60_000;
const UPKEEP_EVERY_MS = 60_000;
const LOOK_AGAIN_MS = 50;
const LOOK_AGAIN_MAX_MS = 1_000;
const RETURN_AFTER_MS = 500;
const RETURN_AFTER_MAX_MS = 30_000;

/** Everything about one open server that its parts need. */
interface Place {
  home: EmbeddedHome;
  address: ServerAddress;
  log: (message: string) => void;
  startTimeoutMs: number;
  idleStopMs: number;
}

/**
 * Opens the server in `dataDir`, creating and starting what is missing.
 *
 * @example
 * const embedded = await openEmbeddedPostgres({ dataDir: './.data' });
 * const sql = postgres(embedded.connection);
 * await sql.end();
 * await embedded.close();
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    return await open(options);
  } catch (cause) {
    if (cause instanceof EmbeddedPostgresError || cause instanceof RangeError) throw cause;
    // What the steps did not foresee, above all a full disk: the system's or the server's own words.
    throw new EmbeddedPostgresError(
      'start_failed',
      `The embedded PostgreSQL in ${options.dataDir} does not start: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

async function open(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined);
  const home = await prepareHome({
    dataDir: options.dataDir,
    whenUnreachable: options.whenUnreachable ?? 'fail',
    log,
  });
  const host = await socketFolder(home.dataFolder);
  const place: Place = {
    home,
    address: { host, port: PORT, user: SUPERUSER, database: 'postgres' },
    log,
    startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
    idleStopMs: options.idleStopMs ?? IDLE_STOP_MS,
  };
  const stay = await stayIn(place);
  return { connection: place.address, dataDir: home.dataDir, close: stay.end };
}

/** Stays in until `end`: when the server goes away under us (killed, crashed), it is entered or started again. */
async function stayIn(place: Place): Promise<{ end(): Promise<void> }> {
  let ending: Promise<void> | undefined;
  let returning: Promise<void> | undefined;
  let presence: Presence | undefined;

  const onLost = (): void => {
    presence = undefined;
    if (ending) return;
    place.log('The embedded PostgreSQL went away; starting it again');
    returning = comeBack();
  };
  const comeBack = async (): Promise<void> => {
    for (let pauseMs = RETURN_AFTER_MS; !ending && !presence; pauseMs = Math.min(pauseMs * 2, RETURN_AFTER_MAX_MS)) {
      try {
        presence = await enterOrStart(place, { mayCreate: false, onLost });
      } catch (error) {
        place.log(`The embedded PostgreSQL could not be started again: ${String(error)}`);
        await delay(pauseMs);
      }
    }
  };

  presence = await enterOrStart(place, { mayCreate: true, onLost });
  const upkeep = setInterval(() => {
    const done = Promise.all([boundLog(place.home.logFile), socketFolder(place.home.dataFolder)]);
    done.catch((error: unknown) => place.log(`Upkeep of the embedded PostgreSQL failed: ${String(error)}`));
  }, UPKEEP_EVERY_MS);
  upkeep.unref();

  const leave = async (): Promise<void> => {
    clearInterval(upkeep);
    await returning;
    const run = await readServerRun(place.home.dataFolder);
    if (await presence?.leave()) await waitForStop(place, run);
  };
  return {
    end() {
      ending ??= leave();
      return ending;
    },
  };
}

async function enterOrStart(place: Place, options: { mayCreate: boolean; onLost: () => void }): Promise<Presence> {
  const { home } = place;
  const deadlineMs = performance.now() + place.startTimeoutMs;
  const enter = async (): Promise<Presence | undefined> =>
    hasSocket(home.dataFolder)
      ? enterServer(place.address, { idleStopMs: place.idleStopMs, onLost: options.onLost })
      : undefined;

  const present = await enter();
  if (present) return present;
  return withStartLock(join(home.dataDir, 'start.lock'), { deadlineMs, meanwhile: enter }, async () => {
    // Its holder may have started the server while we waited for the lock.
    const started = await enter();
    if (started) return started;
    if (!options.mayCreate && (await readVersion(home.dataFolder)) === undefined) {
      throw new EmbeddedPostgresError('start_failed', `The data in ${home.dataFolder} is gone.`);
    }
    return start(place, { deadlineMs, enter });
  });
}

async function start(
  place: Place,
  options: { deadlineMs: number; enter: () => Promise<Presence | undefined> },
): Promise<Presence> {
  const { home, log } = place;
  const binaries = await prepareBinaries(home);
  await ensureDataFolder(home, binaries, log);
  let server: StartedServer | undefined;
  let pauseMs = LOOK_AGAIN_MS;
  for (;;) {
    server ??= await startServer(home, binaries);
    const presence = await options.enter();
    if (presence) return presence;
    if (!server.isRunning()) {
      await refuseUnlessHeld(home, server);
      // Another server runs, starts or is just stopping: it lets us in, or makes room.
      if (server.pid !== undefined) await releaseReusedProcessId(home.dataFolder, server.pid);
      pauseMs = Math.min(pauseMs * 2, LOOK_AGAIN_MAX_MS);
      if (performance.now() < options.deadlineMs) server = undefined;
    }
    if (performance.now() > options.deadlineMs) {
      const said = await server?.said();
      throw new EmbeddedPostgresError(
        'start_timeout',
        `The embedded PostgreSQL in ${home.dataFolder} was not ready after ${place.startTimeoutMs} ms. Its last words, of ${home.logFile}:\n${said}`,
      );
    }
    await delay(pauseMs);
  }
}

async function refuseUnlessHeld(home: EmbeddedHome, server: StartedServer): Promise<void> {
  const said = await server.said();
  if (saysHeldByAnother(said)) return;
  throw new EmbeddedPostgresError(
    'start_failed',
    `The embedded PostgreSQL in ${home.dataFolder} does not start. Its last words, of ${home.logFile}:\n${said}`,
  );
}

/** Until this run of the server has ended; another process may have started the next run already. */
async function waitForStop(place: Place, run: string | undefined): Promise<void> {
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  while (run !== undefined && (await readServerRun(place.home.dataFolder)) === run) {
    if (performance.now() > deadlineMs) {
      place.log(`The embedded PostgreSQL is still stopping after ${STOP_TIMEOUT_MS} ms, see ${place.home.logFile}`);
      return;
    }
    await delay(LOOK_AGAIN_MS);
  }
}
