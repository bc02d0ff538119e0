/** A request that no worker hears is told at once: workers note which queue they take jobs from, and commands compare. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { unservedText } from '../../src/core/queue/queue-identity.js';
import { openQueueBackend, type QueueAddress } from '../../src/queue/connection.js';
import { homes } from '../support/homes.js';
import { OWN_QUEUE, openCommandLine } from '../support/stages/command-line.js';

const OTHER = { id: 'other', place: 'the one in PostgreSQL (no REDIS_URL)' };

describe('a queue', () => {
  it('is unserved when every living worker has said that it uses another one', () => {
    expect(unservedText(OWN_QUEUE, [])).toBeNull();
    expect(unservedText(OWN_QUEUE, [null])).toBeNull();
    expect(unservedText(OWN_QUEUE, [OTHER, null])).toBeNull();
    expect(unservedText(OWN_QUEUE, [OTHER, { ...OWN_QUEUE, place: 'redis://another-name/0' }])).toBeNull();
    expect(unservedText(OWN_QUEUE, [OTHER, OTHER])).toBe(
      'No worker takes jobs from the queue of this command, redis://here/0 with QUEUE_PREFIX=bull. The workers of this ' +
        'database use the one in PostgreSQL (no REDIS_URL): give the command their REDIS_URL and QUEUE_PREFIX, or take ' +
        'REDIS_URL out where they have none',
    );
  });

  const home = homes().find(({ name }) => name === 'postgres+redis');
  it.skipIf(home === undefined)(
    'on Redis is the same for all who use it, under whichever name, and for nobody else',
    async () => {
      const place = await home?.create();
      onTestFinished(() => place?.destroy());
      const url = new URL(place?.environment.REDIS_URL ?? '');
      const prefix = place?.environment.QUEUE_PREFIX ?? '';
      const idOf = async (address: QueueAddress): Promise<string> => {
        const backend = openQueueBackend(address, { failFast: true, onError: () => {} });
        try {
          await backend.beforeCall();
          return (await backend.identify()).id;
        } finally {
          await backend.close();
        }
      };
      const redis = { kind: 'redis' as const, url: url.href, prefix };
      const own = await idOf(redis);
      const [host, aliased] = [url.hostname, new URL(url)];
      aliased.hostname = host === '127.0.0.1' ? 'localhost' : host;
      expect(await idOf({ ...redis, url: aliased.href })).toBe(own);
      expect(await idOf({ ...redis, prefix: `${prefix}:other` })).not.toBe(own);
      expect(await idOf({ kind: 'url', url: place?.environment.DATABASE_URL ?? '' })).not.toBe(own);
    },
  );
});

describe('a command', () => {
  const { command, startWorker } = openCommandLine();

  it('does not ask a queue that no living worker serves', async () => {
    await startWorker(OTHER);
    let asked = 0;
    const sync = async () => {
      asked += 1;
    };
    const { code, printed, warned } = await command('sync', { sync });
    expect([code, printed, asked]).toEqual([2, '', 0]);
    expect(warned).toMatch(
      /^queue_not_served: No worker takes jobs from the queue of this command.*Nothing was asked for$/,
    );
  });

  it('whose request stands in the database is served later, and reports it', async () => {
    await startWorker(OTHER);
    const { code, warned } = await command('backfill --from 2026-11-19 --to 2026-11-20');
    expect([code, warned]).toEqual([undefined, expect.stringMatching(/^No worker takes jobs.* within a minute/)]);
  });

  it('reports nothing where a worker uses its queue', async () => {
    await startWorker(OWN_QUEUE);
    expect((await command('sync')).warned).toBe('');
  });
});
