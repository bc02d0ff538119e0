// Reads request bodies. `precise_amount` must reach the ledger digit by digit and only as a JSON integer literal, which
// JSON.parse cannot tell; bodies where that matters (rare) are read with the literals kept.

type BodyResult = { value: unknown } | { problem: string };

/** A `precise_amount` as it stood in the text. */
export class NumberLiteral {
  constructor(readonly text: string) {}
}

const needsLiterals = /"precise_amount"\s*:\s*(?:-?\d{16,}|-?\d+[.eE])/;
const amountsAndStrings = /"precise_amount"\s*:\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|"(?:[^"\\]|\\.)*"/g;
const literalKey = '\u0000literal';

/** An escape that may be half of a character; Go reads a half without its other half as U+FFFD. */
const surrogateEscape = /\\u[dD][89a-fA-F]/;

/** Parses a body; the problem is worded as Go words it, as far as Core shows it. */
export function parseBody(text: string): BodyResult {
  if (text.trim() === '') {
    return { problem: 'EOF' };
  }
  const whole = parseWhole(text);
  if (whole !== undefined) {
    return whole;
  }
  const end = endOfFirstValue(text);
  if (end === undefined) {
    return { problem: 'unexpected EOF' };
  }
  return parseWhole(text.slice(0, end)) ?? { problem: 'invalid character in JSON' };
}

function parseWhole(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = needsLiterals.test(text) ? parseKeepingLiterals(text) : JSON.parse(text);
    return { value: surrogateEscape.test(text) ? wellFormed(value) : value };
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

/** Go stops reading after the first JSON value, whatever follows; undefined when that value is cut short. */
function endOfFirstValue(text: string): number | undefined {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    depth += token === '{' || token === '[' ? 1 : 0;
    depth -= token === '}' || token === ']' ? 1 : 0;
    if (depth <= 0) {
      return index + token.length;
    }
  }
  return undefined;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.toWellFormed();
  }
  if (Array.isArray(value)) {
    return value.map(wellFormed);
  }
  if (value === null || typeof value !== 'object' || value instanceof NumberLiteral) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key.toWellFormed(), wellFormed(child)]));
}

/** Go finds a struct's fields whatever the case of their keys; of two spellings of one field the later one counts. */
export function foldKeys(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (Object.keys(fields).every((key) => key === key.toLowerCase())) {
    return fields;
  }
  const folded: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const name = key.toLowerCase();
    // A null changes no text, number or flag that stood there before.
    folded[name] = value ?? folded[name] ?? value;
  }
  return folded;
}

function parseKeepingLiterals(text: string): unknown {
  const marked = text.replace(amountsAndStrings, (whole, literal: string | undefined) =>
    literal === undefined ? whole : `"precise_amount":{${JSON.stringify(literalKey)}:"${literal}"}`,
  );
  return JSON.parse(marked, (_key, value: unknown) => {
    const isMark = typeof value === 'object' && value !== null && Object.hasOwn(value, literalKey);
    return isMark ? new NumberLiteral(String(Object.entries(value)[0]?.[1])) : value;
  });
}

/** The same value with literals as plain numbers: inside metadata Core keeps float64. */
export function withoutLiterals(value: unknown): unknown {
  if (value instanceof NumberLiteral) {
    return Number(value.text);
  }
  if (Array.isArray(value)) {
    return value.map(withoutLiterals);
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withoutLiterals(child)]));
  }
  return value;
}
