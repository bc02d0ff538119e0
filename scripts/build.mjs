/**
 * `npm run build`: sources to `dist`, from nothing, so that no file of an earlier build is packed. Plain JavaScript and
 * Node alone, because `prepack` runs it where only the dependencies are sure to be there. What follows goes to the compiler:
 * with `-- --noCheck` the same files are made in a third of the time, for whoever has checked the types already.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const command = new URL('dist/src/main.js', root);

rmSync(new URL('dist', root), { recursive: true, force: true });

const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status, error } = spawnSync(
  process.execPath,
  [compiler, '-p', 'tsconfig.build.json', ...process.argv.slice(2)],
  {
    cwd: fileURLToPath(root),
    stdio: 'inherit',
  },
);
if (error !== undefined) throw error;
if (status !== 0) process.exit(status ?? 1);

// npm links the command to this file: without both it cannot be started.
if (!existsSync(command) || !readFileSync(command, 'utf8').startsWith('#!/usr/bin/env node\n')) {
  process.stderr.write('dist/src/main.js is missing or does not begin with #!/usr/bin/env node\n');
  process.exit(1);
}
chmodSync(command, 0o755);
