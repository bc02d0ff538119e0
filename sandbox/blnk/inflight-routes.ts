// PUT /transactions/inflight/:id, and Core's bulk forms of it. By default Core queues a commit or void and answers with the
// movement that is still open; only `skip_queue` ends it before the answer.

import { type Answer, type Failure, failureAnswer, jsonAnswer } from './answers.js';
import { readFields } from './body-fields.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import type { Inflight, InflightAction, Settlement } from './inflight.js';
import { readAmount, scaleToMinor } from './post-request.js';
import { rowJson } from './transaction-json.js';

const bulkItemsMax = 100;

interface InflightParts {
  core: CoreState;
  inflight: Inflight;
}

/** PUT /transactions/inflight/:id. */
export async function updateInflight(parts: InflightParts, call: Call, [id = '']: readonly string[]): Promise<Answer> {
  const fields = readFields(call, ['status'], { name: 'InflightUpdate', numbers: ['amount'], flags: ['skip_queue'] });
  const amount = typeof fields === 'string' ? fields : readSettledAmount(parts.core, id, fields);
  if (typeof fields === 'string' || typeof amount === 'string') {
    return failureAnswer({ status: 400, code: 'GEN_MALFORMED_REQUEST', message: String(amount) });
  }
  if (fields.precise_amount !== undefined && fields.precise_amount !== null && amount <= 0n) {
    return failureAnswer({ status: 400, code: 'TXN_INVALID_AMOUNT', message: 'precise_amount must be positive' });
  }
  const { status } = fields;
  if (status !== 'commit' && status !== 'void') {
    const message = 'status not supported. use either commit or void';
    return failureAnswer({ status: 400, code: 'TXN_INVALID_STATUS_ACTION', message });
  }
  const settlement = { action: status, amount } as const;
  return fields.skip_queue === true ? settleNow(parts, id, settlement) : settleLater(parts, id, settlement);
}

/** POST /transactions/inflight/bulk/commit. */
export function bulkCommit(parts: InflightParts, call: Call): Promise<Answer> {
  return bulk(parts, call, 'commit');
}

/** POST /transactions/inflight/bulk/void. */
export function bulkVoid(parts: InflightParts, call: Call): Promise<Answer> {
  return bulk(parts, call, 'void');
}

async function settleNow({ inflight, core }: InflightParts, id: string, settlement: Settlement): Promise<Answer> {
  const bodies: string[] = [];
  const failures: Failure[] = [];
  for (const row of inflight.rowsOf(id)) {
    const result = await inflight.settle(core.transactions.idOf(row), settlement);
    if (typeof result === 'string') {
      bodies.push(result);
    } else {
      failures.push(result);
    }
  }
  const [failure] = failures;
  if (failure !== undefined) {
    const message = `error occurred during processing: [${failures.map(({ message: text }) => text).join(' ')}]`;
    return failureAnswer({ ...failure, message });
  }
  const [body] = bodies;
  return body === undefined
    ? failureAnswer({ status: 400, code: 'TXN_NOT_INFLIGHT', message: `no transaction to ${settlement.action}` })
    : { status: 200, body };
}

function settleLater({ inflight, core }: InflightParts, id: string, settlement: Settlement): Answer {
  const row = inflight.accept(id, settlement);
  if (typeof row !== 'number') {
    return failureAnswer(row);
  }
  // A leg that answers for its split does so under the id that was asked for.
  const shown = rowJson(core, row, 'byId').replace(
    `"transaction_id":"${core.transactions.idOf(row)}"`,
    `"transaction_id":"${id}"`,
  );
  return { status: 200, body: `${shown.slice(0, -1)},"queued":true}` };
}

async function bulk(parts: InflightParts, call: Call, action: InflightAction): Promise<Answer> {
  const name = action === 'commit' ? 'transactions' : 'transaction_ids';
  const fields = readFields(call, [], { name: 'BulkInflightRequest', flags: ['skip_queue'] });
  const list = typeof fields === 'string' ? fields : (fields[name] ?? []);
  if (typeof fields === 'string' || !Array.isArray(list)) {
    return failureAnswer({ status: 400, code: 'GEN_MALFORMED_REQUEST', message: String(list) });
  }
  if (list.length === 0) {
    return failureAnswer({ status: 400, code: 'TXN_BULK_EMPTY', message: `${name} cannot be empty` });
  }
  if (list.length > bulkItemsMax) {
    const message = `too many ${name}; max is ${bulkItemsMax}`;
    return failureAnswer({ status: 400, code: 'TXN_BULK_LIMIT_EXCEEDED', message });
  }
  const results: Record<string, unknown>[] = [];
  for (const item of list as unknown[]) {
    const given = (typeof item === 'string' ? { transaction_id: item } : item) as Record<string, unknown>;
    const id = String(given.transaction_id ?? '');
    const amount = readSettledAmount(parts.core, id, given);
    const settlement = { action, amount: typeof amount === 'string' ? 0n : amount };
    const isNow = fields.skip_queue === true;
    const result = isNow ? await parts.inflight.settle(id, settlement) : parts.inflight.accept(id, settlement);
    results.push({ transaction_id: id, ...bulkResult(result, { isNow }) });
  }
  const failed = results.filter(({ status }) => status === 'failed').length;
  return jsonAnswer(200, { succeeded: results.length - failed, failed, results });
}

/** The names that Core's bulk gives to what went wrong. */
const bulkCodes: Readonly<Record<string, string>> = {
  TXN_NOT_FOUND: 'NOT_FOUND',
  TXN_ALREADY_VOIDED: 'ALREADY_VOIDED',
  TXN_ALREADY_COMMITTED: 'ALREADY_COMMITTED',
  TXN_NOT_INFLIGHT: 'NOT_INFLIGHT',
  TXN_COMMIT_AMOUNT_EXCEEDED: 'INVALID_AMOUNT',
  GEN_RESOURCE_LOCKED: 'LOCKED',
};

function bulkResult(result: string | number | Failure, { isNow }: { isNow: boolean }): Record<string, unknown> {
  if (typeof result !== 'object') {
    return isNow ? { status: 'succeeded' } : { status: 'queued', code: 'QUEUED' };
  }
  const { code, message } = result;
  if (code === 'GEN_CONFLICT') {
    return { status: 'queued', code: 'ALREADY_QUEUED', message };
  }
  const text = code === 'TXN_NOT_FOUND' ? `NOT_FOUND: ${message}` : message;
  return { status: 'failed', code: bulkCodes[code] ?? 'INTERNAL_ERROR', message: text };
}

/** Minor units; `amount` is scaled by the precision of the row of that id, or by 1 when the id has no row. */
function readSettledAmount(core: CoreState, id: string, fields: Record<string, unknown>): bigint | string {
  const precise = readAmount(fields.precise_amount);
  if (precise === 'wrong') {
    return `math/big: cannot unmarshal ${JSON.stringify(JSON.stringify(fields.precise_amount))} into a *big.Int`;
  }
  const row = core.transactions.rowOfId(id);
  const precision = row === undefined ? 1 : core.transactions.number(row, 'precision');
  return precise ?? scaleToMinor(Number(fields.amount ?? 0), precision);
}
