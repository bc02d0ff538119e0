/**
 * Reads JSON without losing digits. A double holds 15 significant digits of any decimal; `JSON.parse` rounds the rest
 * silently, and a rounded amount would compare equal to another payment's. Numbers that long come out as strings of
 * their digits; all others, and so nearly all answers, take `JSON.parse` at full speed.
 */

/** A number of 16 or more digits and points where a value may stand. May also match inside a string; then only time is lost. */
const LONG_NUMBER = /[:[,]\s*-?[\d.]{16}/;

/** Whole strings (so that digits inside them are left alone) or whole numbers. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

const SIGNIFICANT_DIGITS_MAX = 15;

/** @returns undefined when the text is not JSON; a number of more than 15 digits is the string of its literal */
export function parseExactJson(text: string): unknown {
  try {
    return JSON.parse(LONG_NUMBER.test(text) ? quoteLongNumbers(text) : text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function quoteLongNumbers(text: string): string {
  return text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') || digitsOf(token) <= SIGNIFICANT_DIGITS_MAX ? token : `"${token}"`,
  );
}

function digitsOf(literal: string): number {
  const mantissa = literal.split(/[eE]/, 1)[0] ?? '';
  return mantissa.replace(/\D/g, '').length;
}

/** The member of a JSON object; undefined when there is no object or no own member of that name. */
export function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** The member when it is a text, else null. */
export function textMemberOf(value: unknown, key: string): string | null {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : null;
}
