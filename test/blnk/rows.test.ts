/**
 * Rows as the ledger shows them: amounts are exact or unknown, and no shape of an answer is a crash.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLedgerRecord, readLedgerRow } from '../../src/blnk/ledger-row.js';
import { parseExactJson } from '../../src/core/base/exact-json.js';

describe('the amount of a row', () => {
  it.each([
    ['precise_amount', '"precise_amount":1250,"amount":99', 1250n],
    ['the largest safe integer', '"precise_amount":9007199254740991', 9007199254740991n],
    ['above 2^53', '"precise_amount": 9007199254740993,"amount":90071992547409.94', 9007199254740993n],
    ['far above 2^53', '"precise_amount":-123456789012345678901234567890', -123456789012345678901234567890n],
    ['digits in a string', '"precise_amount":"1250"', 1250n],
    ['amount × precision where doubles miss', '"amount":10.99,"precision":100', 1099n],
    ['amount × precision, negative', '"amount":-0.07,"precision":100', -7n],
    ['amount × 1', '"amount":500,"precision":1', 500n],
    ['amount as a text × precision', '"amount":"10.99","precision":100', 1099n],
    ['amount as a text, negative, with a precision that is one', '"amount":"-12.50","precision":"100"', -1250n],
    ['amount as a text, not whole', '"amount":"10.999","precision":100', null],
    ['amount as a text that is none', '"amount":"10,99","precision":100', null],
    ['amount as a text of more digits than a double holds', '"amount":"90071992547409.94","precision":100', null],
    ['amount × precision, not whole', '"amount":10.999,"precision":100', null],
    ['amount without precision', '"amount":10.99', null],
    ['amount of more digits than a double holds', '"amount":90071992547409.94,"precision":100', null],
    ['amount with an exponent', '"amount":1e21,"precision":100', null],
    ['amount whose exponent hides its digits', '"amount":1e20,"precision":100', null],
    ['a fraction', '"precise_amount":12.5,"amount":1,"precision":1', null],
    ['a fraction that would round to a whole number', '"precise_amount":4503599627370497.49999', null],
    ['a large number with an exponent', '"precise_amount":9.007199254740993e15', null],
    ['words', '"precise_amount":"a lot"', null],
    ['nothing', '', null],
  ])('%s', (_name, members, expected) => {
    const value = parseExactJson(`{${members === '' ? '' : `${members},`}"reference":"pi_1"}`);
    expect(readLedgerRow(value)?.amount).toBe(expected);
  });

  it('is exact through every digit that Core can send', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.string(), (amount, note) => {
        const json = `{"reference":"r","note":${JSON.stringify(note)},"precise_amount":${amount},"x":[${amount}, 1]}`;
        expect(readLedgerRow(parseExactJson(json))?.amount).toBe(amount);
      }),
    );
  });

  it('is read from answers of any size, and what is no JSON stays none', () => {
    const escapes = '\\"'.repeat(2_000_000);
    expect(parseExactJson(`{"note":"${escapes}","n":1234567890123456789}`)).toMatchObject({ n: '1234567890123456789' });
    for (const broken of [
      '[0012345678901234567]',
      '[12345678901234567.]',
      '[1.234567890123456.7]',
      '[-]',
      '["12345678901234567',
    ]) {
      expect(parseExactJson(broken)).toBeUndefined();
    }
  });

  it('leaves texts alone when numbers are long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (one, other) => {
        const texts = { [`:12345678901234567890 ${one}`]: `":12345678901234567890,${other}\\`, n: other };
        const value = parseExactJson(JSON.stringify({ texts, n: 1 }).replace('"n":1', '"n":12345678901234567890'));
        expect(value).toEqual({ texts, n: '12345678901234567890' });
      }),
    );
  });
});

describe('a row', () => {
  it('that cannot be read is unknown in that part, so that it is judged a conflict', () => {
    expect(
      readLedgerRow({ reference: 'pi_1', status: 5, source: null, meta_data: 'x', effective_date: 'never' }),
    ).toEqual({
      reference: 'pi_1',
      transactionId: 'unknown',
      status: 'unknown',
      amount: null,
      currency: 'unknown',
      source: 'unknown',
      destination: 'unknown',
      effectiveDate: null,
      mirrorId: null,
      rejectionReason: null,
      parentId: null,
    });
  });

  it('shows why it was rejected, and its date in any zone; the zero time is none', () => {
    const value = {
      reference: 'r',
      effective_date: '2026-10-01T04:03:04+02:00',
      meta_data: { blnk_rejection_reason: 'no' },
    };
    expect(readLedgerRow(value)).toMatchObject({
      rejectionReason: 'no',
      effectiveDate: new Date('2026-10-01T02:03:04Z'),
    });
    expect(readLedgerRow({ ...value, effective_date: '0001-01-01T00:00:00Z' })?.effectiveDate).toBeNull();
    expect(readLedgerRow({ ...value, effective_date: null })?.effectiveDate).toBeNull();
  });

  it("whose metadata names no mirror, or null, is somebody else's; what cannot be read names an unknown one", () => {
    const mirrorOf = (metaData: unknown) => readLedgerRow({ reference: 'pi_1', meta_data: metaData })?.mirrorId;
    expect([mirrorOf({}), mirrorOf({ stripe_mirror: null }), mirrorOf(null)]).toEqual([null, null, null]);
    expect([mirrorOf({ stripe_mirror: 5 }), mirrorOf({ stripe_mirror: '' })]).toEqual(['unknown', 'unknown']);
    expect(mirrorOf({ stripe_mirror: 'm' })).toBe('m');
  });

  it('whose metadata names its payment or day with an empty text names none', () => {
    const named = (id: string, day: string) =>
      readLedgerRecord({ reference: 'import-1', meta_data: { stripe_payment_intent_id: id, stripe_day: day } });
    expect(named('', '')).toMatchObject({ paymentId: null, day: null });
    expect(named('pi_1', '2026-11-21')).toMatchObject({ paymentId: 'pi_1', day: '2026-11-21' });
  });

  it('of any shape is read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => readLedgerRow(value) === null || readLedgerRow(value)?.reference !== ''),
    );
    fc.assert(
      fc.property(fc.json(), (value) => {
        readLedgerRow(parseExactJson(value));
        expect(parseExactJson(`${value.slice(0, -1)}\u0001`)).toBeUndefined();
      }),
    );
  });
});
