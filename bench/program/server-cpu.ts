/** Processor time of a PostgreSQL server: of its main process, of those that left and of those that run (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import type postgres from 'postgres';

/** Milliseconds; null where it runs elsewhere or its processes cannot be seen. */
export async function serverCpuMs(sql: postgres.Sql): Promise<number | null> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const backend = statOf(row?.pid ?? 0);
  const main = backend === null ? null : statOf(backend.parent);
  if (backend === null || main === null) return null;
  const children = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .map(statOf)
    .filter((stat) => stat?.parent === backend.parent);
  return main.ownMs + main.childrenMs + children.reduce((sum, child) => sum + (child?.ownMs ?? 0), 0);
}

/** In clock ticks of 10 ms. */
function statOf(pid: number) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ').map(Number) ?? [];
    const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map((index) => fields[index] ?? 0);
    return {
      parent: parent ?? 0,
      ownMs: ((user ?? 0) + (system ?? 0)) * 10,
      childrenMs: ((childUser ?? 0) + (childSystem ?? 0)) * 10,
    };
  } catch {
    return null;
  }
}
