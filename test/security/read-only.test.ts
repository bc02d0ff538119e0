/**
 * What the container promises, without an engine: the software in a folder that nobody may write to, run by a user without
 * rights who may write to `DATA_DIR` and the system's temporary folder alone, with its private PostgreSQL.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { type StripeSandbox, startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { population } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { ROOT } from '../support/source-files.js';

const TIMEOUT_MS = 90_000;
/** Not all of them succeed, and not all of those can be posted. */
const PAYMENTS = 30;
const POSTED_MIN = 5;

const isRoot = process.getuid?.() === 0;
/** Rights do not bind root. */
const account = isRoot ? readAccount('nobody') : null;

const folder = mkdtempSync(join(tmpdir(), 'read-only-'));
const software = join(folder, 'software');
const writable = { data: join(folder, 'data'), temporary: join(folder, 'temporary') };
let stripe: StripeSandbox;
let blnk: BlnkSandbox;

beforeAll(async () => {
  [stripe, blnk] = await Promise.all([startStripeSandbox({ population: population(PAYMENTS) }), startBlnkSandbox()]);
  mkdirSync(software);
  for (const name of ['migrations', 'package.json'])
    cpSync(join(ROOT, name), join(software, name), { recursive: true });
  for (const name of ['src', 'sandbox'])
    cpSync(join(inject('programs'), name), join(software, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(software, 'node_modules'));
  for (const path of pathsIn(software)) chmodSync(path, lstatSync(path).isDirectory() ? 0o555 : 0o444);
  chmodSync(software, 0o555);
  for (const path of Object.values(writable)) {
    mkdirSync(path, { mode: 0o700 });
    if (account !== null) chownSync(path, account.uid, account.gid);
  }
  chmodSync(folder, 0o755);
}, TIMEOUT_MS);

afterAll(async () => {
  await Promise.all([stripe?.close(), blnk?.close()]);
  for (const path of [software, ...pathsIn(software)]) if (lstatSync(path).isDirectory()) chmodSync(path, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

it(
  'a worker mirrors with its private PostgreSQL, and leaves nothing elsewhere',
  async () => {
    const before = pathsIn(software);
    const worker = start(['worker']);
    await until('payments are posted', () => blnk.stats().rows >= POSTED_MIN || worker.child.exitCode !== null, {
      timeoutMs: 60_000,
      explain: worker.said,
    });
    const status = start(['status', '--json']);
    await status.ended;
    expect(JSON.parse(status.said()), status.said()).toHaveProperty('mirror');
    worker.child.kill('SIGTERM');
    await worker.ended;
    expect(worker.child.exitCode, worker.said()).toBe(0);
    expect(worker.said()).not.toMatch(/EACCES|EROFS|EPERM/);
    expect(pathsIn(software)).toEqual(before);
    expect(readdirSync(writable.data).length).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

it('that folder cannot be written to by that user', async () => {
  const attempt = start(['-e', `require('node:fs').writeFileSync(${JSON.stringify(join(software, 'mine'))}, '')`], []);
  await attempt.ended;
  expect(attempt.said()).toMatch(/EACCES/);
  accessSync(software, constants.R_OK);
});

function start(words: readonly string[], program = [join(software, 'src/main.js')]) {
  const child = spawn(process.execPath, [...program, ...words], {
    cwd: software,
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    env: {
      ...{ DATA_DIR: writable.data, TMPDIR: writable.temporary },
      ...{ STRIPE_API_KEY: stripe.apiKey, STRIPE_API_BASE: stripe.url, STRIPE_SHARE: '1', HTTP_PORT: 'off' },
      ...{ BLNK_API_KEY: blnk.cloudToken, BLNK_API_BASE: blnk.url, BLNK_INSTANCE_ID: blnk.instanceId },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (piece: string) => {
      said += piece;
    });
  }
  return { child, said: () => said, ended: once(child, 'close') };
}

/** Everything below, links not followed. */
function pathsIn(top: string): string[] {
  return readdirSync(top, { withFileTypes: true }).flatMap((entry) => {
    const path = join(top, entry.name);
    if (entry.isSymbolicLink()) return [];
    return entry.isDirectory() ? [path, ...pathsIn(path)] : [path];
  });
}

function readAccount(name: string): { readonly uid: number; readonly gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`this system has no user ${name}`);
  return { uid: Number(uid), gid: Number(gid) };
}
