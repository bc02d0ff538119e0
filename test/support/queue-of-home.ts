/** The queue of a home, in a place of its own: with BullMQ on Redis or PostgreSQL, and with what another program does to it. */
import { openEmbeddedPostgres } from '../../src/db/embedded/open.js';
import { openQueueBackend, type QueueAddress, type QueueBackend } from '../../src/queue/connection.js';
import type { Home } from './homes.js';
import { type ForeignQueue, openForeignQueue } from './process/queue.js';

export interface QueueOfHome {
  readonly backend: QueueBackend;
  readonly foreign: ForeignQueue;
  remove(): Promise<void>;
}

export async function openQueueOf(home: Home): Promise<QueueOfHome> {
  const place = await home.create();
  const { DATABASE_URL: url, DATA_DIR: dataDir, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = place.environment;
  const server =
    url === undefined ? await openEmbeddedPostgres({ dataDir: dataDir ?? '', whenUnreachable: 'temporary' }) : null;
  const address: QueueAddress =
    redisUrl !== undefined
      ? { kind: 'redis', url: redisUrl, prefix: prefix ?? 'bull' }
      : server === null
        ? { kind: 'url', url: url ?? '' }
        : { kind: 'socket', ...server.connection };
  const backend = openQueueBackend(address, { failFast: false, onError: () => {} });
  await backend.migrate();
  const foreign = openForeignQueue(place.environment, server?.connection ?? null);
  return {
    ...{ backend, foreign },
    async remove() {
      await foreign.close();
      await backend.close();
      await server?.close();
      await place.destroy();
    },
  };
}
