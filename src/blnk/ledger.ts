/**
 * The ledger over HTTP: Blnk Cloud or a self-hosted Core. Sends exactly the prepared texts, reads what the answers mean,
 * and looks transactions and balances up. It keeps no state but its connections, and it never decides what to do next.
 */

import { parseExactJson, textMemberOf } from '../core/base/exact-json.js';
import type { Ledger, PostAnswer } from '../post/ports.js';
import { type AccessFacts, checkAccess, mayReadBalances } from './check-access.js';
import { type ConnectionOptions, createConnection } from './connection.js';
import { findBalances, findByReference, findChildren } from './find-rows.js';
import { someMirrorId } from './history.js';
import { readLedgerRow } from './ledger-row.js';
import { readBulkAnswer, readPostAnswer } from './post-answer.js';
import type { Route } from './routes.js';
import type { Reply } from './transport.js';

export interface LedgerOptions extends ConnectionOptions {
  /** Longer than Core's lock wait and any proxy's own limit: a time-out aborts, and an aborted post locks its balances for 300 s. */
  readonly postTimeoutMs?: number;
}

/** What is asked before the first post. */
export interface LedgerProbe {
  /**
   * Tries the address, the key, both permissions and the Core's age without writing anything.
   * @throws SyncError fatal when one of them is wrong, transient when Blnk cannot be reached
   */
  checkPermissions(): Promise<AccessFacts>;
  /**
   * Whether the key may read what a balance was at a moment, which only proofs need. Null when no answer shows it.
   */
  mayReadBalances(): Promise<boolean | null>;
  /** Whether the ledger holds a transaction that this software made, for whatever mirror. */
  hasTransactionsOfOurs(): Promise<boolean>;
}

export interface BlnkLedger extends Ledger, LedgerProbe {
  /** Takes no new requests and waits for those in flight. */
  close(): Promise<void>;
}

/** Opens no connection yet. @throws SyncError fatal when the address or the instance id cannot be used */
export function createLedger(options: LedgerOptions): BlnkLedger {
  const { routes, transport, lookUps } = createConnection(options);
  const send = (route: Route, body: string): Promise<Reply> =>
    transport.send({ route, body, timeoutMs: options.postTimeoutMs ?? 70_000 });

  return {
    async post(body) {
      const reference = textMemberOf(parseExactJson(body), 'reference');
      if (reference === null) throw new TypeError('a prepared transaction without a reference was to be posted');
      const reply = await send(routes.post, body);
      return reply.kind === 'fault' ? answerToFault(reply) : readPostAnswer(reply.answer, reference);
    },
    async postBulk(bodies) {
      if (bodies.length === 0) throw new RangeError('a bulk without transactions was to be posted');
      const reply = await send(routes.bulk, bulkOf(bodies));
      return reply.kind === 'fault' ? answerToFault(reply) : readBulkAnswer(reply.answer, bodies.length);
    },
    findByReference: (references) => findByReference(lookUps, references, readLedgerRow),
    findChildren: (transactionIds) => findChildren(lookUps, transactionIds, readLedgerRow),
    findBalances: (query) => findBalances(lookUps, query),
    checkPermissions: () => checkAccess(lookUps, routes),
    mayReadBalances: () => mayReadBalances(lookUps, routes),
    hasTransactionsOfOurs: async () => (await someMirrorId(lookUps, [])) !== null,
    close: () => transport.close(),
  };
}

/** The prepared texts byte for byte. `skip_queue` counts at the root only; `atomic` would burn references when it undoes. */
function bulkOf(bodies: readonly string[]): string {
  return `{"atomic":false,"skip_queue":true,"transactions":[${bodies.join(',')}]}`;
}

function answerToFault(fault: Extract<Reply, { kind: 'fault' }>): PostAnswer {
  return fault.notSent
    ? { kind: 'busy', message: fault.message, retryAfterMs: null }
    : { kind: 'unclear', message: fault.message };
}
