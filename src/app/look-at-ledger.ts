/**
 * Composition: one look at whether the ledger that answers is the one that this mirror posted to, for workers and for
 * commands. What is seen is judged by the core; here it is only brought together.
 */

import { mapInParallel } from '../core/base/in-parallel.js';
import { judgeLedger, type LedgerVerdict } from '../core/ledger/ledger-identity.js';
import { queuedChildOf } from '../core/ledger/reference.js';
import type { Mirror } from '../core/posting/mirror.js';
import { laneName } from '../core/posting/posting.js';
import { ownBalancesOf } from '../core/posting/source-shards.js';
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
  mirror: Pick<Mirror, 'mirrorId' | 'source' | 'sourceShards'>,
  { remembers }: { readonly remembers: boolean },
): Promise<LedgerVerdict> {
  const { sql } = database;
  const names = ownBalancesOf(mirror);
  const remembered = await rememberedBalances(sql, names);
  const posted = await samplePosted(sql, { recentMs: timings.ledger.believedAfterMs });
  if (remembered.size === 0 && posted.length === 0) return { kind: 'unchecked' };
  const [shown, found] = await Promise.all([
    shownReferences(vendors, posted, mirror.mirrorId),
    ownBalances(vendors.ledgerSide, names),
  ]);
  const sample = posted.map((one) => ({ ...one, isFound: shown.has(one.reference) }));
  const verdict = judgeLedger({ sources: names, remembered, found: found.ids, sample });
  if (remembers && (verdict.kind === 'same' || verdict.kind === 'rows_missing')) {
    for (const { lane, balanceId } of found.balances) {
      if (!remembered.has(laneName(lane))) await rememberBalance(sql, lane, balanceId);
    }
  }
  return verdict;
}

/** The mirror's own balances as the ledger shows them, and their ids by the names of their lanes. */
async function ownBalances(ledgerSide: Context['vendors']['ledgerSide'], names: readonly string[]) {
  const ofEach = await mapInParallel(names, BALANCES_IN_FLIGHT_MAX, (name) => ledgerSide.balancesOf(name));
  const balances = names.flatMap((source, at) =>
    [...(ofEach[at] ?? [])].map(([currency, balanceId]) => ({ lane: { source, currency }, balanceId })),
  );
  return { balances, ids: new Map(balances.map(({ lane, balanceId }) => [laneName(lane), balanceId])) };
}

const BALANCES_IN_FLIGHT_MAX = 4;

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
