// Transactions as Core shows them. The routes differ: by reference without precision, hash and effective date; by id without
// effective date; lists with all; the answer to a post with the request's own flags and times.

import { createHash } from 'node:crypto';
import type { CoreState } from './core-state.js';
import type { Distribution, PostRequest } from './post-request.js';
import { formatRfc3339 } from './rfc3339.js';
import type { Metadata, StoredTransaction, TransactionStatus } from './transaction-row.js';

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

/** The answer to a post that has no row: queued ones have none yet, splits never; names stand as they were sent. */
export function rowlessJson(
  request: PostRequest,
  fields: {
    transactionId: string;
    preciseAmount: bigint;
    createdMicros: number;
    parent: string;
    metadata: Metadata;
    status: TransactionStatus;
    /** Ids of a split's legs in their order, which is not that of the distributions: Core mixes them up. */
    legIds?: readonly string[];
  },
): string {
  const stored: StoredTransaction = {
    ...request,
    ...fields,
    precision: request.precision || 1,
    source: 0,
    destination: 0,
    effectiveMicros: request.effectiveMicros ?? fields.createdMicros,
    metadataJson: JSON.stringify(fields.metadata),
  };
  const { source, destination } = request;
  return postedJson({ request, stored, source, destination, legIds: fields.legIds ?? [] });
}

function postedJson({
  request,
  stored,
  source,
  destination,
  legIds = [],
}: {
  request: PostRequest;
  stored: StoredTransaction;
  source: string;
  destination: string;
  legIds?: readonly string[];
}): string {
  const { json: metadata, inflight } = shownMetadata(stored.metadataJson);
  const effective = zoneAsGo(request.effectiveDate ?? formatRfc3339(stored.effectiveMicros ?? stored.createdMicros));
  const side = (name: string, value: string) => (value === '' ? '' : `"${name}":${JSON.stringify(value)},`);
  return (
    `{"precise_amount":${stored.preciseAmount},"amount":${majorUnits(stored)},` +
    `"amount_string":"${majorUnitsText(stored)}","precision":${stored.precision},` +
    `"overdraft_limit":${request.overdraftLimit},"transaction_id":"${stored.transactionId}",` +
    `"parent_transaction":${JSON.stringify(stored.parent)},${side('source', source)}${side('destination', destination)}` +
    `"reference":${JSON.stringify(stored.reference)},` +
    `"currency":${JSON.stringify(stored.currency)},"description":${JSON.stringify(stored.description)},` +
    `"status":"${stored.status}","hash":"${hashOf(stored)}","allow_overdraft":${request.allowOverdraft},` +
    `"inflight":${inflight},"skip_queue":${request.skipQueue},"atomic":${request.atomic},` +
    `${sharesJson('sources', request.sources, legIds)}${sharesJson('destinations', request.destinations, legIds)}` +
    `"created_at":"${formatRfc3339(stored.createdMicros)}","effective_date":"${effective}",` +
    `"scheduled_for":"${zoneAsGo(request.scheduledFor || noTime)}",${noTimes}${metadata}}`
  );
}

function sharesJson(name: string, shares: readonly Distribution[], legIds: readonly string[]): string {
  const shown = shares.map(({ identifier, distribution, preciseDistribution }, index) => ({
    identifier,
    distribution,
    ...(preciseDistribution === '' ? {} : { precise_distribution: preciseDistribution }),
    transaction_id: legIds[index] ?? '',
  }));
  return shown.length === 0 ? '' : `"${name}":${JSON.stringify(shown)},`;
}

/** Go writes an offset of nothing as Z, and others as they were sent. */
function zoneAsGo(time: string): string {
  return time.replace(/[+-]00:00$/, 'Z');
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
