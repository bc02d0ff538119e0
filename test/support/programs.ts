/**
 * The project's programs as plain JavaScript, compiled once before all test files (`globalSetup` of vitest.config.ts): a
 * process that compiles what it imports takes twice the processor time to start, and all tests start hundreds of them.
 * The folder looks like the project from inside: the same paths, packages and migrations.
 */
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the compiled programs: `src/main.js` and so on. */
    readonly programs: string;
  }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COMPILED = ['src', 'sandbox', 'test', 'bench'];
const LINKED = ['package.json', 'node_modules', 'migrations'];

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'programs-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await Promise.all(LINKED.map((name) => symlink(join(ROOT, name), join(folder, name))));
    await compileInto(folder);
  } catch (error) {
    await remove();
    throw error;
  }
  project.provide('programs', folder);
  return remove;
}

async function compileInto(folder: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: (await Promise.all(COMPILED.map(sourcesIn))).flat(),
    outdir: folder,
    outbase: '.',
    // A file for each, as the build for users makes them; bundles start no faster.
    bundle: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
  });
}

async function sourcesIn(folder: string): Promise<string[]> {
  const names = await readdir(join(ROOT, folder), { recursive: true });
  return names.filter((name) => /(?<!\.test|\.d)\.ts$/.test(name)).map((name) => join(folder, name));
}
