/**
 * The order in which a day is cut into pieces. A side's hash is over lines `id|amount|currency|date`, sorted by code units, so a
 * piece holds all lines whose ids lie between two keys: then the sorted lines of the pieces, one piece after the other, are
 * the sorted lines of the day. Keys are ASCII, so that every store sorts them alike.
 */

/**
 * The key of an id: what of its line stands before the first `|`, that one included. It cannot be the beginning of another
 * key, so what follows it in a line changes nothing of the order; ids that have it in them share a key and so a piece.
 */
export function keyOf(id: string): string {
  const end = id.indexOf('|');
  return toAscii(`${end === -1 ? id : id.slice(0, end)}|`);
}

/** What is not printable ASCII, and what escapes it: a space below everything else, and a tilde above it. */
const SPECIAL = /[^!-}]/g;
const ESCAPED = /[ ~]([0-9a-f]{4})/g;

/** The text in printable ASCII, in the same order as the text by code units. */
export function toAscii(text: string): string {
  return text.replace(SPECIAL, (unit) => {
    // Of a fixed width, so that those that are escaped alike keep their order.
    return `${unit <= ' ' ? ' ' : '~'}${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** What `toAscii` was given. */
export function fromAscii(ascii: string): string {
  return ascii.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
