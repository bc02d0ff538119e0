// Core's refunds: a full reverse transaction under the reference `<id>_refund`, of the transaction and of each of its children.
// The known hazard is played too: asked twice, the second request is refused and still reverses the first refund, which is a
// child by then.

import { type Answer, badRequest, type Failure, failureAnswer, notFound } from './answers.js';
import type { CoreState } from './core-state.js';
import type { Poster } from './poster.js';
import type { QueuedPosts } from './queued-posts.js';
import { requestFromRow } from './row-request.js';
import { appliedJson } from './transaction-json.js';
import type { StoredTransaction } from './transaction-row.js';

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

  /** The transaction itself, its children and what was queued with it, newest first. */
  #refundable(transactionId: string): number[] {
    const { transactions } = this.#core;
    const own = transactions.rowOfId(transactionId);
    const children = transactions.indexes.byParent(transactionId);
    const applied = [
      ...transactions.indexes.byMetadata('QUEUED_PARENT_TRANSACTION', transactionId),
      ...children,
      ...(own === undefined ? [] : [own]),
    ].filter((row) => transactions.statusOf(row) === 'APPLIED');
    const voided = children.filter((row) => transactions.statusOf(row) === 'VOID');
    return [...new Set([...applied, ...voided])].sort((left, right) => right - left);
  }

  async #refundRow(row: number, { skipQueue }: { skipQueue: boolean }): Promise<string | Failure> {
    const { transactions } = this.#core;
    const original = transactions.read(row);
    if (this.#isReversed(original)) {
      const message = `transaction ${original.transactionId} has already been refunded`;
      return { status: 409, code: 'GEN_CONFLICT', message };
    }
    const { source, destination, ...same } = requestFromRow(this.#core, row);
    const inflight = original.status === 'VOID';
    const request = {
      ...same,
      skipQueue,
      // Core takes a voided movement back as one that is set aside again, the other way round.
      inflight,
      allowOverdraft: true,
      source: destination,
      destination: source,
      reference: `${original.transactionId}_refund`,
      metadata: { ...same.metadata, allow_overdraft: true, ...(inflight ? { inflight } : {}) },
    };
    if (!skipQueue) {
      return this.#queue.accept(request, request.metadata, { parent: original.transactionId });
    }
    const place = { item: 1, items: 1, parent: original.transactionId, inBulk: false };
    const outcome = await this.#poster.apply(request, request.metadata, place);
    if (outcome.kind === 'aborted') {
      return badRequest('context canceled');
    }
    return outcome.kind === 'applied' ? appliedJson(this.#core, outcome.row, request) : outcome.failure;
  }

  /** Core's mark of a refund is a child that moves the other way. */
  #isReversed({ transactionId, source, destination }: StoredTransaction): boolean {
    const { transactions } = this.#core;
    return transactions.indexes
      .byParent(transactionId)
      .some(
        (child) =>
          transactions.statusOf(child) !== undefined &&
          transactions.number(child, 'source') === destination &&
          transactions.number(child, 'destination') === source,
      );
  }
}
