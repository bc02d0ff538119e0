/**
 * The shape of `--json`: keys in snake_case, amounts as strings (a JSON number cannot hold every bigint), times in ISO
 * 8601. Programs read it: keys are only ever added.
 */

/** @param value plain values as the read model gives them */
export function toJson(value: unknown): string {
  return JSON.stringify(toPlain(value), null, 2);
}

function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [toSnakeCase(key), toPlain(inner)]));
}

function toSnakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
