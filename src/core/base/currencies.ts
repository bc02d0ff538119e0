/**
 * Stripe's own currency table: how many digits stand behind the point in an amount that Stripe sends.
 * Never ISO 4217 and never `Intl`: both disagree with Stripe for a dozen currencies, by a factor of 100.
 * A currency that is not listed is unknown, and its payments are parked: no default is right for money.
 *
 * Source: https://docs.stripe.com/currencies (presentment currencies, zero-decimal, three-decimal and special cases).
 */

/** Digits after the point: 0, 2 or 3. */
export type Exponent = 0 | 2 | 3;

/** UGX and ISK are zero-decimal by nature, but Stripe keeps sending them with two decimals: they belong to TWO_DECIMAL. */
const ZERO_DECIMAL = 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF';

/** Stripe sends the third digit as 0: an amount that is not divisible by 10 is not one that it would accept. */
const THREE_DECIMAL = 'BHD JOD KWD OMR TND';

const TWO_DECIMAL = `
  AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
  CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR ISK JMD KES KGS
  KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
  PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SLL SOS SRD STD STN SVC SZL THB TJS TOP TRY TTD TWD
  TZS UAH UGX USD UYU UZS VES WST XCD XCG YER ZAR ZMW`;

const EXPONENTS: ReadonlyMap<string, Exponent> = new Map([
  ...codes(ZERO_DECIMAL, 0),
  ...codes(TWO_DECIMAL, 2),
  ...codes(THREE_DECIMAL, 3),
]);

/** @param currency upper-case code. @returns the exponent, or undefined for a currency that Stripe does not list. */
export function exponentOf(currency: string): Exponent | undefined {
  return EXPONENTS.get(currency);
}

/** @returns the upper-case codes that have this exponent, in the order of the alphabet */
export function currenciesOf(exponent: Exponent): string[] {
  return [...EXPONENTS].flatMap(([code, of]) => (of === exponent ? [code] : [])).sort();
}

/** Blnk's factor between major and minor units: 1, 100 or 1000. */
export function precisionOf(exponent: Exponent): number {
  return 10 ** exponent;
}

function codes(list: string, exponent: Exponent): Array<[string, Exponent]> {
  return list
    .trim()
    .split(/\s+/)
    .map((code) => [code, exponent]);
}
