// Core's routes for ledgers, balances, identities and metadata. None of the POSTs is idempotent, names are not unique.

import { type Answer, badRequest, type Failure, failureAnswer, jsonAnswer, malformed, notFound } from './answers.js';
import type { Balance } from './balance-book.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import { identityFields } from './entity-filter.js';
import { newEntityId } from './entity-id.js';
import { balanceJson, identityJson, ledgerJson } from './entity-json.js';
import { parseBody } from './exact-body.js';
import { formatRfc3339, parseRfc3339 } from './rfc3339.js';
import type { Metadata } from './transaction-store.js';

type Fields = Record<string, unknown>;

const ownIdentity = /^idt_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function createLedger(core: CoreState, call: Call): Answer {
  const fields = readFields(call, ['name']);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields, key: 'errors' });
  }
  if (!fields.name) {
    return failureAnswer(blank('name'));
  }
  const ledger = {
    ledgerId: newEntityId('ldg'),
    name: String(fields.name),
    createdMicros: core.stamp(),
    metadata: metadataOf(fields),
  };
  core.ledgers.set(ledger.ledgerId, ledger);
  return { status: 201, body: ledgerJson(ledger) };
}

export function getLedger(core: CoreState, ledgerId: string): Answer {
  const ledger = core.ledgers.get(ledgerId);
  return ledger
    ? { status: 200, body: ledgerJson(ledger) }
    : failureAnswer(notFound('LGR_NOT_FOUND', 'Ledger not found'));
}

export function createBalance(core: CoreState, call: Call): Answer {
  const fields = readFields(call, ['ledger_id', 'currency', 'identity_id']);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields });
  }
  const missing = ['currency', 'ledger_id'].find((name) => !fields[name]);
  if (missing !== undefined) {
    return failureAnswer(blank(missing));
  }
  const ledgerId = String(fields.ledger_id);
  if (!core.ledgers.has(ledgerId)) {
    return failureAnswer(badRequest('Invalid ledger ID'));
  }
  const identityId = String(fields.identity_id ?? '');
  const made = {
    ledgerId,
    currency: String(fields.currency),
    identityId,
    metadata: metadataOf(fields),
    createdMicros: core.stamp(),
  };
  return { status: 201, body: balanceJson(core.balances.create(made), { inList: false }) };
}

export function getBalance(balance: Balance | undefined, missing: string): Answer {
  return balance
    ? { status: 200, body: balanceJson(balance, { inList: false }) }
    : failureAnswer(notFound('BAL_NOT_FOUND', missing));
}

/** GET /balances/:id/at: the sum of what took effect by then, not of what was stored by then. */
export function getBalanceAt(core: CoreState, balanceId: string, asked: string | null): Answer {
  const at = asked === null ? core.stamp() : parseRfc3339(asked);
  if (at === undefined) {
    const message = 'invalid timestamp format. Please use ISO 8601 format (e.g., 2024-01-01T15:04:05Z)';
    return failureAnswer({ status: 400, code: 'BAL_INVALID_TIMESTAMP', message });
  }
  const balance = core.balances.byId(balanceId);
  if (balance === undefined) {
    return failureAnswer(notFound('BAL_NOT_FOUND', `Balance with ID '${balanceId}' not found`));
  }
  const { credit, debit } = sumUntil(core, balance, at);
  const timestamp = formatRfc3339(Math.floor(at / 1_000_000) * 1_000_000);
  const body =
    `{"balance":{"balance":${credit - debit},"balance_id":"${balanceId}","credit_balance":${credit},` +
    `"currency":${JSON.stringify(balance.currency)},"debit_balance":${debit}},"from_source":false,"timestamp":"${timestamp}"}`;
  return { status: 200, body };
}

export function linkIdentity(core: CoreState, balanceId: string, call: Call): Answer {
  const fields = readFields(call, ['identity_id']);
  if (typeof fields === 'string' || !fields.identity_id) {
    const message =
      "Key: 'UpdateBalanceIdentity.IdentityId' Error:Field validation for 'IdentityId' failed on the 'required' tag";
    return failureAnswer({ ...malformed, message });
  }
  const identityId = String(fields.identity_id);
  const balance = core.balances.byId(balanceId);
  if (!core.identities.has(identityId) || balance === undefined) {
    const missing = balance === undefined ? `Balance with ID '${balanceId}'` : `Identity with ID '${identityId}'`;
    return failureAnswer(notFound('BAL_NOT_FOUND', `${missing} not found`));
  }
  balance.identityId = identityId;
  return jsonAnswer(200, { message: 'Balance identity updated successfully' });
}

export function createIdentity(core: CoreState, call: Call): Answer {
  const fields = readFields(call, ['identity_id', ...identityFields]);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields });
  }
  const given = String(fields.identity_id ?? '');
  const wrong = given === '' ? undefined : refuseIdentityId(core, given);
  if (wrong !== undefined) {
    return failureAnswer({ status: 400, code: 'IDT_VALIDATION_ERROR', message: wrong });
  }
  const identity = {
    identityId: given || newEntityId('idt'),
    createdMicros: core.stamp(),
    fields: identityTexts(fields),
    metadata: metadataOf(fields),
  };
  core.identities.set(identity.identityId, identity);
  return { status: 201, body: identityJson(identity) };
}

export function getIdentity(core: CoreState, identityId: string): Answer {
  const identity = core.identities.get(identityId);
  return identity
    ? { status: 200, body: identityJson(identity) }
    : failureAnswer(notFound('IDT_NOT_FOUND', `Identity with ID '${identityId}' not found`));
}

export function updateIdentity(core: CoreState, identityId: string, call: Call): Answer {
  const fields = readFields(call, [...identityFields]);
  const identity = core.identities.get(identityId);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields });
  }
  const change = identityTexts(fields);
  if (Object.keys(change).length === 0 && metadataOf(fields) === null) {
    return failureAnswer(badRequest('No fields provided for update'));
  }
  if (identity === undefined) {
    return failureAnswer(notFound('IDT_NOT_FOUND', `Identity with ID '${identityId}' not found`));
  }
  Object.assign(identity.fields, change);
  identity.metadata = metadataOf(fields) ?? identity.metadata;
  return jsonAnswer(200, { message: 'Identity updated successfully' });
}

/** POST /:id/metadata: merges top-level keys; a transaction answers only what was sent, the others the whole. */
export function updateMetadata(core: CoreState, id: string, call: Call): Answer {
  const fields = readFields(call, []);
  const sent = typeof fields === 'string' ? null : metadataOf(fields);
  if (sent === null) {
    const message =
      "Key: 'MetadataRequest.Metadata' Error:Field validation for 'Metadata' failed on the 'required' tag";
    return failureAnswer({ ...malformed, message });
  }
  if (!/^(txn|bulk|ldg|bln|idt)_/.test(id)) {
    return failureAnswer({ status: 400, code: 'META_INVALID_ENTITY_ID', message: `invalid entity ID format: ${id}` });
  }
  if (/^(txn|bulk)_/.test(id)) {
    const own = core.transactions.rowOfId(id);
    const rows = new Set([...core.transactions.indexes.byParent(id), ...(own === undefined ? [] : [own])]);
    for (const row of rows) {
      core.transactions.alter(row, { metadataJson: JSON.stringify({ ...core.transactions.metadataOf(row), ...sent }) });
    }
    return rows.size === 0 ? noEntity : jsonAnswer(200, { meta_data: sent });
  }
  const entity = core.ledgers.get(id) ?? core.balances.byId(id) ?? core.identities.get(id);
  if (entity === undefined) {
    return noEntity;
  }
  entity.metadata = { ...entity.metadata, ...sent };
  return jsonAnswer(200, { meta_data: entity.metadata });
}

const noEntity = failureAnswer(notFound('META_ENTITY_NOT_FOUND', 'entity not found'));

function sumUntil(core: CoreState, balance: Balance, at: number): { credit: bigint; debit: bigint } {
  const { transactions } = core;
  const sums = { credit: 0n, debit: 0n };
  for (let row = 0; row < transactions.rowCount; row += 1) {
    const isDebit = transactions.number(row, 'source') === balance.number;
    const isCredit = transactions.number(row, 'destination') === balance.number;
    if ((!isDebit && !isCredit) || transactions.statusOf(row) !== 'APPLIED') {
      continue;
    }
    const effective = transactions.number(row, 'effectiveMicros');
    if ((Number.isNaN(effective) ? transactions.number(row, 'createdMicros') : effective) <= at) {
      sums[isDebit ? 'debit' : 'credit'] += transactions.amountOf(row);
    }
  }
  return sums;
}

/** The body's fields, or Go's words on why they cannot be read. */
function readFields(call: Call, texts: readonly string[]): Fields | string {
  const parsed = parseBody(call.text);
  if ('problem' in parsed) {
    return parsed.problem;
  }
  const fields = (parsed.value ?? {}) as Fields;
  const wrong = texts.find(
    (name) => fields[name] !== undefined && fields[name] !== null && typeof fields[name] !== 'string',
  );
  return wrong === undefined
    ? fields
    : `json: cannot unmarshal ${typeof fields[wrong]} into Go struct field ${wrong} of type string`;
}

function refuseIdentityId(core: CoreState, identityId: string): string | undefined {
  if (!identityId.startsWith('idt_')) {
    return "identity_id must start with the 'idt_' prefix";
  }
  if (!ownIdentity.test(identityId)) {
    return "identity_id suffix after 'idt_' must be a valid UUID";
  }
  return core.identities.has(identityId) ? `Identity already exists: ${identityId}` : undefined;
}

function identityTexts(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    identityFields.flatMap((name) => (typeof fields[name] === 'string' ? [[name, fields[name]]] : [])),
  );
}

function metadataOf(fields: Fields): Metadata | null {
  const value = fields.meta_data;
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Metadata) : null;
}

function blank(name: string): Failure {
  return { status: 400, code: 'GEN_VALIDATION_ERROR', message: `${name}: cannot be blank.`, key: 'errors' };
}
