/**
 * JSON as a tree of its texts: numbers keep every digit, keys may come twice, and what a parser would round or drop is
 * still there. Damage is done to it, and what a damaged text truly says is read from it.
 */

export type Json = Leaf | List | Members;

/** A literal as it stands in the text; after damage any JSON text, however deep. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly text: string;
}

export interface List {
  readonly kind: 'list';
  readonly items: readonly Json[];
}

export interface Members {
  readonly kind: 'members';
  /** Keys as texts with their quotes; the same key may come twice. */
  readonly entries: ReadonlyArray<readonly [keyText: string, value: Json]>;
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[[\]{},:])/y;

/** @param text valid JSON of moderate depth, as the stand-ins answer it */
export function parseTree(text: string): Json {
  let at = 0;
  const next = (): string => {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw new Error(`no JSON at ${at}: ${text.slice(at, at + 40)}`);
    at = TOKEN.lastIndex;
    return token;
  };
  const value = (token: string): Json => {
    if (token === '[') return { kind: 'list', items: several(']', (first) => value(first)) };
    if (token !== '{') return { kind: 'leaf', text: token };
    const entries = several('}', (key): readonly [string, Json] => {
      next();
      return [key, value(next())];
    });
    return { kind: 'members', entries };
  };
  const several = <T>(end: string, read: (first: string) => T): T[] => {
    const all: T[] = [];
    for (let token = next(); token !== end; token = next()) all.push(read(token === ',' ? next() : token));
    return all;
  };
  return value(next());
}

export function renderTree(tree: Json): string {
  switch (tree.kind) {
    case 'leaf':
      return tree.text;
    case 'list':
      return `[${tree.items.map(renderTree).join(',')}]`;
    case 'members':
      return `{${tree.entries.map(([key, value]) => `${key}:${renderTree(value)}`).join(',')}}`;
    default:
      return tree satisfies never;
  }
}

/** The member that counts: of a key that comes twice the last one, as JavaScript and Go read it. */
export function memberOf(tree: Json | undefined, key: string): Json | undefined {
  if (tree?.kind !== 'members') return undefined;
  return tree.entries.findLast(([keyText]) => JSON.parse(keyText) === key)?.[1];
}

export function itemsOf(tree: Json | undefined): readonly Json[] {
  return tree?.kind === 'list' ? tree.items : [];
}

/** The text that a leaf holds; undefined when it holds something else. */
export function textOf(tree: Json | undefined): string | undefined {
  if (tree?.kind !== 'leaf' || !tree.text.startsWith('"')) return undefined;
  return JSON.parse(tree.text) as string;
}

/** What a JSON number says to the last digit, when that is a whole number; undefined for anything else. */
export function wholeNumberOf(tree: Json | undefined): bigint | undefined {
  const match = tree?.kind === 'leaf' ? /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(tree.text) : null;
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  const scale = Number(exponent) - fraction.length;
  if (digits === 0n) return 0n;
  if (Math.abs(scale) > 400) return undefined;
  const divisor = scale < 0 ? 10n ** BigInt(-scale) : 1n;
  if (digits % divisor !== 0n) return undefined;
  const value = scale < 0 ? digits / divisor : digits * 10n ** BigInt(scale);
  return sign === '-' ? -value : value;
}
