/**
 * Posts the postings of one claim: a bulk request when there are many, single posts when there are few, and after
 * anything but a plain success a look-up before the next step. The attempt is on disk before this is called.
 */
import type { Clock } from '../core/base/clock.js';
import { backoffMs } from './backoff.js';
import type { BulkReport } from './lane-pace.js';
import type { Lease } from './lease.js';
import type { Place } from './places.js';
import type { Claim, ClaimedPosting, PostAnswer, Postponement } from './ports.js';
import { confirmApplied, type DoubtOptions, type DoubtPorts, settleByLookUp, settleByRows } from './settle-doubt.js';

export interface Chunk extends Claim {
  readonly lease: Lease;
  /** On the wire. It is left as soon as a bulk was a plain success, so that the next goes out while this one is confirmed. */
  readonly place: Pick<Place, 'leave'>;
}

export interface ChunkPorts extends DoubtPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export interface ChunkOptions extends DoubtOptions {
  /** Up to this many are posted one by one: their answers say `APPLIED` without a look-up of their own. */
  readonly singlesMax: number;
  readonly leaseMs: number;
}

/**
 * `stalled`: nothing of the chunk got further, so the lane should pause before it tries the next one. `bulkFailed`: nothing
 * of a bulk request was applied although its first posting was, alone; one of the others may make every bulk fail.
 */
export type ChunkOutcome =
  | { readonly kind: 'progress'; readonly bulkFailed?: true }
  | { readonly kind: 'stalled'; readonly error: string; readonly retryAfterMs: number | null };

const PROGRESS: ChunkOutcome = { kind: 'progress' };

interface Setting {
  /** Whether the lane is to end: what is in flight ends, and no further request begins. */
  isOver(): boolean;
  /** Told of each bulk that was answered, or not. */
  onBulk(bulk: BulkReport): void;
  readonly ports: ChunkPorts;
  readonly options: ChunkOptions;
}

/** `unseen`: Blnk reports that the transaction is in, and shows nothing of it. Readers lag, so its neighbours wait as well. */
type AloneOutcome = ChunkOutcome | { readonly kind: 'unseen'; readonly error: string };

/** Posts the chunk and marks every posting of it. Throws SyncError when the surroundings fail; unmarked ones are in doubt. */
export async function postChunk(chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  if (chunk.postings.length > setting.options.singlesMax) return postInBulk(chunk, setting);
  return postOneByOne(chunk, setting);
}

/** One that fails does not hold up the others; but when Blnk states how long to wait, nothing more is sent. */
async function postOneByOne(chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  let progressed = false;
  let stalled: ChunkOutcome = PROGRESS;
  for (const [index, posting] of chunk.postings.entries()) {
    if (index > 0 && setting.isOver()) {
      await leaveForLater(chunk, chunk.postings.slice(index), { ...setting, inDoubt: false });
      break;
    }
    const outcome = await postAlone(posting, chunk, setting);
    if (isToldToWait(outcome)) {
      const { error, retryAfterMs } = outcome;
      await putOff(chunk, chunk.postings.slice(index + 1), setting, { error, inDoubt: false, atLeastMs: retryAfterMs });
      return outcome;
    }
    if (outcome.kind === 'stalled') stalled = outcome;
    else progressed = true;
  }
  return progressed ? PROGRESS : stalled;
}

async function postInBulk(chunk: Chunk, setting: Setting): Promise<ChunkOutcome> {
  const { ports, options } = setting;
  chunk.lease.assertMaySend();
  const sentAtMs = ports.clock.monotonicMs();
  const answer = await ports.ledger.postBulk(
    chunk.postings.map(({ prepared }) => prepared),
    chunk.lease.assertMaySend,
  );
  setting.onBulk({
    postings: chunk.postings.length,
    tookMs: ports.clock.monotonicMs() - sentAtMs,
    answer: paceOf(answer),
  });
  if (answer.kind === 'applied') {
    chunk.place.leave();
    const { unconfirmed } = await confirmApplied(chunk, ports, options);
    const error = 'The bulk request was answered as applied, but look-ups did not confirm this transaction yet';
    await putOff(chunk, unconfirmed, setting, { error, inDoubt: true });
    return PROGRESS;
  }
  if (answer.kind === 'busy') {
    // Nothing is asked either: Blnk said to wait, and the next attempt begins with a look-up anyway.
    const { message: error, retryAfterMs } = answer;
    await putOff(chunk, chunk.postings, setting, { error, inDoubt: false, atLeastMs: retryAfterMs });
    return { kind: 'stalled', error, retryAfterMs };
  }
  if (answer.kind === 'unclear' && answer.retryAfterMs !== undefined) {
    const { message: error, retryAfterMs } = answer;
    await putOff(chunk, chunk.postings, setting, { error, inDoubt: true, atLeastMs: retryAfterMs });
    return { kind: 'stalled', error, retryAfterMs };
  }
  const { absent } = await settleByLookUp(chunk, ports, options);
  // A bulk stops at its first failure and reports little about it: alone, the one that it blames, or else the first missing
  // one, shows why.
  const blamed = answer.kind === 'unclear' ? chunk.postings[answer.blamed ?? 0]?.reference : undefined;
  const first = absent.find(({ reference }) => reference === blamed) ?? absent[0];
  if (first === undefined) return PROGRESS;
  if (setting.isOver()) {
    await leaveForLater(chunk, absent, { ...setting, inDoubt: true });
    return PROGRESS;
  }
  const rest = absent.filter((posting) => posting !== first);
  const alone = await repostAlone(first, chunk, setting);
  if (alone.kind === 'unseen' || isToldToWait(alone)) {
    const atLeastMs = alone.kind === 'unseen' ? null : alone.retryAfterMs;
    await putOff(chunk, rest, setting, { error: alone.error, inDoubt: true, atLeastMs });
    return alone.kind === 'unseen' ? PROGRESS : alone;
  }
  // The others go on at once without it: they are due, and are looked up before they are sent.
  await ports.outbox.postpone(
    chunk.token,
    rest.map(({ reference }) => ({ reference, dueInMs: 0, error: answer.message, inDoubt: true })),
  );
  if (absent.length < chunk.postings.length) return PROGRESS;
  return alone.kind === 'progress' ? { ...alone, bulkFailed: true } : alone;
}

/** What an answer means for the pace. A bulk that met a lock may be applied in part; that the next one has to wait is certain. */
function paceOf(answer: PostAnswer): BulkReport['answer'] {
  if (answer.kind === 'applied') return 'applied';
  return answer.kind === 'busy' || (answer.kind === 'unclear' && answer.isLocked) ? 'busy' : 'unclear';
}

/** At once for whoever comes next, looked up first. */
export async function leaveForLater(
  chunk: Pick<Claim, 'token'>,
  postings: readonly ClaimedPosting[],
  { ports, inDoubt }: Pick<Setting, 'ports'> & { readonly inDoubt: boolean },
): Promise<void> {
  if (postings.length === 0) return;
  const error = 'The lane was left before this was sent';
  await ports.outbox.postpone(
    chunk.token,
    postings.map(({ reference }) => ({ reference, dueInMs: 0, error, inDoubt })),
  );
}

type ToldToWait = Extract<ChunkOutcome, { kind: 'stalled' }> & { readonly retryAfterMs: number };

function isToldToWait(outcome: AloneOutcome): outcome is ToldToWait {
  return outcome.kind === 'stalled' && outcome.retryAfterMs !== null;
}

/** A further request is a further attempt: on disk first. */
async function repostAlone(posting: ClaimedPosting, chunk: Chunk, setting: Setting): Promise<AloneOutcome> {
  const { leaseMs } = setting.options;
  const held = await chunk.lease.extendBy(() =>
    setting.ports.outbox.markAttempt(chunk.token, [posting.reference], leaseMs),
  );
  return held.has(posting.reference) ? postAlone(posting, chunk, setting) : PROGRESS;
}

async function postAlone(posting: ClaimedPosting, chunk: Chunk, setting: Setting): Promise<AloneOutcome> {
  const { ports, options } = setting;
  chunk.lease.assertMaySend();
  const answer = await ports.ledger.post(posting.prepared, chunk.lease.assertMaySend);
  const one = { token: chunk.token, postings: [{ ...posting, sinceLastAttemptMs: 0 }] };
  switch (answer.kind) {
    case 'applied':
    case 'duplicate': {
      const { absent } =
        answer.kind === 'applied' && answer.row !== null
          ? await settleByRows(one, [answer.row], setting)
          : await settleByLookUp(one, ports, options);
      const error = describe(answer);
      await putOff(chunk, absent, setting, { error, inDoubt: true });
      return absent.length === 0 ? PROGRESS : { kind: 'unseen', error };
    }
    case 'refused':
      await ports.outbox.postpone(chunk.token, [refusal(posting, answer, options)]);
      return PROGRESS;
    case 'busy':
      await putOff(chunk, [posting], setting, {
        error: answer.message,
        inDoubt: false,
        atLeastMs: answer.retryAfterMs,
      });
      return { kind: 'stalled', error: answer.message, retryAfterMs: answer.retryAfterMs };
    case 'unclear': {
      const { message: error, retryAfterMs = null } = answer;
      await putOff(chunk, [posting], setting, { error, inDoubt: true, atLeastMs: retryAfterMs });
      return { kind: 'stalled', error, retryAfterMs };
    }
    default:
      return answer satisfies never;
  }
}

/** Refused for good; but parked only after a look-up that is late enough to be final. */
function refusal(
  posting: ClaimedPosting,
  { message, reason = 'refused_by_blnk' }: Extract<PostAnswer, { kind: 'refused' }>,
  options: ChunkOptions,
): Postponement {
  return {
    reference: posting.reference,
    dueInMs: options.finalAfterMs,
    error: message,
    inDoubt: false,
    reason,
    reasonDetail: message,
  };
}

/** All of them come back at the same time, so that they are still one chunk then. */
export async function putOff(
  chunk: Pick<Claim, 'token'>,
  postings: readonly ClaimedPosting[],
  { ports, options }: Pick<Setting, 'ports' | 'options'>,
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

function describe(answer: Extract<PostAnswer, { kind: 'applied' | 'duplicate' }>): string {
  return answer.kind === 'duplicate'
    ? `Blnk says that the reference is used, but a look-up does not show it yet: ${answer.message}`
    : 'Blnk answered APPLIED, but a look-up does not show the transaction yet';
}
