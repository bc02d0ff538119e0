/** One fault injected into the servers under the workers: restarted, cut off, standing still, their queue or their disk lost. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { fillDisk } from './disk.js';
import type { ServerInjection } from './plan.js';
import { untilScheduled } from './quiet.js';
import type { CrashProcess, CrashStage } from './stage.js';

const STARTED_WITHIN_MS = 15_000;

/** @returns whether there was something to inject it into */
export async function injectIntoServer(
  { act, afterMs, lastsMs }: ServerInjection,
  stage: CrashStage,
): Promise<boolean> {
  await untilMirroring(stage.living()[0] ?? stage.worker());
  await delay(afterMs);
  const { database, redis } = stage.proxies;
  switch (act) {
    case 'database restarted':
      await stage.servers.postgres.restart(lastsMs / 4);
      return true;
    case 'redis restarted':
      await stage.servers.redis?.restart(lastsMs / 4);
      return scheduleIsBack(stage);
    case 'redis flushed':
      await flush(stage.servers.redis?.url ?? '');
      return scheduleIsBack(stage);
    case 'database cut':
    case 'redis cut': {
      const proxy = act === 'database cut' ? database : redis;
      await proxy?.close();
      await delay(lastsMs / 2);
      await proxy?.open();
      return proxy !== null;
    }
    case 'database paused':
    case 'redis paused': {
      const proxy = act === 'database paused' ? database : redis;
      proxy?.hold();
      await delay(lastsMs);
      proxy?.letGo();
      return proxy !== null;
    }
    case 'queue lost':
      await (await stage.session.foreignQueue()).lose();
      return scheduleIsBack(stage);
    case 'database killed':
      return killEmbedded(stage.dataFolder);
    case 'disk full': {
      if (stage.dataFolder === null) return false;
      const free = await fillDisk(stage.dataFolder);
      await delay(lastsMs);
      await free();
      return true;
    }
    default:
      return act satisfies never;
  }
}

/** One that cannot start, because of an earlier fault, gets it as it is. */
export async function untilMirroring(worker: CrashProcess): Promise<void> {
  await worker.untilLogged(/^mirroring/, STARTED_WITHIN_MS).catch(() => null);
}

/** Whoever else uses a server of Redis of our own is a worker of this round. */
async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

/** A worker that lives on makes sure of the schedule by itself. */
async function scheduleIsBack(stage: CrashStage): Promise<true> {
  if (stage.living().length > 0) await untilScheduled(stage);
  return true;
}

/** SIGQUIT is the server's own word for ending at once: as after a crash, it recovers at its next start. */
async function killEmbedded(dataFolder: string | null): Promise<boolean> {
  if (dataFolder === null) return false;
  const file = join(dataFolder, 'postgres', 'postmaster.pid');
  const processId = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  if (!Number.isInteger(processId)) return false;
  try {
    return process.kill(processId, 'SIGQUIT');
  } catch {
    return false;
  }
}
