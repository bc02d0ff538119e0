// Reads the flat bodies of Core's smaller routes.

import type { Call } from './call.js';
import { parseBody } from './exact-body.js';
import type { Metadata } from './transaction-row.js';

export type Fields = Record<string, unknown>;

/** The body's fields, or Go's words on why they cannot be read. */
export function readFields(call: Call, texts: readonly string[]): Fields | string {
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

/** The metadata of a body, null when there is none. */
export function metadataOf(fields: Fields): Metadata | null {
  const value = fields.meta_data;
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Metadata) : null;
}
