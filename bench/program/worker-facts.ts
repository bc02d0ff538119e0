/** What a running worker holds, seen from outside: its process, its connections, its queue's keys. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type postgres from 'postgres';

export interface ProcessFacts {
  readonly residentMb: number;
  readonly files: number;
  readonly threads: number;
  readonly cpuSeconds: number;
  /** Of the newest line of the memory probe; 0 before the first. */
  readonly heapMb: number;
  readonly resources: Readonly<Record<string, number>>;
}

export function processFacts(pid: number, probeFile: string): ProcessFacts {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const numberOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const probe = lastLine(probeFile);
  return {
    residentMb: Math.round(numberOf('VmRSS') / 1_024),
    files: readdirSync(`/proc/${pid}/fd`).length,
    threads: numberOf('Threads'),
    // Clock ticks of 10 ms.
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    heapMb: Math.round((probe?.heapUsed ?? 0) / 2 ** 20),
    resources: probe?.resources ?? {},
  };
}

function lastLine(file: string): { heapUsed: number; resources: Record<string, number> } | null {
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return JSON.parse(lines.at(-1) ?? 'null');
  } catch {
    // Not written yet.
    return null;
  }
}

/** Connections of the worker by what they are for; those of whoever measures are left out. */
export async function connectionsOf(sql: postgres.Sql): Promise<Record<string, number>> {
  const rows = await sql<{ name: string; n: number }[]>`
    select application_name as name, count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name not like '%command' group by 1 order by 1`;
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

export interface QueueFacts {
  /** By queue and kind; the keys of single jobs are one kind. */
  readonly keys: Readonly<Record<string, number>>;
  readonly keysInAll: number;
  readonly memoryKb: number;
  /** Jobs by queue and state, `stripe-blnk-sync-post completed`. */
  readonly jobs: Readonly<Record<string, number>>;
}

const STATES = ['wait', 'active', 'paused', 'delayed', 'prioritized', 'completed', 'failed'];

export async function queueFacts(redis: Redis, prefix: string): Promise<QueueFacts> {
  const keys: Record<string, number> = {};
  const jobs: Record<string, number> = {};
  let [keysInAll, bytes] = [0, 0];
  for await (const found of redis.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
    for (const key of found as string[]) {
      const [queue = '', kind = ''] = key.slice(prefix.length + 1).split(':');
      const name = `${queue} ${/^[a-z-]+$/.test(kind) ? kind : '<job>'}`;
      keys[name] = (keys[name] ?? 0) + 1;
      keysInAll += 1;
      bytes += Number((await redis.call('MEMORY', 'USAGE', key)) ?? 0);
      if (STATES.includes(kind)) jobs[`${queue} ${kind}`] = await sizeOf(redis, key);
    }
  }
  return { keys, keysInAll, memoryKb: Math.round(bytes / 1_024), jobs };
}

async function sizeOf(redis: Redis, key: string): Promise<number> {
  const type = await redis.type(key);
  if (type === 'zset') return redis.zcard(key);
  return type === 'list' ? redis.llen(key) : 0;
}
