// What ends an inflight movement: commits (whole or in part) and voids. Each is a child of the INFLIGHT row, which itself never
// changes. The routes that ask for them, and how answers look, are elsewhere.

import { randomUUID } from 'node:crypto';
import { badRequest, type Failure, noSuchRow } from './answers.js';
import type { CoreState } from './core-state.js';
import type { Poster } from './poster.js';
import { requestFromRow } from './row-request.js';
import { appliedJson } from './transaction-json.js';

export type InflightAction = 'commit' | 'void';

export interface Settlement {
  action: InflightAction;
  /** Minor units to commit; 0 is all that is left. */
  amount: bigint;
}

const notInflight: Failure = {
  status: 400,
  code: 'TXN_NOT_INFLIGHT',
  message: 'transaction is not in inflight status',
};

export class Inflight {
  readonly #core: CoreState;
  readonly #poster: Poster;
  /** Ids for which a commit or void waits in the queue. */
  readonly #queued = new Set<string>();

  constructor({ core, poster }: { core: CoreState; poster: Poster }) {
    this.#core = core;
    this.#poster = poster;
  }

  /** The rows that an id stands for: the row, its children and what was queued with it; those that wait, when none is INFLIGHT. */
  rowsOf(transactionId: string): number[] {
    const { transactions } = this.#core;
    const own = transactions.rowOfId(transactionId);
    const near = [...transactions.indexes.byParent(transactionId), ...(own === undefined ? [] : [own])];
    const queuedWith = transactions.indexes.byMetadata('QUEUED_PARENT_TRANSACTION', transactionId);
    const held = [...new Set([...near, ...queuedWith])].filter((row) => transactions.statusOf(row) === 'INFLIGHT');
    const rows = held.length > 0 ? held : near.filter((row) => this.#waitsForItsChild(row));
    return rows.sort((left, right) => right - left);
  }

  /** Ends a row now; the text is the answer's body. */
  async settle(transactionId: string, settlement: Settlement, reference = `ref_${randomUUID()}`) {
    const row = this.#openRow(transactionId);
    if (typeof row !== 'number') {
      return row;
    }
    const left = this.#leftOf(row);
    const refused = left === 0n ? alreadyCommitted(settlement.action) : this.#refuseAmount(row, settlement, left);
    if (refused !== undefined) {
      return refused;
    }
    const request = {
      ...requestFromRow(this.#core, row),
      reference,
      preciseAmount: settlement.action === 'void' || settlement.amount === 0n ? left : settlement.amount,
    };
    const place = { item: 1, items: 1, parent: transactionId, inBulk: false, settles: settlement.action };
    const outcome = await this.#poster.apply(request, request.metadata, place);
    if (outcome.kind === 'aborted') {
      return badRequest('context canceled');
    }
    return outcome.kind === 'applied' ? appliedJson(this.#core, outcome.row, request) : outcome.failure;
  }

  /** Accepts a commit or void for later: the row that stands for it, or why not. */
  accept(transactionId: string, settlement: Settlement): number | Failure {
    const row = this.#checkAhead(transactionId, settlement);
    if (typeof row !== 'number') {
      return row;
    }
    if (this.#queued.has(transactionId)) {
      const message = 'a commit or void is already queued for this transaction';
      return { status: 409, code: 'GEN_CONFLICT', message };
    }
    this.#queued.add(transactionId);
    void this.#work(transactionId, settlement);
    return row;
  }

  async #work(transactionId: string, settlement: Settlement): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#core.settings.queueDelayMs).unref());
    const actionId = `act_${randomUUID()}`;
    for (const row of this.rowsOf(transactionId)) {
      const id = this.#core.transactions.idOf(row);
      // A refusal here is nobody's to hear: Core's worker drops it too.
      await this.settle(id, settlement, `${id}_${settlement.action}_${actionId}`);
    }
    this.#queued.delete(transactionId);
  }

  #checkAhead(transactionId: string, settlement: Settlement): number | Failure {
    const row = this.#openRow(transactionId);
    if (typeof row === 'number') {
      const left = this.#leftOf(row);
      // Core says "commit" of a void as well.
      return (left === 0n ? alreadyCommitted('commit') : this.#refuseAmount(row, settlement, left)) ?? row;
    }
    const rows = row.code === 'TXN_ALREADY_VOIDED' ? [] : this.rowsOf(transactionId);
    const [first] = rows;
    if (first === undefined) {
      return row;
    }
    return rows.some((one) => this.#leftOf(one) !== 0n) ? first : alreadyCommitted(settlement.action);
  }

  #openRow(transactionId: string): number | Failure {
    const { transactions } = this.#core;
    const row = transactions.rowOfId(transactionId);
    if (row === undefined) {
      return noSuchRow('TXN_NOT_FOUND', `Transaction with ID '${transactionId}' not found`);
    }
    const status = transactions.statusOf(row);
    if (status !== 'INFLIGHT' && !(status === 'QUEUED' && transactions.metadataOf(row).inflight === true)) {
      return notInflight;
    }
    const isVoided = transactions.indexes.byParent(transactionId).some((one) => transactions.statusOf(one) === 'VOID');
    return isVoided ? { status: 409, code: 'TXN_ALREADY_VOIDED', message: 'transaction has already been voided' } : row;
  }

  #leftOf(row: number): bigint {
    const { transactions } = this.#core;
    return transactions.indexes
      .byParent(transactions.idOf(row))
      .filter((child) => transactions.statusOf(child) === 'APPLIED')
      .reduce((left, child) => left - transactions.amountOf(child), transactions.amountOf(row));
  }

  #refuseAmount(row: number, { action, amount }: Settlement, left: bigint): Failure | undefined {
    if (action === 'void' || amount === 0n) {
      return undefined;
    }
    if (amount < 0n) {
      return badRequest('commit amount cannot be negative');
    }
    const stored = this.#core.transactions.read(row);
    const money = (minor: bigint) => stored.currency + (Number(minor) / stored.precision).toFixed(2);
    const refuse = (text: string): Failure => ({
      status: 400,
      code: 'TXN_COMMIT_AMOUNT_EXCEEDED',
      message: `cannot commit more than the ${text}, Requested: ${money(amount)}`,
    });
    if (amount > stored.preciseAmount) {
      return refuse(`original transaction amount. Original: ${money(stored.preciseAmount)}`);
    }
    return amount > left ? refuse(`remaining amount. Available: ${money(left)}`) : undefined;
  }

  #waitsForItsChild(row: number): boolean {
    const { transactions } = this.#core;
    const child = transactions.rowOfReference(`${transactions.referenceOf(row)}_q`);
    return (
      transactions.statusOf(row) === 'QUEUED' &&
      transactions.metadataOf(row).inflight === true &&
      (child === undefined || transactions.statusOf(child) !== 'REJECTED')
    );
  }
}

function alreadyCommitted(action: InflightAction): Failure {
  return {
    status: 409,
    code: 'TXN_ALREADY_COMMITTED',
    message: `cannot ${action}. Transaction already committed`,
  };
}
