/**
 * What a lane compares the source balance with, for tests that drive posting by hand: the id that was seen first, kept in the
 * database as a worker keeps it. It looks for no posted references, and knows no doubt.
 */
import type postgres from 'postgres';
import { otherLedger, otherSourceText } from '../../src/core/ledger/ledger-identity.js';
import { rememberBalance } from '../../src/db/mirror/ledger-identity-store.js';
import type { DoubtPorts } from '../../src/post/settle-doubt.js';

export function rememberingSource(sql: postgres.Sql): DoubtPorts['confirmSource'] {
  return async (lane, balanceId) => {
    if (balanceId === null) return;
    const remembered = await rememberBalance(sql, lane, balanceId);
    if (remembered !== balanceId) throw otherLedger(otherSourceText(lane, { remembered, found: balanceId }));
  };
}
