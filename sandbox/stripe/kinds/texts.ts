// What merchants and attackers write into descriptions and metadata. Stripe's limits hold (50 keys, 40 characters a
// key, 500 a value, https://docs.stripe.com/metadata); within them everything must arrive, or be cut, and change nothing.
// Control characters are written as escapes so that this file stays readable.

import { defineKind, type Kind, posted } from '../kind.js';

const CUT = { expected: posted({ amount: 1999n, currency: 'USD', precision: 100, text: 'cut' }) } as const;

export const TEXT_KINDS: readonly Kind[] = [
  defineKind('no_description', { weight: 20, description: null }),
  defineKind('empty_description', { description: '' }),
  defineKind('no_metadata', { weight: 20, numbered: false }),
  defineKind('empty_metadata_value', { metadata: { note: '' } }),
  // An object literal would set the prototype instead of a key.
  defineKind('prototype_keys', {
    metadata: JSON.parse('{"__proto__":"polluted","constructor":"polluted","prototype":"x","toString":"x"}'),
  }),
  defineKind('ledger_control_keys', {
    metadata: {
      inflight: 'true',
      allow_overdraft: 'false',
      skip_queue: 'false',
      precise_amount: '1',
      amount: '1',
      currency: 'EUR',
      source: '@world',
      destination: '@attacker',
      reference: 'pi_somebody_else',
      scheduled_for: '2099-01-01T00:00:00Z',
      status: 'VOID',
    },
  }),
  defineKind('mirror_keys', {
    metadata: {
      stripe_payment_intent_id: 'pi_somebody_else',
      stripe_customer_id: 'cus_somebody_else',
      stripe_mirror: '00000000-0000-0000-0000-000000000000',
      stripe_day: '1999-12-31',
      stripe_livemode: 'maybe',
      stripe_metadata: '{"nested":true}',
      QUEUED_PARENT_TRANSACTION: 'txn_somebody_else',
    },
  }),
  defineKind('unicode', {
    description: 'Žluťoučký kůň – 北京烤鸭 – ﷽ – e\u0301 – ß – İı',
    metadata: { 名前: '山田太郎', ключ: 'значение', naïve: 'café' },
  }),
  defineKind('emoji', { description: 'Cake 🎂 for 👩‍👩‍👧‍👦 in 🏴󠁧󠁢󠁳󠁣󠁴󠁿', metadata: { '🔑': '💸💸💸', mood: '🤷🏽‍♀️' } }),
  defineKind('right_to_left', {
    description: 'مرحبا \u202Egnisrever\u202C שלום',
    metadata: { '\u202Ekey': '\u2066isolated\u2069', שם: 'דוד' },
  }),
  defineKind('control_characters', {
    description: 'tab\there, bell\u0007, escape\u001B[31mred\u001B[0m, line\nfeed, return\r, delete\u007F',
    metadata: { multi: 'a\r\nb\u2028c\u2029d', unit: 'x\u001Fy\u0001z', bom: '\uFEFFtext' },
  }),
  defineKind('quotes_and_backslashes', {
    description: `it's "quoted" \\ and \`ticked\` \\u0041 %s $1 \${x} {{y}}`,
    metadata: {
      "ke'y": '"; DROP TABLE stripe_blnk_sync.postings; --',
      path: 'C:\\new\\table',
      json: '{"a":[1,2]}',
      html: '<b>&amp;</b>',
    },
  }),
  defineKind('numbers_as_text', { metadata: { big: '12345678901234567890', float: '1e999', nan: 'NaN', nil: 'null' } }),
  // PostgreSQL stores no NUL in text or jsonb.
  defineKind('nul_in_description', { ...CUT, description: 'before\u0000after' }),
  defineKind('nul_in_metadata_value', { ...CUT, metadata: { note: 'before\u0000after' } }),
  defineKind('nul_in_metadata_key', { ...CUT, metadata: { 'no\u0000te': 'value' } }),
  defineKind('long_description', { description: 'long '.repeat(200).trim() }),
  defineKind('metadata_of_50_by_500', { ...CUT, numbered: false, metadata: full('x') }),
  defineKind('metadata_of_50_by_500_emoji', { ...CUT, numbered: false, metadata: full('💰') }),
  defineKind('metadata_of_50_by_500_escapes', { ...CUT, numbered: false, metadata: full('"\\') }),
];

function full(letters: string): Record<string, string> {
  const value = letters.repeat(500 / letters.length);
  return Object.fromEntries(
    Array.from({ length: 50 }, (_, key) => [`key_${String(key).padStart(2, '0')}_${'k'.repeat(33)}`, value]),
  );
}
