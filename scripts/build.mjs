/**
 * `npm run build`: sources to `dist`, from nothing, so that no file of an earlier build is packed. The types are checked, then
 * our own files are joined into few: a process that loads hundreds of files spends its start on that. Packages stay outside but for
 * those of INLINED. With `-- --noCheck` the types are not checked, for whoever has done it already.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);
const command = new URL('dist/src/main.js', root);
const { resolve } = createRequire(import.meta.url);

/** Of zod we use a small part, and loading all of it takes longer than reading a configuration. */
const INLINED = ['zod'];

if (!process.argv.includes('--noCheck')) {
  const { status, error } = spawnSync(process.execPath, [resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: fileURLToPath(root),
    stdio: 'inherit',
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(new URL('dist', root), { recursive: true, force: true });
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const packages = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
const { metafile } = await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: ['src/main.ts', 'src/app/demo/worker-process.ts', 'sandbox/blnk/cli.ts', 'sandbox/stripe/cli.ts'],
  outbase: '.',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  // As deep as the sources, some of which look for what lies beside them.
  chunkNames: 'src/app/demo/chunk-[hash]',
  external: packages.filter((name) => !INLINED.includes(name)).flatMap((name) => [name, `${name}/*`]),
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  metafile: true,
  logLevel: 'warning',
});

// Whoever hands on a package hands on its license.
mkdirSync(new URL('dist/licenses', root));
const handedOn = Object.keys(metafile.inputs).map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
for (const name of new Set(handedOn.filter((found) => found !== undefined))) {
  const folder = new URL(`node_modules/${name}/`, root);
  const license = readdirSync(folder).find((file) => /^licen[cs]e(\.(md|txt))?$/i.test(file));
  if (license === undefined) throw new Error(`${name} is joined to our files, and its license is not found`);
  copyFileSync(new URL(license, folder), new URL(`dist/licenses/${name.replace('/', '-')}.txt`, root));
}

// npm links the command to this file: without both it cannot be started.
if (!existsSync(command) || !readFileSync(command, 'utf8').startsWith('#!/usr/bin/env node\n')) {
  process.stderr.write('dist/src/main.js is missing or does not begin with #!/usr/bin/env node\n');
  process.exit(1);
}
chmodSync(command, 0o755);
