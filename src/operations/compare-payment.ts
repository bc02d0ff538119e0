/**
 * Shows one posting as both sides have it now: one read of Stripe, and a look-up in the ledger. Changes and stores nothing.
 */
import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { orRefuse } from '../core/base/refusal.js';
import { type Comparison, compareSides, namesCompared } from '../core/ledger/compare-sides.js';
import { findForms } from '../core/ledger/find-forms.js';
import type { LedgerRecord } from '../core/ledger/row.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { PaymentSides } from '../db/reads/parked.js';
import type { ReadModel } from '../db/reads/read-model.js';
import { mirrorOf, type Session } from './session.js';

export interface ComparingSession extends Pick<Session, 'mirror' | 'vendors'> {
  readonly reads: Pick<ReadModel, 'show'>;
}

export interface ComparedPayment extends Comparison {
  readonly reference: string;
  readonly paymentId: string;
  /** Of the account's budget of reads. */
  readonly stripeRequests: number;
  readonly ledgerRequests: number;
}

/** Throws a Refusal for a reference that is not known, and what a side could not be read for. */
export async function comparePayment(session: ComparingSession, reference: string): Promise<ComparedPayment> {
  const { vendors, reads } = session;
  const { mirror, payment } = await orRefuse(async () => {
    const found = await reads.show(reference);
    if (found === null) {
      throw new SyncError(
        `No payment has the reference ${JSON.stringify(reference)}. To find one: ${commandLine('payments <id>')}`,
        { kind: 'fatal', code: 'payment_unknown' },
      );
    }
    return { mirror: mirrorOf(session), payment: found };
  });
  const before = vendors.ledgerSide.requestCount();
  const [intent, found] = await Promise.all([
    vendors.stripeSide.readIntent(payment.paymentId),
    findForms<LedgerRecord>([reference], vendors.ledgerSide, mirror),
  ]);
  const facts = { posting: toPosting(payment), intent, rows: found.get(reference) ?? [], rules: mirror };
  const ids = await balancesOf(session, facts);
  return {
    ...{ reference, paymentId: payment.paymentId },
    ...compareSides({ ...facts, resolve: (name) => ids.get(name) }),
    ...{ stripeRequests: 1, ledgerRequests: vendors.ledgerSide.requestCount() - before },
  };
}

function toPosting({ reference, role, amountMinor, currency, sourceBalance, customerBalance, created }: PaymentSides) {
  return {
    ...{ reference, role, amount: amountMinor, currency, created },
    ...{ source: sourceBalance, destination: customerBalance },
  };
}

/** Rows carry ids: without a row there is nothing to name. */
async function balancesOf(
  { vendors }: Pick<ComparingSession, 'vendors'>,
  facts: Parameters<typeof namesCompared>[0] & { readonly rows: readonly LedgerRecord[]; readonly rules: Mirror },
): Promise<ReadonlyMap<string, string>> {
  const names = namesCompared(facts);
  return names === null || facts.rows.length === 0 ? new Map() : vendors.ledgerSide.findBalances(names);
}
