/**
 * Posts the postings of one claim: a bulk request when there are many, single posts when there are few, and after
 * anything but a plain success a look-up before the next step. The attempt is on disk before this is called.
 */
import { backoffMs } from './backoff.js';
import type { Lease } from './lease.js';
import type { ClaimedPosting, PostAnswer, Postponement } from './ports.js';
import { confirmApplied, type DoubtOptions, type DoubtPorts, settleByLookUp, settleByRows } from './settle-doubt.js';

export interface Chunk {
  readonly token: string;
  readonly postings: readonly ClaimedPosting[];
  readonly lease: Lease;
}

export interface ChunkOptions extends DoubtOptions {
  /** Up to this many are posted one by one: their answers say `APPLIED` without a look-up of their own. */
  readonly singlesMax: number;
  readonly leaseMs: number;
}

/** `stalled`: nothing of the chunk got further, so the lane should pause before it tries the next one. */
export type ChunkOutcome =
  | { readonly kind: 'progress' }
  | { readonly kind: 'stalled'; readonly error: string; readonly retryAfterMs: number | null };

const PROGRESS: ChunkOutcome = { kind: 'progress' };

interface Setting {
  readonly ports: DoubtPorts;
  readonly options: ChunkOptions;
}

/** Posts the chunk and marks every posting of it. Throws SyncError when the surroundings fail; unmarked ones are in doubt. */
export async function postChunk(chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  if (chunk.postings.length > setting.options.singlesMax) return postInBulk(chunk, setting);
  let outcome = PROGRESS;
  for (const posting of chunk.postings) outcome = worse(outcome, await postAlone(posting, chunk, setting));
  return outcome;
}

async function postInBulk(chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  const { ports, options } = setting;
  chunk.lease.assertMaySend();
  const answer = await ports.ledger.postBulk(chunk.postings.map(({ prepared }) => prepared));
  if (answer.kind === 'applied') {
    const { unconfirmed } = await confirmApplied(chunk, ports, options);
    const error = 'The bulk request was answered as applied, but a look-up did not show this transaction yet';
    await putOff(chunk, unconfirmed, setting, { error, inDoubt: true });
    return PROGRESS;
  }
  const { absent } = await settleByLookUp(chunk, ports, options);
  const [first, ...rest] = absent;
  if (first === undefined) return PROGRESS;
  if (answer.kind === 'busy') {
    await putOff(chunk, absent, setting, { error: answer.message, inDoubt: false, atLeastMs: answer.retryAfterMs });
    return { kind: 'stalled', error: answer.message, retryAfterMs: answer.retryAfterMs };
  }
  // A bulk stops at its first failure and says little about it: alone, the first missing one tells why. The others
  // go on at once without it: they are due, and are looked up before they are sent.
  await ports.outbox.postpone(
    chunk.token,
    rest.map(({ reference }) => ({ reference, dueInMs: 0, error: answer.message, inDoubt: true })),
  );
  const alone = await repostAlone(first, chunk, setting);
  return absent.length < chunk.postings.length ? PROGRESS : alone;
}

/** A further request is a further attempt: on disk first. */
async function repostAlone(posting: ClaimedPosting, chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  const { leaseMs } = setting.options;
  const held = await chunk.lease.extendBy(() =>
    setting.ports.outbox.markAttempt(chunk.token, [posting.reference], leaseMs),
  );
  return held.has(posting.reference) ? postAlone(posting, chunk, setting) : PROGRESS;
}

async function postAlone(posting: ClaimedPosting, chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  const { ports, options } = setting;
  chunk.lease.assertMaySend();
  const answer = await ports.ledger.post(posting.prepared);
  const one = { token: chunk.token, postings: [{ ...posting, sinceLastAttemptMs: 0 }] };
  switch (answer.kind) {
    case 'applied':
    case 'duplicate': {
      const { absent } =
        answer.kind === 'applied' && answer.row !== null
          ? await settleByRows(one, [answer.row], setting)
          : await settleByLookUp(one, ports, options);
      await putOff(chunk, absent, setting, { error: describe(answer), inDoubt: true });
      return PROGRESS;
    }
    case 'refused':
      await ports.outbox.postpone(chunk.token, [refusal(posting, answer.message, options)]);
      return PROGRESS;
    case 'busy':
      await putOff(chunk, [posting], setting, {
        error: answer.message,
        inDoubt: false,
        atLeastMs: answer.retryAfterMs,
      });
      return { kind: 'stalled', error: answer.message, retryAfterMs: answer.retryAfterMs };
    case 'unclear':
      await putOff(chunk, [posting], setting, { error: answer.message, inDoubt: true });
      return { kind: 'stalled', error: answer.message, retryAfterMs: null };
    default:
      return answer satisfies never;
  }
}

/** Refused for good; but parked only after a look-up that is late enough to be final. */
function refusal(posting: ClaimedPosting, message: string, options: ChunkOptions): Postponement {
  return {
    reference: posting.reference,
    dueInMs: options.finalAfterMs,
    error: message,
    inDoubt: false,
    reason: 'refused_by_blnk',
    reasonDetail: message,
  };
}

/** All of them come back at the same time, so that they are still one chunk then. */
async function putOff(
  chunk: Chunk,
  postings: readonly ClaimedPosting[],
  { ports, options }: Setting,
  why: { readonly error: string; readonly inDoubt: boolean; readonly atLeastMs?: number | null },
): Promise<void> {
  if (postings.length === 0) return;
  const looks = Math.min(...postings.map(({ lookUps }) => lookUps));
  const dueInMs = Math.max(why.atLeastMs ?? 0, backoffMs(looks, ports.random, options.backoff));
  const { error, inDoubt } = why;
  await ports.outbox.postpone(
    chunk.token,
    postings.map(({ reference }) => ({ reference, dueInMs, error, inDoubt })),
  );
}

function worse(a: ChunkOutcome, b: ChunkOutcome): ChunkOutcome {
  return a.kind === 'stalled' ? a : b;
}

function describe(answer: Extract<PostAnswer, { kind: 'applied' | 'duplicate' }>): string {
  return answer.kind === 'duplicate'
    ? `Blnk says that the reference is used, but a look-up does not show it yet: ${answer.message}`
    : 'Blnk answered APPLIED, but a look-up does not show the transaction yet';
}
