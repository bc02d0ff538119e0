/**
 * A process that stores while its connections are cut, at every statement of a transaction and in every way, with other
 * questions waiting for the same pool. Reports what it saw as one line of JSON; that it lives to do so is part of the test.
 */
import { randomUUID } from 'node:crypto';
import { SyncError } from '../../../src/core/base/errors.js';
import { type Database, openDatabase } from '../../../src/db/connection/open.js';
import { CUTS, type Cut, type CuttingProxy, openCuttingProxy } from './cutting-proxy.js';
import { TRANSACTION_WORKS, type TransactionWork } from './works.js';

export interface TransactionReport {
  /** Statements of the transaction that were cut at, by the way of cutting. */
  readonly cuts: Readonly<Record<Cut, readonly string[]>>;
  /** What was wrong, in words; empty when nothing was. */
  readonly wrong: readonly string[];
  /** Statements that write, or end a transaction, and reached PostgreSQL outside of one. */
  readonly stray: readonly string[];
  /** Questions of others that were answered meanwhile. */
  readonly answered: number;
}

const [url = '', name = ''] = process.argv.slice(2);
/** More cuts than any of these transactions has statements: it did not end. */
const STATEMENTS_MAX = 30;
const WRITES = /^(insert|update|delete|commit|rollback)\b/i;

const work = TRANSACTION_WORKS[name];
if (work === undefined) throw new Error(`no such work: ${name}`);
process.stdout.write(`${JSON.stringify(await run(work))}\n`);

async function run(chosen: TransactionWork): Promise<TransactionReport> {
  const proxy = await openCuttingProxy(url);
  const options = { applicationName: 'test of transactions' };
  const direct = await openDatabase({ kind: 'url', url }, { ...options, connectionsMax: 2 });
  const database = await openDatabase({ kind: 'url', url: proxy.url }, { ...options, connectionsMax: 2 });
  const others = askMeanwhile(database);
  const cuts: Record<Cut, string[]> = { before: [], after: [], unanswered: [] };
  const wrong: string[] = [];
  for (const how of CUTS) {
    for (let at = 0; ; at += 1) {
      if (at > STATEMENTS_MAX) throw new Error('the transaction does not end');
      const cut = await cutAt({ proxy, database, direct, chosen, at, how, wrong });
      if (cut === null) break;
      cuts[how].push(cut);
    }
  }
  const answered = await others.stop();
  await database.close();
  await direct.close();
  await proxy.close();
  const stray = proxy.sent.filter(({ text, inTransaction }) => !inTransaction && WRITES.test(text));
  return { cuts, wrong, stray: stray.map(({ text }) => text), answered };
}

interface CutRequest {
  readonly proxy: CuttingProxy;
  readonly database: Database;
  readonly direct: Database;
  readonly chosen: TransactionWork;
  readonly at: number;
  readonly how: Cut;
  readonly wrong: string[];
}

/** The statement that was cut, or null when the transaction has fewer. */
async function cutAt({ proxy, database, direct, chosen, at, how, wrong }: CutRequest): Promise<string | null> {
  const prepared = await chosen.prepare(direct.db, `${how}${at}${randomUUID().slice(0, 8)}`);
  proxy.cutNext({ at, how });
  const fault = await prepared.attempt(database.db).then(
    () => null,
    (error: unknown) => error,
  );
  const cut = proxy.takeCut();
  const where = `${how} ${at} ${cut?.text.slice(0, 40)}`;
  const stored = await prepared.stored(direct.db);
  // One that did not begin yet begins on another connection.
  const isBegin = cut !== null && /^begin/i.test(cut.text) && fault === null;
  const isAnswered = cut !== null && /^commit/i.test(cut.text) && how !== 'before';
  if (stored === 'half') wrong.push(`${where}: half stored`);
  if (cut !== null && stored === 'all' && !isBegin && !isAnswered) wrong.push(`${where}: stored, though it was cut`);
  const isTold = fault instanceof SyncError && fault.kind === 'transient' && fault.code === 'database_unreachable';
  // A connection that is lost behind the answer to its commit takes nothing with it.
  const isOver = isBegin || (how === 'after' && isAnswered && fault === null);
  if (cut !== null && !isTold && !isOver) wrong.push(`${where}: ${fault}`);
  if (cut === null && fault !== null) wrong.push(`${where}: failed uncut: ${fault}`);
  try {
    await prepared.attempt(database.db);
  } catch (error) {
    wrong.push(`${where}: the next try failed: ${error}`);
  }
  if ((await prepared.stored(direct.db)) !== 'all') wrong.push(`${where}: not stored by the next try`);
  return cut?.text ?? null;
}

/** Keeps more questions waiting than the pool has connections. */
function askMeanwhile({ sql }: Database): { stop(): Promise<number> } {
  let answered = 0;
  let isAsking = true;
  const ask = async () => {
    while (isAsking) {
      await sql`select pg_sleep(0.002)`.then(
        () => {
          answered += 1;
        },
        () => {},
      );
    }
  };
  const asking = [ask(), ask(), ask(), ask(), ask()];
  return {
    async stop() {
      isAsking = false;
      await Promise.all(asking);
      return answered;
    },
  };
}
