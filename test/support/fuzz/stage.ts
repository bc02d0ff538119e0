/**
 * A stage for bad data: both stand-ins, each behind a proxy that damages answers, a real PostgreSQL, and all stages between
 * them as they run in production, driven by hand. Whatever is thrown must be a SyncError that says what to do.
 */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import { SandboxClock } from '../../../sandbox/clock.js';
import type { PopulationOptions } from '../../../sandbox/stripe/population.js';
import { type StripeSandbox, startStripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import { createCollecting } from '../../../src/app/stages/collecting.js';
import { createPosting } from '../../../src/app/stages/posting.js';
import { createProvePorts } from '../../../src/app/stages/proving.js';
import { openParts } from '../../../src/collect/backfill.js';
import { SyncError } from '../../../src/core/base/errors.js';
import { createMirror } from '../../../src/db/mirror/mirror-store.js';
import type { PostingRow } from '../../../src/db/schema/postings.js';
import type { ProvePorts } from '../../../src/prove/prove-day.js';
import { atBlnk, atStripe, openContext, STRIPES_TIME } from '../context.js';
import { type OwnDatabase, openMigratedDatabase } from '../own-database.js';
import { pendingLanes } from '../pending-lanes.js';
import { NEVER, SHORT } from '../stages/ledger.js';
import { type DamagingProxy, openDamagingProxy } from './damaging-proxy.js';

export const NOW = new Date('2026-06-01T12:00:00Z');
const DAY_MS = 86_400_000;
const LAG_MS = 600_000;

/** All payments are created and charged within an hour of this day, which is over. */
export const FUZZED_DAY = '2026-05-29';
const HOUR = { from: new Date(`${FUZZED_DAY}T01:00:00Z`), to: new Date(`${FUZZED_DAY}T02:00:00Z`) };

const TABLES = [
  ...['repair_items', 'repairs', 'certificates', 'postings', 'payments_before_start', 'coverage', 'sync_runs'],
  ...['mirror', 'workers'],
];

export interface FuzzStage {
  readonly stripe: StripeSandbox;
  readonly blnk: BlnkSandbox;
  readonly sql: OwnDatabase['sql'];
  readonly place: OwnDatabase;
  readonly proxies: { readonly stripe: DamagingProxy; readonly blnk: DamagingProxy };
  readonly mirrorId: string;
  readonly prove: ProvePorts;
  /** The sync job, all parts of backfills, and a sweep over everything. Answers what was thrown. */
  collect(): Promise<readonly SyncError[]>;
  /** One turn of every lane with postings pending, all of them due. Answers what was thrown. */
  drain(): Promise<readonly SyncError[]>;
  /** Drains until nothing is pending. Throws after so many turns. */
  drainAll(): Promise<void>;
  postings(): Promise<Map<string, PostingRow>>;
  /** Throws unless each run's counts add up and the runs together stored what is there. */
  expectCounts(): Promise<void>;
  close(): Promise<void>;
}

/** What all stages of a file share: the history at Stripe, and the database. */
export interface FuzzGround {
  readonly stripe: StripeSandbox;
  readonly place: OwnDatabase;
  close(): Promise<void>;
}

export async function prepareGround(population: Pick<PopulationOptions, 'size' | 'kinds'>): Promise<FuzzGround> {
  const stripe = await startStripeSandbox({
    clock: SandboxClock.frozen(NOW),
    population: { ...population, ...HOUR, customers: 5 },
  });
  const place = await openMigratedDatabase();
  return {
    stripe,
    place,
    async close() {
      await stripe.close();
      await place.remove();
    },
  };
}

/** A mirror of its own, as nothing had ever been read: the tables are emptied, and the ledger is a new one. */
export async function openFuzzStage(ground: FuzzGround, style: 'cloud' | 'core'): Promise<FuzzStage> {
  const { stripe, place } = ground;
  const { sql, db } = place;
  for (const table of TABLES) await sql`delete from ${sql(`stripe_blnk_sync.${table}`)}`;
  const blnk = await startBlnkSandbox({ lockWaitMs: 150, leakLockMs: 0, clock: stripe.clock });
  const proxies = { stripe: await openDamagingProxy(stripe.url), blnk: await openDamagingProxy(blnk.url) };
  const mirrorId = randomUUID();
  const mirror = await createMirror(db, {
    ...{ mirrorId, stripeAccount: stripe.account, livemode: false, blnkInstance: blnk.instanceId, source: '@stripe' },
    ...{ sourceShards: 1, guestDestination: '@stripe_guests', accountsMode: 'indicators', mappingVersion: 1 },
    startsAt: new Date(NOW.getTime() - 30 * DAY_MS),
  });
  // Handed over before all payments: the tail reads their events, and one part each of a backfill and a sweep their lists.
  await sql`update stripe_blnk_sync.mirror set hand_over_at = ${new Date(HOUR.from.getTime() - 1_800_000).toISOString()}`;
  const context = openContext(place, {
    config: {
      ...atStripe(stripe, { url: proxies.stripe.url }),
      ...atBlnk(blnk, { style, url: proxies.blnk.url }),
      syncLagMs: LAG_MS,
    },
    // A look-up is final at once: what a damaged one says of a posting is held against it as early as can be.
    timings: { ...SHORT, finalAfterMs: 1, lanePause: { baseMs: 1, maxMs: 1 }, backoff: { baseMs: 1, maxMs: 1 } },
    overrides: {
      stripe: { ...STRIPES_TIME, retries: { attemptsMax: 1 } },
      blnk: { lookUpFirstWaitMs: 1, lookUpAttemptsMax: 1 },
    },
  });
  const { account } = context.vendors;
  // The watch over the ledger would stop a lane at the first damage.
  const { drainer, noted } = createPosting(context, { mirror, confirmSource: async () => {} });
  const collect = async (): Promise<readonly SyncError[]> => {
    const faults: SyncError[] = [];
    const attempt = async (step: () => Promise<unknown>) => void faults.push(...(await faultsOf(step)));
    const { store, sync, readPart } = createCollecting(context, {
      owner: { workerId: randomUUID(), mirrorId: null },
      queue: { requestPart: async () => {} },
      wakeLanes: () => {},
      signal: NEVER,
    });
    await attempt(() => sync('manual'));
    await attempt(() => account.readAccount());
    await store.requestBackfill(HOUR, 'manual');
    await store.requestSweeps(async () => [HOUR]);
    for (const backfill of await store.openBackfills())
      for (const part of await openParts(store, backfill)) await attempt(() => readPart(part, NEVER));
    return faults;
  };
  const drain = async (): Promise<readonly SyncError[]> => {
    await sql`update stripe_blnk_sync.postings set due_at = now(), claimed_until = now() - interval '1 second' where state = 'pending'`;
    const turns = (await pendingLanes(sql)).map((lane) => faultsOf(() => drainer.drain(lane, NEVER)));
    return (await Promise.all(turns)).flat();
  };
  return {
    ...{ stripe, blnk, sql, place, proxies, mirrorId, collect, drain },
    prove: createProvePorts(context),
    async drainAll() {
      for (let turn = 0; (await pendingLanes(sql)).length > 0; turn += 1) {
        if (turn > 500) throw new Error(`still pending: ${JSON.stringify(await pendingLanes(sql))}`);
        expect(await drain()).toEqual([]);
      }
    },
    postings: async () => {
      const rows = await sql<PostingRow[]>`
        select reference, state, reason, reason_detail as "reasonDetail", amount, currency, source, destination,
          prepared, payment, transaction_id as "transactionId", exception, last_error as "lastError"
        from stripe_blnk_sync.postings`;
      return new Map(
        rows.map((row) => [row.reference, { ...row, amount: row.amount === null ? null : BigInt(row.amount) }]),
      );
    },
    async expectCounts() {
      const runs = await sql<{ found: number; known: number; stored: number }[]>`
        select found::int, known_before::int as known, stored::int from stripe_blnk_sync.sync_runs`;
      for (const run of runs) expect(run.found).toBe(run.known + run.stored);
      const [held] = await sql<{ count: number }[]>`select count(*)::int from stripe_blnk_sync.postings`;
      expect(runs.reduce((sum, { stored }) => sum + stored, 0)).toBe(held?.count);
    },
    async close() {
      await noted();
      await context.vendors.close();
      await Promise.all([proxies.stripe.close(), proxies.blnk.close()]);
      await blnk.close();
    },
  };
}

/** @returns the SyncError that the step ended with, if any. Throws everything else, and errors that do not say enough. */
export async function faultsOf(step: () => Promise<unknown>): Promise<SyncError[]> {
  try {
    await step();
    return [];
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    expect(error.code).toMatch(/^[a-z_]+$/);
    expect(error.message.length).toBeGreaterThan(20);
    expect(error.message.length).toBeLessThan(2_000);
    expect(error.message).not.toMatch(/\p{Cc}|undefined|\[object/u);
    return [error];
  }
}
