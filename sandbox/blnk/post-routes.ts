// POST /transactions and POST /transactions/bulk. A bulk is validated whole, then applied in order until the first failure.

import { type Answer, failureAnswer, jsonAnswer, malformed, notPlayed, validationFailure } from './answers.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import { newEntityId } from './entity-id.js';
import { parseBody } from './exact-body.js';
import { brokenRules, fillAsCloud, minorUnits, type PostRequest, readPostRequest } from './post-request.js';
import type { Poster, PostOutcome } from './poster.js';
import type { QueuedPosts } from './queued-posts.js';
import type { Refunds } from './refunds.js';
import { appliedJson } from './transaction-json.js';
import type { Metadata } from './transaction-row.js';

const bulkItemsMax = 10_000;
const clientGone: Answer = { status: 499, body: '' };

export interface PostParts {
  core: CoreState;
  poster: Poster;
  queue: QueuedPosts;
  refunds: Refunds;
}

/** POST /transactions. */
export async function postTransaction({ core, poster, queue }: PostParts, call: Call): Promise<Answer> {
  const parsed = call.tooLarge ? { problem: 'http: request body too large' } : parseBody(call.text);
  const request = 'problem' in parsed ? parsed.problem : readPostRequest(asSent(call, parsed.value));
  if (typeof request === 'string') {
    return failureAnswer(malformed);
  }
  const broken = brokenRules(request);
  if (broken !== undefined) {
    return failureAnswer(validationFailure(broken));
  }
  if (request.inflight || request.hasSplit) {
    return notPlayed('inflight and split transactions');
  }
  const metadata = storedMetadata(request);
  if (call.aborted) {
    poster.abandon(request);
    return clientGone;
  }
  if (!request.skipQueue) {
    return { status: 201, body: queue.accept(request, metadata) };
  }
  const outcome = await poster.apply(request, metadata, { call, item: 1, items: 1, parent: '', inBulk: false });
  if (outcome.kind === 'aborted') {
    return clientGone;
  }
  return outcome.kind === 'applied'
    ? { status: 201, body: appliedJson(core, outcome.row, request) }
    : failureAnswer(outcome.failure);
}

/** POST /transactions/bulk. */
export async function postBulk(parts: PostParts, call: Call): Promise<Answer> {
  const bulk = readBulk(call);
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
    const request = { ...sent, skipQueue: bulk.skipQueue };
    const metadata = { ...storedMetadata(request), sequence: index + 1 };
    if (!bulk.skipQueue) {
      parts.queue.accept(request, metadata, batchId);
      continue;
    }
    const place = { item: index + 1, items, parent: batchId, inBulk: true, ...(call ? { call } : {}) };
    const outcome = await parts.poster.apply(request, metadata, place);
    if (outcome.kind === 'aborted') {
      return clientGone;
    }
    if (outcome.kind === 'refused') {
      if (bulk.atomic) {
        await parts.refunds.refundBatch(batchId);
      }
      return bulkFailure(request, outcome, { batchId, item: index + 1, atomic: bulk.atomic });
    }
  }
  return jsonAnswer(201, { batch_id: batchId, status: 'applied', transaction_count: items });
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
  { batchId, item, atomic }: { batchId: string; item: number; atomic: boolean },
): Answer {
  const amount = (Number(minorUnits(request)) / (request.precision || 1)).toFixed(2);
  const names = `Reference: ${request.reference}, Source: ${source}, Destination: ${destination}, Amount: ${amount}`;
  const rest = atomic
    ? 'All transactions in this batch have been refunded.'
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

function readBulk(call: Call): Bulk | Answer {
  const parsed = call.tooLarge ? { problem: 'http: request body too large' } : parseBody(call.text);
  const unreadable = (problem: string): Answer => ({
    ...failureAnswer({ ...malformed, message: `Invalid request body: ${problem}` }),
    type: 'text/plain; charset=utf-8',
  });
  if ('problem' in parsed) {
    return unreadable(parsed.problem);
  }
  const fields = (parsed.value ?? {}) as Record<string, unknown>;
  const list = fields.transactions ?? [];
  if (!Array.isArray(list) || typeof parsed.value !== 'object') {
    return unreadable('json: cannot unmarshal into Go struct field BulkTransactionRequest.transactions');
  }
  const requests = list.map((item) => (item === null ? null : readPostRequest(asSent(call, item))));
  const wrong = requests.find((request) => typeof request === 'string');
  if (typeof wrong === 'string') {
    return unreadable(wrong);
  }
  if (list.length === 0 || list.length > bulkItemsMax) {
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
    const broken = brokenRules(request);
    if (broken !== undefined) {
      return failureAnswer(validationFailure(`transactions[${index}]: ${broken}`, { index }));
    }
    if (request.hasSplit || fields.inflight === true) {
      return notPlayed('inflight and split transactions');
    }
    checked.push(request);
  }
  return {
    requests: checked,
    skipQueue: fields.skip_queue === true,
    atomic: fields.atomic === true,
    runAsync: fields.run_async === true,
  };
}

function asSent(call: Call, value: unknown): unknown {
  return call.door === 'proxy' ? fillAsCloud(value) : value;
}

function storedMetadata(request: PostRequest): Metadata {
  return request.allowOverdraft ? { ...request.metadata, allow_overdraft: true } : request.metadata;
}
