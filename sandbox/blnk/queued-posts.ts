// Core's asynchronous way: a 201 that proves nothing, then a row X that stays QUEUED and a child X_q that is APPLIED or REJECTED
// (splits: X_1 and X_1_q, …; scheduled: X stays SCHEDULED and gets its child at its time).
// What cannot be stored (a used reference, an unknown balance, an oversized row, a zero amount) vanishes without a word.

import type { CoreState } from './core-state.js';
import { minorUnits, type PostRequest } from './post-request.js';
import type { Poster } from './poster.js';
import { findRowLimit } from './row-limits.js';
import type { Leg } from './split-posts.js';
import { rowlessJson } from './transaction-json.js';
import type { Metadata } from './transaction-row.js';

/** Core tries a stuck row at so many replays. */
const replaysMax = 3;

/** One row that is to be stored: the post itself, or one leg of it. */
interface QueuedRow {
  request: PostRequest;
  metadata: Metadata;
  idNumber: number;
  parent: string;
  inBulk: boolean;
}

/** Longer waits do not fit a timer; by then the next request finds what is due. */
const timerMsMax = 2 ** 31 - 1;

export class QueuedPosts {
  readonly #core: CoreState;
  readonly #poster: Poster;
  /** Rows that are QUEUED and have no child yet. */
  readonly #childless = new Map<number, { request: PostRequest; failedReplays: number }>();
  /** Rows that are SCHEDULED and not due yet. */
  readonly #scheduled = new Map<number, PostRequest>();
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(core: CoreState, poster: Poster) {
    this.#core = core;
    this.#poster = poster;
  }

  /** Accepts a post for later; the text is the answer's body. */
  accept(
    request: PostRequest,
    given: Metadata,
    { parent = '', legs = [] }: { parent?: string; legs?: readonly Leg[] } = {},
  ): string {
    const { ids } = this.#core.transactions;
    const idNumber = this.#core.transactions.takeIdNumber();
    const transactionId = ids.format(idNumber);
    const inBulk = parent.startsWith('bulk_');
    const metadata = { ...given, QUEUED_PARENT_TRANSACTION: inBulk ? parent : transactionId };
    const rows = legs.map((leg, index) => ({
      request: { ...leg.request, reference: `${request.reference}_${index + 1}` },
      idNumber: leg.idNumber,
      parent: transactionId,
      metadata,
      inBulk,
    }));
    this.#waiting += 1;
    this.#turn = this.#turn.then(() =>
      this.#work(legs.length > 0 ? rows : [{ request, idNumber, parent, metadata, inBulk }]),
    );
    return rowlessJson(request, {
      transactionId,
      preciseAmount: minorUnits(request),
      createdMicros: this.#core.stamp(),
      parent,
      metadata,
      status: statusOf(request),
      legIds: legs.map((leg) => ids.format(leg.idNumber)),
    });
  }

  /**
   * Replays queued rows that are at least this old and have no child, as Core's recovery does; answers how many. Core reads
   * them without their effective date, so each child that it makes this way has none. What cannot be
   * applied is tried at three replays, and rejected at the fourth.
   */
  async recover(olderThanMs: number): Promise<number> {
    const before = (this.#core.settings.clock.now().getTime() - olderThanMs) * 1000;
    const due = [...this.#childless].filter(([row]) => this.#core.transactions.number(row, 'createdMicros') <= before);
    for (const [row, childless] of due) {
      if (childless.failedReplays >= replaysMax) {
        this.#reject(row, 'exceeded max queued recovery attempts', Number.NaN);
      } else if ((await this.#makeChild(row, childless.request, { losesEffectiveDate: true })) !== undefined) {
        childless.failedReplays += 1;
      }
    }
    return due.length;
  }

  /** Does what is due by the sandbox's clock: scheduled posts, and what Core's own schedule would by now have replayed. */
  async recoverOverdue(): Promise<void> {
    await this.#applyScheduled();
    if (this.#childless.size > 0) {
      await this.recover(this.#core.settings.recoverQueuedAfterMs);
    }
  }

  async #work(queued: readonly QueuedRow[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#core.settings.queueDelayMs).unref());
    const inBurst = this.#waiting > 1;
    const stored: { row: number; request: PostRequest }[] = [];
    for (const one of queued) {
      const row = this.#storeParent(one);
      if (row === undefined) {
        break;
      }
      stored.push({ row, request: one.request });
      if (one.request.scheduledFor === '') {
        this.#childless.set(row, { request: one.request, failedReplays: 0 });
      }
    }
    this.#waiting -= 1;
    // A split of which one leg cannot be stored is enqueued as a whole: the legs before it stay QUEUED.
    for (const [index, { row, request }] of (stored.length === queued.length ? stored : []).entries()) {
      if (request.scheduledFor !== '') {
        this.#schedule(row, request);
      } else if (this.#core.settings.queuedChildren === 'soon') {
        // Seen on Core: of 30 posts queued at once, 28 children had lost their effective date; so does a split's second leg.
        await this.#applyOrReject(row, request, { losesEffectiveDate: inBurst || index > 0 });
      }
    }
  }

  #schedule(row: number, request: PostRequest): void {
    this.#scheduled.set(row, request);
    const waitMs = Math.max(0, (request.scheduledMicros ?? 0) / 1000 - this.#core.settings.clock.now().getTime());
    setTimeout(() => void this.#applyScheduled(), Math.min(waitMs, timerMsMax)).unref();
  }

  async #applyScheduled(): Promise<void> {
    const now = this.#core.settings.clock.now().getTime() * 1000;
    for (const [row, request] of this.#scheduled) {
      if ((request.scheduledMicros ?? 0) <= now) {
        this.#scheduled.delete(row);
        await this.#applyOrReject(row, request, { losesEffectiveDate: false });
      }
    }
  }

  async #applyOrReject(
    row: number,
    request: PostRequest,
    { losesEffectiveDate }: { losesEffectiveDate: boolean },
  ): Promise<void> {
    const refused = await this.#makeChild(row, request, { losesEffectiveDate });
    if (refused !== undefined) {
      this.#reject(row, refused, this.#core.transactions.number(row, 'effectiveMicros'));
    }
  }

  #storeParent({ request, metadata, idNumber, parent, inBulk }: QueuedRow): number | undefined {
    const { transactions } = this.#core;
    const source = this.#poster.resolve(request.source, request.currency);
    const destination = this.#poster.resolve(request.destination, request.currency);
    const preciseAmount = minorUnits(request);
    const precision = request.precision || 1;
    if (
      source === undefined ||
      destination === undefined ||
      preciseAmount <= 0n ||
      transactions.hasReference(request.reference)
    ) {
      return undefined;
    }
    const pair = `${source.balanceId}|${destination.balanceId}|${request.currency}`;
    const stored = { ...metadata, queue_lane: 'normal', queue_pair_key: pair };
    if (
      findRowLimit({ ...request, rowNumber: transactions.rowCount, preciseAmount, precision, metadata: stored, inBulk })
    ) {
      return undefined;
    }
    const createdMicros = this.#core.stamp();
    return transactions.insert({
      idNumber,
      reference: request.reference,
      description: request.description,
      status: statusOf(request),
      preciseAmount,
      precision,
      currency: request.currency,
      source: source.number,
      destination: destination.number,
      createdMicros,
      effectiveMicros: request.effectiveMicros ?? createdMicros,
      parent,
      metadata: stored,
    });
  }

  /** Answers why the child was refused; undefined when it is stored, or when the balances are locked for the moment. */
  async #makeChild(
    row: number,
    request: PostRequest,
    { losesEffectiveDate }: { losesEffectiveDate: boolean },
  ): Promise<string | undefined> {
    const { transactions, balances } = this.#core;
    const queued = transactions.read(row);
    const child: PostRequest = {
      ...request,
      reference: `${queued.reference}_q`,
      source: balances.byNumber(queued.source).balanceId,
      destination: balances.byNumber(queued.destination).balanceId,
      effectiveMicros: queued.effectiveMicros,
    };
    const { createdMicros } = queued;
    const place = { item: 1, items: 1, parent: queued.transactionId, inBulk: false, losesEffectiveDate, createdMicros };
    const outcome = await this.#poster.apply(child, transactions.metadataOf(row), place);
    if (outcome.kind === 'refused' && !transactions.hasReference(child.reference)) {
      return outcome.failure.status === 423 ? undefined : outcome.failure.message;
    }
    this.#childless.delete(row);
    return undefined;
  }

  #reject(row: number, reason: string, effectiveMicros: number): void {
    const { transactions } = this.#core;
    const queued = transactions.read(row);
    this.#childless.delete(row);
    transactions.insert({
      ...queued,
      effectiveMicros,
      idNumber: transactions.takeIdNumber(),
      reference: `${queued.reference}_q`,
      status: 'REJECTED',
      parent: queued.transactionId,
      metadata: { ...transactions.metadataOf(row), blnk_rejection_reason: reason },
    });
  }
}

function statusOf({ scheduledFor }: PostRequest): 'QUEUED' | 'SCHEDULED' {
  return scheduledFor === '' ? 'QUEUED' : 'SCHEDULED';
}
