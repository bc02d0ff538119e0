/**
 * A later version of this package, as a folder of its own: the same sources with further migrations, and with another
 * version and generation where they are asked for. What is started from it is a process of that version.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type Child, startChild } from '../process/child.js';
import { ROOT } from '../source-files.js';

export interface LaterVersion {
  readonly version: string;
  readonly generation?: number;
  /** Statements of each further migration, by its name. */
  readonly migrations: Readonly<Record<string, readonly string[]>>;
}

export interface LaterPackage {
  /** The next version in the same folder; its migrations come after those that are there. */
  become(version: LaterVersion): Promise<void>;
  /** `src/main.ts <words>` of that version. */
  start(words: readonly string[], variables: Readonly<Record<string, string>>): Child;
  remove(): Promise<void>;
}

const BREAKPOINT = '--> statement-breakpoint\n';

export async function makeLaterPackage(version: LaterVersion): Promise<LaterPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'later-'));
  for (const part of ['src', 'migrations', 'package.json']) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await change(folder, version);
  return {
    become: (next) => change(folder, next),
    start: (words, variables) => startChild({ script: relative(ROOT, join(folder, 'src/main.ts')), words, variables }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function change(folder: string, { version, generation, migrations }: LaterVersion): Promise<void> {
  const manifest = join(folder, 'package.json');
  await writeFile(manifest, JSON.stringify({ ...JSON.parse(await readFile(manifest, 'utf8')), version }));
  const journalPath = join(folder, 'migrations/meta/_journal.json');
  const journal = JSON.parse(await readFile(journalPath, 'utf8'));
  for (const [name, statements] of Object.entries(migrations)) {
    const { idx, when } = journal.entries.at(-1);
    journal.entries.push({ ...journal.entries.at(-1), idx: idx + 1, when: when + 1_000, tag: name });
    await writeFile(join(folder, 'migrations', `${name}.sql`), statements.join(BREAKPOINT));
  }
  await writeFile(journalPath, JSON.stringify(journal));
  if (generation !== undefined) await setGeneration(join(folder, 'src/db/workers/minimum-code.ts'), generation);
}

async function setGeneration(path: string, generation: number): Promise<void> {
  const text = await readFile(path, 'utf8');
  const changed = text.replace(/(export const GENERATION = )\d+/, `$1${generation}`);
  if (changed === text) throw new Error(`${path} does not say its generation`);
  await writeFile(path, changed);
}
