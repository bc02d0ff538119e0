/**
 * The package as users get it: packed, installed into an empty folder, started there. Needs npm's registry, or a cache
 * that holds the dependencies; where neither is, that part is skipped with the reason, except with CI=true.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PACKED_MAX_BYTES = 1_000_000;
const PACK_TIMEOUT_MS = 240_000;
/** On a machine that does much else beside. */
const INSTALL_TIMEOUT_MS = 400_000;
const DEMO_TIMEOUT_MS = 240_000;

/** What npm says about a tarball that it made. */
const packedList = z
  .array(z.object({ filename: z.string(), size: z.number(), files: z.array(z.object({ path: z.string() })) }))
  .length(1);

const folder = mkdtempSync(join(tmpdir(), 'package-'));
let packed: { readonly filename: string; readonly size: number };
let paths: readonly string[];

beforeAll(async () => {
  // As packing would by itself, which checks the types once more.
  const built = await run('npm', ['run', 'build', '--', '--noCheck'], ROOT);
  expect({ code: built.code, errors: built.code === 0 ? '' : built.errors }).toEqual({ code: 0, errors: '' });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { code, output, errors } = await run('npm', pack, ROOT);
  expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
  const [made] = packedList.parse(JSON.parse(output));
  if (made === undefined) throw new Error('npm pack made nothing');
  packed = made;
  paths = made.files.map(({ path }) => path);
}, PACK_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  it('holds what it needs to run', () => {
    const needed = ['package.json', 'LICENSE', 'README.md', '.env.example', 'migrations/meta/_journal.json'];
    expect(needed.filter((path) => !paths.includes(path))).toEqual([]);
    const journal = z
      .object({ entries: z.array(z.object({ tag: z.string() })).min(1) })
      .parse(JSON.parse(readFileSync(join(ROOT, 'migrations/meta/_journal.json'), 'utf8')));
    expect(journal.entries.filter(({ tag }) => !paths.includes(`migrations/${tag}.sql`))).toEqual([]);
    expect(paths).toContain('dist/src/main.js');
    expect(paths).toContain('ops/alerts.yml');
    expect(paths.some((path) => path.startsWith('dist/sandbox/'))).toBe(true);
  });

  it('holds nothing else', () => {
    const expected =
      /^(dist\/(src|sandbox)\/.+\.js|dist\/licenses\/.+\.txt|migrations\/.+\.(sql|json)|docs\/.+\.md|ops\/.+\.(yml|json)|[^/]+)$/;
    expect(paths.filter((path) => !expected.test(path))).toEqual([]);
    const atTop = ['.env.example', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    expect(paths.filter((path) => !path.includes('/') && !atTop.includes(path))).toEqual([]);
    expect(packed.size).toBeLessThan(PACKED_MAX_BYTES);
  });

  it(
    'runs the demo from an empty folder, with no configuration and no service',
    async (context) => {
      const place = join(folder, 'elsewhere');
      mkdirSync(place);
      writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
      const tarball = join(folder, packed.filename);
      const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
      const installed = await run('npm', ['install', '--no-save', ...quiet, '--prefix', place, tarball], place);
      if (installed.code !== 0 && isNetworkMissing(installed.errors) && !inject('mustRunAll')) {
        context.skip("npm's registry cannot be reached, and npm's cache does not hold all dependencies");
      }
      expect({ code: installed.code, errors: installed.errors }).toEqual({ code: 0, errors: '' });

      const demo = await run('npx', ['--no-install', 'stripe-blnk-sync', 'demo', '--once'], place);
      expect({ code: demo.code, errors: demo.code === 0 ? '' : demo.errors }).toEqual({ code: 0, errors: '' });
      expect(demo.output).toMatch(
        /kill -9[\s\S]*All read: (\d+) payments succeeded[\s\S]*sealed again[\s\S]*Complete: /,
      );
      expect(demo.output.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
    INSTALL_TIMEOUT_MS + DEMO_TIMEOUT_MS,
  );
});

async function run(program: string, args: readonly string[], directory: string) {
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: Number(code), output, errors };
}

function isNetworkMissing(errors: string): boolean {
  return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/.test(errors);
}
