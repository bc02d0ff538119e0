/** What is odd in JSON and no error: numbers, characters, texts, keys and values that programs read differently. */
import fc from 'fast-check';

/** Literals that are read as one thing here and as another there. */
const ODD_NUMBERS = [
  ...['0', '-0', '-1', '0.1', '1e3', '1E-3', '1e400', '-1e400', '1e-400', '2.5e0', '10.00', '1234567', '-1234567'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '4503599627370497.5', '18446744073709551616'],
  ...['1.00000000000000000001', '1000.00000000000000001', '123456789012345678901234567890', '1e30', '253402300800'],
  ...['-62135596800', '1700000000.5', '8640000000001', '9223372036854775808', '0.30000000000000004'],
];

/** NUL, escapes of terminals, marks of direction and of no width, halves of characters, signs of other languages. */
export const ODD_CHARACTERS = [
  ...['\u0000', '\u001b[2J\u001b[31m', '\u009b31m', '\u007f', '\r\n', '\u202e', '\u2066', '\u200b', '\ufeff', '\u2028'],
  ...['\ud800', '\udc00', '\uffff', '\u{1f4a9}', '\u0301'.repeat(50), '"', "'", '\\', '%00', '%s', '/../', '`'],
  ...[
    '<script>alert(1)</script>',
    "'; drop table stripe_blnk_sync.postings; --",
    '@stripe',
    '_q',
    ':r1',
    'null',
    ' ',
    '\u00a0',
    ',',
  ],
];

export const ODD_TEXTS = [
  ...[
    '',
    ' ',
    'NaN',
    'Infinity',
    '-0',
    '0x10',
    '1_000',
    '1,000',
    '１２３',
    'true',
    'null',
    'undefined',
    '[object Object]',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'pi_', 'pi_x y', 'cus_', 'ch_1', 'usd', 'USD', 'jpy', 'KWD'],
  ...['xyz', 'succeeded', 'APPLIED', 'QUEUED', 'REJECTED', '1', '1969-12-31T23:59:59Z', '+294247-01-10T04:00:54.775Z'],
  ...['2026-02-30', '2026-11-21T10:00:00', '21 Nov 2026', '0001-01-01T00:00:00Z', '10000-01-01T00:00:00Z', '12'],
];

const ODD_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  '',
  '\u0000',
  'id',
  'ID',
];

const ODD_VALUES = [
  ...[
    'null',
    'true',
    'false',
    '[]',
    '{}',
    '[null]',
    '[[]]',
    '{"id":null}',
    '{"id":7}',
    '{"id":"cus_odd"}',
    '{"data":[]}',
  ],
  ...['{"__proto__":{"amount_received":1,"id":"pi_p"}}', '{"constructor":{"prototype":{"x":1}}}', '{"toString":null}'],
];

/** The JSON text of any odd value. */
export const oddText = fc.oneof(
  fc.constantFrom(...ODD_NUMBERS),
  fc.constantFrom(...ODD_VALUES),
  fc.constantFrom(...ODD_TEXTS, ...ODD_CHARACTERS).map((text) => JSON.stringify(text)),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 3 }),
);

export const oddKey = fc.oneof(fc.constantFrom(...ODD_KEYS), fc.string({ maxLength: 8 }));
