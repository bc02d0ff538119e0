/**
 * Every migration, released or to come, may be applied while older workers are at work: what breaks older code was
 * announced before, and nothing makes workers wait. docs/engineering/migrations.md has the rules in words.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyMigration } from '../../src/db/migrations/apply-migration.js';
import { prepareSchema } from '../../src/db/migrations/journal.js';
import { type Migration, readMigrations, readMigrationsInPublic } from '../../src/db/migrations/migration-files.js';
import { findOldTables, type OldTables, takeOver } from '../../src/db/migrations/take-over.js';
import { GENERATION, readServedCode } from '../../src/db/workers/minimum-code.js';
import { type OwnDatabase, openEmptyDatabase, openMigratedDatabase } from '../support/own-database.js';
import { ROOT } from '../support/source-files.js';
import { isAnnouncement, type Problem, problemsOf, readCatalog, type Step } from '../support/upgrade/catalog.js';
import { applyInPublic, applyOneInPublic, readReleases } from '../support/upgrade/schemas.js';

/** The rules are younger than these, which were applied before anybody ran them side by side. */
const LAST_BEFORE_THE_RULES = '0003_proof_comments';

const inPublic = await readMigrationsInPublic();
const migrations = await readMigrations();
const all = [...inPublic, ...migrations];
const releases = readReleases();
const WAITS = { lockTimeoutMs: 500, pauseMs: 100, blockedMaxMs: 10_000 };

describe('migrations that were released', () => {
  it.each(releases.flatMap((release) => Object.entries(release.migrations)))('%s is as it was', (name, hash) => {
    const folder = inPublic.some((migration) => migration.name === name) ? 'migrations/in-public' : 'migrations';
    const text = readFileSync(join(ROOT, folder, `${name}.sql`));
    expect(createHash('sha256').update(text).digest('hex'), 'a released migration never changes: add another').toBe(
      hash,
    );
  });

  it('are the first ones, in their order', () => {
    const named = releases.flatMap((release) => Object.keys(release.migrations));
    expect(named).toEqual(all.slice(0, named.length).map(({ name }) => name));
  });

  it('have the rows of their time in test/upgrade/, for every version in CHANGELOG.md', () => {
    const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
    const versions = [...changelog.matchAll(/^## \[?v?(\d+\.\d+\.\d+[^\s\]]*)/gm)].map(([, version]) => version);
    const missing = versions.filter((version) => !releases.some((release) => release.version === version));
    expect(missing, 'test/upgrade/README.md says how to add a release').toEqual([]);
    for (const { rows } of releases) expect(readFileSync(join(ROOT, 'test/upgrade', rows), 'utf8')).toMatch(/insert/i);
  });
});

describe('a migration', () => {
  let database: OwnDatabase;
  let today: OwnDatabase;
  let sql: postgres.Sql;

  beforeAll(async () => {
    database = await openEmptyDatabase();
    sql = database.sql;
    await applyInPublic(sql, LAST_BEFORE_THE_RULES);
    today = await openMigratedDatabase();
  });
  afterAll(() => Promise.all([database, today].map((one) => one.remove())));

  it('after 0003 neither breaks older code without saying so before, nor makes workers wait', async () => {
    const found: string[] = [];
    let isAnnounced = false;
    const judge = (migration: Migration, step: Step) => {
      const problems = problemsOf(step);
      const breaks = problems.some(({ kind }) => kind === 'breaks older code');
      found.push(...problems.filter(({ kind }) => !(isAnnounced && kind === 'breaks older code')).map(say(migration)));
      isAnnounced = isAnnouncement(step) || (isAnnounced && breaks);
    };
    const first = inPublic.findIndex(({ name }) => name === LAST_BEFORE_THE_RULES) + 1;
    for (const migration of inPublic.slice(first)) {
      judge(migration, await take(migration, 'public', () => applyOneInPublic(sql, migration)));
    }
    const [move, ...later] = migrations;
    if (move === undefined) throw new Error('there is no own schema');
    const before = await readCatalog(sql, 'public');
    await prepareSchema(database);
    await takeOver(database, { old: await oldTables(), replaced: move, waits: WAITS });
    // What old code finds under the old names is in db/own-schema.test.ts.
    judge(move, { before, after: await readCatalog(sql), statements: [] });
    for (const migration of later) {
      judge(migration, await take(migration, 'stripe_blnk_sync', () => applyMigration(database, migration, WAITS)));
    }
    expect(found).toEqual([]);
  });

  it('leaves a schema that serves this code', async () => {
    const served = await readServedCode(database);
    expect(served?.oldestGeneration).toBeLessThanOrEqual(GENERATION);
  });

  it.each<readonly [statement: string, kind: Problem['kind'], what: string]>([
    [
      'alter table stripe_blnk_sync.postings drop column exception cascade',
      'breaks older code',
      'postings.exception is gone',
    ],
    ['alter table stripe_blnk_sync.mirror rename column lag_ms to lag', 'breaks older code', 'mirror.lag_ms is gone'],
    ['alter table stripe_blnk_sync.lane_pauses rename to pauses', 'breaks older code', 'lane_pauses is gone'],
    ['drop table stripe_blnk_sync.payments_before_start', 'breaks older code', 'payments_before_start is gone'],
    ['drop view stripe_blnk_sync.daily_totals', 'breaks older code', 'daily_totals is gone'],
    [
      'alter table stripe_blnk_sync.workers alter column pid type bigint',
      'breaks older code',
      'workers.pid was integer and is bigint',
    ],
    ['alter table stripe_blnk_sync.workers alter column pid type bigint', 'stops workers', 'workers is written anew'],
    [
      'alter table stripe_blnk_sync.workers add column zone text not null',
      'breaks older code',
      'workers.zone must be given by every insert',
    ],
    [
      'alter table stripe_blnk_sync.postings alter column last_error set not null',
      'breaks older code',
      'postings.last_error must be given by every insert',
    ],
    [
      'alter table stripe_blnk_sync.postings alter column attempts drop default',
      'breaks older code',
      'postings.attempts must be given by every insert',
    ],
    [
      'alter table stripe_blnk_sync.workers alter column host drop not null',
      'breaks older code',
      'workers.host may be null now',
    ],
    [
      'alter table stripe_blnk_sync.workers add constraint pid_above_0 check (pid > 0)',
      'breaks older code',
      'the constraint workers.pid_above_0 is new',
    ],
    [
      'alter table stripe_blnk_sync.postings add constraint of_run foreign key (first_run) references stripe_blnk_sync.sync_runs (id) not valid',
      'breaks older code',
      'the constraint postings.of_run is new',
    ],
    [
      'alter table stripe_blnk_sync.postings add constraint one_object unique (object_id)',
      'breaks older code',
      'the constraint postings.one_object is new',
    ],
    [
      'create unique index one_object on stripe_blnk_sync.postings (object_id)',
      'breaks older code',
      'the unique index postings.one_object is new',
    ],
    [
      'create index by_reason on stripe_blnk_sync.postings (reason)',
      'stops workers',
      'the index postings.by_reason is not built concurrently',
    ],
    [
      'alter table stripe_blnk_sync.postings add column mark uuid default gen_random_uuid()',
      'stops workers',
      'postings is written anew',
    ],
    [
      'alter table stripe_blnk_sync.postings enable row level security',
      'breaks older code',
      'postings: row security is new',
    ],
    [
      'create rule keep as on delete to stripe_blnk_sync.mirror do instead nothing',
      'breaks older code',
      'mirror: rule keep is new',
    ],
    [
      "update stripe_blnk_sync.postings set reason = 'x' where false",
      'stops workers',
      "it changes or locks rows, which code does in small steps: update stripe_blnk_sync.postings set reason = 'x' where fals",
    ],
    [
      'lock table stripe_blnk_sync.postings in exclusive mode',
      'stops workers',
      'it changes or locks rows, which code does in small steps: lock table stripe_blnk_sync.postings in exclusive mode',
    ],
  ])('is refused that does: %s', async (statement, kind, what) => {
    expect(problemsOf(await tryOut([statement]))).toContainEqual({ kind, what });
  });

  it.each<readonly [what: string, ...statements: string[]]>([
    [
      'adds a table with rows',
      'create table stripe_blnk_sync.notes (id int primary key)',
      'insert into stripe_blnk_sync.notes values (1)',
    ],
    ['adds a column that may be null', 'alter table stripe_blnk_sync.postings add column note text'],
    [
      'adds a column with one default for all',
      "alter table stripe_blnk_sync.postings add column note text not null default 'x'",
    ],
    ['explains a column', "comment on column stripe_blnk_sync.postings.state is 'what is known'"],
    [
      'makes a view anew',
      'drop view stripe_blnk_sync.lanes_seen',
      'create view stripe_blnk_sync.lanes_seen as select source, 1 as more from stripe_blnk_sync.postings',
    ],
  ])('is taken that %s', async (_, ...statements) => {
    expect(
      problemsOf(
        await tryOut(
          statements,
          'create view stripe_blnk_sync.lanes_seen as select source from stripe_blnk_sync.postings',
        ),
      ),
    ).toEqual([]);
  });

  it('is an announcement only when it does nothing else', async () => {
    const raise = `update stripe_blnk_sync.served_code set oldest_generation = oldest_generation + 1, oldest_version = '9.0.0'`;
    expect(isAnnouncement(await tryOut([raise]))).toBe(true);
    expect(problemsOf(await tryOut([raise]))).toEqual([]);
    expect(isAnnouncement(await tryOut([raise, 'alter table stripe_blnk_sync.mirror drop column lag_ms']))).toBe(false);
    expect(isAnnouncement(await tryOut(["update stripe_blnk_sync.served_code set oldest_version = '9.0.0'"]))).toBe(
      false,
    );
  });

  it('that builds an index concurrently does nothing else, and can be applied again', async () => {
    const before = await readCatalog(sql);
    const judge = (...statements: string[]) =>
      problemsOf({ before, after: before, statements }).map(({ what }) => what);
    const [drop, create] = [
      'drop index concurrently if exists a',
      'create index concurrently a on stripe_blnk_sync.postings (reason)',
    ];
    expect(judge(drop, create)).toEqual([]);
    expect(judge(create)).toEqual(['an index is created that is not dropped before, in case it was interrupted']);
    expect(judge(drop, create, "comment on index a is 'x'")).toEqual([
      'an index is built concurrently beside other statements',
    ]);
  });

  async function take(migration: Migration, schema: string, apply: () => Promise<void>): Promise<Step> {
    const before = await readCatalog(sql, schema);
    await apply();
    return { before, after: await readCatalog(sql, schema), statements: migration.statements };
  }

  async function oldTables(): Promise<OldTables> {
    const old = await findOldTables(sql);
    if (old === null) throw new Error('the tables before the own schema are not recognised');
    return old;
  }

  /** After all that there are, and taken back. */
  async function tryOut(statements: readonly string[], given = 'select 1'): Promise<Step> {
    const steps: Step[] = [];
    await today.sql
      .begin(async (transaction) => {
        await transaction.unsafe(given);
        const before = await readCatalog(transaction);
        for (const statement of statements) await transaction.unsafe(statement);
        steps.push({ before, after: await readCatalog(transaction), statements });
        throw new TakenBack();
      })
      .catch((error: unknown) => {
        if (!(error instanceof TakenBack)) throw error;
      });
    const [step] = steps;
    if (step === undefined) throw new Error('nothing was tried');
    return step;
  }
});

class TakenBack extends Error {}

function say({ name }: Migration) {
  return ({ kind, what }: Problem) =>
    kind === 'breaks older code'
      ? `${name}: ${what}. Older code cannot work on it: raise the generation in a migration of its own before`
      : `${name}: ${what}. Running workers would wait for it: docs/engineering/migrations.md says how to do it without`;
}
