/**
 * Makes a merchant's metadata fit for the ledger: text that PostgreSQL and Core can store, in a size that Core can store.
 * Values are cut before keys are dropped, and what was cut is told. Pure and deterministic: the same metadata comes out
 * the same for ever, because the prepared transaction must.
 */

/** Bytes of the whole `meta_data` as PostgreSQL writes JSON. Core adds keys of its own, and the row has its own limit. */
const META_DATA_BYTES_MAX = 4_000;

/** What Core and our own marker may add: `"allow_overdraft": true`, `"sequence": n`, `"stripe_metadata_cut": "values"`. */
const ADDED_BYTES = 120;

/** Tried in turn, in characters, until everything fits. Stripe's own limit for a value is 500. */
const VALUE_LENGTHS = [500, 250, 120, 60, 30, 12, 4];

export interface CappedMetadata {
  readonly entries: ReadonlyArray<readonly [key: string, value: string]>;
  /** `text`: characters were removed that cannot be stored. `values`: values were shortened. `keys`: keys were dropped. */
  readonly cut: 'nothing' | 'text' | 'values' | 'keys';
}

/**
 * @param metadata the merchant's pairs, in Stripe's order
 * @param own our flat keys, which take their room first
 */
export function capMetadata(
  metadata: ReadonlyArray<readonly [string, string]>,
  own: Readonly<Record<string, string>>,
): CappedMetadata {
  if (metadata.length === 0) return { entries: metadata, cut: 'nothing' };
  const room = META_DATA_BYTES_MAX - ADDED_BYTES - sizeOfObject(Object.entries(own)) - '"stripe_metadata": {}, '.length;
  const cleaned = metadata.map(([key, value]) => [cleanText(key), cleanText(value)] as const);
  const altered = cleaned.some(([key, value], index) => key !== metadata[index]?.[0] || value !== metadata[index]?.[1]);
  for (const length of VALUE_LENGTHS) {
    const entries = cleaned.map(([key, value]) => [key, truncate(value, length)] as const);
    if (sizeOfObject(entries) <= room) {
      const shortened = entries.some(([, value], index) => value !== cleaned[index]?.[1]);
      return { entries, cut: shortened ? 'values' : altered ? 'text' : 'nothing' };
    }
  }
  return { entries: dropKeys(cleaned, room), cut: 'keys' };
}

/** Without NUL (Core cannot store it) and with lone surrogates replaced (not UTF-8, so no JSON parser agrees on them). */
export function cleanText(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}

/** Shortened to at most `bytesMax` bytes of PostgreSQL JSON text; a cut text ends with an ellipsis. */
export function capText(text: string, bytesMax: number): string {
  if (sizeOfText(text) <= bytesMax) return text;
  let kept = '';
  let bytes = sizeOfText('…');
  for (const character of text) {
    bytes += sizeOfText(character) - 2;
    if (bytes > bytesMax) break;
    kept += character;
  }
  return `${kept}…`;
}

function dropKeys(entries: ReadonlyArray<readonly [string, string]>, room: number): Array<readonly [string, string]> {
  const kept: Array<readonly [string, string]> = [];
  let bytes = 2;
  for (const [key, value] of entries) {
    const short = [key, truncate(value, VALUE_LENGTHS.at(-1) ?? 0)] as const;
    bytes += sizeOfText(short[0]) + sizeOfText(short[1]) + 4;
    if (bytes > room) break;
    kept.push(short);
  }
  return kept;
}

/** Counts characters as people do (code points), so that no emoji is cut in half. */
function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  let keptUnits = 0;
  let units = 0;
  for (let characters = 0; units < text.length; characters += 1) {
    if (characters === length) return `${text.slice(0, keptUnits)}…`;
    if (characters === length - 1) keptUnits = units;
    units += (text.codePointAt(units) ?? 0) > 0xff_ff ? 2 : 1;
  }
  return text;
}

/** PostgreSQL writes `{"key": "value", "key": "value"}`: four bytes a pair besides the texts. */
function sizeOfObject(entries: ReadonlyArray<readonly [string, string]>): number {
  let bytes = 2;
  for (const [key, value] of entries) bytes += sizeOfText(key) + sizeOfText(value) + 4;
  return bytes;
}

/** Where no character is among these the JSON of a text is its UTF-8, in quotes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for; by their class it takes four times as long
const ESCAPED = /["\\\u0000-\u001f]/;

/** UTF-8 bytes with quotes; a quote, a backslash and the short escapes take two, other controls six. */
function sizeOfText(text: string): number {
  let bytes = 2 + Buffer.byteLength(text);
  if (!ESCAPED.test(text)) return bytes;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x22 || code === 0x5c) bytes += 1;
    else if (code < 0x20)
      bytes += code === 0x0a || code === 0x0d || code === 0x09 || code === 0x08 || code === 0x0c ? 1 : 5;
  }
  return bytes;
}
