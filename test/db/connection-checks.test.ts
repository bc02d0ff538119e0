/**
 * What a start and `migrate` find out about server, database and login before they begin: a limit that is too small, an encoding,
 * a right that is missing. And with as many connections as docs/configuration.md says, all work is done.
 */
import { randomBytes } from 'node:crypto';
import { createServer as createWebServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.js';
import { homes, onServer } from '../support/homes.js';
import { ownListener } from '../support/own-server.js';
import { findPgBouncer, startPgBouncer } from '../support/pgbouncer.js';
import { startChild } from '../support/process/child.js';
import { runCommand } from '../support/process/command.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { itInFull } from '../support/tier.js';

const TIMEOUT_MS = 60_000;
const home = homes().find(({ name }) => name === 'postgres');

describe.skipIf(home === undefined)('the login of a worker with its queue in PostgreSQL', () => {
  const role = `test_limit_${randomBytes(6).toString('hex')}`;
  let session: Session;
  let database = '';
  let asRole: Record<string, string> = {};

  const server = (statement: string) => onServer(inject('postgresUrl') ?? '', statement);
  const start = (words: readonly string[]) => runCommand(words, { ...session.variables, ...asRole });

  beforeAll(async () => {
    if (home === undefined) return;
    await server(`create role ${role} login password 'limited'`);
    session = await startSession(home, { population: population(40) });
    const url = new URL(session.variables.DATABASE_URL ?? '');
    database = url.pathname.slice(1);
    const inDatabase = (statement: string) => onServer(session.variables.DATABASE_URL ?? '', statement);
    await server(`alter database ${database} owner to ${role}`);
    for (const schema of ['stripe_blnk_sync', 'bullmq']) {
      await inDatabase(`grant all on schema ${schema} to ${role}`);
      await inDatabase(`grant all on all tables in schema ${schema} to ${role}`);
      await inDatabase(`grant all on all sequences in schema ${schema} to ${role}`);
    }
    url.username = role;
    url.password = 'limited';
    asRole = { DATABASE_URL: url.href };
  }, TIMEOUT_MS);

  afterAll(async () => {
    await session?.close();
    await server(`drop role if exists ${role}`);
  }, TIMEOUT_MS);

  itInFull(
    'posts everything with 20 connections, and status works beside it',
    async () => {
      await server(`alter role ${role} connection limit 20`);
      const worker = session.quickWorker({ variables: { ...asRole, SYNC_EVERY: '1s' } });
      await worker.untilLogged(/^mirroring/);
      const meanwhile = await start(['status']);
      expect(meanwhile.errors).toBe('');
      await session.untilSettled();
      await expectMirrored(session);
      const status = await start(['status']);
      expect(status.output, status.errors).toMatch(/^Complete/);
      worker.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      expect(worker.output()).not.toMatch(/too many/);
    },
    TIMEOUT_MS,
  );

  it('says what it is when others have taken the connections that are left', async () => {
    await server(`alter role ${role} connection limit 6`);
    const others = postgres(asRole.DATABASE_URL ?? '', { max: 5 });
    onTestFinished(() => others.end());
    await Promise.all(Array.from({ length: 5 }, () => others`select pg_sleep(0.2)`));
    const one = await start(['status']);
    expect([one.code, one.output]).toEqual([2, '']);
    expect(one.errors).toMatch(
      /^database_failed: PostgreSQL has no connection left\. Close what is idle there, raise max_connections/,
    );
    expect(one.errors).toContain('too many connections for role');
    await others`select 1`;
    await server(`alter role ${role} connection limit 5`);
    const none = await start(['status', '--json']);
    expect([none.code, JSON.parse(none.errors)]).toEqual([
      2,
      {
        error: { code: 'database_failed', kind: 'transient', message: expect.stringMatching(/no connection left at/) },
      },
    ]);
  });

  it.each([
    ['role', 'worker', 3, 14],
    ['role', 'migrate', 3, 5],
    ['role', 'status', 3, 5],
    ['database', 'worker', 13, 14],
  ] as const)(
    'is refused with the number where the limit of its %s is too small for: %s',
    async (whose, command, limit, needed) => {
      const name = whose === 'role' ? role : database;
      await server(`alter role ${role} connection limit -1`);
      await server(`alter ${whose} ${name} connection limit ${limit}`);
      onTestFinished(() => server(`alter ${whose} ${name} connection limit -1`));
      const ended = await start([command]);
      expect(ended.code).toBe(2);
      expect(ended.errors + ended.output).toMatch(
        new RegExp(
          `database_connections: This process needs up to ${needed} connections to PostgreSQL, and ${limit} are allowed for the ${whose} ${name}`,
        ),
      );
    },
    TIMEOUT_MS,
  );

  it.each([
    ['worker', 'usage', 'schema stripe_blnk_sync'],
    ['worker', 'insert', 'table stripe_blnk_sync.postings'],
    ['worker', 'update', 'table bullmq.job'],
    ['status', 'select', 'table stripe_blnk_sync.payment_status'],
  ] as const)(
    'is told at the start of %s that it lacks %s on %s',
    async (command, privilege, name) => {
      const change = (verb: string) =>
        onServer(
          session.variables.DATABASE_URL ?? '',
          `${verb} ${privilege} on ${name} ${verb === 'grant' ? 'to' : 'from'} ${role}`,
        );
      await change('revoke');
      onTestFinished(() => change('grant'));
      const ended = await start([command]);
      expect(ended.code).toBe(2);
      expect(ended.errors + ended.output).toContain(
        `database_right_missing: The role ${role} lacks the right ${privilege} on ${name}`,
      );
      expect(ended.errors + ended.output).toContain('docs/security.md, "Roles of the database"');
    },
    TIMEOUT_MS,
  );

  it(
    'is told that a database of another encoding cannot hold the texts',
    async () => {
      const name = `${role}_latin`;
      await server(
        `create database ${name} owner ${role} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`,
      );
      onTestFinished(() => server(`drop database ${name} with (force)`));
      const url = new URL(asRole.DATABASE_URL ?? '');
      url.pathname = `/${name}`;
      for (const command of ['migrate', 'worker']) {
        const ended = await runCommand([command], { ...session.variables, DATABASE_URL: url.href });
        expect(ended.code).toBe(2);
        expect(ended.errors + ended.output).toContain(`database_encoding: The database ${name} is encoded as LATIN1`);
      }
    },
    TIMEOUT_MS,
  );
});

describe('a pooler without its PostgreSQL', () => {
  it.skipIf(findPgBouncer() === null && !inject('mustRunAll'))(
    'is told as a database that does not answer, with what to look at',
    async () => {
      const serverUrl = 'postgres://nobody:none@127.0.0.1/nothing';
      const pooler = await startPgBouncer({ mode: 'transaction', serverUrl, serverPort: await freePort() });
      onTestFinished(() => pooler.close());
      const ended = await runCommand(['migrate'], { DATABASE_URL: pooler.urlOf(serverUrl) });
      expect(ended.code).toBe(2);
      expect(ended.errors).toMatch(/^database_unreachable: The database does not answer at .*Check that it runs/);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(home === undefined)('a database without tables', () => {
  it(
    'is named, and so is a Redis that was forgotten where only the tables of the queue are missing',
    async () => {
      const name = `test_bare_${randomBytes(6).toString('hex')}`;
      const server = (statement: string) => onServer(inject('postgresUrl') ?? '', statement);
      await server(`create database ${name}`);
      onTestFinished(() => server(`drop database ${name} with (force)`));
      const url = new URL(inject('postgresUrl') ?? '');
      url.pathname = `/${name}`;
      const variables = { DATABASE_URL: url.href };
      const bare = await runCommand(['status'], variables);
      expect([bare.code, bare.errors]).toEqual([
        2,
        expect.stringMatching(new RegExp(`^not_migrated: The database at \\S+/${name} lacks tables of this version`)),
      ]);
      const redis = inject('redisUrl');
      if (redis === null) return;
      expect((await runCommand(['migrate'], { ...variables, REDIS_URL: redis })).code).toBe(0);
      const forgotten = await runCommand(['status'], variables);
      expect([forgotten.code, forgotten.errors]).toEqual([2, expect.stringContaining('set REDIS_URL as they do')]);
    },
    TIMEOUT_MS,
  );
});

describe('what is no PostgreSQL', () => {
  /** AuthenticationCleartextPassword. */
  const passwordAsked = Buffer.from('520000000800000003', 'hex');
  const hangsUp: Talk = (socket) => socket.end();
  const closes = /the server closes the connection before anybody is let in \(is it PostgreSQL\?\)/;
  const strange = /the server does not speak as PostgreSQL does \(is it PostgreSQL\?\)/;

  it.each([
    ['hangs up at once', () => createServer(hangsUp), '', closes],
    ['hangs up when it is asked to encrypt', () => createServer(hangsUp), '?sslmode=require', closes],
    ['hangs up after the first bytes', () => createServer(answering((socket) => socket.destroy())), '', closes],
    ['hangs up in the login', () => createServer(answering((socket) => socket.end(passwordAsked))), '', closes],
    ['is a web server', () => createWebServer(), '', strange],
    ['is a web server that is asked to encrypt', () => createWebServer(), '?sslmode=require', strange],
    ['greets in words of its own', () => createServer((socket) => socket.write('SSH-2.0-other\r\n')), '', strange],
  ])(
    'and %s is told at once by a command',
    async (_, open, query, words) => {
      const { url } = await listen(open());
      for (const command of ['status', 'migrate']) {
        const ended = await runCommand([command], { DATABASE_URL: `${url}${query}` });
        expect([ended.code, ended.output]).toEqual([2, '']);
        expect(ended.errors).toMatch(/^database_unreachable: The database does not answer at /);
        expect(ended.errors).toMatch(words);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'is waited for with pauses by a worker, which Ctrl-C ends',
    async () => {
      let connections = 0;
      const { url } = await listen(
        createServer((socket) => {
          connections += 1;
          socket.end();
        }),
      );
      const variables = {
        ...{ STRIPE_API_KEY: 'sk_test_any11111', BLNK_API_KEY: 'blnk_any', BLNK_INSTANCE_ID: 'inst_any' },
        DATABASE_URL: url,
      };
      const worker = startChild({ script: 'src/main.ts', words: ['worker'], variables });
      const waits = () => worker.log().filter(({ event }) => event === 'start_waits');
      await until('it has waited twice', () => waits().length >= 2, { explain: worker.output });
      expect(waits()[0]).toMatchObject({ code: 'database_unreachable', error: expect.stringMatching(closes) });
      expect(connections).toBeLessThanOrEqual(waits().length + 1);
      worker.kill('SIGINT');
      const ended = await worker.ended;
      expect([ended.code, ended.errors]).toEqual([0, 'Stopping. Ctrl-C once more leaves at once.\n']);
    },
    TIMEOUT_MS,
  );
});

type Talk = (socket: Socket) => void;

function answering(answer: Talk): Talk {
  return (socket) => void socket.once('data', () => answer(socket));
}

async function listen(server: Server): Promise<{ readonly url: string }> {
  const listener = ownListener(server);
  await listener.open();
  onTestFinished(() => listener.close());
  return { url: `postgres://postgres@127.0.0.1:${listener.port}/mirror` };
}
