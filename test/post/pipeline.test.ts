/** What of a lane goes on at the same time: the wire is never idle while something waits to be sent, and never holds more than it may. */
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/app/system-clock.js';
import type { Ledger, Outbox } from '../../src/post/ports.js';
import { requestsAtOnce } from '../../src/post/posting-sizes.js';
import { type LedgerStage, ledgerStages, makePayments, NEVER, until } from '../support/stages/ledger.js';

const LANE = { source: '@stripe', currency: 'USD' };
const SIZES = { chunkSize: 5, chunksInFlight: 2, chunksAhead: 1, chunksBehind: 1, leaseMs: 60_000 };

const startStage = ledgerStages();
let stage: LedgerStage;

beforeEach(async () => {
  stage = await startStage();
});

describe('the chunks of a lane', () => {
  it('go out while the ones before are confirmed', async () => {
    await stage.store(makePayments(20));
    let bulks = 0;
    let heldBack = 0;
    const wrapLedger = (ledger: Ledger): Ledger => ({
      ...ledger,
      async postBulk(bodies) {
        bulks += 1;
        return ledger.postBulk(bodies);
      },
      async findByReference(references) {
        // Of the first two chunks that are confirmed: no other question is of as few references as a chunk has postings.
        if (references.length === SIZES.chunkSize && heldBack < 2) {
          heldBack += 1;
          await until(async () => bulks === 4);
        }
        return ledger.findByReference(references);
      },
    });
    const drainer = await stage.drainer({ ...SIZES, wrapLedger });
    await drainer.drain(LANE, NEVER);
    expect(heldBack).toBe(2);
    expect(await stage.states()).toEqual({ posted: 20 });
  });

  it('are two on the wire, however many wait and are confirmed', async () => {
    await stage.store(makePayments(60));
    let [onTheWire, most] = [0, 0];
    const wrapLedger = (ledger: Ledger): Ledger => ({
      ...ledger,
      async postBulk(bodies) {
        onTheWire += 1;
        most = Math.max(most, onTheWire);
        // The first one is answered when there is another, however quick the ledger is.
        await until(async () => most >= 2);
        const answer = await ledger.postBulk(bodies);
        onTheWire -= 1;
        return answer;
      },
    });
    const drainer = await stage.drainer({ ...SIZES, wrapLedger });
    await drainer.drain(LANE, NEVER);
    expect(most).toBe(2);
    expect(await stage.states()).toEqual({ posted: 60 });
  });

  it('ask no more at the same time than the connections to Blnk are counted by', async () => {
    await stage.store(makePayments(60));
    let [asking, most] = [0, 0];
    const counted =
      <Question, Answer>(ask: (question: Question) => Promise<Answer>) =>
      async (question: Question): Promise<Answer> => {
        asking += 1;
        most = Math.max(most, asking);
        return ask(question).finally(() => (asking -= 1));
      };
    const wrapLedger = (ledger: Ledger): Ledger => ({
      post: counted(ledger.post),
      postBulk: counted(ledger.postBulk),
      findByReference: counted(ledger.findByReference),
      findChildren: counted(ledger.findChildren),
      findBalances: counted(ledger.findBalances),
    });
    const drainer = await stage.drainer({ ...SIZES, wrapLedger });
    await drainer.drain(LANE, NEVER);
    expect(most).toBeGreaterThan(SIZES.chunksInFlight);
    expect(most).toBeLessThanOrEqual(requestsAtOnce(SIZES));
  });

  it('go out one at a time after a bulk that met a lock', async () => {
    await stage.store(makePayments(60));
    stage.sandbox.faults.add({ effect: 'locked', route: 'POST /transactions/bulk', times: 1 });
    let onTheWire = 0;
    let wasRefused = false;
    const besidesAfterwards: number[] = [];
    const wrapLedger = (ledger: Ledger): Ledger => ({
      ...ledger,
      async postBulk(bodies) {
        onTheWire += 1;
        if (wasRefused) besidesAfterwards.push(onTheWire);
        const answer = await ledger.postBulk(bodies);
        onTheWire -= 1;
        if (answer.kind !== 'applied') wasRefused = true;
        return answer;
      },
    });
    const drainer = await stage.drainer({ ...SIZES, wrapLedger });
    await stage.drainAll(drainer);
    expect(besidesAfterwards.slice(0, 8)).toEqual(Array(8).fill(1));
    expect(await stage.states()).toEqual({ posted: 60 });
  });

  it('get smaller while a bulk takes long', async () => {
    stage = await startStage({ itemMs: 10 });
    await stage.store(makePayments(60));
    const sizes: number[] = [];
    const wrapLedger = (ledger: Ledger): Ledger => ({
      ...ledger,
      async postBulk(bodies) {
        sizes.push(bodies.length);
        return ledger.postBulk(bodies);
      },
    });
    // A hundred times as fast as the machine: the first bulk takes 20 seconds and more.
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 100 };
    const sizesOfChunks = { ...SIZES, chunkSize: 20, leaseMs: 3_600_000, finalAfterMs: 60_000 };
    const drainer = await stage.drainer({ ...sizesOfChunks, wrapLedger, clock });
    await drainer.drain(LANE, NEVER);
    expect(sizes[0]).toBe(20);
    expect(Math.max(...sizes.slice(4))).toBeLessThan(15);
    expect(await stage.states()).toEqual({ posted: 60 });
  });
});

describe('a lane that holds little', () => {
  it.each([
    { payments: 0, claims: 2, holds: 'nothing' },
    { payments: 3, claims: 4, holds: 'less than a chunk' },
    // The second stream asks as the first one does: what is new, what was attempted.
    { payments: 5, claims: 6, holds: 'one chunk' },
  ])('is asked $claims times when it holds $holds', async ({ payments, claims }) => {
    await stage.store(makePayments(payments));
    let asked = 0;
    const wrapOutbox = (outbox: Outbox): Outbox => ({
      ...outbox,
      claimNew(...request) {
        asked += 1;
        return outbox.claimNew(...request);
      },
      claimAttempted(...request) {
        asked += 1;
        return outbox.claimAttempted(...request);
      },
    });
    const drainer = await stage.drainer({ ...SIZES, wrapOutbox });
    await drainer.drain(LANE, NEVER);
    expect(asked).toBe(claims);
    expect(await stage.states()).toEqual(payments === 0 ? {} : { posted: payments });
  });
});
