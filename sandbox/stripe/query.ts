// Reads the parameters of list and retrieve requests as Stripe does: bounds checked, unknown names refused, so that a
// client that misspells a filter learns it here and not in production.

import { badParameter } from './refusal.js';

export interface ListParameters {
  readonly limit: number;
  /** Unix seconds, both included. */
  readonly from: number;
  readonly to: number;
  readonly startingAfter: string | null;
  readonly endingBefore: string | null;
  readonly types: readonly string[] | null;
  readonly expand: ReadonlySet<string>;
}

/** `expandable`: the fields that may be expanded, without the `data.` that lists put before them. */
export function readListParameters(
  search: URLSearchParams,
  allowed: { types: boolean; expandable: readonly string[] },
): ListParameters {
  const created = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const expandable = allowed.expandable.map((field) => `data.${field}`);
  let limit = 10;
  const cursors = new Map<string, string>();
  const types: string[] = [];
  const expand = new Set<string>();
  for (const [name, text] of search) {
    if (name.startsWith('created')) narrow(created, name, text);
    else if (name === 'limit') limit = readLimit(text);
    else if (name === 'starting_after' || name === 'ending_before') cursors.set(name, text);
    else if (allowed.types && (name === 'type' || ARRAY_OF_TYPES.test(name))) types.push(text);
    else if (ARRAY_OF_EXPAND.test(name)) expand.add(readExpand(text, expandable).slice('data.'.length));
    else throw unknownParameter(name);
  }
  if (cursors.size > 1) throw badParameter('starting_after', 'You cannot use both starting_after and ending_before.');
  checkTypes(search, types);
  return {
    limit,
    ...created,
    startingAfter: cursors.get('starting_after') ?? null,
    endingBefore: cursors.get('ending_before') ?? null,
    types: types.length === 0 ? null : types,
    expand,
  };
}

/** A retrieve takes nothing but `expand`. */
export function readExpandOnly(search: URLSearchParams, expandable: readonly string[]): ReadonlySet<string> {
  const expand = new Set<string>();
  for (const [name, text] of search) {
    if (!ARRAY_OF_EXPAND.test(name)) throw unknownParameter(name);
    expand.add(readExpand(text, expandable));
  }
  return expand;
}

const CREATED = /^created(?:\[(gt|gte|lt|lte)\])?$/;
const ARRAY_OF_TYPES = /^types\[\d*\]$/;
const ARRAY_OF_EXPAND = /^expand\[\d*\]$/;
const TYPES_MAX = 20;

function narrow(created: { from: number; to: number }, name: string, text: string): void {
  const filter = CREATED.exec(name);
  if (filter === null) throw unknownParameter(name);
  const second = readInteger(name, text);
  const bound = filter[1];
  if (bound === undefined || bound === 'gte') created.from = Math.max(created.from, second);
  if (bound === undefined || bound === 'lte') created.to = Math.min(created.to, second);
  if (bound === 'gt') created.from = Math.max(created.from, second + 1);
  if (bound === 'lt') created.to = Math.min(created.to, second - 1);
}

function checkTypes(search: URLSearchParams, types: readonly string[]): void {
  if (search.has('type') && types.length > 1) {
    throw badParameter('types', 'You may only specify one of these parameters: type, types.');
  }
  if (types.length > TYPES_MAX) throw badParameter('types', `You may list at most ${TYPES_MAX} types.`);
}

function readInteger(name: string, text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) {
    throw badParameter(name, `Invalid integer: ${text}`, 'parameter_invalid_integer');
  }
  return Number(text);
}

function readLimit(text: string): number {
  const limit = readInteger('limit', text);
  if (limit < 1)
    throw badParameter('limit', 'This value must be greater than or equal to 1.', 'parameter_invalid_integer');
  if (limit > 100)
    throw badParameter(
      'limit',
      `This value must be less than or equal to 100 (it currently is ${limit}).`,
      'parameter_invalid_integer',
    );
  return limit;
}

function readExpand(text: string, expandable: readonly string[]): string {
  if (!expandable.includes(text)) throw badParameter('expand', `This property cannot be expanded (${text}).`);
  return text;
}

function unknownParameter(name: string) {
  return badParameter(name, `Received unknown parameter: ${name}`, 'parameter_unknown');
}
