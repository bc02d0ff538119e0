/**
 * The project's programs as plain JavaScript, compiled once before all test files (`globalSetup` of vitest.config.ts): a
 * process that compiles what it imports takes twice the processor time to start, and all tests start hundreds of them.
 * The folder looks like the project from inside: the same paths, packages and migrations.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
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

/** A file for each, as the build for users makes them; bundles start no faster. */
async function compileInto(folder: string): Promise<void> {
  const sources = (await Promise.all(COMPILED.map(sourcesIn))).flat();
  await Promise.all(
    sources.map(async (source) => {
      const program = join(folder, source.replace(/\.ts$/, '.js'));
      await mkdir(dirname(program), { recursive: true });
      await writeFile(program, await compile(join(ROOT, source)));
    }),
  );
}

/** A source with an error in it becomes a program that says so, to whoever starts it: the other tests go on. */
async function compile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  try {
    const { code } = await transform(text, {
      loader: 'ts',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcefile: path,
      sourcemap: 'inline',
      sourcesContent: false,
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      logLevel: 'silent',
    });
    return code;
  } catch (error) {
    return `throw new SyntaxError(${JSON.stringify(String(error))});\n`;
  }
}

async function sourcesIn(folder: string): Promise<string[]> {
  const names = await readdir(join(ROOT, folder), { recursive: true });
  return names.filter((name) => /(?<!\.test|\.d)\.ts$/.test(name)).map((name) => join(folder, name));
}
