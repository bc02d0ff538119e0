/**
 * What is loaded before a command does its work, read from the imports: a start must not pay for what it does not use. Held by what
 * is loaded and not by time, which depends on the machine.
 */
import { describe, expect, it } from 'vitest';
import { type SourceFile, sourceFiles } from '../support/source-files.js';

const files = new Map(sourceFiles('src').map((file) => [file.path, file]));

/** Everything that these load by themselves, files and packages; what is imported when it runs is not among it. */
function loadedWith(paths: readonly string[]): {
  readonly files: readonly string[];
  readonly packages: readonly string[];
} {
  const found = new Set<string>();
  const packages = new Set<string>();
  const follow = (file: SourceFile | undefined): void => {
    if (file === undefined || found.has(file.path)) return;
    found.add(file.path);
    for (const { target, kind, typeOnly, dynamic } of file.imports) {
      if (typeOnly || dynamic) continue;
      if (kind === 'package') packages.add(target);
      if (kind === 'file') follow(files.get(target));
    }
  };
  for (const path of paths) follow(files.get(path));
  return { files: [...found].sort(), packages: [...packages].sort() };
}

const partsOf = (paths: readonly string[]) => [...new Set(paths.map((path) => path.split('/')[1]))].sort();

/** What `main.ts` imports when it runs, for every command. */
const ALWAYS = ['src/main.ts', ...(files.get('src/main.ts')?.imports ?? []).map(({ target }) => target)];
const CONFIG = 'src/config/config.ts';

describe('what is loaded', () => {
  it('for --version and --help is the command line alone', () => {
    const { files: loaded, packages } = loadedWith(ALWAYS);
    expect(packages).toEqual(['cli-progress', 'commander']);
    expect(loaded.filter((path) => path.startsWith('src/config/'))).toEqual(['src/config/environment.ts']);
    expect(partsOf(loaded)).toEqual(['app', 'cli', 'config', 'core', 'main.ts', 'package-root.ts', 'views']);
    expect(loaded.filter((path) => path.startsWith('src/app/'))).toEqual([
      'src/app/commands/command-environment.ts',
      'src/app/commands/compose-command-line.ts',
      'src/app/commands/program-start.ts',
      'src/app/process-life.ts',
    ]);
  });

  it('for a configuration that is refused is what checks it besides', () => {
    expect(loadedWith([...ALWAYS, CONFIG]).packages).toEqual(['cli-progress', 'commander', 'zod']);
  });

  it('for status is database and queue besides, and nothing of the vendors, the stages or the pages', () => {
    const { files: loaded, packages } = loadedWith([
      ...[...ALWAYS, CONFIG, 'src/app/commands/command-context.ts', 'src/observability/log.ts'],
    ]);
    for (const absent of ['stripe', 'undici', 'hono', '@hono/zod-openapi', '@hono/node-server', 'prom-client']) {
      expect(packages).not.toContain(absent);
    }
    for (const absent of ['stripe', 'blnk', 'post', 'prove', 'worker', 'http']) {
      expect(partsOf(loaded)).not.toContain(absent);
    }
  });

  it('for a worker without pages is nothing of them', () => {
    const { packages, files: loaded } = loadedWith([...ALWAYS, CONFIG, 'src/app/worker/run-worker.ts']);
    expect(packages).toEqual(expect.arrayContaining(['stripe', 'undici', 'bullmq']));
    expect(packages.filter((name) => /hono|prom-client/.test(name))).toEqual([]);
    expect(partsOf(loaded)).not.toContain('http');
  });
});
