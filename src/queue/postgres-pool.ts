/**
 * The connections of BullMQ's PostgreSQL backend: one small pool for all queues and workers of a process, and one more that
 * listens for all of them. Behind a pooler nobody can listen, so nothing is listened to there and workers look every few
 * seconds. Jobs only wake: their bookkeeping may wait for its turn.
 */
import { EventEmitter } from 'node:events';
import { type PgPool, type PgPoolClient, runMigrations } from 'bullmq';
import pg from 'pg';
import { sessionName } from '../core/base/session-name.js';
import { addressParts, type DatabaseAddress, driverAddress } from '../core/settings/database-address.js';
import { createSockets } from '../postgres/sockets.js';

/** BullMQ's own name for its schema; kept apart from ours so that both can be read and dumped alone. */
export const BULLMQ_SCHEMA = 'bullmq';

export interface QueuePoolParts {
  /** Shared by all queues and workers; none of them ends it. */
  readonly pool: PgPool;
  /** Creates or upgrades BullMQ's own tables. */
  migrate(): Promise<void>;
  close(): Promise<void>;
}

const APPLICATION_NAME = sessionName('queue');
type Query = PgPool['query'];

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_MS = 60_000;

/** @param connectionsMax beside the one that listens. Connects with the first statement. */
export function openQueuePool(address: DatabaseAddress, connectionsMax: number): QueuePoolParts {
  const parts = addressParts(address);
  const connect = {
    ...driverAddress(parts),
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ssl: false,
  };
  const searchPath = `${BULLMQ_SCHEMA}, pg_temp`;
  const sockets = createSockets(parts, { searchPath, limit: 'bounded' });
  const pool = new pg.Pool({
    ...connect,
    max: connectionsMax,
    idleTimeoutMillis: IDLE_MS,
    stream: () => sockets.open(),
  });
  const events = new EventEmitter().setMaxListeners(0);
  // One of an idle connection is told to whoever listens; the next statement opens another.
  pool.on('error', (error) => {
    if (events.listenerCount('error') > 0) events.emit('error', error);
  });
  const listener = createListener(() => new pg.Client({ ...connect, stream: () => sockets.open() }), sockets.isPooled);
  const query: Query = async <Row>(text: string, values?: readonly unknown[]) => {
    const { rows, rowCount } = await pool.query(text, values === undefined ? undefined : [...values]);
    return { rows: rows as Row[], rowCount };
  };
  const shared: PgPool = {
    query,
    connect: async () => createClient(query, listener),
    end: async () => {},
    on(event: string, tell: (...values: never[]) => void) {
      events.on(event, tell as (...values: unknown[]) => void);
      return shared;
    },
    removeAllListeners(event) {
      events.removeAllListeners(event);
      return shared;
    },
  };

  return {
    pool: shared,
    async migrate() {
      const patient = createSockets(parts, { searchPath, limit: 'unbounded' });
      const client = new pg.Client({ ...connect, stream: () => patient.open() });
      // Rejects what is under way, too.
      client.on('error', () => undefined);
      await client.connect();
      try {
        await runMigrations(client, BULLMQ_SCHEMA);
      } finally {
        await client.end();
      }
    },
    async close() {
      await listener.close();
      await pool.end();
    },
  };
}

interface Listener {
  /** From now on `who` is told of notifications, and of a connection that is lost, after which it has to listen anew. */
  listen(statement: string, who: EventEmitter): Promise<void>;
  leave(who: EventEmitter): void;
  close(): Promise<void>;
}

function createListener(open: () => pg.Client, isPooled: () => boolean): Listener {
  const listening = new Set<EventEmitter>();
  let connecting: Promise<pg.Client> | undefined;
  /** Each channel once, one after the other, on the connection of now. */
  let heard = new Map<string, Promise<unknown>>();
  let last: Promise<unknown> = Promise.resolve();

  const connect = async (): Promise<pg.Client> => {
    const client = open();
    heard = new Map();
    last = Promise.resolve();
    const lost = (error: Error): void => {
      connecting = undefined;
      const told = [...listening];
      listening.clear();
      for (const who of told) if (who.listenerCount('error') > 0) who.emit('error', error);
    };
    client.on('error', lost);
    client.on('notification', (message) => {
      for (const who of listening) who.emit('notification', message);
    });
    try {
      await client.connect();
    } catch (error) {
      connecting = undefined;
      throw error;
    }
    return client;
  };
  return {
    async listen(statement, who) {
      if (isPooled()) return;
      connecting ??= connect();
      const client = await connecting;
      if (isPooled()) return this.close();
      listening.add(who);
      const earlier = last;
      const hearing = heard.get(statement) ?? earlier.then(() => client.query(statement));
      heard.set(statement, hearing);
      last = hearing;
      await hearing;
    },
    leave: (who) => void listening.delete(who),
    async close() {
      listening.clear();
      const client = await connecting?.catch(() => undefined);
      connecting = undefined;
      await client?.end();
    },
  };
}

const NOTHING = { rows: [] };

/** What BullMQ takes for a connection of its own: it sends one statement over it, or listens over it for ever. */
function createClient(query: Query, listener: Listener): PgPoolClient {
  const client = new EventEmitter();
  const own: Pick<PgPoolClient, 'query' | 'release'> = {
    async query(text: string, values?: readonly unknown[]) {
      // A name for one of many that share a connection would be wrong for all of them.
      if (/set_config\('application_name'/.test(text)) return NOTHING;
      if (!/^\s*(?:--.*\n\s*)*listen\b/i.test(text)) return query(text, values);
      await listener.listen(text, client);
      return NOTHING;
    },
    release: () => listener.leave(client),
  };
  return Object.assign(client, own) as unknown as PgPoolClient;
}
