/**
 * A real Prometheus with the rules of `ops/`, over a real worker: it reads the metrics, and what is broken fires the alerts that are
 * about it and no other. All waiting is shortened in a copy of the rules. Skipped where there is no Prometheus (Debian's
 * package `prometheus` has it and promtool).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { SandboxClock } from '../../sandbox/clock.js';
import { freePort } from '../support/free-port.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { ROOT } from '../support/source-files.js';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

const OPS = join(ROOT, 'ops');
const PROGRAMS = ['promtool', 'prometheus'].map((name) => `/usr/bin/${name}`);
const MISSING = 'neither promtool nor prometheus is in /usr/bin; Debian has both in its package prometheus';
const VIEWER = 'a-viewer-that-is-a-prometheus';
/** Long enough for all that would fire to fire: the state is up to ten seconds old, windows and waits are shorter. */
const QUIET_MS = 25_000;

const isThere = PROGRAMS.every((path) => existsSync(path));
const home = homes().find(({ name }) => name === 'postgres') ?? homes()[0];
const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** With CI=true a missing program is a failure, as every other one. */
function missing(): string | null {
  if (isThere) return null;
  if (inject('mustRunAll')) throw new Error(MISSING);
  return MISSING;
}

describe('promtool', () => {
  it('takes the rules and the configuration, and sees each rule fire when it should', { timeout: 120_000 }, ({
    skip,
  }) => {
    const why = missing();
    if (why !== null) return skip(why);
    for (const words of [
      ['check', 'rules', 'alerts.yml'],
      ['check', 'config', '--syntax-only', 'prometheus.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: OPS, encoding: 'utf8' });
      expect([words, status, status === 0 ? '' : stdout + stderr]).toEqual([words, 0, '']);
    }
  });
});

describe('a Prometheus over a worker', () => {
  let session: Session;
  let blnk: TcpProxy;
  let worker: Child;
  let prometheus: ChildProcess;
  let url: string;

  beforeAll(async () => {
    if (!isThere || home === undefined) return;
    session = await startSession(home, { clock: SandboxClock.running() });
    blnk = await openTcpProxy(session.blnk.url);
    const [port, own] = [await freePort(), await freePort()];
    const tokens = { ADMIN_TOKEN: 'an-admin-of-the-tests', VIEWER_TOKEN: VIEWER };
    const variables = {
      ...tokens,
      HTTP_PORT: String(port),
      BLNK_API_BASE: blnk.url,
      SYNC_EVERY: '1s',
      SYNC_LAG: '60s',
    };
    worker = session.quickWorker({ variables });
    await until('it listens', () => worker.log().some(({ event }) => event === 'http_listening'), {
      explain: () => worker.output(),
    });
    url = `http://127.0.0.1:${own}`;
    prometheus = startPrometheus({ target: `127.0.0.1:${port}`, listen: `127.0.0.1:${own}` });
    await until('Prometheus reads the worker', async () => (await value('stripe_blnk_sync_workers')) === 1);
  }, 60_000);
  afterAll(async () => {
    if (prometheus !== undefined) {
      prometheus.kill('SIGTERM');
      await once(prometheus, 'exit');
    }
    await blnk?.close();
    await session?.close();
  });

  async function ask(path: string) {
    const answer = await fetch(`${url}/api/v1/${path}`).catch(() => null);
    return answer?.ok === true ? ((await answer.json()) as { data: never }).data : null;
  }

  async function value(query: string): Promise<number | null> {
    const data = await ask(`query?query=${encodeURIComponent(query)}`);
    const sample = (data as { result: Array<{ value: [number, string] }> } | null)?.result[0];
    return sample === undefined ? null : Number(sample.value[1]);
  }

  async function firing(): Promise<string[]> {
    const data = (await ask('alerts')) as { alerts: Array<{ state: string; labels: { alertname: string } }> } | null;
    const names = data?.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname) ?? [];
    return [...new Set(names)].sort();
  }

  /** By Prometheus's own word: whatever would fire has had the time to. */
  async function evaluatedFor(ms: number): Promise<void> {
    const from = Date.now();
    await until(
      'the rules are evaluated',
      async () => {
        const data = (await ask('rules')) as { groups: Array<{ lastEvaluation: string }> } | null;
        return Date.parse(data?.groups[0]?.lastEvaluation ?? '') >= from + ms;
      },
      { timeoutMs: ms + 20_000 },
    );
  }

  const pay = () => session.stripe.succeed(session.stripe.createIntent({ kind: 'card_usd' }));
  const posted = () => value('max(stripe_blnk_sync_postings{state="posted"})');

  it('fires nothing while all is well', async ({ skip }) => {
    const why = missing();
    if (why !== null) return skip(why);
    pay();
    await until('it is posted and read', async () => (await posted()) === 1);
    await evaluatedFor(QUIET_MS);
    expect(await firing()).toEqual([]);
    expect(await value('count(ALERTS{alertstate="firing"}) or vector(0)')).toBe(0);
  }, 90_000);

  it('tells of a Blnk that is away, of nothing else, and that it is over', async ({ skip }) => {
    const why = missing();
    if (why !== null) return skip(why);
    await blnk.close();
    pay();
    const about = ['SyncBlnkErrors', 'SyncLanePaused', 'SyncPostingStands'];
    await until('all of it is told', async () => (await firing()).length >= about.length, { timeoutMs: 60_000 });
    await evaluatedFor(QUIET_MS);
    expect(await firing()).toEqual(about);
    await blnk.open();
    await until('it is posted', async () => (await posted()) === 2, { timeoutMs: 60_000 });
    await until('it is over', async () => (await firing()).length === 0, { timeoutMs: 60_000 });
  }, 240_000);

  it('tells of a worker that is gone, and of nothing else', async ({ skip }) => {
    const why = missing();
    if (why !== null) return skip(why);
    worker.kill('SIGKILL');
    await until('it is told', async () => (await firing()).length > 0, { timeoutMs: 60_000 });
    await evaluatedFor(QUIET_MS);
    expect(await firing()).toEqual(['SyncNoWorker']);
  }, 120_000);
});

/** The rules as they are, with seconds in place of minutes. */
function startPrometheus({ target, listen }: { readonly target: string; readonly listen: string }): ChildProcess {
  const rules = readFileSync(join(OPS, 'alerts.yml'), 'utf8')
    .replaceAll(/^( +for: ).+$/gm, '$13s')
    .replaceAll(/\[1[05]m\]/g, '[8s]')
    .replaceAll('> 1800', '> 5')
    // The state is up to ten seconds old, and the end of completeness moves with each sync.
    .replaceAll('+ 1800', '+ 60');
  writeFileSync(join(folder, 'alerts.yml'), rules);
  writeFileSync(join(folder, 'token'), VIEWER);
  const config = parse(readFileSync(join(OPS, 'prometheus.yml'), 'utf8'));
  Object.assign(config.global, { scrape_interval: '1s', evaluation_interval: '1s' });
  config.scrape_configs[0].authorization.credentials_file = join(folder, 'token');
  config.scrape_configs[0].static_configs[0].targets = [target];
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
  const options = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  return spawn('prometheus', [...options, `--web.listen-address=${listen}`], { stdio: 'ignore' });
}
