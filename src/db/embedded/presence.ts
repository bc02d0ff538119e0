// Being in: one idle connection per process that uses the server. It holds the gate, an advisory lock, in shared mode;
// whoever wants to stop the server needs the gate alone. So nobody stops a server that somebody uses or is just
// entering, of several that leave together the last one stops it, and a killed process leaves by itself, since the
// server sees its connection close.

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { sessionName } from '../../core/base/session-name.js';
import { refuseSockets } from '../connection/one-connection.js';
import { errorCode } from './errors.js';
import { GATE, GUARD_NAME, IDLE_GUARD, idleGuardStatement, LEAVING_NAME, STOP_STATEMENT } from './presence-sql.js';

export interface ServerAddress {
  host: string;
  port: number;
  user: string;
  database: string;
}

export interface Presence {
  /** True when we were the last and have told the server to stop. It is still stopping then. */
  leave(): Promise<boolean>;
}

const PRESENCE_NAME = sessionName('presence');
const ENTERING_NAME = sessionName('entering');
/** Not as who waits for the gate: it is listed for a moment after it has ended, and would keep us from stopping the server. */
const CHECKING_NAME = sessionName('checking');
/** Connections of our own pools that were just closed are still listed for a moment. */
const OTHERS_GO_MS = 2_000;

/** What a connection attempt reports when no server is there, or none that lets us in yet. */
const NOT_NOW = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'database_unreachable', // our own refusal to connect again
  '57P01', // stopped while we entered
  '57P02', // crashed while we entered
  '57P03', // starting up, recovering or shutting down
  '53300', // too many connections
]);

/**
 * Enters the server, and makes sure that its idle guard runs. `undefined` means not now: no server, or one that is
 * starting or stopping. `onLost` is called once when the server goes away while we are in.
 */
export async function enterServer(
  address: ServerAddress,
  options: { idleStopMs: number; onLost: () => void },
): Promise<Presence | undefined> {
  let isIn = false;
  let isLost = false;
  const sql = connect(address, {
    name: ENTERING_NAME,
    onClose: () => {
      isLost = true;
      // It would connect again by itself, without the gate.
      refuseSockets(sql);
      void sql.end({ timeout: 0 });
      if (!isIn) return;
      isIn = false;
      options.onLost();
    },
  });
  try {
    await sql`SELECT pg_advisory_lock_shared(${GATE.space}::int, ${GATE.key}::int)`;
    await sql`SELECT set_config('application_name', ${PRESENCE_NAME}, false)`;
    await ensureIdleGuard(sql, address, options.idleStopMs);
    await assertStays(address);
    if (isLost) return undefined;
    isIn = true;
  } catch (error) {
    await sql.end({ timeout: 0 });
    if (saysNotNow(error)) return undefined;
    throw error;
  }
  return {
    async leave() {
      if (!isIn) return false;
      isIn = false;
      try {
        return await stopIfLast(sql);
      } catch (error) {
        if (saysNotNow(error)) return false;
        throw error;
      } finally {
        await sql.end({ timeout: 0 });
      }
    },
  };
}

async function stopIfLast(sql: postgres.Sql): Promise<boolean> {
  // The name first: whoever gets the gate after us must not take us for somebody who stays.
  await sql`SELECT set_config('application_name', ${LEAVING_NAME}, false)`;
  await sql`SELECT pg_advisory_unlock_shared(${GATE.space}::int, ${GATE.key}::int)`;
  const [gate] = await sql<{ alone: boolean }[]>`
    SELECT pg_try_advisory_lock(${GATE.space}::int, ${GATE.key}::int) AS alone`;
  if (!gate?.alone) return false;
  const untilMs = performance.now() + OTHERS_GO_MS;
  for (;;) {
    const { entering, others } = await otherClients(sql);
    if (!others) break;
    if (entering || performance.now() > untilMs) return false;
    await delay(25);
  }
  // The stop may reach our own connection before the answer does.
  await sql
    .unsafe(STOP_STATEMENT)
    .simple()
    .catch((error: unknown) => {
      if (!saysNotNow(error)) throw error;
    });
  return true;
}

function saysNotNow(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && NOT_NOW.has(code);
}

/** `entering`: one of us waits for the gate that we hold. `others`: anybody who stays, also a person with psql. */
async function otherClients(sql: postgres.Sql): Promise<{ entering: boolean; others: boolean }> {
  const [found] = await sql<{ entering: boolean; others: boolean }[]>`
    SELECT coalesce(bool_or(application_name = ${ENTERING_NAME}), false) AS entering, count(*) > 0 AS others
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND application_name NOT IN (${LEAVING_NAME}, ${GUARD_NAME})`;
  return found ?? { entering: false, others: false };
}

/**
 * Whoever stopped the server dies of the stop, and lets go of the gate: we may get it while our own connection is not told yet. A new
 * one is refused from the moment on at which the stop begins.
 */
async function assertStays(address: ServerAddress): Promise<void> {
  const sql = connect(address, { name: CHECKING_NAME });
  try {
    await sql`SELECT 1`;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

async function ensureIdleGuard(sql: postgres.Sql, address: ServerAddress, idleStopMs: number): Promise<void> {
  const [guard] = await sql<{ runs: boolean }[]>`
    SELECT EXISTS (
      SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND classid = ${IDLE_GUARD.space}::int::oid AND objid = ${IDLE_GUARD.key}::int::oid
    ) AS runs`;
  if (guard?.runs) return;
  let stands: () => void = () => undefined;
  const standing = new Promise<void>((resolve) => {
    stands = resolve;
  });
  const socket = createConnection(`${address.host}/.s.PGSQL.${address.port}`);
  await once(socket, 'connect');
  const guardSql = connect(address, { name: GUARD_NAME, onNotice: () => stands(), socket });
  const statement = guardSql.unsafe(idleGuardStatement(idleStopMs)).simple();
  // Ends at once when another process was faster with its guard.
  const ended = statement.then(() => undefined);
  await Promise.race([standing, ended]).finally(async () => {
    ended.catch(() => undefined); // our leaving it alone, next line
    await guardSql.end({ timeout: 0 });
    // The guard never reads our farewell, so the half-closed socket would keep this process until the server stops.
    socket.destroy();
  });
}

/** Of the server's own settings: the gate is waited for, and the guard works, as long as it takes. */
const UNLIMITED = { statement_timeout: '0', lock_timeout: '0' } as unknown as Record<string, number>;

function connect(
  address: ServerAddress,
  options: { name: string; onClose?: () => void; onNotice?: () => void; socket?: Socket },
): postgres.Sql {
  const { socket } = options;
  // The driver knows this option, its types do not: https://github.com/porsager/postgres#custom-socket
  const over = socket === undefined ? {} : { socket: () => socket };
  return postgres({
    ...address,
    ...over,
    max: 1,
    ssl: false,
    prepare: false,
    fetch_types: false,
    connect_timeout: 10,
    // The connection is the presence: it must not be renewed.
    idle_timeout: 0,
    max_lifetime: null,
    // The driver leaves out what is 0; as text it goes.
    connection: { application_name: options.name, ...UNLIMITED },
    onnotice: () => options.onNotice?.(),
    onclose: () => options.onClose?.(),
  });
}
