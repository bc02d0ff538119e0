// Reads JSON without losing digits: integers beyond 2^53 become bigint, everything else is as JSON.parse gives it.
// Ledger amounts may be of any size, and a rounded one would make a wrong answer look right.

import type { Json } from './case-file.js';

const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const marker = '\u0001bigint:';

/** Parses JSON text, or gives the text itself back when it is not JSON (Core answers some 404s in plain text). */
export function parseExactJson(text: string): Json {
  const marked = text.replace(tokens, (token) =>
    /^-?\d{16,}$/.test(token) ? JSON.stringify(`${marker}${token}`) : token,
  );
  try {
    return JSON.parse(marked, (_key, value: unknown) =>
      typeof value === 'string' && value.startsWith(marker) ? BigInt(value.slice(marker.length)) : value,
    ) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return text;
    }
    throw error;
  }
}
