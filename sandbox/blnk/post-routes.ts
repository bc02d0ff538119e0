// POST /transactions and POST /transactions/bulk. A bulk is validated whole, then applied in order until the first failure.

import { type Answer, failureAnswer, jsonAnswer, malformed, notPlayed, validationFailure } from './answers.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import { type CoreVersion, hasSince, newerRules } from './core-version.js';
import { newEntityId } from './entity-id.js';
import { foldKeys, parseBody } from './exact-body.js';
import type { Inflight } from './inflight.js';
import { brokenRules, fillAsCloud, minorUnits, type PostRequest, readPostRequest } from './post-request.js';
import type { Poster, PostOutcome, PostPlace } from './poster.js';
import type { QueuedPosts } from './queued-posts.js';
import type { Refunds } from './refunds.js';
import { applyLegs, isSplit, legsOf } from './split-posts.js';
import { appliedJson, rowlessJson } from './transaction-json.js';
import type { Metadata } from './transaction-row.js';

const bulkItemsMax = 10_000;
const clientGone: Answer = { status: 499, body: '' };

export interface PostParts {
  core: CoreState;
  poster: Poster;
  queue: QueuedPosts;
  refunds: Refunds;
  inflight: Inflight;
}

/** POST /transactions. */
export async function postTransaction(parts: PostParts, call: Call): Promise<Answer> {
  const parsed = call.tooLarge ? { problem: 'http: request body too large' } : parseBody(call.text);
  const request = 'problem' in parsed ? parsed.problem : readPostRequest(asSent(call, parsed.value));
  if (typeof request === 'string') {
    return failureAnswer(malformed);
  }
  const broken = brokenRules(request, newerRules(parts.core.settings.coreVersion, request));
  if (broken !== undefined) {
    return failureAnswer(validationFailure(broken));
  }
  if (request.endsByItself) {
    return notPlayed('inflight that ends by itself');
  }
  if (call.aborted) {
    parts.poster.abandon(request);
    return clientGone;
  }
  const place = { call, item: 1, items: 1, parent: '', inBulk: false };
  const outcome = await post(parts, request, { metadata: storedMetadata(request), place });
  if (outcome.kind === 'aborted') {
    return clientGone;
  }
  return outcome.kind === 'posted' ? { status: 201, body: outcome.body } : failureAnswer(outcome.failure);
}

type Posted = { kind: 'posted'; body: string } | Extract<PostOutcome, { kind: 'refused' | 'aborted' }>;

/** Posts one transaction, as one row or as a split, now or through the queue. */
async function post(
  parts: PostParts,
  request: PostRequest,
  { metadata, place }: { metadata: Metadata; place: PostPlace },
): Promise<Posted> {
  const { core, poster, queue } = parts;
  const { source, destination } = request;
  const legs = isSplit(request) ? legsOf(core, request) : [];
  if (!Array.isArray(legs)) {
    return { kind: 'refused', failure: legs, source, destination };
  }
  if (!request.skipQueue) {
    return { kind: 'posted', body: queue.accept(request, metadata, { parent: place.parent, legs }) };
  }
  if (legs.length === 0) {
    const outcome = await poster.apply(request, metadata, place);
    return outcome.kind === 'applied' ? { kind: 'posted', body: appliedJson(core, outcome.row, request) } : outcome;
  }
  const transactionId = core.transactions.ids.format(core.transactions.takeIdNumber());
  const createdMicros = core.stamp();
  const legPlace = { ...place, parent: transactionId, createdMicros };
  const outcome = await applyLegs(poster, legs, { metadata, place: legPlace });
  if (outcome.kind !== 'applied') {
    if (outcome.kind === 'refused' && request.atomic) {
      await undoBatch(parts, transactionId, { isInflight: request.inflight });
    }
    return outcome.kind === 'refused' ? { ...outcome, source, destination } : outcome;
  }
  const status = request.inflight ? 'INFLIGHT' : 'APPLIED';
  const legIds = legs.map(({ idNumber }) => core.transactions.ids.format(idNumber));
  const preciseAmount = minorUnits(request);
  const fields = {
    transactionId,
    preciseAmount,
    createdMicros,
    parent: place.parent,
    metadata,
    status,
    legIds,
  } as const;
  return { kind: 'posted', body: rowlessJson(request, fields) };
}

/** What an atomic post does after a failure. Legs of a split inside a batch are not among the batch's rows and stay. */
async function undoBatch(
  parts: Pick<PostParts, 'core' | 'refunds' | 'inflight'>,
  batchId: string,
  { isInflight }: { isInflight: boolean },
): Promise<void> {
  if (!isInflight) {
    await parts.refunds.refundBatch(batchId);
    return;
  }
  for (const row of parts.inflight.rowsOf(batchId)) {
    await parts.inflight.settle(parts.core.transactions.idOf(row), { action: 'void', amount: 0n });
  }
}

/** POST /transactions/bulk. */
export async function postBulk(parts: PostParts, call: Call): Promise<Answer> {
  const bulk = readBulk(call, parts.core.settings.coreVersion);
  if (!('requests' in bulk)) {
    return bulk;
  }
  const [first] = bulk.requests;
  if (call.aborted && first !== undefined) {
    parts.poster.abandon(first);
    return clientGone;
  }
  const batchId = newEntityId('bulk');
  if (bulk.runAsync) {
    void applyBulk(parts, bulk, { batchId });
    return jsonAnswer(202, { message: 'Bulk transaction processing started', batch_id: batchId, status: 'processing' });
  }
  return applyBulk(parts, bulk, { batchId, call });
}

interface Bulk {
  requests: PostRequest[];
  skipQueue: boolean;
  inflight: boolean;
  atomic: boolean;
  runAsync: boolean;
}

async function applyBulk(
  parts: PostParts,
  bulk: Bulk,
  { batchId, call }: { batchId: string; call?: Call },
): Promise<Answer> {
  const items = bulk.requests.length;
  for (const [index, sent] of bulk.requests.entries()) {
    const request = { ...sent, skipQueue: bulk.skipQueue, inflight: bulk.inflight };
    const metadata = { ...storedMetadata(request), sequence: index + 1 };
    const place = { item: index + 1, items, parent: batchId, inBulk: true, ...(call ? { call } : {}) };
    const outcome = await post(parts, request, { metadata, place });
    if (outcome.kind === 'aborted') {
      return clientGone;
    }
    if (outcome.kind === 'refused') {
      if (bulk.atomic) {
        await undoBatch(parts, batchId, { isInflight: bulk.inflight });
      }
      return bulkFailure(request, outcome, { batchId, item: index + 1, bulk });
    }
  }
  const status = bulk.inflight ? 'inflight' : 'applied';
  return jsonAnswer(201, { batch_id: batchId, status, transaction_count: items });
}

/** Core sorts a bulk's failure by its text alone; these codes survive, all others become GEN_BAD_REQUEST. */
const codesInBulk = new Set([
  'TXN_DUPLICATE_REFERENCE',
  'TXN_NOT_FOUND',
  'TXN_INSUFFICIENT_FUNDS',
  'GEN_RESOURCE_LOCKED',
]);

function bulkFailure(
  request: PostRequest,
  { failure, source, destination }: Extract<PostOutcome, { kind: 'refused' }>,
  { batchId, item, bulk }: { batchId: string; item: number; bulk: Bulk },
): Answer {
  const amount = (Number(minorUnits(request)) / (request.precision || 1)).toFixed(2);
  const names = `Reference: ${request.reference}, Source: ${source}, Destination: ${destination}, Amount: ${amount}`;
  const rest = bulk.atomic
    ? `All transactions in this batch have been ${bulk.inflight ? 'voided' : 'refunded'}.`
    : 'Previous transactions were not rolled back.';
  const message = `failed to queue transaction ${item} (${names}): ${failure.inBulk ?? failure.message}. ${rest}`;
  const keeps = codesInBulk.has(failure.code);
  const code = keeps ? failure.code : 'GEN_BAD_REQUEST';
  return jsonAnswer(keeps ? failure.status : 400, {
    batch_id: batchId,
    error: message,
    error_detail: { code, message, details: { batch_id: batchId } },
  });
}

function readBulk(call: Call, version: CoreVersion): Bulk | Answer {
  const parsed = call.tooLarge ? { problem: 'http: request body too large' } : parseBody(call.text);
  const unreadable = (problem: string): Answer => ({
    ...failureAnswer({ ...malformed, message: `Invalid request body: ${problem}` }),
    type: 'text/plain; charset=utf-8',
  });
  if ('problem' in parsed) {
    return unreadable(parsed.problem);
  }
  const fields = foldKeys((parsed.value ?? {}) as Record<string, unknown>);
  const flag = ['inflight', 'atomic', 'run_async', 'skip_queue'].find(
    (name) => typeof (fields[name] ?? false) !== 'boolean',
  );
  if (flag !== undefined) {
    return unreadable(
      `json: cannot unmarshal ${typeof fields[flag]} into Go struct field BulkTransactionRequest.${flag} of type bool`,
    );
  }
  const list = fields.transactions ?? [];
  if (!Array.isArray(list) || typeof parsed.value !== 'object') {
    return unreadable('json: cannot unmarshal into Go struct field BulkTransactionRequest.transactions');
  }
  const requests = list.map((item) => (item === null ? null : readPostRequest(asSent(call, item))));
  const wrong = requests.find((request) => typeof request === 'string');
  if (typeof wrong === 'string') {
    return unreadable(wrong);
  }
  // Before 0.15.0 nothing of a bulk is checked beforehand: an empty one is applied to nothing.
  const isChecked = hasSince(version, '0.15.2');
  if (isChecked && (list.length === 0 || list.length > bulkItemsMax)) {
    return list.length === 0
      ? failureAnswer({ status: 400, code: 'TXN_BULK_EMPTY', message: 'transactions cannot be empty' })
      : failureAnswer({
          status: 400,
          code: 'TXN_BULK_LIMIT_EXCEEDED',
          message: `too many transactions; max is ${bulkItemsMax}`,
        });
  }
  const checked: PostRequest[] = [];
  for (const [index, request] of requests.entries()) {
    if (request === null || typeof request === 'string') {
      return failureAnswer(validationFailure(`transactions[${index}] is required`, { index }));
    }
    const broken = isChecked ? brokenRules(request, newerRules(version, request)) : undefined;
    if (broken !== undefined) {
      return failureAnswer(validationFailure(`transactions[${index}]: ${broken}`, { index }));
    }
    if (request.endsByItself) {
      return notPlayed('inflight that ends by itself');
    }
    checked.push(request);
  }
  return {
    requests: checked,
    skipQueue: fields.skip_queue === true,
    inflight: fields.inflight === true,
    atomic: fields.atomic === true,
    runAsync: fields.run_async === true,
  };
}

function asSent(call: Call, value: unknown): unknown {
  return call.api === 'proxy' ? fillAsCloud(value) : value;
}

function storedMetadata(request: PostRequest): Metadata {
  return {
    ...request.metadata,
    ...(request.inflight ? { inflight: true } : {}),
    ...(request.atomic ? { atomic: true } : {}),
    ...(request.allowOverdraft ? { allow_overdraft: true } : {}),
  };
}
