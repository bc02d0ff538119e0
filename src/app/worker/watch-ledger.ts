/** Composition: a worker's watch over its ledger, joined to database, vendors and log. Decides nothing. */
import { describeError, type SyncError } from '../../core/base/errors.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { laneName } from '../../core/posting/posting.js';
import {
  askOthersToLook,
  isLookWanted,
  noteLook,
  noteOtherLedger,
  rememberBalance,
  rememberedBalances,
} from '../../db/mirror/ledger-identity-store.js';
import { createLedgerWatch, type LedgerWatch } from '../../worker/ledger-watch.js';
import type { Context } from '../context.js';
import { lookAtLedger } from '../look-at-ledger.js';

export interface WatchParts {
  readonly mirror: Mirror;
  readonly workerId: string;
  /** The ledger is another one: the worker has to be stopped. */
  onOther(error: SyncError): void;
}

export function watchLedger(context: Context, { mirror, workerId, onOther }: WatchParts): LedgerWatch {
  const { events, timings, clock } = context;
  const { sql } = context.database;
  const { inDoubtEveryMs } = timings.ledger;
  return createLedgerWatch(
    {
      clock,
      look: () => lookAtLedger(context, mirror, { remembers: true }),
      // A worker that is restarted in the doubt goes on counting.
      note: (verdict) => noteLook(sql, verdict, { epoch: mirror.ledgerEpoch, gapMaxMs: GAPS_MAX * inDoubtEveryMs }),
      noteOther: () => noteOtherLedger(sql),
      askOthers: (isPut) => askOthersToLook(sql, { epoch: mirror.ledgerEpoch, workerId, isPut }),
      isLookWanted: () => isLookWanted(sql),
      remembered: async (lane) => (await rememberedBalances(sql, [lane.source])).get(laneName(lane)) ?? null,
      remember: (lane, balanceId) => rememberBalance(sql, lane, balanceId),
      onDoubt(doubt) {
        if (doubt === null) events.ledgerRecognised({});
        else events.ledgerInDoubt({ code: 'ledger_in_doubt', error: doubt });
      },
      onRowsMissing: (detail) => events.ledgerRowsMissing({ error: detail }),
      onOther,
      onError: (error) => events.ledgerLookFailed({ error: describeError(error) }),
    },
    timings.ledger,
  );
}

/** Looks come a little late, and a restart takes its time. */
const GAPS_MAX = 4;
