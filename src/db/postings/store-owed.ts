/**
 * What a repair owes, stored or made pending again, and what another posting stands for from now on. Within the transaction
 * of the repair's item, which holds the payment's postings.
 */

import type { PreparedTransaction } from '../../core/posting/posting.js';
import type { ReplacedPosting } from '../../core/repair/repair-decision.js';
import type { Drizzle } from '../connection/open.js';
import { kindOf, postings } from '../schema/postings.js';
import { dismissed, isHeldByItem, parked, pending } from './transitions.js';
import { type SetOf, setMapped, setOf } from './write-transition.js';

export interface Opened {
  readonly paymentId: string;
  /** The run of what is stored first. */
  readonly runId: string;
  /** Kept with what is dismissed. */
  readonly by: string;
  /** References that have a posting. */
  readonly known: ReadonlySet<string>;
}

/** `taken`: somebody stored this reference meanwhile. */
export type Written = 'inserted' | 'updated' | 'taken';

type Writer = Pick<Drizzle, 'insert' | 'update'>;

/** Pending: stored, or made so again from any state. */
export async function storeOwed(db: Writer, owed: PreparedTransaction, opened: Opened): Promise<Written> {
  return write(db, owed, { set: setOf(pending, {}), opened });
}

/** Parked and dismissed, from any state: another posting stands for it. */
export async function dismissInstead(db: Writer, replaced: ReplacedPosting, opened: Opened): Promise<Written> {
  const { reason, why } = replaced;
  const set = {
    ...setOf(parked, { reason, reasonDetail: why }),
    ...setOf(dismissed, { dismissedBy: opened.by, dismissedWhy: why }),
  };
  return write(db, replaced.transaction, { set, opened });
}

type StateSet = SetOf<typeof pending> | (SetOf<typeof parked> & SetOf<typeof dismissed>);

async function write(
  db: Writer,
  transaction: PreparedTransaction,
  { set, opened }: { readonly set: StateSet; readonly opened: Opened },
): Promise<Written> {
  const { reference, object, role } = transaction;
  const values = { ...set, ...setMapped(transaction) };
  if (opened.known.has(reference)) {
    await db.update(postings).set(values).where(isHeldByItem(reference));
    return 'updated';
  }
  const { paymentId: objectId, runId: firstRun } = opened;
  const inserted = await db
    .insert(postings)
    .values({
      ...values,
      pastDismissals: null,
      reference,
      object,
      role,
      kind: kindOf({ object, role }),
      objectId,
      firstRun,
    })
    .onConflictDoNothing()
    .returning({ reference: postings.reference });
  return inserted.length > 0 ? 'inserted' : 'taken';
}
