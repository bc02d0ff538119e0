/**
 * The codes of a Core before 0.15.0, which answers nearly every refusal with 400 and words alone. Only whole texts of a
 * single post and of access are read, anchored at their beginning: what a bulk reports of its items is never taken for a code.
 */
import { textMemberOf } from '../core/base/exact-json.js';

const CODES: ReadonlyArray<readonly [RegExp, string]> = [
  [/^transaction validation failed: reference .* has already been used$/s, 'TXN_DUPLICATE_REFERENCE'],
  [/^failed to apply transaction to balances: insufficient funds in source balance$/, 'TXN_INSUFFICIENT_FUNDS'],
  [/^failed to get source and destination balances: NOT_FOUND: /, 'TXN_NOT_FOUND'],
  [/^failed to (persist transaction with|update) balances: CONFLICT: /, 'GEN_CONFLICT'],
  [/^failed to acquire lock/, 'GEN_RESOURCE_LOCKED'],
  [/^Invalid input$/, 'GEN_MALFORMED_REQUEST'],
  [/^transactions cannot be empty$/, 'TXN_BULK_EMPTY'],
];

const ACCESS_CODES: ReadonlyArray<readonly [RegExp, string]> = [
  [/^Authentication required\. Use X-Blnk-Key header$/, 'AUTH_MISSING_API_KEY'],
  [/^Invalid API key$/, 'AUTH_INVALID_API_KEY'],
  [/^Insufficient permissions for /, 'AUTH_INSUFFICIENT_PERMISSIONS'],
];

/** @returns the code that Core gives for the same refusal since 0.15.0; null when these are no words of a Core */
export function codeOfWords(status: number, json: unknown): string | null {
  if (status !== 400 && status !== 401 && status !== 403) return null;
  const words = textMemberOf(json, 'error');
  if (words !== null) return (status === 400 ? CODES : ACCESS_CODES).find(([text]) => text.test(words))?.[1] ?? null;
  // Rules that a transaction breaks, field by field: "description: cannot be blank."
  return status === 400 && /^[a-z_]+: /.test(textMemberOf(json, 'errors') ?? '') ? 'TXN_VALIDATION_ERROR' : null;
}
