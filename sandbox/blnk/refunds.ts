// Core's refunds: a full reverse transaction under the reference `<id>_refund`. The known hazard is played too: asked twice, the
// second request is refused and still reverses the first refund, because that is a child of the same transaction.

import { type Answer, badRequest, type Failure, failureAnswer, notFound } from './answers.js';
import type { CoreState } from './core-state.js';
import type { PostRequest } from './post-request.js';
import type { Poster } from './poster.js';
import type { QueuedPosts } from './queued-posts.js';
import { appliedJson } from './transaction-json.js';

export class Refunds {
  readonly #core: CoreState;
  readonly #poster: Poster;
  readonly #queue: QueuedPosts;

  constructor({ core, poster, queue }: { core: CoreState; poster: Poster; queue: QueuedPosts }) {
    this.#core = core;
    this.#poster = poster;
    this.#queue = queue;
  }

  /** POST /refund-transaction/:id. */
  async refund(transactionId: string, { skipQueue }: { skipQueue: boolean }): Promise<Answer> {
    const bodies: string[] = [];
    const problems: Failure[] = [];
    for (const row of this.#refundable(transactionId)) {
      const result = await this.#refundRow(row, { skipQueue });
      if (typeof result === 'string') {
        bodies.push(result);
      } else {
        problems.push(result);
      }
    }
    const [problem] = problems;
    if (problem !== undefined) {
      const message = `error occurred during processing: [${problems.map(({ message: text }) => text).join(' ')}]`;
      return failureAnswer({ ...problem, message });
    }
    const [body] = bodies;
    return body === undefined
      ? failureAnswer(notFound('TXN_NOT_FOUND', 'no transaction to refund'))
      : { status: 201, body };
  }

  /** Reverses every transaction of a batch, through the queue, as an atomic bulk does after a failure. */
  async refundBatch(batchId: string): Promise<void> {
    for (const row of this.#refundable(batchId)) {
      await this.#refundRow(row, { skipQueue: false });
    }
  }

  /** The transaction itself and its children, newest first. */
  #refundable(transactionId: string): number[] {
    const { transactions } = this.#core;
    const own = transactions.rowOfId(transactionId);
    const rows = new Set([...transactions.indexes.byParent(transactionId), ...(own === undefined ? [] : [own])]);
    return [...rows].filter((row) => transactions.statusOf(row) === 'APPLIED').sort((left, right) => right - left);
  }

  async #refundRow(row: number, { skipQueue }: { skipQueue: boolean }): Promise<string | Failure> {
    const { transactions, balances } = this.#core;
    const original = transactions.read(row);
    const reference = `${original.transactionId}_refund`;
    if (transactions.hasReference(reference)) {
      const message = `transaction ${original.transactionId} has already been refunded`;
      return { status: 409, code: 'GEN_CONFLICT', message };
    }
    const request: PostRequest = {
      preciseAmount: original.preciseAmount,
      amount: 0,
      precision: original.precision,
      overdraftLimit: 0,
      allowOverdraft: true,
      skipQueue,
      inflight: false,
      hasSplit: false,
      source: balances.byNumber(original.destination).balanceId,
      destination: balances.byNumber(original.source).balanceId,
      reference,
      description: original.description,
      currency: original.currency,
      effectiveDate: undefined,
      effectiveMicros: undefined,
      scheduledFor: '',
      metadata: { ...transactions.metadataOf(row), allow_overdraft: true },
    };
    if (!skipQueue) {
      return this.#queue.accept(request, request.metadata, original.transactionId);
    }
    const place = { item: 1, items: 1, parent: original.transactionId, inBulk: false };
    const outcome = await this.#poster.apply(request, request.metadata, place);
    if (outcome.kind === 'aborted') {
      return badRequest('context canceled');
    }
    return outcome.kind === 'applied' ? appliedJson(this.#core, outcome.row, request) : outcome.failure;
  }
}
