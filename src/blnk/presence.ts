/**
 * Whether a key of metadata is there, in the two spellings that ledgers know: the Cloud documents `exists` and `notexists` for
 * keys, a Core knows `isnull` and `isnotnull` alone, and what the Cloud takes besides is not documented. Pure.
 */
import type { Filter } from './routes.js';

export type PresenceSpelling = 'exists' | 'isnull';

const KEY = /^meta_data\./;
const AS_EXISTS = { isnull: 'notexists', isnotnull: 'exists' } as const;

/** Whether the two spellings differ for this question. */
export function asksPresence(filters: readonly Filter[]): boolean {
  return filters.some(isOfPresence);
}

/** The same question in the given spelling. Columns keep `isnull`: it is documented for them everywhere. */
export function spellPresence(filters: readonly Filter[], spelling: PresenceSpelling): readonly Filter[] {
  if (spelling === 'isnull') return filters;
  return filters.map((filter) => (isOfPresence(filter) ? { ...filter, operator: AS_EXISTS[filter.operator] } : filter));
}

function isOfPresence(filter: Filter): filter is Filter & { readonly operator: keyof typeof AS_EXISTS } {
  return KEY.test(filter.field) && filter.operator in AS_EXISTS;
}
