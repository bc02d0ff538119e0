/** Asks Blnk what a worker's start asks: nothing is written, and no trial post is made. */
import { setMaxListeners } from 'node:events';
import { createAccounts } from '../../blnk/accounts.js';
import { createLedger } from '../../blnk/ledger.js';
import type { ConfigSurvey } from '../../config/survey.js';
import type { Answer, BlnkFacts } from '../../core/doctor/facts.js';
import { askWithin, type Limits, unasked } from './ask-within.js';

export interface BlnkSeen extends BlnkFacts {
  /** Whether the ledger holds a transaction of this software; null when no answer shows it. */
  readonly holdsOurs: boolean | null;
}

const CONNECTIONS = 4;

export async function askBlnk(
  { blnk: config, work }: Pick<ConfigSurvey, 'blnk' | 'work'>,
  limits: Limits,
): Promise<Answer<BlnkSeen>> {
  if (config === null) return unasked('not asked: BLNK_API_KEY, its address or instance is not usable');
  return askWithin(limits, async (signal) => {
    setMaxListeners(0, signal);
    const connection = {
      ...{ ...config, baseUrl: config.apiBase, connections: CONNECTIONS, signal, abort: signal },
      // Once: whoever asks for this looks now, and asks again.
      lookUpAttemptsMax: 1,
    };
    const ledger = createLedger(connection);
    const accounts = createAccounts(connection);
    try {
      const { refusesEmptyBulks } = await ledger.checkPermissions();
      if (work?.accounts.mode === 'ledger') await accounts.checkPermission();
      const [mayReadBalances, holdsOurs] = await Promise.all([
        ledger.mayReadBalances(),
        ledger.hasTransactionsOfOurs().catch(() => null),
      ]);
      const at = config.style === 'cloud' ? `instance ${config.instanceId}` : new URL(config.apiBase).origin;
      return { style: config.style, at, refusesEmptyBulks, mayReadBalances, holdsOurs };
    } finally {
      await Promise.all([ledger.close(), accounts.close()]);
    }
  });
}
