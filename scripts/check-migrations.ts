/**
 * `npm run db:check`: the committed migrations give exactly the tables and views that src/db/schema declares. Lets
 * drizzle-kit work on a copy; changes nothing and needs no database.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const DRIZZLE_KIT = fileURLToPath(new URL('../node_modules/drizzle-kit/bin.cjs', import.meta.url));
const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Far above the 3 s that it takes: only a question on the terminal, which nobody answers here, takes longer. */
const TIMEOUT_MS = 60_000;

process.exitCode = await checkMigrations();

async function checkMigrations(): Promise<number> {
  const committed = join(ROOT, 'migrations');
  if (!existsSync(join(committed, 'meta', '_journal.json'))) {
    return refuse('There are no migrations yet.');
  }
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    const copy = join(folder, 'migrations');
    await cp(committed, copy, { recursive: true });
    const before = await sqlFiles(copy);
    // drizzle-kit puts `./` before whatever it is given.
    const out = relative(ROOT, copy);
    for (const command of [
      ['check', '--dialect', 'postgresql', '--out', out],
      ['generate', '--dialect', 'postgresql', '--schema', './src/db/schema/*.ts', '--out', out],
    ]) {
      const problem = runDrizzleKit(command);
      if (problem !== null) return refuse(problem);
    }
    const added = (await sqlFiles(copy)).filter((name) => !before.includes(name));
    for (const name of added) process.stderr.write(`${await readFile(join(copy, name), 'utf8')}\n`);
    if (added.length > 0) return refuse('src/db/schema says more than the migrations; what is missing stands above.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  process.stdout.write(
    'The migrations are equal to src/db/schema. What they do to older code: npm test -- test/upgrade/migrations.test.ts\n',
  );
  return 0;
}

/** What is wrong, or null. Exit codes alone do not tell: drizzle-kit ends with 0 after some errors. */
function runDrizzleKit(command: readonly string[]): string | null {
  const result = spawnSync(process.execPath, [DRIZZLE_KIT, ...command], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  // Its messages are clear, its stack traces are not.
  const said = `${result.stdout}${result.stderr}`.replaceAll(/^ {4}at .*\n/gm, '');
  const isGood = result.status === 0 && /No schema changes|SQL migration file|Everything's fine/.test(said);
  return isGood
    ? null
    : `drizzle-kit ${command[0]} does not succeed (${result.error?.message ?? result.status}):\n${said}`;
}

async function sqlFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
}

function refuse(problem: string): number {
  process.stderr.write(`${problem}\nRun npm run db:generate, review the new file in migrations/, and commit it.\n`);
  return 1;
}
