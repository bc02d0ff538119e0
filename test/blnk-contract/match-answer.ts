// Compares an answer with what a case expects and says in words where they differ. It knows nothing of HTTP.
// Values named by "<kind as name>" are collected in `stored` and become usable from the next step on.

import type { Json } from './case-file.js';

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const kinds: Record<string, string> = {
  string: '[\\s\\S]*',
  any: '[\\s\\S]*',
  rfc3339: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:Z|[+-]\\d\\d:\\d\\d)',
  txn_id: `txn_${uuid}`,
  bln_id: `bln_${uuid}`,
  ldg_id: `ldg_${uuid}`,
  idt_id: `idt_${uuid}`,
  bulk_id: `bulk_${uuid}`,
};
const placeholder = /<(string|number|any|rfc3339|txn_id|bln_id|ldg_id|idt_id|bulk_id)(?: as (\w+))?>/g;

/** The first difference, or undefined when the answer fits. */
export function findDifference(
  sides: { expected: Json; actual: Json | undefined },
  stored: Map<string, string>,
  at = 'body',
): string | undefined {
  const { expected, actual } = sides;
  if (typeof expected === 'string') {
    return differsFromText(expected, actual, { stored, at });
  }
  if (expected === null || typeof expected !== 'object') {
    return expected === actual ? undefined : `${at}: expected ${show(expected)}, got ${show(actual)}`;
  }
  if (Array.isArray(expected)) {
    return differsFromList(expected, actual, { stored, at });
  }
  return differsFromObject(expected, actual, { stored, at });
}

interface Place {
  stored: Map<string, string>;
  at: string;
}

function differsFromText(expected: string, actual: Json | undefined, { stored, at }: Place): string | undefined {
  const wrong = `${at}: expected ${show(expected)}, got ${show(actual)}`;
  const exact = /^<int (-?\d+)>$/.exec(expected);
  if (exact) {
    const isNumber = typeof actual === 'number' || typeof actual === 'bigint';
    return isNumber && String(actual) === exact[1] ? undefined : wrong;
  }
  if (expected === '<any>') {
    return actual === undefined ? wrong : undefined;
  }
  if (expected === '<number>') {
    return typeof actual === 'number' || typeof actual === 'bigint' ? undefined : wrong;
  }
  if (typeof actual !== 'string') {
    return wrong;
  }
  const names: string[] = [];
  let pattern = '';
  let end = 0;
  for (const found of expected.matchAll(placeholder)) {
    pattern += `${escapePattern(expected.slice(end, found.index))}(${kinds[found[1] ?? 'any']})`;
    names.push(found[2] ?? '');
    end = found.index + found[0].length;
  }
  const match = new RegExp(`^${pattern}${escapePattern(expected.slice(end))}$`).exec(actual);
  if (!match) {
    return wrong;
  }
  names.forEach((name, index) => {
    if (name !== '') {
      stored.set(name, match[index + 1] ?? '');
    }
  });
  return undefined;
}

function differsFromList(expected: Json[], actual: Json | undefined, { stored, at }: Place): string | undefined {
  if (!Array.isArray(actual)) {
    return `${at}: expected a list, got ${show(actual)}`;
  }
  if (actual.length !== expected.length) {
    return `${at}: expected ${expected.length} items, got ${actual.length}: ${show(actual)}`;
  }
  for (const [index, item] of expected.entries()) {
    const difference = findDifference({ expected: item, actual: actual[index] }, stored, `${at}[${index}]`);
    if (difference) {
      return difference;
    }
  }
  return undefined;
}

function differsFromObject(
  expected: { [key: string]: Json },
  actual: Json | undefined,
  { stored, at }: Place,
): string | undefined {
  const { $unordered: unordered, $contains: contains, $length: length, $each: each } = expected;
  if (Array.isArray(unordered)) {
    const lengths = Array.isArray(actual) && actual.length === unordered.length;
    return lengths
      ? missesOne(unordered, actual, { stored, at })
      : `${at}: expected ${unordered.length} items, got ${show(actual)}`;
  }
  if (Array.isArray(contains)) {
    return Array.isArray(actual)
      ? missesOne(contains, actual, { stored, at })
      : `${at}: expected a list, got ${show(actual)}`;
  }
  if (length !== undefined) {
    if (!Array.isArray(actual) || actual.length !== length) {
      return `${at}: expected ${show(length)} items, got ${Array.isArray(actual) ? actual.length : show(actual)}`;
    }
    return each === undefined
      ? undefined
      : differsFromList(
          actual.map(() => each),
          actual,
          { stored, at },
        );
  }
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) {
    return `${at}: expected an object, got ${show(actual)}`;
  }
  for (const [key, value] of Object.entries(expected)) {
    const child = Object.hasOwn(actual, key) ? actual[key] : undefined;
    const difference = findDifference({ expected: value, actual: child }, stored, `${at}.${key}`);
    if (difference) {
      return difference;
    }
  }
  return undefined;
}

function missesOne(wanted: Json[], actual: Json[], { stored, at }: Place): string | undefined {
  const left = [...actual];
  for (const item of wanted) {
    const index = left.findIndex((candidate) => !findDifference({ expected: item, actual: candidate }, stored));
    if (index < 0) {
      return `${at}: no item like ${show(item)} in ${show(left)}`;
    }
    left.splice(index, 1);
  }
  return undefined;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

function show(value: Json | undefined): string {
  const text = JSON.stringify(value, (_key, child: unknown) => (typeof child === 'bigint' ? `${child}n` : child));
  return text === undefined ? 'nothing' : text.slice(0, 400);
}
