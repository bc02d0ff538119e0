/** Does the acts of a plan of damage to a tree, one after the other; a tree that is given stays as it is. */
import type { Act, Damage } from './damage.js';
import { type Json, parseTree } from './json.js';

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
