// Transactions as Core shows them. The routes differ: by reference without precision, hash and effective date; by id without
// effective date; lists with all; the answer to a post with the request's own flags and times.

import { createHash } from 'node:crypto';
import type { CoreState } from './core-state.js';
import type { PostRequest } from './post-request.js';
import { formatRfc3339 } from './rfc3339.js';
import type { Metadata, StoredTransaction } from './transaction-row.js';

type RowView = 'list' | 'byId' | 'byReference';

const noTime = '0001-01-01T00:00:00Z';
const noTimes = `"inflight_expiry_date":"${noTime}","inflight_commit_date":"${noTime}"`;

/** A stored row as a read answers it. */
export function rowJson(core: CoreState, row: number, view: RowView): string {
  const stored = core.transactions.read(row);
  const effective =
    view === 'list' && stored.effectiveMicros !== undefined
      ? `"effective_date":"${formatRfc3339(stored.effectiveMicros)}",`
      : '';
  const { json: metadata, inflight } = shownMetadata(stored.metadataJson);
  return (
    `{"precise_amount":${stored.preciseAmount},"amount":${majorUnits(stored)},` +
    `"precision":${view === 'byReference' ? 0 : stored.precision},"overdraft_limit":0,` +
    `"transaction_id":"${stored.transactionId}","parent_transaction":${JSON.stringify(stored.parent)},` +
    `"source":"${core.balances.byNumber(stored.source).balanceId}",` +
    `"destination":"${core.balances.byNumber(stored.destination).balanceId}",` +
    `"reference":${JSON.stringify(stored.reference)},"currency":${JSON.stringify(stored.currency)},` +
    `"description":${JSON.stringify(stored.description)},"status":"${stored.status}",` +
    `"hash":"${view === 'byReference' ? '' : hashOf(stored)}","allow_overdraft":false,"inflight":${inflight},` +
    `"skip_queue":false,"atomic":false,"created_at":"${formatRfc3339(stored.createdMicros)}",${effective}` +
    `"scheduled_for":"${noTime}",${noTimes}${metadata}}`
  );
}

/** The answer to a post that made this row. */
export function appliedJson(core: CoreState, row: number, request: PostRequest): string {
  const stored = core.transactions.read(row);
  return postedJson({
    request,
    stored,
    source: core.balances.byNumber(stored.source).balanceId,
    destination: core.balances.byNumber(stored.destination).balanceId,
  });
}

/** The answer to a queued post: nothing is stored yet, names stand as they were sent. */
export function queuedJson(
  request: PostRequest,
  fields: { transactionId: string; preciseAmount: bigint; createdMicros: number; parent: string; metadata: Metadata },
): string {
  const stored: StoredTransaction = {
    ...request,
    ...fields,
    precision: request.precision || 1,
    status: 'QUEUED',
    source: 0,
    destination: 0,
    effectiveMicros: request.effectiveMicros ?? fields.createdMicros,
    metadataJson: JSON.stringify(fields.metadata),
  };
  return postedJson({ request, stored, source: request.source, destination: request.destination });
}

function postedJson({
  request,
  stored,
  source,
  destination,
}: {
  request: PostRequest;
  stored: StoredTransaction;
  source: string;
  destination: string;
}): string {
  const { json: metadata, inflight } = shownMetadata(stored.metadataJson);
  const effective = request.effectiveDate ?? formatRfc3339(stored.effectiveMicros ?? stored.createdMicros);
  return (
    `{"precise_amount":${stored.preciseAmount},"amount":${majorUnits(stored)},` +
    `"amount_string":"${majorUnitsText(stored)}","precision":${stored.precision},` +
    `"overdraft_limit":${request.overdraftLimit},"transaction_id":"${stored.transactionId}",` +
    `"parent_transaction":${JSON.stringify(stored.parent)},"source":${JSON.stringify(source)},` +
    `"destination":${JSON.stringify(destination)},"reference":${JSON.stringify(stored.reference)},` +
    `"currency":${JSON.stringify(stored.currency)},"description":${JSON.stringify(stored.description)},` +
    `"status":"${stored.status}","hash":"${hashOf(stored)}","allow_overdraft":${request.allowOverdraft},` +
    `"inflight":${inflight},"skip_queue":${request.skipQueue},"atomic":false,` +
    `"created_at":"${formatRfc3339(stored.createdMicros)}","effective_date":"${effective}",` +
    `"scheduled_for":"${request.scheduledFor || noTime}",${noTimes}${metadata}}`
  );
}

/** Core shows `inflight: true` in metadata as the field of that name, and an empty object not at all. */
function shownMetadata(json: string): { json: string; inflight: boolean } {
  if (json === '{}') {
    return { json: '', inflight: false };
  }
  if (!json.includes('"inflight":true')) {
    return { json: `,"meta_data":${json}`, inflight: false };
  }
  const { inflight, ...others } = JSON.parse(json) as Metadata;
  if (inflight !== true) {
    return { json: `,"meta_data":${json}`, inflight: false };
  }
  const rest = JSON.stringify(others);
  return { json: rest === '{}' ? '' : `,"meta_data":${rest}`, inflight: true };
}

function majorUnits({ preciseAmount, precision }: StoredTransaction): number {
  return Number(preciseAmount) / precision;
}

/** Exact for the precisions of real currencies (powers of ten), else as a float. */
function majorUnitsText(stored: StoredTransaction): string {
  const digits = Math.log10(stored.precision);
  if (!Number.isInteger(digits) || digits < 0) {
    return String(majorUnits(stored));
  }
  const negative = stored.preciseAmount < 0n;
  const text = String(negative ? -stored.preciseAmount : stored.preciseAmount).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function hashOf({ preciseAmount, reference, currency, transactionId }: StoredTransaction): string {
  return createHash('sha256').update(`${preciseAmount}${reference}${currency}${transactionId}`).digest('hex');
}
