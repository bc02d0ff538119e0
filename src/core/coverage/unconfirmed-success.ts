/**
 * What to make of a feed that reports money while the intent itself does not: one of the vendor's readers lags behind,
 * or a person must look. Never a payment that is dropped.
 */
import { SyncError } from '../base/errors.js';
import { HOUR_MS } from '../base/window.js';
import type { UnreadablePayment } from '../posting/payment.js';

/** One of the vendor's readers may lag behind the feed; after an hour it is no lag any more. */
const SETTLED_AFTER_MS = HOUR_MS;

export interface UnconfirmedSuccess {
  readonly id: string;
  readonly intentCreated: Date | null;
  /** When it happened by the feed. */
  readonly toldAt: Date;
  readonly vendorNow: Date | null;
  /** What reported it: `its event says that it succeeded`. */
  readonly told: string;
  readonly reading: 'missing' | 'not_succeeded';
}

/** Throws SyncError `stripe_answer_unreadable` as long as reading again may help. */
export function unconfirmedSuccess(unconfirmed: UnconfirmedSuccess): UnreadablePayment {
  const { id, intentCreated, toldAt, vendorNow, told, reading } = unconfirmed;
  if (vendorNow !== null && vendorNow.getTime() - toldAt.getTime() < SETTLED_AFTER_MS) {
    throw new SyncError(
      `Of the intent ${id}, ${told} less than an hour ago, but read by its id it is ${reading}; it is read again`,
      { kind: 'transient', code: 'stripe_answer_unreadable' },
    );
  }
  const but = reading === 'missing' ? 'Stripe does not have the intent' : 'the intent is not succeeded';
  return { kind: 'unreadable', id, created: intentCreated, problem: `${told}, but ${but}` };
}
