/** What certificates look like: tables that fit, findings, the closing sentence, CSV, the line of status. */
import { describe, expect, it } from 'vitest';
import type { UnsealedDay } from '../../src/core/verdict/facts.js';
import { certificateCsv } from '../../src/views/certificate-csv.js';
import { certificateTable, closingSentence, dayLines, findingLines } from '../../src/views/certificate-text.js';
import { provenText } from '../../src/views/proofs-text.js';
import { aFinding, aFullCertificate as row } from '../support/certificates.js';

const broken = row({
  state: 'broken',
  ledgerCount: 1_233,
  ledgerSum: 1_234_000n,
  unexplained: -567n,
  findings: [aFinding('missing', 'pi_gone', 'Stripe has 5.67 USD'), aFinding('day_key', 'pi_moved')],
});

describe('the table', () => {
  it('prints both sides in money, and what is not explained', () => {
    expect(certificateTable([broken, row({ currency: 'JPY', day: '2026-11-17' })], 0)).toEqual([
      'day         currency  state   Stripe  ledger     Stripe sum     ledger sum  unexplained  findings',
      '2026-11-18  USD       broken   1,234   1,233  12,345.67 USD  12,340.00 USD    -5.67 USD         2',
      '2026-11-17  JPY       sealed   1,234   1,234  1,234,567 JPY  1,234,567 JPY                      0',
    ]);
  });

  it.each([40, 60, 80])('fits %i cells, and keeps day, currency and state', (columns) => {
    const lines = certificateTable([broken, row({ state: 'sealed_with_exceptions', reopened: true })], columns);
    expect(lines.every((line) => line.length <= columns)).toBe(true);
    expect(lines[1]).toMatch(/^2026-11-18 {2}USD {7}broken/);
  });

  it('shows a day without payments', () => {
    const empty = row({ currency: null, stripeCount: 0, ledgerCount: 0, stripeSum: 0n, ledgerSum: 0n });
    expect(certificateTable([empty], 0)[1]).toMatch(/^2026-11-18 {2}- {9}sealed +0 +0 +0$/);
  });
});

describe('the findings', () => {
  it('stand beneath their day with id, kind and what it is', () => {
    expect(findingLines([row(), broken], 0)).toEqual([
      '',
      '2026-11-18',
      'payment   currency  finding  what',
      'pi_gone   USD       missing  Stripe has 5.67 USD',
      'pi_moved  USD       day_key  in the ledger, but its stripe_day was changed',
    ]);
  });

  it('are twenty a day, and the rest is counted', () => {
    const findings = Array.from({ length: 25 }, (_, number) => aFinding('missing', `pi_${number}`));
    const lines = findingLines([row({ state: 'broken', findings, findingsCount: 7_000 })], 80);
    expect(lines).toHaveLength(2 + 1 + 20 + 1);
    expect(lines.at(-1)).toBe('6,980 more: stripe-blnk-sync certificates show 2026-11-18');
  });

  it('cannot move the cursor of whoever reads them', () => {
    const findings = [aFinding('extra', 'pi_\u001b[2J', 'named \u001b[31mred')];
    const lines = [
      ...findingLines([row({ findings })], 0),
      ...dayLines({ certificates: [row({ findings })], history: [], historyCount: 0 }, 0),
    ];
    expect(lines.join('\n')).not.toContain('\u001b');
  });
});

describe('the closing sentence', () => {
  it.each([
    [[row()], '1 day compared: 1 sealed.'],
    [[row(), row({ currency: 'EUR', state: 'sealed_with_exceptions' })], '1 day compared: 1 sealed with exceptions.'],
    [[], 'No day was compared.'],
    [
      [row({ day: '2026-11-17' }), broken],
      '2 days compared: 1 sealed, 1 broken (2026-11-18 USD: 1 missing).\n' +
        'Next: stripe-blnk-sync repair plan --from 2026-11-17 --to 2026-11-18',
    ],
    [
      [
        row({
          state: 'open',
          findings: [aFinding('parked', 'pi_1'), aFinding('parked', 'pi_2'), aFinding('pending', 'pi_3')],
        }),
      ],
      '1 day compared: 1 open (2026-11-18 USD: 2 parked, 1 pending).\n' +
        'What is open settles by itself, or waits for a person: stripe-blnk-sync parked list',
    ],
    [
      ['AED', 'EUR', 'GBP', 'INR', 'JPY'].map((currency) => row({ currency, state: 'open' })).concat(broken),
      '1 day compared: 1 broken (2026-11-18 USD: 1 missing; 2026-11-18 AED: open; 2026-11-18 EUR: open; 2026-11-18 GBP: open; ' +
        '2026-11-18 INR: open; and 1 more).\nNext: stripe-blnk-sync repair plan --from 2026-11-18 --to 2026-11-18\n' +
        'What is open settles by itself, or waits for a person: stripe-blnk-sync parked list',
    ],
    [
      [row({ state: 'not_covered' })],
      '1 day compared: 1 not covered (2026-11-18 USD: not covered).\n' +
        'What is not covered is still being read: stripe-blnk-sync status',
    ],
  ])('answers the question (%#)', (rows, sentence) => {
    expect(closingSentence(rows)).toBe(sentence);
  });
});

describe('one day in full', () => {
  it('is not called sealed once something of it changed since', () => {
    const answerOf = (...certificates: ReturnType<typeof row>[]) =>
      dayLines({ certificates, history: [], historyCount: 0 }, 0)[0];
    const reopened = row({ reopened: true });
    expect(answerOf(row({ currency: 'EUR' }), reopened)).toBe(
      '2026-11-18 is to be proven again (was sealed), because something of USD changed since.',
    );
    expect(answerOf(row({ currency: 'EUR', state: 'sealed_with_exceptions' }), reopened)).toMatch(
      /^2026-11-18 is to be proven again \(was sealed with exceptions\)/,
    );
    // What is broken stays so until the next proof has looked.
    expect(answerOf(row({ currency: 'EUR', state: 'broken' }), reopened)).toBe('2026-11-18 is broken, because of EUR.');
  });

  it('has both sides, the rows of the ledger, and why it was reopened', () => {
    const held = {
      reference: 'pi_odd',
      transactionId: 'txn_1',
      status: 'APPLIED',
      amount: '999',
      currency: 'USD',
      source: '@stripe',
      destination: '@cus_1',
      effectiveDate: null,
    };
    const odd = { ...aFinding('different', 'pi_odd', 'amount is 999, not 1000'), ledger: [held] };
    const text = dayLines(
      {
        certificates: [row({ state: 'broken', findings: [odd], reopenedBecause: 'pi_odd is different now' })],
        ...{ history: [], historyCount: 0 },
      },
      0,
    ).join('\n');
    expect(text).toMatch(/^Stripe +1,234 payments, 12,345\.67 USD, a{64}$/m);
    expect(text).toContain('pi_odd: different: in the ledger with another amount');
    expect(text).toContain('  in the ledger: pi_odd (txn_1), APPLIED, 9.99 USD, @stripe to @cus_1');
    expect(text).toMatch(/^reopened because +pi_odd is different now$/m);
  });
});

describe('CSV', () => {
  const parse = (line: string) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
      ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
    );

  it('has one row per certificate, amounts whole and as decimals', () => {
    const [header = '', first = '', second = ''] = certificateCsv([broken, row({ currency: 'KWD' })]);
    const names = parse(header);
    const cell = (line: string, name: string) => parse(line)[names.indexOf(name)];
    expect(names).toHaveLength(new Set(names).size);
    expect(parse(first)).toHaveLength(names.length);
    expect([cell(first, 'stripe_sum_minor'), cell(first, 'stripe_sum')]).toEqual(['1234567', '12345.67']);
    expect([cell(first, 'unexplained_minor'), cell(first, 'unexplained')]).toEqual(['-567', '-5.67']);
    expect([cell(second, 'ledger_sum_minor'), cell(second, 'ledger_sum')]).toEqual(['1234567', '1234.567']);
    expect(cell(first, 'proved_at')).toBe('2026-11-20T10:00:00.000Z');
  });

  it('quotes what needs it, and starts no formula', () => {
    const hostile = ['=HYPERLINK("http://x","y")', '+1+1', '-1+1', '@SUM(A1)', 'plain, with "quotes"\r\nand lines'];
    for (const reopenedBecause of hostile) {
      const [header = '', ...lines] = certificateCsv([row({ reopenedBecause })]);
      const cell = parse(lines.join('\r\n'))[parse(header).indexOf('reopened_because')] ?? '';
      expect(cell.replace(/^'/, '')).toBe(reopenedBecause);
      expect(cell).not.toMatch(/^[=+\-@]/);
    }
  });
});

describe('the line of status', () => {
  const span = { from: '2026-11-01', to: '2026-11-18', days: 18, unproven: 0 };
  const proofs = { ...span, exceptions: [], accepted: 0, unsealed: [] };
  const day = (number: number, state: UnsealedDay['state'], reopened = false) => {
    return { day: `2026-11-${number}`, state, reopened, changedSince: reopened };
  };

  it('never states more than was proven', () => {
    expect(provenText(proofs)).toBe('every day from 2026-11-01 to 2026-11-18 is sealed: Stripe and the ledger agree');
    expect(provenText({ ...proofs, from: '2026-11-18', days: 1 })).toBe(
      '2026-11-18 is sealed: Stripe and the ledger agree',
    );
    expect(provenText({ ...proofs, exceptions: ['2026-11-18', '2026-11-02'] })).toBe(
      'every day from 2026-11-01 to 2026-11-18 is sealed: Stripe and the ledger agree; with exceptions: 2026-11-18, 2026-11-02',
    );
    expect(provenText({ ...proofs, days: 16, unproven: 2 })).toBe(
      '16 of 16 days from 2026-11-01 to 2026-11-18 sealed; 2 in between not proven yet',
    );
    expect(provenText({ ...proofs, from: null, to: null, days: 0 })).toMatch(/^no day yet: /);
  });

  it('names the days that are not sealed', () => {
    const unsealed = [
      day(18, 'sealed', true),
      ...[17, 16, 15, 14].map((number) => day(number, 'broken')),
      day(13, 'open'),
    ];
    expect(provenText({ ...proofs, unsealed })).toBe(
      '12 of 18 days from 2026-11-01 to 2026-11-18 sealed; broken: 2026-11-17, 2026-11-16, 2026-11-15 and 1 more; ' +
        'open: 2026-11-13; reopened, to be proven again: 2026-11-18',
    );
  });
});
