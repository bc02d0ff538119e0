/**
 * Damage to JSON, drawn by chance: what vendors, gateways and attackers could make of a good answer. A plan of damage is a
 * few small acts, so what fails is told, and made smaller, as acts and never as megabytes of text.
 */
import fc from 'fast-check';
import { type Json, parseTree } from './json.js';

/** What is done at one place. Texts are JSON texts, so that numbers keep their digits. */
export type Act =
  | { readonly act: 'remove' }
  | { readonly act: 'put'; readonly text: string }
  /** A megabyte of one character, or so many brackets. */
  | { readonly act: 'inflate'; readonly as: 'text' | 'list' | 'members'; readonly size: number }
  /** The key comes twice; the odd value comes first or last. */
  | { readonly act: 'twice'; readonly text: string; readonly oddFirst: boolean }
  | { readonly act: 'rename'; readonly key: string }
  | { readonly act: 'beside'; readonly key: string; readonly text: string }
  /** The item comes once more; of a member nothing changes by it. */
  | { readonly act: 'repeat' }
  /** Changes places with the one before it. */
  | { readonly act: 'swap' }
  | { readonly act: 'wrap'; readonly in: 'list' | 'members' }
  /** Odd characters into a text, and what looks like a number onto a number. */
  | { readonly act: 'spoil'; readonly at: number; readonly characters: string }
  | { readonly act: 'renumber'; readonly suffix: string };

export interface Damage {
  /** Counted through all places of the tree, beginning anew behind the last. */
  readonly place: number;
  readonly what: Act;
}

/** Literals that are read as one thing here and as another there. */
const ODD_NUMBERS = [
  ...['0', '-0', '-1', '0.1', '1e3', '1E-3', '1e400', '-1e400', '1e-400', '2.5e0', '10.00', '1234567', '-1234567'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '4503599627370497.5', '18446744073709551616'],
  ...['1.00000000000000000001', '1000.00000000000000001', '123456789012345678901234567890', '1e30', '253402300800'],
  ...['-62135596800', '1700000000.5', '8640000000001', '9223372036854775808', '0.30000000000000004'],
];

/** NUL, escapes of terminals, marks of direction and of no width, halves of characters, signs of other languages. */
export const ODD_CHARACTERS = [
  ...['\u0000', '\u001b[2J\u001b[31m', '\u009b31m', '\u007f', '\r\n', '\u202e', '\u2066', '\u200b', '\ufeff', '\u2028'],
  ...['\ud800', '\udc00', '\uffff', '\u{1f4a9}', '\u0301'.repeat(50), '"', "'", '\\', '%00', '%s', '/../', '`'],
  ...['<script>alert(1)</script>', "'; drop table postings; --", '@stripe', '_q', ':r1', 'null', ' ', '\u00a0', ','],
];

export const ODD_TEXTS = [
  ...[
    '',
    ' ',
    'NaN',
    'Infinity',
    '-0',
    '0x10',
    '1_000',
    '1,000',
    '１２３',
    'true',
    'null',
    'undefined',
    '[object Object]',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'pi_', 'pi_x y', 'cus_', 'ch_1', 'usd', 'USD', 'jpy', 'KWD'],
  ...['xyz', 'succeeded', 'APPLIED', 'QUEUED', 'REJECTED', '1', '1969-12-31T23:59:59Z', '+294247-01-10T04:00:54.775Z'],
  ...['2026-02-30', '2026-11-21T10:00:00', '21 Nov 2026', '0001-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '12'],
];

const ODD_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  '',
  '\u0000',
  'id',
  'ID',
];

const ODD_VALUES = [
  ...[
    'null',
    'true',
    'false',
    '[]',
    '{}',
    '[null]',
    '[[]]',
    '{"id":null}',
    '{"id":7}',
    '{"id":"cus_odd"}',
    '{"data":[]}',
  ],
  ...['{"__proto__":{"amount_received":1,"id":"pi_p"}}', '{"constructor":{"prototype":{"x":1}}}', '{"toString":null}'],
];

const LARGE = [1_000, 1_000, 1_000, 100_000, 1_000_000];

/** Deeper than any parser that calls itself for each level would survive. */
const DEEP = [100, 100, 10_000, 100_000];

const oddText = fc.oneof(
  fc.constantFrom(...ODD_NUMBERS),
  fc.constantFrom(...ODD_VALUES),
  fc.constantFrom(...ODD_TEXTS, ...ODD_CHARACTERS).map((text) => JSON.stringify(text)),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 3 }),
);

const oddKey = fc.oneof(fc.constantFrom(...ODD_KEYS), fc.string({ maxLength: 8 }));

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Act>({ act: 'remove' }) },
  { weight: 8, arbitrary: fc.record({ act: fc.constant('put' as const), text: oddText }) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({
        act: fc.constant('inflate' as const),
        as: fc.constant('text' as const),
        size: fc.constantFrom(...LARGE),
      }),
      fc.record({
        act: fc.constant('inflate' as const),
        as: fc.constantFrom('list' as const, 'members' as const),
        size: fc.constantFrom(...DEEP),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('twice' as const), text: oddText, oddFirst: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('rename' as const), key: oddKey }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('beside' as const), key: oddKey, text: oddText }) },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'repeat' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'swap' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('wrap' as const),
      in: fc.constantFrom('list' as const, 'members' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('spoil' as const),
      at: fc.nat(40),
      characters: fc.oneof(fc.constantFrom('\u0000', '\ud800', '\u001b[31m'), fc.constantFrom(...ODD_CHARACTERS)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('renumber' as const),
      suffix: fc.constantFrom('.0', '.5', 'e0', 'e2', 'e-2', '0', '000000000000', '.00000000000000001', '99', 'e300'),
    }),
  },
);

/** One to `max` acts; most plans are one act, because one fault alone must already be seen. */
export function drawDamage(max = 4): fc.Arbitrary<readonly Damage[]> {
  const damage = fc.record({ place: fc.nat(1_000_000), what: act });
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(damage, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(damage, { minLength: 1, maxLength: max }) },
  );
}

/**
 * @param decisive keys of members that are hit as often as all other places together
 * @returns a new tree
 */
export function damaged(tree: Json, plan: readonly Damage[], decisive: readonly string[]): Json {
  return plan.reduce((whole, { place, what }) => {
    const places = placesOf(whole, decisive);
    const path = places[place % places.length];
    return path === undefined ? whole : changeAt(whole, path, what);
  }, tree);
}

type Path = readonly number[];

/** Paths of child positions, in the order of the text; those of decisive members again and again until they are half. */
function placesOf(tree: Json, decisive: readonly string[]): readonly Path[] {
  const all: Path[] = [];
  const favoured: Path[] = [];
  const walk = (node: Json, path: Path, isFavoured: boolean): void => {
    all.push(path);
    if (isFavoured) favoured.push(path);
    if (node.kind === 'list') for (const [at, item] of node.items.entries()) walk(item, [...path, at], false);
    if (node.kind !== 'members') return;
    for (const [at, [key, value]] of node.entries.entries())
      walk(
        value,
        [...path, at],
        decisive.some((name) => key === JSON.stringify(name)),
      );
  };
  walk(tree, [], false);
  if (favoured.length === 0) return all;
  const times = Math.max(1, Math.round(all.length / favoured.length));
  return [...all, ...Array.from({ length: times }, () => favoured).flat()];
}

function changeAt(node: Json, path: Path, what: Act): Json {
  const [at, ...rest] = path;
  if (at === undefined) return changeValue(node, what);
  if (node.kind === 'leaf') return node;
  if (rest.length > 0) return withChild(node, at, (child) => changeAt(child, rest, what));
  return node.kind === 'list' ? changeItem(node.items, at, what) : changeMember(node.entries, at, what);
}

function withChild(node: Exclude<Json, { kind: 'leaf' }>, at: number, change: (child: Json) => Json): Json {
  return node.kind === 'list'
    ? { kind: 'list', items: node.items.map((item, index) => (index === at ? change(item) : item)) }
    : {
        kind: 'members',
        entries: node.entries.map(([key, value], index) => (index === at ? [key, change(value)] : [key, value])),
      };
}

function changeItem(items: readonly Json[], at: number, what: Act): Json {
  const item = items[at];
  if (item === undefined) return { kind: 'list', items };
  return { kind: 'list', items: items.toSpliced(at, 1, ...replaced()) };

  function replaced(): Json[] {
    const whole = item as Json;
    switch (what.act) {
      case 'remove':
        return [];
      case 'repeat':
        return [whole, whole];
      case 'twice':
      case 'beside':
        return [whole, parseTree(what.text)];
      default:
        return [changeValue(whole, what)];
    }
  }
}

function changeMember(entries: Extract<Json, { kind: 'members' }>['entries'], at: number, what: Act): Json {
  const entry = entries[at];
  if (entry === undefined) return { kind: 'members', entries };
  const [key, value] = entry;
  if (what.act === 'swap' && at > 0)
    return {
      kind: 'members',
      entries: [...entries.slice(0, at - 1), entry, ...entries.slice(at - 1, at), ...entries.slice(at + 1)],
    };
  return { kind: 'members', entries: entries.toSpliced(at, 1, ...replaced()) };

  function replaced(): Array<readonly [string, Json]> {
    switch (what.act) {
      case 'remove':
        return [];
      case 'rename':
        return [[JSON.stringify(what.key), value]];
      case 'beside':
        return [
          [key, value],
          [JSON.stringify(what.key), parseTree(what.text)],
        ];
      case 'twice':
        return what.oddFirst
          ? [
              [key, parseTree(what.text)],
              [key, value],
            ]
          : [
              [key, value],
              [key, parseTree(what.text)],
            ];
      default:
        return [[key, changeValue(value, what)]];
    }
  }
}

function changeValue(node: Json, what: Act): Json {
  switch (what.act) {
    case 'remove':
      return leaf('null');
    case 'put':
    case 'twice':
    case 'beside':
      return parseTree(what.text);
    case 'inflate':
      return leaf(inflated(what));
    case 'wrap':
      return what.in === 'list' ? { kind: 'list', items: [node] } : { kind: 'members', entries: [['"value"', node]] };
    case 'spoil':
      return spoiled(node, what);
    case 'renumber':
      return node.kind === 'leaf' && /^-?[1-9]\d*$/.test(node.text) ? leaf(`${node.text}${what.suffix}`) : node;
    case 'swap':
      return node.kind === 'list' ? { kind: 'list', items: [...node.items].reverse() } : node;
    case 'rename':
    case 'repeat':
      return node;
    default:
      return what satisfies never;
  }
}

function inflated({ as, size }: Extract<Act, { act: 'inflate' }>): string {
  if (as === 'text') return `"${'\u00e9'.repeat(size)}"`;
  return as === 'list' ? `${'['.repeat(size)}${']'.repeat(size)}` : `${'{"a":'.repeat(size)}0${'}'.repeat(size)}`;
}

/** Of an object all texts that stand directly in it, such as a merchant's metadata. */
function spoiled(node: Json, what: Extract<Act, { act: 'spoil' }>): Json {
  if (node.kind === 'members') {
    const entries = node.entries.map(
      ([key, value]) => [key, value.kind === 'leaf' ? spoiled(value, what) : value] as const,
    );
    return { kind: 'members', entries };
  }
  if (node.kind !== 'leaf' || !node.text.startsWith('"')) return node;
  const text = JSON.parse(node.text) as string;
  const place = what.at % (text.length + 1);
  return leaf(JSON.stringify(`${text.slice(0, place)}${what.characters}${text.slice(place)}`));
}

function leaf(text: string): Json {
  return { kind: 'leaf', text };
}
