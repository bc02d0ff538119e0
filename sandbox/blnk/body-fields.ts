// Reads the flat bodies of Core's smaller routes.

import type { Call } from './call.js';
import { foldKeys, parseBody } from './exact-body.js';
import type { Metadata } from './transaction-row.js';

export type Fields = Record<string, unknown>;

/** What a route's Go struct is called, and which of its fields are no texts. */
interface Struct {
  name: string;
  numbers?: readonly string[];
  flags?: readonly string[];
}

/** The body's fields, or Go's words on why they cannot be read. */
export function readFields(
  call: Call,
  texts: readonly string[],
  struct: Struct = { name: 'request' },
): Fields | string {
  const parsed = parseBody(call.text);
  if ('problem' in parsed) {
    return parsed.problem;
  }
  const value = parsed.value ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    return `json: cannot unmarshal ${goKind(value)} into Go value of type model.${struct.name}`;
  }
  const fields = foldKeys(value as Fields);
  const { numbers = [], flags = [] } = struct;
  return (
    wrongField(fields, { names: texts, type: 'string', struct }) ??
    wrongField(fields, { names: numbers, type: 'number', struct }) ??
    wrongField(fields, { names: flags, type: 'boolean', struct }) ??
    fields
  );
}

/** The metadata of a body, null when there is none. */
export function metadataOf(fields: Fields): Metadata | null {
  const value = fields.meta_data;
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Metadata) : null;
}

const goTypes = { string: 'string', number: 'float64', boolean: 'bool' } as const;

function wrongField(
  fields: Fields,
  { names, type, struct }: { names: readonly string[]; type: keyof typeof goTypes; struct: Struct },
): string | undefined {
  const wrong = names.find(
    (name) => fields[name] !== undefined && fields[name] !== null && typeof fields[name] !== type,
  );
  return (
    wrong &&
    `json: cannot unmarshal ${goKind(fields[wrong])} into Go struct field ${struct.name}.${wrong} of type ${goTypes[type]}`
  );
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) {
    return 'array';
  }
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
