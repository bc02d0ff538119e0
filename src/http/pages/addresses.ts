/** What pages make of addresses: filters out of a query, and addresses and commands out of filters. */
import type { Context } from 'hono';
import { utcDay } from '../../core/base/window.js';
import type { Environment } from '../access.js';
import { isPaymentDay } from '../payment-day.js';

/** Empty fields of a form are none. */
export function queryOf<Name extends string>(
  c: Context<Environment>,
  names: readonly Name[],
): { [Key in Name]?: string } {
  const entries = names.map((name) => [name, c.req.query(name)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== '')) as {
    [Key in Name]?: string;
  };
}

export function oneOf<Value extends string>(values: readonly Value[], text: string | undefined): Value | undefined {
  return values.find((value) => value === text);
}

export function dayOf(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) || utcDay(new Date(time)) !== text || !isPaymentDay(text) ? undefined : text;
}

export function currencyOf(text: string | undefined): string | undefined {
  return /^[A-Za-z]{3}$/.test(text ?? '') ? text?.toUpperCase() : undefined;
}

/** Null for words that a shell would read otherwise: what is copied has to do what the page did. */
export function commandOf(words: readonly string[], options: object = {}): string | null {
  const all = [...words, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])];
  return all.every((word) => /^[\w@:.,+-]+$/.test(word)) ? all.join(' ') : null;
}

export function pathOf(path: string, query: object): string {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The same rows as CSV, all of them. */
export function csvOf(path: string, query: object): string {
  const { after: _, ...filters } = query as { after?: string };
  return pathOf(`${path}.csv`, filters);
}

/** The next page keeps the filters. */
export function olderOf(path: string, asked: object, next: string | null): string | null {
  return next === null ? null : pathOf(path, { ...asked, after: next });
}

export function firstOf(path: string, asked: object): string {
  const { after: _, ...filters } = asked as { after?: string };
  return pathOf(path, filters);
}
