/**
 * The filters of a list as CSV. Unlike a page, which shows what it chose by, a file shows nothing of it: what is not understood is
 * refused, because all rows would be taken for the chosen ones.
 */
import type { Context } from 'hono';
import type { Environment } from '../access.js';
import { DAY_MAX, DAY_MIN } from '../payment-day.js';
import { refuse } from '../problem.js';
import { currencyOf, dayOf, oneOf, queryOf } from './addresses.js';

export interface CsvFilters<Name extends string> {
  text(name: Name): string | undefined;
  oneOf<Value extends string>(name: Name, values: readonly Value[]): Value | undefined;
  day(name: Name): string | undefined;
  /** In capitals. */
  currency(name: Name): string | undefined;
  /** Whether it is `true`; not given is `false`. */
  isTrue(name: Name): boolean;
}

/** Throws ProblemError 400, at once for a name that is not among these. */
export function csvFilters<Name extends string>(c: Context<Environment>, names: readonly Name[]): CsvFilters<Name> {
  const unknown = Object.keys(c.req.query()).find((name) => !(names as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const allowed = names.length === 0 ? 'is none' : `are ${names.join(', ')}`;
    throw refuse(
      400,
      'http_request_invalid',
      `${JSON.stringify(unknown)} is no filter of this list; allowed ${allowed}`,
    );
  }
  const asked = queryOf(c, names);
  const text = (name: Name): string | undefined => asked[name];
  const understood = <Value>(name: Name, value: Value | undefined, allowed: string): Value | undefined => {
    if (value !== undefined || text(name) === undefined) return value;
    throw refuse(400, 'http_request_invalid', `${name} is ${JSON.stringify(text(name))}; allowed is ${allowed}`);
  };
  const chosen = <Value extends string>(name: Name, values: readonly Value[]): Value | undefined =>
    understood(name, oneOf(values, text(name)), `one of ${values.join(', ')}`);
  return {
    text,
    oneOf: chosen,
    day: (name) => understood(name, dayOf(text(name)), `a UTC day from ${DAY_MIN} to ${DAY_MAX}, as 2026-11-21`),
    currency: (name) => understood(name, currencyOf(text(name)), 'a code of three letters, as USD'),
    isTrue: (name) => chosen(name, ['true', 'false']) === 'true',
  };
}
