/**
 * The cells in which payments are collected while a request kind fails: a job of the worker runs once under the fault, and
 * the next ones without it. Whenever it ends, coverage claims only what was read; in the end every payment is stored once.
 */
import { createCollecting } from '../../src/app/stages/collecting.js';
import { openParts } from '../../src/collect/backfill.js';
import { SyncError } from '../../src/core/base/errors.js';
import { type HttpProxy, openHttpProxy } from '../support/http-proxy.js';
import type { OwnDatabase } from '../support/own-database.js';
import { DAY, HOUR, LAG, MINUTE, NOW, openStage, type Stage } from '../support/stages/collect.js';
import { NEVER } from '../support/stages/ledger.js';
import { type Cell, describeThrown, describeTries } from './cell.js';
import type { StripeColumn } from './stripe-columns.js';
import { connectStripe } from './stripe-connection.js';
import type { Ways } from './ways.js';
import type { Fault } from './wire-faults.js';

export interface StripeCell {
  readonly fault: Fault<StripeColumn>;
  readonly column: StripeColumn;
  readonly ways: Ways;
}

/** Before the API version in which intents took today's form: such an event's intent is read again by its id. */
const OLD_VERSION = '2020-08-27';

export async function collectUnder(place: OwnDatabase, { fault, column, ways }: StripeCell): Promise<Cell> {
  // A start so near makes the first backfill one part.
  const stage = await openStage(place, { startsAt: new Date(NOW.getTime() - 50 * MINUTE) });
  const proxy = await openHttpProxy(stage.sandbox.url);
  try {
    await prepare(stage, column);
    const url = await ways.urlOf(proxy, fault.way ?? 'plain');
    if (fault.act !== undefined) proxy.intercept(fault.act(column), column.matches);
    const cell = await outcomeOf(() => runUnder(stage, { url, fault, column }), { proxy, fault });
    await stage.assertHonest();
    await assertToldInRun(stage, cell);
    const parkedAs = await recover(stage, fault);
    return parkedAs === null ? cell : { text: 'park', codes: [...cell.codes, parkedAs] };
  } finally {
    await ways.closeOf(proxy);
    await Promise.all([proxy.close(), stage.close()]);
  }
}

export function isCollecting({ during }: StripeColumn): boolean {
  return during === 'tail' || during === 'backfill' || during === 'sweep';
}

/** What there is to be read when the fault begins. */
async function prepare(stage: Stage, { during, asks }: StripeColumn): Promise<void> {
  const ago = (minutes: number) => new Date(stage.clock.now().getTime() - minutes * MINUTE);
  for (const minutes of [5, 20, 40]) stage.pay({ created: ago(minutes) });
  if (during === 'backfill') {
    await stage.syncJob()('startup');
    return;
  }
  await stage.begin();
  if (during === 'tail') {
    stage.clock.advance(5 * MINUTE);
    const eventVersion = asks === 'intent' ? { eventVersion: OLD_VERSION } : {};
    const created = ago(2);
    stage.sandbox.createIntent({ created, moves: [{ move: 'succeed', at: created }], ...eventVersion });
    return;
  }
  // Longer ago than events live: only a sweep can find it.
  const inHole = new Date(NOW.getTime() + 12 * HOUR);
  stage.sandbox.createIntent({ created: inHole, moves: [{ move: 'succeed', at: inHole }] });
  stage.clock.advance(30 * DAY + 13 * HOUR);
  await stage.syncJob()('schedule');
}

interface Running {
  readonly url: string;
  readonly fault: Fault<StripeColumn>;
  readonly column: StripeColumn;
}

/** @returns a word for what was done in spite of the fault */
async function runUnder(stage: Stage, { url, fault, column }: Running): Promise<string> {
  const context = connectStripe(stage, { url, limitMs: fault.limitMs });
  const { sync, readPart } = createCollecting(context, {
    owner: { workerId: stage.workerId, mirrorId: null },
    queue: { requestPart: async () => {} },
    wakeLanes: () => {},
    signal: NEVER,
  });
  try {
    if (column.during === 'tail') return (await sync('schedule')).feed === 'events' ? 'ok' : 'the list instead';
    let read = 0;
    for (const backfill of await stage.store.openBackfills()) {
      for (const part of await openParts(stage.store, backfill)) await readPart(part, NEVER, () => (read += 1));
    }
    return read > 0 ? 'ok' : 'no sweep';
  } finally {
    await context.vendors.close();
  }
}

export async function outcomeOf(
  run: () => Promise<string>,
  { proxy, fault }: { readonly proxy: HttpProxy; readonly fault: Fault<StripeColumn> },
): Promise<Cell> {
  const tries = () => (fault.act === undefined ? 1 : proxy.intercepted);
  try {
    const word = await run();
    if (tries() === 0) throw new Error('no request met the fault');
    return { text: word, codes: [] };
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { word, code } = describeThrown(error);
    return { text: `${word}${describeTries(tries())}`, codes: [code] };
  }
}

/** What failed says so in its run, which is what people see. */
async function assertToldInRun(stage: Stage, { codes: [code] }: Cell): Promise<void> {
  if (code === undefined) return;
  const runs = await stage.runs();
  if (!runs.some(({ state, errorCode }) => state === 'failed' && errorCode === code))
    throw new Error(`no run failed with ${code}: ${JSON.stringify(runs.map((run) => [run.state, run.errorCode]))}`);
}

/**
 * The fault is over: the next runs read what is left, and nothing is missing, doubled or parked for it.
 *
 * @returns why a payment stays parked, where the row allows it
 */
async function recover(stage: Stage, fault: Fault<StripeColumn>): Promise<string | null> {
  stage.clock.advance(MINUTE);
  await stage.syncJob()('schedule');
  await stage.backfills();
  await stage.assertHonest();
  const [stored, owed, { complete, holes }] = await Promise.all([stage.postings(), stage.owed(), stage.completeness()]);
  for (const id of owed.keys()) {
    const posting = stored.get(id);
    if (posting === undefined) throw new Error(`${id} is not stored`);
    if (posting.state !== 'pending' && posting.reason !== (fault.mayPark ?? null))
      throw new Error(`${id} is ${posting.state} as ${posting.reason}: ${posting.reasonDetail}`);
  }
  const wanted = new Date(stage.clock.now().getTime() - LAG);
  if (holes.length > 0 || complete?.to.getTime() !== wanted.getTime())
    throw new Error(`complete up to ${complete?.to.toISOString()} with holes ${JSON.stringify(holes)}`);
  return [...stored.values()].find(({ state }) => state === 'parked')?.reason ?? null;
}
