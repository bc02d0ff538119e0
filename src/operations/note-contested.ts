/**
 * Balances whose mark a rebuild finds to be wrong: the mirror's own ledger says by a mark whose a balance is, and by its transactions
 * whose payments went there. Where the two differ nobody is posted to it until a person decided.
 */
import type { NewPosting } from '../collect/ports.js';
import { isAccountName } from '../core/accounts/balance-mark.js';
import type { Mirror } from '../core/posting/mirror.js';
import { noteUsedForAnother, type PostedTo } from '../db/accounts/contested-store.js';
import type { Database } from '../db/connection/open.js';
import type { JudgedByLedger } from '../prove/rebuild-ports.js';

export async function noteContested(
  { sql }: Pick<Database, 'sql'>,
  mirror: Mirror,
  judged: readonly JudgedByLedger<Pick<NewPosting, 'preparation'>>[],
): Promise<void> {
  if (mirror.accountsMode !== 'ledger') return;
  const posted = judged.flatMap(({ found: { preparation }, elsewhere }): PostedTo[] => {
    if (preparation.kind !== 'prepared') return [];
    const { destination: name, currency } = preparation.transaction;
    return isAccountName(name, mirror) ? elsewhere.map((balanceId) => ({ balanceId, name, currency })) : [];
  });
  await noteUsedForAnother(sql, mirror.mirrorId, posted);
}
