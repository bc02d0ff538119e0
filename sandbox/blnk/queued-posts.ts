// Core's asynchronous way: a 201 that proves nothing, then a row X that stays QUEUED and a child X_q that is APPLIED or REJECTED.
// What cannot be stored (a used reference, an unknown balance, an oversized row, a zero amount) vanishes without a word.

import type { CoreState } from './core-state.js';
import { minorUnits, type PostRequest } from './post-request.js';
import type { Poster } from './poster.js';
import { findRowLimit } from './row-limits.js';
import { queuedJson } from './transaction-json.js';
import type { Metadata } from './transaction-row.js';

/** Core tries a stuck row at so many replays. */
const replaysMax = 3;

interface QueuedPost {
  request: PostRequest;
  metadata: Metadata;
  idNumber: number;
  parent: string;
}

export class QueuedPosts {
  readonly #core: CoreState;
  readonly #poster: Poster;
  /** Rows that are QUEUED and have no child yet. */
  readonly #childless = new Map<number, { request: PostRequest; failedReplays: number }>();
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(core: CoreState, poster: Poster) {
    this.#core = core;
    this.#poster = poster;
  }

  /** Accepts a post for later; the text is the answer's body. */
  accept(request: PostRequest, metadata: Metadata, parent = ''): string {
    const idNumber = this.#core.transactions.takeIdNumber();
    const transactionId = this.#core.transactions.ids.format(idNumber);
    const batch = parent.startsWith('bulk_') ? parent : transactionId;
    const queued: QueuedPost = {
      request,
      idNumber,
      parent,
      metadata: { ...metadata, QUEUED_PARENT_TRANSACTION: batch },
    };
    this.#waiting += 1;
    this.#turn = this.#turn.then(() => this.#work(queued));
    const preciseAmount = minorUnits(request);
    return queuedJson(request, {
      transactionId,
      preciseAmount,
      createdMicros: this.#core.stamp(),
      parent,
      metadata: queued.metadata,
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

  /** Replays what Core's own schedule would by now have replayed. */
  async recoverOverdue(): Promise<void> {
    if (this.#childless.size > 0) {
      await this.recover(this.#core.settings.recoverQueuedAfterMs);
    }
  }

  async #work(queued: QueuedPost): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#core.settings.queueDelayMs).unref());
    const inBurst = this.#waiting > 1;
    const row = this.#storeParent(queued);
    this.#waiting -= 1;
    if (row === undefined) {
      return;
    }
    this.#childless.set(row, { request: queued.request, failedReplays: 0 });
    if (this.#core.settings.queuedChildren === 'soon') {
      // Seen on Core: of 30 posts queued at once, 28 children had lost their effective date.
      const refused = await this.#makeChild(row, queued.request, { losesEffectiveDate: inBurst });
      if (refused !== undefined) {
        this.#reject(row, refused, this.#core.transactions.number(row, 'effectiveMicros'));
      }
    }
  }

  #storeParent({ request, metadata, idNumber, parent }: QueuedPost): number | undefined {
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
    const inBulk = parent.startsWith('bulk_');
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
      status: 'QUEUED',
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
