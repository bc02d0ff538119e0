/**
 * A transaction whose connection is lost, at every statement and in every way: nothing is half stored, no statement of it
 * reaches PostgreSQL any more, the process lives, and the next try stores.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Drizzle, openDatabase } from '../../src/db/connection/open.js';
import { createMirror } from '../../src/db/mirror/mirror-store.js';
import { mirror } from '../../src/db/schema/mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { endChildren, startChild } from '../support/process/child.js';
import { until } from '../support/process/wait.js';
import { inTier } from '../support/tier.js';
import type { TransactionReport } from '../support/transaction/child.js';
import { openCuttingProxy } from '../support/transaction/cutting-proxy.js';

let place: OwnDatabase;
beforeAll(async () => {
  place = await openMigratedDatabase();
  await createMirror(place.db, {
    mirrorId: randomUUID(),
    stripeAccount: null,
    livemode: false,
    blnkInstance: 'inst_test',
    source: '@stripe',
    sourceShards: 1,
    guestDestination: '@stripe_guests',
    accountsMode: 'indicators',
    mappingVersion: 1,
    startsAt: new Date('2026-05-01T00:00:00Z'),
  });
  // Pages of a rebuild are taken only while there is one.
  await place.sql`update stripe_blnk_sync.mirror set rebuilding_since = now()`;
});
afterAll(() => place.remove());
afterEach(endChildren);

describe('a transaction whose connection is cut at each statement', () => {
  it.each(inTier({ quick: ['collect'], full: ['collect', 'rebuild', 'repair'] }))(
    'of %s: all or nothing, and the process lives',
    async (work) => {
      const child = startChild({
        script: 'test/support/transaction/child.ts',
        words: [serverUrl(), work],
        variables: {},
      });
      const { code, output, errors } = await child.ended;
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      const report: TransactionReport = JSON.parse(output);
      expect(report.wrong).toEqual([]);
      expect(report.stray).toEqual([]);
      expect(report.answered).toBeGreaterThan(10);
      // What is cut is what the store does, from its begin to its commit.
      for (const texts of Object.values(report.cuts)) {
        expect(texts.length).toBeGreaterThan(4);
        expect(texts[0]).toMatch(/^begin/i);
        expect(texts.at(-1)).toMatch(/^commit/i);
        expect(texts.join()).toMatch(/insert into ("stripe_blnk_sync"\.)?"postings"/);
      }
    },
    120_000,
  );
});

describe('a transaction that waits while its connection is lost', () => {
  it('sends nothing any more, neither outside of it nor in another one', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const { database, terminate } = own;
    const go = gate();
    const begun = gate();
    const lost = database.db.transaction(async (transaction) => {
      const pid = await pidOf(transaction);
      await transaction.execute(sql`insert into things values ('payment')`);
      await terminate(pid);
      begun.open();
      await go.opened;
      await transaction.execute(sql`insert into things values ('coverage')`);
    });
    const told = expect(lost).rejects.toMatchObject({ kind: 'transient', code: 'database_unreachable' });
    await begun.opened;
    // It waits for the only place, and is inside of its own transaction when the lost one goes on.
    const other = database.db.transaction(async (transaction) => {
      await transaction.execute(sql`insert into things values ('other')`);
    });
    go.open();
    await told;
    await other;
    await database.db.execute(sql`insert into things values ('plain')`);
    expect(await own.things()).toEqual(['other', 'plain']);
  });

  it('whose work has no more to say is told as well', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const { database, terminate } = own;
    const work = database.db.transaction(async (transaction) => {
      const pid = await pidOf(transaction);
      await transaction.execute(sql`insert into things values ('payment')`);
      await terminate(pid);
    });
    await expect(work).rejects.toMatchObject({ kind: 'transient', code: 'database_unreachable' });
    expect(await own.things()).toEqual([]);
  });
});

describe('a transaction', () => {
  it('whose statement failed is not taken for stored when its work goes on', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const { database } = own;
    const work = database.db.transaction(async (transaction) => {
      await transaction.execute(sql`insert into things values ('one')`);
      await transaction.execute(sql`insert into nothing values (1)`).catch(() => {});
    });
    await expect(work).rejects.toThrow('nothing is stored');
    await database.db.transaction((transaction) => transaction.execute(sql`insert into things values ('two')`));
    expect(await own.things()).toEqual(['two']);
  });

  it('throws what its work threw, keeps its connection, and reads times as the pool does', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const { database } = own;
    const pids: number[] = [];
    const failing = database.db.transaction(async (transaction) => {
      pids.push(await pidOf(transaction));
      await transaction.execute(sql`insert into things values ('one')`);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow(/^no$/);
    const [row] = await database.db.transaction(async (transaction) => {
      pids.push(await pidOf(transaction));
      return transaction.select().from(mirror);
    });
    expect(row?.startsAt).toEqual(new Date('2026-05-01T00:00:00Z'));
    expect(pids[0]).toBe(pids[1]);
    expect(await own.things()).toEqual([]);
  });

  it('refuses a statement that comes after its end, and one inside another', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const { db } = own.database;
    let late: typeof db | undefined;
    await db.transaction(async (transaction) => {
      late = transaction as unknown as typeof db;
    });
    await expect(late?.execute(sql`insert into things values ('late')`)).rejects.toThrow();
    await expect(db.transaction((transaction) => transaction.transaction(async () => {}))).rejects.toThrow('savepoint');
    expect(await own.things()).toEqual([]);
  });

  it('waits for its turn, first come first served', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const order: number[] = [];
    const one = (n: number) => own.database.db.transaction(async () => void order.push(n));
    await Promise.all([0, 1, 2, 3, 4, 5].map(one));
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('runs beside others over as many connections as were allowed, and keeps them for later ones', async () => {
    await using own = await openOwn({ connectionsMax: 1, transactionsMax: 3 });
    const pids = new Set<number>();
    const one = () => own.database.db.transaction(async (transaction) => void pids.add(await pidOf(transaction)));
    for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: 6 }, one));
    expect(pids.size).toBe(3);
  });

  it('comes to its end before the database closes; one that waits for its turn is refused', async () => {
    const own = await openOwn({ connectionsMax: 1, transactionsMax: 1 });
    const { database } = own;
    const go = gate();
    const running = database.db.transaction(async (transaction) => {
      await transaction.execute(sql`insert into things values ('one')`);
      await go.opened;
      await transaction.execute(sql`insert into things values ('two')`);
    });
    const refused = expect(database.db.transaction(async () => {})).rejects.toThrow('was closed');
    const closing = database.close();
    await refused;
    go.open();
    await Promise.all([running, closing]);
    expect(await own.things()).toEqual(['one', 'two']);
    await own[Symbol.asyncDispose]();
  });
});

describe('the pool', () => {
  it('never requests the types of the server: an end of that question would end the process', async () => {
    const proxy = await openCuttingProxy(serverUrl());
    const database = await openDatabase({ kind: 'url', url: proxy.url }, { connectionsMax: 1, applicationName: 'own' });
    const pids = new Set<number>();
    for (let round = 0; round < 3; round += 1) {
      const [row] = await until('the pool connects again', () =>
        database.sql<
          { pid: number; is: boolean }[]
        >`select pg_backend_pid() as pid, 'b' = any(${['a', 'b']}) as is`.catch(() => undefined),
      );
      expect(row?.is).toBe(true);
      pids.add(row?.pid ?? 0);
      await place.sql`select pg_terminate_backend(${row?.pid ?? 0}, 10000)`;
    }
    expect(pids.size).toBe(3);
    expect(proxy.sent.filter(({ text }) => text.includes('typarray'))).toEqual([]);
    await database.close();
    await proxy.close();
  });
});

describe('work on one connection', () => {
  it('is refused once the connection, and with it the lock, is lost', async () => {
    await using own = await openOwn({ connectionsMax: 1 });
    const { database, terminate } = own;
    const work = database.onOneConnection(async (holder) => {
      const [row] = await holder<{ pid: number }[]>`select pg_backend_pid() as pid from pg_advisory_lock(1)`;
      await terminate(row?.pid ?? 0);
      await holder`insert into things values ('without the lock')`;
    });
    await expect(work).rejects.toThrow();
    expect(await own.things()).toEqual([]);
  });
});

async function pidOf(transaction: Pick<Drizzle, 'execute'>): Promise<number> {
  const [row] = await transaction.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
  return row?.pid ?? 0;
}

/** A pool of its own, an empty table, and somebody who ends backends and sees that they are gone. */
async function openOwn(options: { readonly connectionsMax: number; readonly transactionsMax?: number }) {
  const database = await openDatabase({ kind: 'url', url: serverUrl() }, { ...options, applicationName: 'own' });
  const { sql: watcher } = place;
  await watcher`drop table if exists things`;
  await watcher`create table things (thing text)`;
  return {
    database,
    async terminate(pid: number) {
      await watcher`select pg_terminate_backend(${pid}, 10000)`;
    },
    things: async () => (await watcher`select thing from things order by thing`).map(({ thing }) => thing),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

function serverUrl(): string {
  if (place.address.kind !== 'url') throw new Error('needs a PostgreSQL server');
  return place.address.url;
}
