/**
 * Checks the envelope of a Stripe list and of its objects. A page that is not what it must be proves nothing, so it is
 * refused as a whole: a transient fault, because the next answer may be sound.
 */
import { SyncError } from '../core/base/errors.js';
import { isObjectId, isRecord } from './read-payment.js';

export interface StripeList {
  readonly objects: readonly unknown[];
  readonly hasMore: boolean;
  /** Cursor of the next page. */
  readonly lastId: string | null;
}

/** @param body an answer to a list request, not trusted */
export function readList(body: unknown): StripeList {
  if (!isRecord(body) || !Array.isArray(body.data) || typeof body.has_more !== 'boolean') {
    throw unreadableAnswer('a list without data or has_more');
  }
  const objects: readonly unknown[] = body.data;
  if (objects.length === 0) {
    // "More" behind nothing cannot be asked for: the next request would be this one again, for ever.
    if (body.has_more) throw unreadableAnswer('an empty page that says there are more');
    return { objects, hasMore: false, lastId: null };
  }
  const last = objects.at(-1);
  const lastId = isRecord(last) ? last.id : undefined;
  if (!isObjectId(lastId)) throw unreadableAnswer('a page whose last object has no id');
  return { objects, hasMore: body.has_more, lastId };
}

/** Stripe's answer is not of Stripe's form. Nothing of the answer is quoted: it may hold customer detail. */
export function unreadableAnswer(what: string): SyncError {
  return new SyncError(`Stripe answered with ${what}`, { kind: 'transient', code: 'stripe_answer_unreadable' });
}
