/**
 * Reads the answer to a post as a `PostAnswer`; what becomes of the posting then is decided in `post/post-chunk.ts`. The
 * rule: whatever is not known for certain is `unclear`, and a look-up decides. Answers about access are thrown before this is asked (`access-error.ts`).
 */
import { SyncError } from '../core/base/errors.js';
import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import type { PostAnswer } from '../post/ports.js';
import { isLimit, limitText } from './access-error.js';
import { type BlnkAnswer, shorten } from './answer.js';
import { readLedgerRow } from './ledger-row.js';

/** @throws SyncError fatal when Core refused the overdraft: every further post would be refused as well */
export function readPostAnswer(answer: BlnkAnswer, reference: string): PostAnswer {
  switch (answer.status) {
    case 201:
      return readCreated(answer, reference);
    case 423:
    case 429:
    case 503:
      return busy(answer);
    case 402:
    case 403:
      // Said before anything was booked; others of these were thrown, or came from somewhere in between.
      return isLimit(answer) ? { ...busy(answer), message: limitText(answer) } : unclear(answer);
    case 400:
    case 404:
    case 409:
      return readRefusal(answer);
    default:
      return unclear(answer);
  }
}

/** Rules, and an unreadable request. */
const REFUSED: readonly (string | null)[] = ['TXN_VALIDATION_ERROR', 'TXN_INVALID_AMOUNT', 'GEN_MALFORMED_REQUEST'];
/** Of a balance id: since 0.15.4 under a code of balances. */
const BALANCE_UNKNOWN: readonly (string | null)[] = ['TXN_NOT_FOUND', 'BAL_NOT_FOUND'];

/** By the code: a Core before 0.15.0 answers all of these with 400. */
function readRefusal(answer: BlnkAnswer): PostAnswer {
  refuseOverdraft(answer);
  const { code, message } = answer;
  if (BALANCE_UNKNOWN.includes(code)) return { kind: 'refused', message, isBalanceUnknown: true };
  if (REFUSED.includes(code)) return { kind: 'refused', message };
  if (code === 'TXN_DUPLICATE_REFERENCE') return { kind: 'duplicate', message };
  return code === 'GEN_CONFLICT' || code === 'GEN_RESOURCE_LOCKED' ? busy(answer) : unclear(answer);
}

/**
 * A bulk stops at its first failure and reports nothing about the items, so every failure needs a look-up; but 429 is
 * answered before anything is tried.
 *
 * @throws SyncError fatal when Core refused the overdraft
 */
export function readBulkAnswer(answer: BlnkAnswer, itemCount: number): PostAnswer {
  if (answer.status === 429) return busy(answer);
  if (answer.status === 400) refuseOverdraft(answer);
  const applied =
    answer.status === 201 &&
    textMemberOf(answer.json, 'status') === 'applied' &&
    memberOf(answer.json, 'transaction_count') === itemCount;
  if (applied) return { kind: 'applied', row: null };
  const blamed = memberOf(memberOf(memberOf(answer.json, 'error_detail'), 'details'), 'index');
  const isPosition = typeof blamed === 'number' && Number.isInteger(blamed) && blamed >= 0 && blamed < itemCount;
  const isLocked = answer.code === 'GEN_RESOURCE_LOCKED';
  return { ...unclear(answer), ...(isLocked ? { isLocked } : {}), ...(isPosition ? { blamed } : {}) };
}

function readCreated(answer: BlnkAnswer, reference: string): PostAnswer {
  const row = readLedgerRow(answer.json);
  if (row === null) return { kind: 'unclear', message: answer.message };
  if (row.reference !== reference) {
    return { kind: 'unclear', message: shorten(`201 for the reference ${row.reference}, ${reference} was posted`) };
  }
  if (row.status === 'APPLIED') return { kind: 'applied', row };
  // `skip_queue` was sent: another status means that somebody on the way queued it, and a queued 201 proves nothing.
  return { kind: 'unclear', message: `201 with the status ${row.status}: queued by somebody` };
}

function busy(answer: BlnkAnswer): Extract<PostAnswer, { kind: 'busy' }> {
  return { kind: 'busy', message: answer.message, retryAfterMs: answer.retryAfterMs };
}

/** Gateways ask to wait with 5xx of every kind, whatever became of the request. */
function unclear({ message, retryAfterMs }: BlnkAnswer): Extract<PostAnswer, { kind: 'unclear' }> {
  return { kind: 'unclear', message, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

function refuseOverdraft(answer: BlnkAnswer): void {
  if (answer.code !== 'TXN_INSUFFICIENT_FUNDS') return;
  throw new SyncError(
    `Blnk refused the overdraft of the source balance although it was asked for; nothing can be posted until it is allowed (BLNK_SOURCE). It answered: ${answer.message}`,
    { kind: 'fatal', code: 'blnk_overdraft_refused' },
  );
}
