/**
 * Money is a whole number of minor units with its currency. A bare number is never an amount.
 * Formatting here is for people; nothing is ever computed from a formatted amount.
 */
import { exponentOf } from './currencies.js';

export interface Money {
  /** Minor units as Stripe counts them (cents; yen for JPY; thousandths for KWD). */
  readonly amount: bigint;
  /** Upper-case code. */
  readonly currency: string;
}

/** `1234567` USD is `12,345.67 USD`; a currency of unknown exponent is shown in minor units and marked so. */
export function formatMoney({ amount, currency }: Money): string {
  const decimal = decimalText({ amount, currency });
  if (decimal === null) return amount === 0n ? `0 ${currency}` : `${amount} minor units of ${currency}`;
  const [whole = '', fraction] = decimal.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${grouped}${fraction === undefined ? '' : `.${fraction}`} ${currency}`;
}

/** For programs: `1234567` USD is `12345.67`; null for a currency of unknown exponent. */
export function decimalText({ amount, currency }: Money): string | null {
  const exponent = exponentOf(currency);
  if (exponent === undefined) return null;
  const negative = amount < 0n;
  const digits = (negative ? -amount : amount).toString().padStart(exponent + 1, '0');
  const [whole, fraction] = [digits.slice(0, digits.length - exponent), digits.slice(digits.length - exponent)];
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
