/** Gives the mirror another instance id over the same ledger, which is recognised under it before anything is changed. */
import { SyncError } from '../core/base/errors.js';
import { orRefuse } from '../core/base/refusal.js';
import { noteLook, refuseWhileWorkersLive, moveMirror as storeMove } from '../db/mirror/ledger-identity-store.js';
import { refuseOtherMirror, refuseUnfinishedRebuild } from '../worker/claim-mirror.js';
import { identityOf, mirrorOf, type Session } from './session.js';

export interface MirrorMoveAsked {
  /** What the provider calls the ledger now; `core` for a self-hosted Core. */
  readonly instance: string;
  /** Only look whether it is the same ledger. */
  readonly dryRun: boolean;
}

export interface MirrorMoveResult {
  readonly moved: boolean;
  readonly dryRun: boolean;
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  /** What the ledger was seen to lack of what was posted; null when it lacks nothing. */
  readonly missing: string | null;
}

/**
 * The session is that of the new instance. All that it throws is a Refusal: it only asks, but for the move at the end, after
 * which nothing is left but to note the look.
 */
export function moveMirror(session: Session, asked: MirrorMoveAsked): Promise<MirrorMoveResult> {
  return orRefuse(() => move(session, asked));
}

async function move(session: Session, { instance, dryRun }: MirrorMoveAsked): Promise<MirrorMoveResult> {
  const { database, vendors } = session;
  const { sql } = database;
  const mirror = mirrorOf(session);
  const wanted = identityOf(session);
  const { blnkInstance: from, ledgerEpoch: epoch } = mirror;
  if (wanted.blnkInstance !== instance) {
    throw new SyncError(
      `--instance is "${instance}", but with BLNK_API_STYLE=core there are no instance ids; allowed is core. A Core that only ` +
        'moved to another address needs no move: set BLNK_API_BASE, the ledger is recognised by what it holds',
      { kind: 'fatal', code: 'move_refused' },
    );
  }
  refuseUnfinishedRebuild(mirror);
  await refuseWhileWorkersLive(sql);
  const { id: accountId } = await vendors.account.readAccount();
  refuseOtherMirror(mirror, { ...wanted, blnkInstance: from }, { accountId });
  if (from === instance) return { moved: false, dryRun, from, to: instance, epoch, missing: null };
  await vendors.ledger.checkPermissions();
  const verdict = await session.lookAtLedger(mirror);
  if (verdict.kind === 'unchecked') throw nothingToRecognise();
  if (verdict.kind === 'in_doubt') throw notThisLedger(instance, verdict.detail);
  const missing = verdict.kind === 'rows_missing' ? verdict.detail : null;
  if (dryRun) return { moved: false, dryRun, from, to: instance, epoch, missing };
  const raised = await storeMove(sql, { from: { instance: from, epoch }, to: instance });
  await noteLook(sql, verdict, { epoch: raised, gapMaxMs: 0 });
  return { moved: true, dryRun, from, to: instance, epoch: raised, missing };
}

function nothingToRecognise(): SyncError {
  return new SyncError(
    'Nothing was posted yet, so there is nothing to recognise the ledger by, and no move is needed: set BLNK_INSTANCE_ID and ' +
      'start the worker, which begins the mirror anew',
    { kind: 'fatal', code: 'move_refused' },
  );
}

function notThisLedger(instance: string, detail: string): SyncError {
  return new SyncError(
    `The Blnk instance ${instance} does not hold the ledger of this mirror: ${detail}. Nothing was changed. Name the right one; ` +
      'if its readers lag behind, run it again in some minutes',
    { kind: 'fatal', code: 'move_refused' },
  );
}
