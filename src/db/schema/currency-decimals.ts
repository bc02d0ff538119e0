/** The number of digits after the point, in SQL: what turns minor units into an amount for whoever reads the views. */
import { type SQL, sql } from 'drizzle-orm';
import { currenciesOf, type Exponent } from '../../core/base/currencies.js';

/** @param column with an upper-case code. Null for a currency that Stripe does not list: there no decimals are right. */
export function currencyDecimals(column: string): SQL {
  const branches = ([0, 3, 2] satisfies Exponent[]).map((exponent) => {
    const codes = currenciesOf(exponent).map((code) => `'${code}'`);
    return `when ${column} in (${codes.join(', ')}) then ${exponent}`;
  });
  return sql.raw(`case ${branches.join(' ')} end`);
}
