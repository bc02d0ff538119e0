/**
 * The shape of `--json`: keys in snake_case, times in ISO 8601. An amount `x` is `x_minor`, a whole number of minor units,
 * and `x`, the same in decimals, both as strings (a JSON number cannot hold every amount); beside them stand `currency` and
 * `currency_decimals`, the digits after the point. Of a currency that Stripe does not list, `x` and the decimals are null.
 * Programs read it: keys are only ever added.
 */
import { exponentOf } from '../core/base/currencies.js';
import { decimalText } from '../core/base/money.js';

/** @param value plain values as the read model gives them; each bigint is an amount in minor units */
export function toJson(value: unknown): string {
  return JSON.stringify(toPlain(value), null, 2);
}

/** The same before it is text. */
export function toPlain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  const currency = 'currency' in value && typeof value.currency === 'string' ? value.currency : null;
  const entries = Object.entries(value).flatMap(([name, inner]): Array<[string, unknown]> => {
    const minor = minorUnits(name, inner, value);
    if (minor === undefined) return [[toSnakeCase(name), toPlain(inner)]];
    const key = toSnakeCase(name).replace(/_minor$/, '');
    return [
      [`${key}_minor`, minor?.toString() ?? null],
      [key, minor === null || currency === null ? null : decimalText({ amount: minor, currency })],
    ];
  });
  const hasAmount = Object.entries(value).some(([name, inner]) => minorUnits(name, inner, value) !== undefined);
  if (!hasAmount) return Object.fromEntries(entries);
  const decimals = currency === null ? null : (exponentOf(currency) ?? null);
  return { ...Object.fromEntries(entries), currency, currency_decimals: decimals };
}

/** What may be null is an amount by its name. The rows of a ledger that were kept with a proof hold theirs as text. */
const AMOUNTS = ['amount', 'amountMinor', 'movement', 'unexplained'];

/** Undefined: it is no amount, or the same amount stands there in minor units already. */
function minorUnits(name: string, value: unknown, owner: object): bigint | null | undefined {
  if (typeof value === 'bigint') return value;
  if (!AMOUNTS.includes(name) || !('currency' in owner)) return undefined;
  if (name === 'amount' && 'amountMinor' in owner) return undefined;
  if (value === null) return null;
  return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : undefined;
}

function toSnakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
