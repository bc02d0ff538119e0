/** A file system of its own for the embedded server, that can be filled and freed again. Needs a user who may mount one. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Home, stopServerIn } from '../homes.js';
import { until } from '../process/wait.js';

/** Room for the server and its write-ahead log, and little more. */
const DISK_BYTES = 256 * 2 ** 20;

/** Null where this user may mount one, else what is in the way. */
export async function whyNoLimitedDisk(): Promise<string | null> {
  const probe = await mkdtemp(join(tmpdir(), 'disk-'));
  const problem = mount(probe);
  if (problem === null) unmount(probe);
  await rm(probe, { recursive: true, force: true });
  return problem;
}

/** @param template a data folder whose server is stopped, to begin with a copy of it; null: an empty one */
export function homeOnLimitedDisk(template: string | null): Home {
  return {
    name: 'embedded',
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'disk-'));
      const problem = mount(folder);
      if (problem !== null) throw new Error(problem);
      const data = join(folder, 'data');
      if (template === null) await mkdir(data, { mode: 0o755 });
      else copyData(template, data);
      return {
        environment: { DATA_DIR: data },
        async destroy() {
          await stopServerIn(join(data, 'postgres'));
          unmount(folder);
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** With owners and modes: the server's user is not ours. */
export function copyData(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to]);
  if (status !== 0) throw new Error(`${from} cannot be copied: ${stderr}`);
}

function mount(folder: string): string | null {
  const made = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=755`, 'tmpfs', folder]);
  if (made.status === 0) return null;
  return `no file system can be mounted here: ${String(made.error ?? made.stderr).trim()}`;
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
}

/** Fills the disk of the folder. The answer frees it. */
export async function fillDisk(dataFolder: string): Promise<() => Promise<void>> {
  const file = join(dataFolder, '..', 'filled');
  await until('the disk is full', async () => {
    const { bavail, bsize } = await statfs(dataFolder);
    // Written, not reserved: a hole takes no room. What is left over is less than a page of the database.
    const bytes = Math.max(bavail * bsize, bsize);
    try {
      await writeFile(file, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return true;
      throw error;
    }
    return false;
  });
  return async () => {
    await truncate(file, 0);
    await rm(file, { force: true });
  };
}
