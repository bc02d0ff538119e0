// Core's routes for ledgers, balances and identities. None of the POSTs is idempotent, names are not unique.

import {
  type Answer,
  badRequest,
  type Failure,
  failureAnswer,
  jsonAnswer,
  malformed,
  noSuchRow,
  notFound,
} from './answers.js';
import type { Balance } from './balance-book.js';
import { type Fields, metadataOf, readFields } from './body-fields.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';
import { hasSince } from './core-version.js';
import { identityFields } from './entity-filter.js';
import { newEntityId } from './entity-id.js';
import { balanceJson, identityJson, ledgerJson } from './entity-json.js';

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
    : failureAnswer(noSuchRow('LGR_NOT_FOUND', 'Ledger not found'));
}

export function renameLedger(core: CoreState, ledgerId: string, call: Call): Answer {
  const fields = readFields(call, ['name']);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields, key: 'errors' });
  }
  if (!fields.name) {
    return failureAnswer(blank('name'));
  }
  const ledger = core.ledgers.get(ledgerId);
  if (ledger === undefined) {
    return failureAnswer(noSuchRow('LGR_NOT_FOUND', 'Ledger not found'));
  }
  ledger.name = String(fields.name);
  return { status: 200, body: ledgerJson(ledger) };
}

export function createBalance(core: CoreState, call: Call): Answer {
  const fields = readFields(call, ['ledger_id', 'currency', 'identity_id']);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields });
  }
  const missing = ['currency', 'ledger_id'].filter((name) => !fields[name]);
  if (missing.length > 0) {
    return failureAnswer(blank(...missing));
  }
  const ledgerId = String(fields.ledger_id);
  const identityId = String(fields.identity_id ?? '');
  if (!core.ledgers.has(ledgerId) || (identityId !== '' && !core.identities.has(identityId))) {
    // Core says so of an unknown identity as well.
    return failureAnswer(badRequest('Invalid ledger ID'));
  }
  const made = {
    ledgerId,
    currency: String(fields.currency),
    identityId,
    metadata: metadataOf(fields),
    createdMicros: core.stamp(),
  };
  return { status: 201, body: balanceJson(core.balances.create(made), { inList: false }) };
}

export function getBalance(balance: Balance | undefined, missing: Failure): Answer {
  return balance ? { status: 200, body: balanceJson(balance, { inList: false }) } : failureAnswer(missing);
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
    return failureAnswer(noSuchRow('BAL_NOT_FOUND', `${missing} not found`));
  }
  balance.identityId = identityId;
  return jsonAnswer(200, { message: 'Balance identity updated successfully' });
}

export function createIdentity(core: CoreState, call: Call): Answer {
  const fields = readFields(call, ['identity_id', ...identityFields]);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields });
  }
  // Older ones make an id of their own; 0.14.2 was the first that did not.
  const given = hasSince(core.settings.coreVersion, '0.15.2') ? String(fields.identity_id ?? '') : '';
  const wrong = given === '' ? undefined : refuseIdentityId(core, given);
  if (wrong !== undefined) {
    return failureAnswer({ status: 400, code: 'IDT_VALIDATION_ERROR', ...wrong });
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
    : failureAnswer(noSuchRow('IDT_NOT_FOUND', `Identity with ID '${identityId}' not found`));
}

/** What a balance is linked to stays, as the database below Core will have it. */
export function deleteIdentity(core: CoreState, identityId: string): Answer {
  if (core.balances.all.some((balance) => balance.identityId === identityId)) {
    const message = 'update or delete on table "identity" violates foreign key constraint';
    const details = { Severity: 'ERROR', Code: '23503', Message: message, Constraint: 'balances_identity_id_fkey' };
    return failureAnswer({ status: 500, code: 'GEN_INTERNAL', message: 'Failed to delete identity', details });
  }
  return core.identities.delete(identityId)
    ? jsonAnswer(200, { message: 'Identity deleted successfully' })
    : failureAnswer(notFound('IDT_NOT_FOUND', `Identity with ID '${identityId}' not found`));
}

export function updateIdentity(core: CoreState, identityId: string, call: Call): Answer {
  const fields = readFields(call, [...identityFields]);
  const identity = core.identities.get(identityId);
  if (typeof fields === 'string') {
    return failureAnswer({ ...malformed, message: fields });
  }
  // An empty text is taken for none.
  const change = Object.fromEntries(Object.entries(identityTexts(fields)).filter(([, value]) => value !== ''));
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

function refuseIdentityId(core: CoreState, identityId: string): Pick<Failure, 'message' | 'details'> | undefined {
  if (!identityId.startsWith('idt_')) {
    return { message: "identity_id must start with the 'idt_' prefix" };
  }
  if (!ownIdentity.test(identityId)) {
    return { message: "identity_id suffix after 'idt_' must be a valid UUID", details: {} };
  }
  if (!core.identities.has(identityId)) {
    return undefined;
  }
  const details = { Severity: 'ERROR', Code: '23505', Table: 'identity', Constraint: 'identity_identity_id_key' };
  return { message: `Identity already exists: ${identityId}`, details };
}

function identityTexts(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    identityFields.flatMap((name) => (typeof fields[name] === 'string' ? [[name, fields[name]]] : [])),
  );
}

function blank(...names: string[]): Failure {
  const message = `${names.map((name) => `${name}: cannot be blank`).join('; ')}.`;
  return { status: 400, code: 'GEN_VALIDATION_ERROR', message, key: 'errors' };
}
