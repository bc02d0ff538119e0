/**
 * After the database was lost: which ledger in Blnk is the mirror's own, and which of its balances stands for whom, by the marks on
 * them. What the marks leave open is not guessed: payments to a wrong balance would look right.
 */
import type { AccountsAtBlnk, SeenLedger } from '../accounts/balance-ports.js';
import { readLedger } from '../accounts/read-ledger.js';
import { nameOfMark, soughtLedgerMark } from '../core/accounts/balance-mark.js';
import { SyncError } from '../core/base/errors.js';
import type { Mirror } from '../core/posting/mirror.js';
import { createBalanceStore } from '../db/accounts/balance-store.js';
import { createLedgerStore } from '../db/accounts/ledger-store.js';
import type { Database } from '../db/connection/open.js';
import type { LedgerHistory } from '../prove/ports.js';

/**
 * @returns false when Blnk holds no ledger with the mark of this mirror
 * @throws SyncError fatal `mirror_differs` when several hold balances of it that were posted to, or none although it posted
 */
export async function restoreMap(
  { sql }: Pick<Database, 'sql'>,
  blnk: Pick<AccountsAtBlnk, 'findLedgers' | 'listBalances'>,
  mirror: Mirror,
  history: Pick<LedgerHistory, 'hasAppliedOf'>,
): Promise<boolean> {
  const ledger = createLedgerStore(sql, mirror.mirrorId);
  await ledger.read();
  const marked = await blnk.findLedgers(soughtLedgerMark(mirror));
  if (marked.length === 0) return false;
  const used = await thosePostedTo(blnk, mirror, marked);
  if (used.length > 1) {
    throw new SyncError(
      `Blnk holds several ledgers with the mark of this mirror and balances that were posted to: ${listed(used)}. Remove the mark (meta_data.stripe_blnk_sync) from those that are not the mirror's own`,
      { kind: 'fatal', code: 'mirror_differs' },
    );
  }
  if (used.length === 0 && (await history.hasAppliedOf(mirror.mirrorId))) throw noneUsed(marked, mirror);
  if (used.length === 1) await ledger.use(used);
  const ledgerId = await ledger.use(marked);
  if (ledgerId === null) return false;
  const nameOf = (metadata: unknown) => nameOfMark(metadata, mirror);
  await readLedger({ store: createBalanceStore(sql, mirror), blnk, nameOf }, { ledgerId, since: null, of: null });
  return true;
}

/** What was posted went to another ledger, whose mark somebody removed: the marked one was made besides, when an answer was lost. */
function noneUsed(marked: readonly SeenLedger[], { mirrorId }: Mirror): SyncError {
  return new SyncError(
    `Blnk holds transactions of this mirror, but the ledger with its mark holds nothing of this mirror: ${listed(marked)} has no balance with its ` +
      `mark that was ever posted to. Write the mark back on the ledger that does, and on its balances: meta_data.stripe_blnk_sync with mirror ${mirrorId} and role ledger`,
    { kind: 'fatal', code: 'mirror_differs' },
  );
}

function listed(ledgers: readonly SeenLedger[]): string {
  return ledgers.map(({ ledgerId, name }) => `${ledgerId} (${name})`).join(', ');
}

/** Those with a balance of this mirror that anything was posted to: a ledger that was asked for twice is empty but once. */
async function thosePostedTo(
  blnk: Pick<AccountsAtBlnk, 'listBalances'>,
  mirror: Mirror,
  ledgers: readonly SeenLedger[],
): Promise<SeenLedger[]> {
  const used: SeenLedger[] = [];
  for (const ledger of ledgers) {
    for await (const page of blnk.listBalances(ledger.ledgerId, null)) {
      if (!page.some(({ hasMoved, metadata }) => hasMoved && nameOfMark(metadata, mirror) !== null)) continue;
      used.push(ledger);
      break;
    }
  }
  return used;
}
