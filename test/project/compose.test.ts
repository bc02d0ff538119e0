/**
 * docker-compose.yml, Dockerfile and .dockerignore without an engine: the Compose schema (compose-schema/), what has to
 * hold between services, and the worker's start script run by a real shell. What the images do is not tested.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readWorkerConfig, VARIABLES } from '../../src/config/config.js';
import type { Bag } from '../../src/config/environment.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const file: unknown = parse(read('docker-compose.yml'), { merge: true });

/** Of a file that the schema accepts, the parts that the rules are about. */
const { services } = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        image: z.string(),
        read_only: z.boolean().default(false),
        cap_drop: z.array(z.string()).default([]),
        cap_add: z.array(z.string()).default([]),
        security_opt: z.array(z.string()).default([]),
        tmpfs: z.array(z.string()).default([]),
        volumes: z.array(z.string()).default([]),
        privileged: z.boolean().default(false),
        user: z.string().optional(),
        profiles: z.array(z.string()).default([]),
        command: z.array(z.string()).default([]),
        entrypoint: z.array(z.string()).default([]),
        environment: z.record(z.string(), z.string()).default({}),
        ports: z.array(z.string()).default([]),
        restart: z.string().optional(),
        stop_grace_period: z.string().optional(),
        healthcheck: z.object({ test: z.array(z.string()) }).optional(),
        depends_on: z
          .record(z.string(), z.object({ condition: z.string(), required: z.boolean().default(true) }))
          .default({}),
      }),
    ),
  })
  .parse(file);

type Service = (typeof services)[string];

const folder = mkdtempSync(join(tmpdir(), 'compose-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docker-compose.yml', () => {
  it('is a Compose file', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, formats: { duration: /^(\d+(\.\d+)?(us|ms|s|m|h))+$/ } });
    const schema = JSON.parse(read('test/compose-schema/compose-spec.json'));
    // Ajv knows this draft under its address without encryption.
    const isValid = ajv.compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
    isValid(file);
    expect(isValid.errors).toBeNull();
    // The schema is in force: a misspelt key is seen.
    expect(isValid({ services: { worker: { image: 'x', restarts: 'no' } } })).toBe(false);
  });

  it('without a profile runs the worker on PostgreSQL and Redis, and needs nothing of any profile', () => {
    const plain = Object.entries(services).filter(([, { profiles }]) => profiles.length === 0);
    expect(plain.map(([name]) => name).sort()).toEqual(['migrate', 'postgres', 'redis', 'worker']);
    const needed = plain.flatMap(([, { depends_on }]) => needs(depends_on));
    expect(needed.filter((name) => service(name).profiles.length > 0)).toEqual([]);
  });

  it('with the profile core adds a Blnk with its own database, migrations, API and workers', () => {
    const core = Object.entries(services).filter(([, { profiles }]) => profiles.includes('core'));
    expect(core.map(([name]) => name).sort()).toEqual(['blnk', 'blnk-migrate', 'blnk-postgres', 'blnk-workers']);
    const blnk = core.filter(([, { image }]) => image.startsWith('jerryenebeli/blnk:'));
    expect(blnk.map(([, { command }]) => command.join(' ')).sort()).toEqual([
      'blnk migrate up',
      'blnk start',
      'blnk workers',
    ]);
    expect(service('worker').depends_on.blnk).toEqual({ condition: 'service_healthy', required: false });
  });

  it('migrates once, before any worker', () => {
    for (const [worker, migrate] of [
      ['worker', 'migrate'],
      ['blnk', 'blnk-migrate'],
      ['blnk-workers', 'blnk-migrate'],
    ] as const) {
      expect(service(worker).depends_on[migrate]?.condition).toBe('service_completed_successfully');
      expect(service(migrate).restart).toBe('no');
    }
    expect(service('migrate').command).toEqual(['migrate']);
    expect(service('migrate').image).toBe(service('worker').image);
  });

  it('waits for servers until they are healthy, and everything that runs on comes back', () => {
    for (const [name, { depends_on, restart }] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const runsOnce = service(other).restart === 'no';
        expect(`${name}: ${other} ${condition}`).toBe(
          `${name}: ${other} ${runsOnce ? 'service_completed_successfully' : 'service_healthy'}`,
        );
        if (!runsOnce) expect(service(other).healthcheck, `health check of ${other}`).toBeDefined();
      }
      expect(['no', 'unless-stopped'], name).toContain(restart);
    }
  });

  it('gives the worker longer to stop than it takes', () => {
    const { shutdownGraceMs } = readWorkerConfig({
      STRIPE_API_KEY: 'sk_test_1',
      BLNK_API_KEY: 'k',
      BLNK_INSTANCE_ID: 'i',
    });
    expect(service('worker').stop_grace_period).toBe('90s');
    expect(90_000).toBeGreaterThan(shutdownGraceMs);
  });

  it('confines every container: no rights of the system, an ordinary user, and nothing to write to but volumes and memory', () => {
    for (const [name, each] of Object.entries(services)) {
      expect([each.cap_drop, each.cap_add, each.privileged], name).toEqual([['ALL'], [], false]);
      expect(each.security_opt, name).toEqual(['no-new-privileges:true']);
      // Which user a Blnk runs as, and where it writes, is its image's business.
      if (each.image.startsWith('jerryenebeli/')) continue;
      expect(each.read_only, name).toBe(true);
      expect(each.user, name).toMatch(/^(node|postgres|redis|nobody|grafana)$/);
    }
    for (const name of ['worker', 'migrate']) {
      const { user, tmpfs, volumes } = service(name);
      expect([user, tmpfs, volumes], name).toEqual(['node', ['/tmp'], []]);
    }
    // Redis keeps its files in its volume; PostgreSQL its socket in memory.
    expect(service('redis').volumes).toEqual(['redis:/data']);
    expect(service('postgres').tmpfs).toContain('/var/run/postgresql');
  });

  it('opens no port to other machines', () => {
    const ports = Object.values(services).flatMap((each) => each.ports);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('names each image with its version', () => {
    const images = Object.values(services).map(({ image }) => image);
    expect(images.filter((image) => !/:[\w.-]+$/.test(image) || image.endsWith(':latest'))).toEqual([]);
  });

  it('sets only variables that are read, and points at its own servers with their own logins', () => {
    const known = [...VARIABLES, 'CORE_KEY'];
    for (const name of ['worker', 'migrate']) {
      expect(Object.keys(service(name).environment).filter((variable) => !known.includes(variable))).toEqual([]);
    }
    const addresses = Object.values(services).flatMap(({ environment }) =>
      ['DATABASE_URL', 'REDIS_URL', 'BLNK_DATA_SOURCE_DNS', 'BLNK_REDIS_DNS'].flatMap(
        (name) => environment[name] ?? [],
      ),
    );
    expect(addresses.length).toBeGreaterThan(6);
    for (const address of addresses) {
      const url = new URL(withDefaults(address));
      const server = service(url.hostname);
      if (url.protocol === 'redis:') continue;
      const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = server.environment;
      expect([url.username, url.password, url.pathname]).toEqual([
        POSTGRES_USER,
        withDefaults(POSTGRES_PASSWORD ?? ''),
        `/${POSTGRES_DB}`,
      ]);
    }
  });

  it('gives the worker and a Blnk beside it different Redis databases', () => {
    expect(service('worker').environment.REDIS_URL).not.toBe(service('blnk').environment.BLNK_REDIS_DNS);
  });
});

describe("the worker's start script", () => {
  const cloud = { STRIPE_API_KEY: 'sk_test_1', BLNK_API_KEY: 'blnk_1', BLNK_INSTANCE_ID: 'inst_1' };

  it('leaves a Cloud as it is configured, whether a Blnk runs beside it or not', () => {
    for (const isCoreThere of [true, false]) {
      const config = readWorkerConfig(startWorker(cloud, { isCoreThere }));
      expect(config.blnk).toMatchObject({ style: 'cloud', instanceId: 'inst_1' });
    }
  });

  it('with only a Stripe key connects to the Blnk that runs beside it', async () => {
    const { blnk } = readWorkerConfig(startWorker({ STRIPE_API_KEY: 'sk_test_1' }, { isCoreThere: true }));
    expect(blnk).toMatchObject({ style: 'core', apiBase: 'http://blnk:5001' });
    expect(await blnk.readKey()).toBe(withDefaults(service('blnk').environment.BLNK_SERVER_SECRET_KEY ?? ''));
  });

  it('with only a Stripe key and no Blnk anywhere lets the configuration say what is missing', () => {
    const environment = startWorker({ STRIPE_API_KEY: 'sk_test_1' }, { isCoreThere: false });
    expect(() => readWorkerConfig(environment)).toThrow(/BLNK_API_KEY: is not set.*BLNK_INSTANCE_ID: is not set/s);
  });

  it('leaves another Core as it is configured', () => {
    const address = { BLNK_API_STYLE: 'core', BLNK_API_BASE: 'http://other:5001', ALLOW_HTTP_HOSTS: 'other' };
    const other = { ...cloud, BLNK_INSTANCE_ID: '', ...address };
    expect(readWorkerConfig(startWorker(other, { isCoreThere: true })).blnk.apiBase).toBe('http://other:5001');
  });

  /** The environment that the command gets. The programs that the script calls are replaced, the shell is real. */
  function startWorker(configured: Bag, { isCoreThere }: { readonly isCoreThere: boolean }): Bag {
    writeProgram('getent', isCoreThere ? '[ "$1 $2" = "hosts blnk" ]' : 'exit 2');
    writeProgram('stripe-blnk-sync', '[ "$*" = worker ] && env');
    const { entrypoint, command, environment } = service('worker');
    const [shell = '', ...args] = [...entrypoint, ...command].map((word) => word.replaceAll('$$', '$'));
    const fromFile = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, withDefaults(value)]),
    );
    const env = { ...fromFile, ...configured, PATH: `${folder}:/usr/bin:/bin` };
    const result = spawnSync(shell, args, { encoding: 'utf8', env });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    const lines = result.stdout.trim().split('\n');
    const seen = Object.fromEntries(lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
    expect(seen).not.toHaveProperty('CORE_KEY');
    return seen;
  }

  function writeProgram(name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const stages = dockerfile.split(/^FROM /m).slice(1);

  it('runs as an ordinary user on Debian, without what only builds', () => {
    const last = stages.at(-1) ?? '';
    expect(last).toMatch(/^node:22-\w+-slim\n/);
    expect(last).toMatch(/^USER node$/m);
    expect(last.indexOf('\nUSER node')).toBeLessThan(last.indexOf('\nENTRYPOINT'));
    expect(last).not.toMatch(/npm|COPY \./);
    expect(stages[0]).toMatch(/npm prune --omit=dev/);
  });

  it('copies only what is there and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore').match(/(?<=^!).+$/gm) ?? [];
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, paths]) => paths?.split(' ') ?? [],
    );
    expect(copied.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
    expect([...new Set(copied)].sort()).toEqual([...allowed].sort());
  });
});

function service(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

function needs(dependsOn: Service['depends_on']): readonly string[] {
  return Object.entries(dependsOn).flatMap(([name, { required }]) => (required ? [name] : []));
}

/** `${NAME:-default}` and `${NAME:+when set}` as Compose fills them in when nothing is set. */
function withDefaults(value: string): string {
  return value.replaceAll(/\$\{\w+:\+[^}]*\}/g, '').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
}
