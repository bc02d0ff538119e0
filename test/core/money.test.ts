/** Stripe's currency table and money as text, against values written by hand from Stripe's pages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponentOf, precisionOf } from '../../src/core/base/currencies.js';
import { formatMoney } from '../../src/core/base/money.js';

describe('exponents', () => {
  it.each('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))('%s has no decimals', (code) => {
    expect(exponentOf(code)).toBe(0);
  });

  it.each('BHD JOD KWD OMR TND'.split(' '))('%s has three decimals', (code) => {
    expect(exponentOf(code)).toBe(3);
  });

  it.each(['ISK', 'UGX'])('%s has none in daily life and two at Stripe', (code) => {
    expect(exponentOf(code)).toBe(2);
  });

  it.each(['HUF', 'TWD'])('%s has two in charges, though payouts want whole ones', (code) => {
    expect(exponentOf(code)).toBe(2);
  });

  it.each('USD EUR GBP INR BRL IDR COP PKR LBP AUD CAD CHF CNY MXN PLN SEK NOK DKK ZAR THB'.split(' '))(
    '%s has two decimals',
    (code) => {
      expect(exponentOf(code)).toBe(2);
    },
  );

  it.each('AFN COP HUF IDR ISK LAK LBP MMK PKR UGX YER'.split(' '))(
    '%s has two, though Intl may say that it has none',
    (code) => {
      expect(exponentOf(code)).toBe(2);
    },
  );

  it('are a table of our own: Intl differs for some of them on this Node', () => {
    const digits = (currency: string) =>
      new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
    const differing = 'AFN COP HUF IDR ISK LAK LBP MMK PKR UGX YER'
      .split(' ')
      .filter((code) => digits(code) !== exponentOf(code));
    expect(differing.length).toBeGreaterThan(0);
    // And the ISO table has two decimals for the ariary, Stripe none.
    expect(exponentOf('MGA')).toBe(0);
  });

  it.each(['', 'usd', 'Usd', 'ZZZ', 'XAU', 'XXX', 'USDC', 'BTC', '__proto__', 'constructor', 'USD ', 'ΕUR'])(
    '%j is not known',
    (code) => {
      expect(exponentOf(code)).toBeUndefined();
    },
  );

  it('hold 149 currencies in all, each once', () => {
    const letters = Array.from({ length: 26 }, (_, n) => String.fromCharCode(65 + n));
    const codes = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)));
    const counts = { 0: 0, 2: 0, 3: 0 };
    for (const exponent of codes.map(exponentOf)) if (exponent !== undefined) counts[exponent] += 1;
    expect(counts).toEqual({ 0: 15, 2: 129, 3: 5 });
  });

  it('are factors of 1, 100 and 1000 at Blnk', () => {
    expect(([0, 2, 3] as const).map(precisionOf)).toEqual([1, 100, 1_000]);
  });
});

describe('money as text', () => {
  it.each([
    [1_234_567n, 'USD', '12,345.67 USD'],
    [0n, 'USD', '0.00 USD'],
    [5n, 'USD', '0.05 USD'],
    [-5n, 'USD', '-0.05 USD'],
    [100n, 'EUR', '1.00 EUR'],
    [500n, 'JPY', '500 JPY'],
    [1_000n, 'JPY', '1,000 JPY'],
    [5_120n, 'KWD', '5.120 KWD'],
    [-1_234_567_890n, 'KWD', '-1,234,567.890 KWD'],
    [3_700_000n, 'UGX', '37,000.00 UGX'],
    [999_999_999_999n, 'USD', '9,999,999,999.99 USD'],
    [9_007_199_254_740_993n, 'USD', '90,071,992,547,409.93 USD'],
    [42n, 'ZZZ', '42 minor units of ZZZ'],
  ])('%s %s is %s', (amount, currency, text) => {
    expect(formatMoney({ amount, currency })).toBe(text);
  });

  it('loses no digit', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.constantFrom('USD', 'JPY', 'KWD'), (amount, currency) => {
        const digits = formatMoney({ amount, currency }).replace(/[^-\d]/g, '');
        expect(BigInt(digits)).toBe(amount);
      }),
      { seed: 1 },
    );
  });
});
