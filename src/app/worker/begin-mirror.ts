/** Composition: what a worker does with the mirror's row at its start: claims it, and notes what it found. */
import { v4 as uuidv4 } from 'uuid';
import { formatTime } from '../../core/base/time-text.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { noteActions } from '../../db/actions/action-store.js';
import { noteRefusal } from '../../db/collect/sweep-store.js';
import { createMirror, findMirror, nameAccount, noteLag, restartMirror } from '../../db/mirror/mirror-store.js';
import { anyStoredIntent } from '../../db/workers/worker-registry.js';
import { identityOf } from '../../operations/session.js';
import { claimMirror } from '../../worker/claim-mirror.js';
import { timeOrNow } from '../../worker/permission-watch.js';
import type { Context } from '../context.js';
import { tellPermission } from './tell-work.js';

export async function claimWith(
  { config, database, vendors }: Context,
  { adopt, userName = 'unknown' }: { readonly adopt: boolean; readonly userName?: string | undefined },
): Promise<Mirror> {
  const { db, sql } = database;
  const { account, ledger } = vendors;
  return claimMirror(
    {
      find: () => findMirror(db),
      create: (wanted) => createMirror(db, wanted),
      nameAccount: (stripeAccount) => nameAccount(db, stripeAccount),
      restart: (identity) => restartMirror(db, identity),
      anyStoredIntent: () => anyStoredIntent(sql),
      readAccount: () => account.readAccount(),
      readIntent: (id) => account.readIntent(id),
      serverTime: () => account.serverTime(),
      ledgerHasTransactionsOfOurs: () => ledger.hasTransactionsOfOurs(),
      newMirrorId: uuidv4,
      noteAdopted: ({ mirrorId, startsAt }) => {
        const result = `begins over the ledger as it was found, from ${formatTime(startsAt)} (UTC) on`;
        return noteActions(db, { name: userName, origin: 'cli' }, [
          { kind: 'adopt', subject: mirrorId, why: null, result },
        ]);
      },
    },
    { ...identityOf({ config }), syncStart: config.syncStart },
    { adopt },
  );
}

/** What a worker finds at its start is noted for all: which feeds the key may read, and the lag it collects with. */
export async function noteAccess(
  { config, database, events, vendors }: Context,
  { missing }: { readonly missing: readonly string[] },
): Promise<void> {
  const { db } = database;
  await noteLag(db, config.syncLagMs);
  for (const feed of ['events', 'charges'] as const) {
    if (!missing.includes(feed)) {
      await noteRefusal(db, feed, null);
      continue;
    }
    await noteRefusal(db, feed, await timeOrNow(vendors.account));
    tellPermission(events, { feed, change: 'refused', livemode: config.stripe.livemode });
  }
}
