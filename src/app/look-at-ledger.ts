/**
 * Composition: one look at whether the ledger that answers is the one that this mirror posted to, for workers and for
 * commands. What is seen is judged by the core; here it is only brought together.
 */

import { judgeLedger, type LedgerVerdict } from '../core/ledger/ledger-identity.js';
import { queuedChildOf } from '../core/ledger/reference.js';
import type { Mirror } from '../core/posting/mirror.js';
import {
  type PostedReference,
  rememberBalance,
  rememberedBalances,
  samplePosted,
} from '../db/mirror/ledger-identity-store.js';
import type { Context } from './context.js';

/**
 * Asks for about 20 of our posted references in one request, and for the source balances in another; for nothing before the
 * first posting. Throws what a look-up throws.
 *
 * @param options.remembers whether source balances that are not remembered yet are, once the ledger is known by the rest.
 *   Only workers do.
 */
export async function lookAtLedger(
  { database, vendors, timings }: Pick<Context, 'database' | 'vendors' | 'timings'>,
  mirror: Pick<Mirror, 'mirrorId' | 'source'>,
  { remembers }: { readonly remembers: boolean },
): Promise<LedgerVerdict> {
  const { sql } = database;
  const { source } = mirror;
  const remembered = await rememberedBalances(sql, source);
  const posted = await samplePosted(sql, { recentMs: timings.ledger.believedAfterMs });
  if (remembered.size === 0 && posted.length === 0) return { kind: 'unchecked' };
  const [shown, found] = await Promise.all([
    shownReferences(vendors, posted, mirror.mirrorId),
    vendors.ledgerSide.balancesOf(source),
  ]);
  const witnesses = posted.map((one) => ({ ...one, isFound: shown.has(one.reference) }));
  const verdict = judgeLedger({ source, remembered, found, witnesses });
  if (remembers && (verdict.kind === 'same' || verdict.kind === 'rows_missing')) {
    for (const [currency, balanceId] of found) {
      if (!remembered.has(currency)) await rememberBalance(sql, { name: source, currency, balanceId });
    }
  }
  return verdict;
}

/**
 * Those that the ledger holds as this mirror knows them: under Blnk's own id of then, or with the mirror's id in them. A ledger of
 * another mirror of the same Stripe account holds the same references, as other transactions.
 */
async function shownReferences(
  { ledgerSide }: Context['vendors'],
  posted: readonly PostedReference[],
  mirrorId: string,
): Promise<Set<string>> {
  if (posted.length === 0) return new Set();
  // What somebody queued stands under the reference of its child.
  const references = posted.flatMap(({ reference }) => [reference, queuedChildOf(reference)]);
  const rows = await ledgerSide.findByReference(references);
  const isShown = ({ reference, transactionId }: PostedReference): boolean =>
    rows.some(
      (row) =>
        (row.reference === reference || row.reference === queuedChildOf(reference)) &&
        (row.transactionId === transactionId || row.mirrorId === mirrorId),
    );
  return new Set(posted.filter(isShown).map(({ reference }) => reference));
}
