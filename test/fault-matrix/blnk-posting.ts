/**
 * The cells in which a lane is drained while a request kind fails: first under the fault for longer than the 6 minutes
 * after which a look-up is final, then without it until nothing is pending. All waits are those of production; they are
 * not waited for: the clock and the stored times are moved. What must hold of the money is asserted at every step.
 */
import { createPosting } from '../../src/app/stages/posting.js';
import { systemClock } from '../../src/app/system-clock.js';
import { SyncError } from '../../src/core/base/errors.js';
import { otherLedger, otherSourceText } from '../../src/core/ledger/ledger-identity.js';
import { POSTING } from '../../src/post/posting-sizes.js';
import { type HttpProxy, openHttpProxy } from '../support/http-proxy.js';
import { MIRROR_ID, NEVER } from '../support/stages/ledger.js';
import { type BlnkColumn, connectBlnk, isLookUp } from './blnk-columns.js';
import { hideRows, LAGGING } from './blnk-faults.js';
import { type Cell, describeThrown, describeTries, describeWait } from './cell.js';
import type { CellPayments, PostingWorld } from './posting-world.js';
import type { Ways } from './ways.js';
import type { Fault } from './wire-faults.js';

/** Then once more, so much later: what Core says for so long is final. */
const LATER_MS = 20 * 60_000;

/** A fault is over for good when nothing is pending after so many more drains. */
const DRAINS_AFTER_MAX = 30;

interface PostingCell {
  readonly fault: Fault<BlnkColumn>;
  readonly column: BlnkColumn;
  readonly ways: Ways;
}

export async function postUnder(world: PostingWorld, { fault, column, ways }: PostingCell): Promise<Cell> {
  const proxy = await openHttpProxy(world.sandboxes[column.style].url);
  const closers: Array<() => Promise<void>> = [];
  try {
    // One more than is posted singly, so that it is a bulk.
    const payments = await world.store(column.asks === 'post' ? 1 : POSTING.singlesMax + 1);
    const asked = { world, payments, column, closers };
    const lane = openLane(asked, await ways.urlOf(proxy, fault.way ?? 'plain'), fault.limitMs);
    const faulted = inject(proxy, fault, column);
    const first = await lane.drain();
    const text = await describeFirst(payments, first, faulted());
    if (fault.act !== undefined && faulted() === 0) throw new Error('no request met the fault');
    await assertMoney(asked, fault);
    // What passes within minutes is over before a look-up is final; all else is played for longer.
    await lane.wait(fault.brief === true ? await lane.dueInMs() : LATER_MS);
    await lane.drain();
    await assertMoney(asked, fault);

    proxy.passEverything();
    await proxy.open();
    const wayIsOpen = fault.way === undefined || fault.way === 'refused';
    const healed = wayIsOpen ? lane : openLane(asked, proxy.url, fault.limitMs);
    for (let drains = 0; (await payments.read()).some(({ state }) => state === 'pending'); drains += 1) {
      if (drains > DRAINS_AFTER_MAX) throw new Error(`still pending: ${JSON.stringify(await payments.read())}`);
      await healed.wait(await healed.dueInMs());
      const { thrown } = await healed.drain();
      // A machine that stands still lets a request run out of time even now.
      if (thrown !== null && describeThrown(thrown).word === 'stop') throw thrown;
    }
    await assertMoney(asked, fault);
    const parked = (await payments.read()).find(({ state }) => state === 'parked');
    return { text: parked === undefined ? text : 'park, 6 min', codes: codesOf(first, parked?.reason ?? null) };
  } finally {
    await ways.closeOf(proxy);
    await Promise.all(closers.map((close) => close()));
    await proxy.close();
  }
}

/** @returns how many requests of the kind met the fault so far */
function inject(proxy: HttpProxy, fault: Fault<BlnkColumn>, column: BlnkColumn): () => number {
  if (fault.act === undefined) return () => 1;
  const act = fault.act(column);
  let hits = 0;
  const hidesRows = (path: string) => fault === LAGGING && !isLookUp(column) && path.includes('/filter');
  proxy.intercept(
    (exchange) => {
      if (hidesRows(exchange.path)) return hideRows(exchange);
      hits += 1;
      return act(exchange);
    },
    (asked) => column.matches(asked) || hidesRows(asked.path),
  );
  return () => hits;
}

interface Drained {
  readonly thrown: unknown;
  /** Null: the lane does not pause. */
  readonly pauseMs: number | null;
}

interface DrivenLane {
  drain(): Promise<Drained>;
  /** Until the lane would be woken. */
  dueInMs(): Promise<number>;
  /** Lets so much time pass, for the lane and for what is stored. */
  wait(ms: number): Promise<void>;
}

interface Asked {
  readonly world: PostingWorld;
  readonly payments: CellPayments;
  readonly column: BlnkColumn;
  /** To be closed with the cell. */
  readonly closers: Array<() => Promise<void>>;
}

function openLane({ world, payments, column, closers }: Asked, url: string, limitMs: number | undefined): DrivenLane {
  const { style } = column;
  let passedMs = 0;
  let pauseMs: number | null = null;
  let remembered: string | null = null;
  const context = connectBlnk(
    { database: world.database, blnk: world.sandboxes[style] },
    { url, style, limitMs },
    {
      events: {
        lanePaused: (stall) => {
          pauseMs = stall.pauseMs;
        },
      },
      overrides: {
        clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs },
        // The longest of what chance may choose.
        random: () => 0.999_999,
        // A second stream would share so few payments with the first at random, and each would post its half singly.
        posting: { chunksInFlight: 1, chunksAhead: 0, chunksBehind: 0 },
      },
    },
  );
  const { drainer, noted } = createPosting(context, {
    mirror: { mirrorId: MIRROR_ID, ledgerEpoch: 0 },
    confirmSource: async (lane, found) => {
      if (found === null) return;
      remembered ??= found;
      if (remembered !== found) throw otherLedger(otherSourceText(lane, { remembered, found }));
    },
  });
  closers.push(async () => {
    await noted();
    await context.vendors.close();
  });
  return {
    async drain() {
      pauseMs = null;
      try {
        await drainer.drain(payments.lane, NEVER);
        return { thrown: null, pauseMs };
      } catch (thrown) {
        return { thrown, pauseMs };
      }
    },
    dueInMs: async () => Math.max(pauseMs ?? 0, await payments.dueInMs()),
    async wait(ms) {
      passedMs += ms;
      await payments.age(ms);
    },
  };
}

async function describeFirst(payments: CellPayments, { thrown, pauseMs }: Drained, tries: number): Promise<string> {
  const pending = (await payments.read()).filter(({ state }) => state === 'pending');
  if (thrown === null && pending.length === 0) return `posted${describeTries(tries)}`;
  const wait = describeWait(Math.max(pauseMs ?? 0, await payments.dueInMs()));
  if (thrown !== null) return `${describeThrown(thrown).word}${describeTries(tries)}, ${wait}`;
  return `${pending.some(({ in_doubt }) => in_doubt) ? 'doubt' : 'later'}${describeTries(tries)}, ${wait}`;
}

function codesOf({ thrown }: Drained, reason: string | null): string[] {
  const told = thrown instanceof SyncError ? [thrown.code] : [];
  return reason === null ? told : [...told, reason];
}

/** At every moment: no reference twice, nothing `posted` that is not in the ledger, nothing parked that only passes. */
async function assertMoney({ world, payments, column }: Asked, fault: Fault<BlnkColumn>): Promise<void> {
  const rows = [...world.sandboxes[column.style].transactions(payments.rowsBefore(column.style))];
  const ours = rows.filter(({ reference }) => payments.references.has(reference.replace(/_q$/, '')));
  const applied = ours.filter(({ status }) => status === 'APPLIED').map(({ reference }) => reference);
  if (new Set(applied).size !== applied.length) throw new Error(`twice in the ledger: ${applied.join(', ')}`);
  const postings = await payments.read();
  if (postings.length !== payments.references.size) throw new Error(`${postings.length} postings are left`);
  for (const { reference, state, transaction_id: id, reason, reason_detail: detail } of postings) {
    const row = ours.find((one) => one.reference === reference);
    if (state === 'posted' && row?.transaction_id !== id)
      throw new Error(`${reference} is posted as ${id}, in the ledger it is ${row?.transaction_id ?? 'missing'}`);
    if (state === 'parked' && reason !== (fault.mayPark ?? null))
      throw new Error(`${reference} is parked as ${reason}: ${detail}`);
  }
}
