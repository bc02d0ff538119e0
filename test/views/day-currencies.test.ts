/** Days of many currencies, as a person reads them: short where all is well, and each thing told once. */
import { describe, expect, it } from 'vitest';
import type { FullCertificate } from '../../src/db/reads/certificates.js';
import { closingSentence, dayLines, findingLines, shortCertificateTable } from '../../src/views/certificate-text.js';
import { aFinding, aFullCertificate as row } from '../support/certificates.js';

const CURRENCIES = ['AUD', 'CAD', 'CHF', 'DKK', 'EUR', 'GBP', 'JPY', 'NOK', 'SEK', 'USD'];
const DAYS = ['2026-11-14', '2026-11-15', '2026-11-16', '2026-11-17', '2026-11-18'];

const daysOf = (days: readonly string[], change: (row: FullCertificate) => Partial<FullCertificate> = () => ({})) =>
  days
    .flatMap((day) => CURRENCIES.map((currency) => row({ day, currency })))
    .map((one) => ({ ...one, ...change(one) }));

describe('a table of many currencies', () => {
  it('has the sealed ones of a day in one line, beneath those that are not', () => {
    const missing = { state: 'broken', findings: [aFinding('missing', 'pi_1')], findingsCount: 1 } as const;
    const rows = daysOf(DAYS, ({ day, currency }) => (day === DAYS[2] && currency === 'EUR' ? missing : {}));
    expect(shortCertificateTable(rows, 0)).toEqual([
      'day         currency       state   Stripe  ledger     Stripe sum     ledger sum  findings',
      '2026-11-14  10 currencies  sealed  12,340  12,340                                       0',
      '2026-11-15  10 currencies  sealed  12,340  12,340                                       0',
      '2026-11-16  EUR            broken   1,234   1,234  12,345.67 EUR  12,345.67 EUR         1',
      '2026-11-16  9 currencies   sealed  11,106  11,106                                       0',
      '2026-11-17  10 currencies  sealed  12,340  12,340                                       0',
      '2026-11-18  10 currencies  sealed  12,340  12,340                                       0',
      'Each of the 50 currencies and days with its sums: --all',
    ]);
  });

  it('has those in one line that are open for a payment of any currency alone', () => {
    const rows = daysOf(DAYS, ({ day, currency }) => {
      if (day !== DAYS[4]) return {};
      const own = currency === 'JPY' ? [aFinding('parked', 'pi_jpy')] : [];
      const findings = [...own, aFinding('unreadable', 'pi_odd')];
      return { state: 'open', findings, findingsCount: findings.length };
    });
    expect(shortCertificateTable(rows, 0).slice(5, 7)).toEqual([
      '2026-11-18  JPY            open     1,234   1,234  1,234,567 JPY  1,234,567 JPY         2',
      '2026-11-18  9 currencies   open    11,106  11,106                                       1',
    ]);
  });

  it('is whole while it is short, and where nothing can be put together', () => {
    expect(shortCertificateTable(daysOf(DAYS.slice(0, 4)), 0)).toHaveLength(1 + 40);
    const reopened = shortCertificateTable(
      daysOf(DAYS, () => ({ reopened: true })),
      0,
    );
    expect(reopened).toHaveLength(1 + 50);
  });

  it.each([80, 120])('fits %i cells', (columns) => {
    const lines = shortCertificateTable(daysOf(DAYS), columns);
    expect(lines.every((line) => line.length <= columns)).toBe(true);
    expect(lines[1]).toMatch(/^2026-11-14 {2}10 currencies {2}sealed/);
  });
});

describe('a payment that Stripe does not show whole', () => {
  const unreadable = aFinding('unreadable', 'pi_odd', 'the currency is missing');
  const open = daysOf(['2026-11-18'], ({ currency }) => {
    const own = currency === 'JPY' ? [aFinding('parked', 'pi_jpy')] : [];
    const findings = [...own, unreadable].map((finding) => ({ ...finding, stripe: null }));
    return { state: 'open', findings, findingsCount: findings.length };
  });

  it('is told once, for any currency', () => {
    expect(findingLines(open, 0)).toEqual([
      '',
      '2026-11-18',
      'payment  currency  finding     what',
      'pi_odd   any       unreadable  the currency is missing',
      'pi_jpy   JPY       parked      not in the ledger; its posting is parked, and a person has to decide',
    ]);
    expect(closingSentence(open)).toContain(
      '1 open (2026-11-18 JPY: 1 parked; 2026-11-18 any currency: 1 unreadable).',
    );
  });

  it('stands once in the day in full, after its currencies', () => {
    const text = dayLines({ certificates: open, history: [], historyCount: 0 }, 0).join('\n');
    expect(text.match(/pi_odd: unreadable/g)).toHaveLength(1);
    expect(text).toMatch(/Payments that Stripe does not show whole: .*\npi_odd: unreadable: /);
  });

  it('counts once among findings that were not kept', () => {
    const [first, second] = open.map((certificate) => ({ ...certificate, findingsCount: 5_001 }));
    const lines = findingLines([first, second] as FullCertificate[], 0);
    expect(lines.at(-1)).toMatch(/^10,000 more: /);
  });

  it('is what it is when it is in the ledger in one currency and not in another', () => {
    const different = aFinding('different', 'pi_eur', 'amount is 1.00 EUR in the ledger, 1.00 USD is expected');
    const rows = daysOf(['2026-11-18'], ({ currency }) =>
      currency === 'USD' || currency === 'EUR' ? { state: 'broken', findings: [different], findingsCount: 1 } : {},
    );
    expect(findingLines(rows, 0).filter((line) => line.startsWith('pi_eur'))).toHaveLength(2);
  });
});

it('what could not be seen is told once for the currencies that lack it', () => {
  const unseen = { ...aFinding('not_seen', 'x', 'the key may not read balances'), paymentId: null, stripe: null };
  const rows = daysOf(['2026-11-18'], () => ({
    state: 'sealed_with_exceptions',
    findings: [unseen],
    findingsCount: 1,
  }));
  expect(findingLines(rows, 0).slice(2)).toEqual([
    'payment  currency       finding   what',
    '-        10 currencies  not_seen  the key may not read balances',
  ]);
});
