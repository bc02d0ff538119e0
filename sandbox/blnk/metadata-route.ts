// POST /:id/metadata, for every kind of entity. It is not bound by the size limit of a posted row.

import { type Answer, failureAnswer, jsonAnswer, malformed, notFound } from './answers.js';
import { metadataOf, readFields } from './body-fields.js';
import type { Call } from './call.js';
import type { CoreState } from './core-state.js';

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
