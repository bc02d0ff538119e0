/**
 * Which of the mirrors that posted to a ledger a lost database was of, and whether its customers' money lies where BLNK_ACCOUNTS says. A
 * ledger of a mirror's own in Blnk is what tells; what it leaves open a person says. Only reads.
 */
import type { AccountsAtBlnk, SeenLedger } from '../accounts/balance-ports.js';
import type { AccountsMode } from '../core/accounts/accounts-mode.js';
import { isMarkOfSide, soughtLedgerMark } from '../core/accounts/balance-mark.js';
import type { SyncErrorCode } from '../core/base/error-codes.js';
import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { isUuid } from '../core/base/uuid-text.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { LedgerHistory } from '../prove/ports.js';

export interface ChoosePorts {
  readonly blnk: Pick<AccountsAtBlnk, 'findLedgers'>;
  readonly history: Pick<LedgerHistory, 'hasTransactionOf'>;
  newMirrorId(): string;
}

export interface ChooseAsked {
  /** That the ledger's transactions carry. */
  readonly mirrorIdsFound: readonly string[];
  /** That a person named; null: none. */
  readonly mirrorId: string | null;
  readonly mode: AccountsMode;
  /** What the Stripe key is of. */
  readonly side: Pick<Mirror, 'stripeAccount' | 'livemode'>;
}

export interface ChosenMirror {
  readonly mirrorId: string;
  /** Why nobody knows whether it had a ledger of its own; null: it was looked up. */
  readonly notLookedUp: string | null;
}

/** Answers that stay as they are until somebody changes the key or Blnk. Whoever keeps no such ledger may have a key that cannot look for one. */
const CANNOT_BE_ASKED: readonly SyncErrorCode[] = ['blnk_scope_missing', 'blnk_forbidden', 'blnk_route_missing'];

/**
 * The one mirror that posted, or that a person names; of several the one that has a ledger of its own, where that is how money is
 * kept; otherwise a new one, to which all that is there was made by others.
 * @throws SyncError fatal `mirror_differs`, `mirror_ambiguous`, `nothing_to_rebuild`; what Blnk answers when it cannot be asked now
 */
export async function chooseMirror(ports: ChoosePorts, asked: ChooseAsked): Promise<ChosenMirror> {
  const { mirrorIdsFound, mode } = asked;
  const decided = await decidedMirror(ports, asked);
  const among = decided === null ? mirrorIdsFound.filter(isUuid) : [decided];
  let found: MirrorLedgers[];
  try {
    found = await ledgersOf(ports, { ...asked, among, isDecided: decided !== null });
  } catch (error) {
    if (mode !== 'indicators' || !(error instanceof SyncError) || !CANNOT_BE_ASKED.includes(error.code)) throw error;
    return { mirrorId: decided ?? ports.newMirrorId(), notLookedUp: error.message };
  }
  if (mode === 'indicators') {
    if (found.length > 0) throw hasLedger(found, { isDecided: decided !== null });
    return { mirrorId: decided ?? ports.newMirrorId(), notLookedUp: null };
  }
  const [one] = found;
  if (one === undefined) throw hasNoLedger(among);
  if (found.length > 1) throw severalMirrors(found);
  return { mirrorId: one.mirrorId, notLookedUp: null };
}

/** Null: nobody says which, and it is not the only one. */
async function decidedMirror(
  { history }: ChoosePorts,
  { mirrorIdsFound, mirrorId }: ChooseAsked,
): Promise<string | null> {
  if (mirrorId === null) {
    const [only] = mirrorIdsFound;
    return mirrorIdsFound.length === 1 && only !== undefined && isUuid(only) ? only : null;
  }
  // Not all of them are listed, so it is asked for by itself.
  if (mirrorIdsFound.includes(mirrorId) || (await history.hasTransactionOf(mirrorId))) return mirrorId;
  throw new SyncError(
    `The ledger holds no transaction of the mirror ${mirrorId}, which --mirror names. Allowed is one of those that posted to it: ${mirrorIdsFound.join(', ')}`,
    { kind: 'fatal', code: 'nothing_to_rebuild' },
  );
}

interface MirrorLedgers {
  readonly mirrorId: string;
  readonly ledgers: readonly SeenLedger[];
}

/** Of several mirrors those of another account, or of the other mode of it, are left out: Blnk may hold them side by side. */
async function ledgersOf(
  { blnk }: ChoosePorts,
  { among, isDecided, side }: ChooseAsked & { readonly among: readonly string[]; readonly isDecided: boolean },
): Promise<MirrorLedgers[]> {
  const found: MirrorLedgers[] = [];
  for (const mirrorId of among) {
    const marked = await blnk.findLedgers(soughtLedgerMark({ mirrorId }));
    const ledgers = isDecided ? marked : marked.filter(({ metadata }) => isMarkOfSide(metadata, side));
    if (ledgers.length > 0) found.push({ mirrorId, ledgers });
  }
  return found;
}

export function hasNoLedger(mirrorIds: readonly string[]): SyncError {
  const whose = mirrorIds.length > 1 ? `one of the mirrors that posted to it (${mirrorIds.join(', ')})` : 'this mirror';
  return differs(
    `BLNK_ACCOUNTS is ledger, but Blnk holds no ledger with the mark of ${whose}. If it was posted to balances @cus_…, set ` +
      `BLNK_ACCOUNTS=indicators; if somebody removed the mark, write it back${mirrorIds.length > 1 ? otherMirror() : ''}`,
  );
}

function hasLedger(found: readonly MirrorLedgers[], { isDecided }: { readonly isDecided: boolean }): SyncError {
  return differs(
    `BLNK_ACCOUNTS is indicators, but Blnk holds a ledger of its own of this mirror: ${listed(found)}; set BLNK_ACCOUNTS=ledger${isDecided ? '' : otherMirror()}`,
  );
}

function otherMirror(): string {
  return `. If the lost database was of another mirror, name it: ${commandLine('rebuild --mirror <id>')}`;
}

function severalMirrors(found: readonly MirrorLedgers[]): SyncError {
  return new SyncError(
    `Several mirrors of this Stripe account posted to this Blnk, each with a ledger of its own: ${listed(found)}. ` +
      `Name the one whose database was lost: ${commandLine('rebuild --mirror <id>')}`,
    { kind: 'fatal', code: 'mirror_ambiguous' },
  );
}

function listed(found: readonly MirrorLedgers[]): string {
  return found
    .map(({ mirrorId, ledgers }) => {
      const names = ledgers.map(({ ledgerId, name }) => `${ledgerId} (${name})`).join(', ');
      return `${mirrorId} with ${names}`;
    })
    .join('; ');
}

function differs(message: string): SyncError {
  return new SyncError(message, { kind: 'fatal', code: 'mirror_differs' });
}
