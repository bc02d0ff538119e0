/**
 * Where rounds of the crash suite keep their data: the three homes on servers of the suite's own, each begun from a copy of
 * what a first start makes, since thousands of identical first starts prove nothing more. Every fourth begins empty.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deleteKeys, type Home, onServer, stopServerIn } from '../homes.js';
import { migrate } from '../process/session.js';
import { copyData, homeOnLimitedDisk, whyNoLimitedDisk } from './disk.js';
import type { Means, RoundPlan } from './plan.js';
import { type OwnServer, startOwnPostgres, startOwnRedis } from './servers.js';

export interface CrashHomes {
  readonly means: Omit<Means, 'realLedger'>;
  /** What cannot be tried here, and why: lines for a person. */
  readonly lacks: readonly string[];
  /** Servers that a round may kill; rounds take turns on them. */
  readonly servers: CrashServers;
  /** Null where there is no server of Redis at all; `lacks` says so. */
  homeFor(plan: Pick<RoundPlan, 'seed' | 'home'>): Home | null;
  close(): Promise<void>;
}

export interface CrashServers {
  readonly postgres: OwnServer;
  /** Null: the one in use is shared with others. */
  readonly redis: OwnServer | null;
}

const EMPTY_EVERY = 4;

/** @param sharedRedisUrl taken where none of our own can be started */
export async function openCrashHomes(sharedRedisUrl: string | null): Promise<CrashHomes> {
  const [noDisk, ownPostgres, redis, embedded] = await Promise.all([
    whyNoLimitedDisk(),
    startOwnPostgres(),
    startOwnRedis(),
    makeEmbeddedTemplate(),
  ]);
  await onServer(ownPostgres.url, `create database ${TEMPLATE}`);
  await migrate({ DATABASE_URL: databaseUrl(ownPostgres.url, TEMPLATE) });
  const redisUrl = redis?.url ?? sharedRedisUrl;
  return {
    means: { hasLimitedDisk: noDisk === null, ownsRedis: redis !== null },
    lacks: [
      ...(noDisk === null ? [] : [`disk full: never tried, ${noDisk}`]),
      ...(redis === null ? ['redis restarted, redis flushed: never tried, there is no redis-server on the PATH'] : []),
      ...(redisUrl === null ? ['postgres+redis: never tried, there is no Redis'] : []),
    ],
    servers: { postgres: ownPostgres, redis },
    homeFor({ seed, home }) {
      const beginsEmpty = Math.floor(seed / 3) % EMPTY_EVERY === 0;
      if (home === 'embedded') {
        const template = beginsEmpty ? null : embedded;
        return noDisk === null ? homeOnLimitedDisk(template) : homeInFolder(template);
      }
      if (home === 'postgres') return homeOnServers({ url: ownPostgres.url, redisUrl: null, beginsEmpty });
      return redisUrl === null ? null : homeOnServers({ url: ownPostgres.url, redisUrl, beginsEmpty });
    },
    async close() {
      await Promise.all([ownPostgres.close(), redis?.close(), rm(embedded, { recursive: true, force: true })]);
    },
  };
}

const TEMPLATE = 'crash_template';

async function makeEmbeddedTemplate(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crash-template-'));
  // As root the server runs as nobody, who has to pass.
  await chmod(folder, 0o755);
  await migrate({ DATA_DIR: folder });
  await stopServerIn(join(folder, 'postgres'));
  return folder;
}

function homeInFolder(template: string | null): Home {
  return {
    name: 'embedded',
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'crash-home-'));
      await chmod(folder, 0o755);
      const data = join(folder, 'data');
      if (template !== null) copyData(template, data);
      return {
        environment: { DATA_DIR: data },
        async destroy() {
          await stopServerIn(join(data, 'postgres'));
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

interface ServerHome {
  readonly url: string;
  readonly redisUrl: string | null;
  readonly beginsEmpty: boolean;
}

function homeOnServers({ url, redisUrl, beginsEmpty }: ServerHome): Home {
  return {
    name: redisUrl === null ? 'postgres' : 'postgres+redis',
    async create() {
      const name = `crash_${randomBytes(8).toString('hex')}`;
      await onServer(url, `create database ${name}${beginsEmpty ? '' : ` template ${TEMPLATE}`}`);
      const queue = redisUrl === null ? {} : { REDIS_URL: redisUrl, QUEUE_PREFIX: name };
      return {
        environment: { DATABASE_URL: databaseUrl(url, name), ...queue },
        async destroy() {
          await onServer(url, `drop database if exists ${name} with (force)`);
          if (redisUrl !== null) await deleteKeys(redisUrl, name);
        },
      };
    },
  };
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
