/**
 * Reads JSON without losing digits. A double holds 15 significant digits of any decimal; `JSON.parse` rounds the rest
 * silently, and a rounded amount would compare equal to another payment's. Numbers that long come out as strings of
 * their digits; all others, and so nearly all answers, take `JSON.parse` at full speed.
 */

/** A number of 16 or more digits and points where a value may stand. May also match inside a string; then only time is lost. */
const LONG_NUMBER = /[:[,]\s*-?[\d.]{16}/;

/** A JSON number from here on; nothing that JSON does not allow, so that what is no JSON stays none. */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const SIGNIFICANT_DIGITS_MAX = 15;

/** @returns undefined when the text is not JSON; a number of more than 15 digits is the string of its literal */
export function parseExactJson(text: string): unknown {
  try {
    return JSON.parse(mayLoseDigits(text) ? withLongNumbers(text, (literal) => `"${literal}"`) : text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether `JSON.parse` may round a number of this text. */
function mayLoseDigits(text: string): boolean {
  return LONG_NUMBER.test(text);
}

/**
 * For texts in which no number needs more than 15 digits: one that has more is infinite, so that it is a number still and
 * no whole one. Throws SyntaxError as `JSON.parse` does.
 */
export function parseWithoutRounding(text: string): unknown {
  return JSON.parse(mayLoseDigits(text) ? withLongNumbers(text, () => '1e999') : text);
}

/** By hand, because a pattern for strings with escapes runs out of stack on a few megabytes. */
function withLongNumbers(text: string, write: (literal: string) => string): string {
  let written = '';
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? '';
    if (character === '"') {
      at = endOfString(text, at);
    } else if (character === '-' || (character >= '0' && character <= '9')) {
      NUMBER.lastIndex = at;
      const literal = NUMBER.exec(text)?.[0] ?? character;
      if (digitsOf(literal) > SIGNIFICANT_DIGITS_MAX) {
        written += text.slice(copied, at) + write(literal);
        copied = at + literal.length;
      }
      at += literal.length;
    } else {
      at += 1;
    }
  }
  return written + text.slice(copied);
}

/** The place after the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === '\\') at += 1;
  }
  return text.length;
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
