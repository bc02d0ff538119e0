/**
 * Makes a lost database anew. The backfill's own machinery reads Stripe, part by part and resumable; between reading and
 * storing stands the ledger, which shows of each payment whether it is posted. Posts nothing.
 */
import { v4 as uuidv4 } from 'uuid';
import { collectPart, openParts } from '../collect/backfill.js';
import type { BackfillPart, CollectStore, StoredPage } from '../collect/ports.js';
import { SyncError } from '../core/base/errors.js';
import { orRefuse } from '../core/base/refusal.js';
import { type Moment, resolveMoment } from '../core/base/time-text.js';
import { remaining, type Window } from '../core/base/window.js';
import { createBalanceNames } from '../core/ledger/balance-names.js';
import { otherLedger, otherSourceText } from '../core/ledger/ledger-identity.js';
import { newMappingVersion } from '../core/posting/mapping.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { ParkingReason } from '../core/posting/posting.js';
import { createCollectStore } from '../db/collect/collect-store.js';
import { rememberBalance } from '../db/mirror/ledger-identity-store.js';
import { createRebuildStore } from '../db/repair/rebuild-store.js';
import { planRebuild, refuseMirrored } from '../prove/plan-rebuild.js';
import { judgePage, type RebuildPorts } from '../prove/rebuild.js';
import { refuseOtherMirror } from '../worker/claim-mirror.js';
import { chooseMirror, hasNoLedger } from './choose-mirror.js';
import { noteContested } from './note-contested.js';
import type { ReadingListener, ReadingProgress } from './reading-progress.js';
import { restoreMap } from './restore-map.js';
import { identityOf, type Session } from './session.js';

export interface RebuildBegin {
  readonly mirrorId: string;
  /** Ids that the ledger's transactions carry; null when an unfinished rebuild goes on. */
  readonly mirrorIdsFound: readonly string[] | null;
  readonly startsAt: Date;
  readonly cutoverAt: Date;
  /** Why nobody knows whether the mirror had a ledger of its own; null: it is known. */
  readonly notLookedUp: string | null;
}

export interface RebuildResult {
  readonly mirrorId: string;
  readonly startsAt: Date;
  readonly cutoverAt: Date;
  /** False: interrupted; the next rebuild goes on. */
  readonly complete: boolean;
  readonly posted: number;
  readonly alreadyThere: number;
  readonly parked: ReadonlyArray<{ readonly reason: ParkingReason; readonly count: number }>;
  /** Originals that repairs took the place of. */
  readonly dismissed: number;
  readonly stripeRequests: number;
  /** Of this process. */
  readonly blnkRequests: number;
  readonly durationMs: number;
}

export interface RebuildAsked {
  /** Payments created from then on; null: from the oldest day in the ledger. */
  readonly from: Moment | null;
  /** Of the mirrors that posted to the ledger; null: the one that can be told by it. */
  readonly mirrorId: string | null;
}

export interface RebuildListener extends ReadingListener {
  /** Told what would be rebuilt, before anything is stored. False: it is not wanted. */
  mayBegin(begin: RebuildBegin): Promise<boolean>;
  /** After each page is stored; its part waits for the answer. */
  update(progress: ReadingProgress): void | Promise<void>;
}

/** Parts that are read at the same time: while one page waits for the ledger, others come from Stripe. */
const PARTS_AT_ONCE = 8;

/**
 * Null when whoever was asked does not want it. Throws a Refusal, or what ended the reading: then what was stored stays, and
 * the next rebuild goes on.
 */
export async function rebuild(
  session: Session,
  asked: RebuildAsked,
  listener: RebuildListener,
): Promise<RebuildResult | null> {
  const mirror = await orRefuse(() => begin(session, asked, listener));
  if (mirror === null) return null;
  if (mirror.accountsMode === 'ledger') {
    await orRefuse(async () => {
      const { accounts, ledgerSide } = session.vendors;
      if (!(await restoreMap(session.database, accounts, mirror, ledgerSide))) throw hasNoLedger([mirror.mirrorId]);
    });
  }
  return readAll(session, mirror, listener);
}

/** Checks everything that may refuse, `mayBegin` last, before anything is stored; then the mirror row is marked as being rebuilt. */
async function begin(
  session: Session,
  { from, mirrorId }: RebuildAsked,
  { mayBegin }: RebuildListener,
): Promise<Mirror | null> {
  const { vendors, database, mirror: held } = session;
  if (held !== null) refuseMirrored(held);
  await vendors.checkAccess();
  const account = await vendors.account.readAccount();
  if (held !== null) {
    refuseOtherMirror(held, identityOf(session), { accountId: account.id });
    refuseOtherId(held, mirrorId);
    const mayGoOn = await mayBegin({ ...held, cutoverAt: cutoverOf(held), mirrorIdsFound: null, notLookedUp: null });
    return mayGoOn ? held : null;
  }
  const serverTime = () => vendors.account.serverTime();
  const plan = await planRebuild(
    { history: vendors.ledgerSide, ledger: vendors.ledgerSide, stripe: vendors.account, serverTime },
    { from: from === null ? null : resolveMoment(from, await serverTime()) },
  );
  const chosen = await chooseMirror(
    { blnk: vendors.accounts, history: vendors.ledgerSide, newMirrorId: uuidv4 },
    {
      ...{ mirrorIdsFound: plan.mirrorIdsFound, mirrorId, mode: session.config.accounts.mode },
      side: { stripeAccount: account.id, livemode: session.config.stripe.livemode },
    },
  );
  // Not all that there are were looked up.
  const mirrorIdsFound = [...new Set([...plan.mirrorIdsFound, ...(mirrorId === null ? [] : [mirrorId])])];
  if (!(await mayBegin({ ...plan, ...chosen, mirrorIdsFound }))) return null;
  const wanted = {
    ...identityOf(session),
    mirrorId: chosen.mirrorId,
    stripeAccount: account.id,
    mappingVersion: newMappingVersion(session.config),
    startsAt: plan.startsAt,
  };
  const mirror = await createRebuildStore(database.db, newOwner(session)).begin(wanted, plan.cutoverAt);
  refuseMirrored(mirror);
  return mirror;
}

/** Of a rebuild that goes on: it was decided when it began. */
function refuseOtherId(held: Mirror, mirrorId: string | null): void {
  if (mirrorId === null || mirrorId === held.mirrorId) return;
  throw new SyncError(
    `This database mirrors something else: a rebuild of the mirror ${held.mirrorId} is not finished in it, and --mirror is ${mirrorId}. ` +
      'Leave --mirror out and it goes on, or set DATABASE_URL (or DATA_DIR) to an empty database',
    { kind: 'fatal', code: 'mirror_differs' },
  );
}

function cutoverOf({ cutoverAt, startsAt }: Mirror): Date {
  return cutoverAt ?? startsAt;
}

/** Runs that a rebuild stores belong to this process alone. */
function newOwner({ version }: Session) {
  return { workerId: uuidv4(), version };
}

/** Reads what is not covered yet. Interrupted, it leaves what was stored for the next one to go on from. */
async function readAll(session: Session, mirror: Mirror, listener: RebuildListener): Promise<RebuildResult> {
  const { vendors, clock, signal } = session;
  const { db } = session.database;
  const { mirrorId, startsAt } = mirror;
  const cutoverAt = cutoverOf(mirror);
  const owner = newOwner(session);
  const begunAtMs = clock.monotonicMs();
  if (mirror.stripeAccount !== null) vendors.expectAccount(mirror.stripeAccount);
  const collecting = createCollectStore(db, { ...owner, mirrorId, isOnlyReader: true });
  const rebuilding = createRebuildStore(db, owner);
  const judging = createJudging(session);
  listener.begin();
  const asked = { from: startsAt, to: cutoverAt };
  const uncovered = await uncoveredShare(collecting, asked);
  const progress = { payments: 0, share: 1 - uncovered, shareAtBegin: 1 - uncovered };
  const store: CollectStore = {
    ...collecting,
    async storePage(run, page) {
      const judged = await judgePage(page.postings, judging, mirror);
      await noteContested(session.database, mirror, judged);
      const outcome = await rebuilding.storePage(run, { ...page, postings: judged });
      progress.payments += page.postings.length;
      progress.share = Math.min(1, progress.share + shareOf(page, asked));
      await listener.update(progress);
      return outcome;
    },
  };
  await readParts({ store, feeds: vendors.feeds, wakeLanes: () => {} }, signal);
  const complete = (await collecting.openBackfills()).length === 0;
  if (complete) await rebuilding.finish();
  return {
    ...{ mirrorId, startsAt, cutoverAt, complete },
    ...(await rebuilding.counts()),
    blnkRequests: vendors.ledgerSide.requestCount(),
    durationMs: Math.round(clock.monotonicMs() - begunAtMs),
  };
}

/** Several parts at a time, until none is left or one fails; what is in hand ends before the fault is thrown. */
async function readParts(ports: Parameters<typeof collectPart>[0], signal: AbortSignal): Promise<void> {
  const parts: BackfillPart[] = [];
  for (const backfill of await ports.store.openBackfills()) {
    const open = await openParts(ports.store, backfill);
    if (open.length === 0) await ports.store.finishBackfill(backfill.id);
    parts.push(...open);
  }
  const faults: unknown[] = [];
  const readOnes = async (): Promise<void> => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (signal.aborted || faults.length > 0) return;
      try {
        const reading = { part, passed: [], signal };
        while ((await collectPart(ports, reading)) !== null);
      } catch (error) {
        faults.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, readOnes));
  if (faults.length > 0) throw faults[0];
}

/** The ledger, and one memory of balance names. Its source balances tell it from another from now on. */
function createJudging({ database, vendors }: Session): RebuildPorts {
  const { ledgerSide } = vendors;
  const confirmed = new Set<string>();
  return {
    ledger: ledgerSide,
    balances: createBalanceNames(ledgerSide),
    async confirmSource(lane, balanceId) {
      if (confirmed.has(balanceId)) return;
      const remembered = await rememberBalance(database.sql, lane, balanceId);
      if (remembered !== balanceId) throw otherLedger(otherSourceText(lane, { remembered, found: balanceId }));
      confirmed.add(balanceId);
    },
  };
}

async function uncoveredShare(store: CollectStore, asked: Window): Promise<number> {
  let uncoveredMs = 0;
  for (const backfill of await store.openBackfills()) {
    for (const window of remaining(asked, await store.backfillCoverage(backfill.id))) uncoveredMs += lengthMs(window);
  }
  return uncoveredMs / lengthMs(asked);
}

function shareOf({ covers }: StoredPage, asked: Window): number {
  return covers === null ? 0 : lengthMs(covers) / lengthMs(asked);
}

function lengthMs({ from, to }: Window): number {
  return to.getTime() - from.getTime();
}
