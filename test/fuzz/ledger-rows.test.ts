/**
 * Damaged rows of the ledger through the reader, thousands of them: an amount is the one that stands there, of any size and
 * to the last digit, or it is unknown; and what is kept of a row is text that a table can hold and a terminal can show.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/blnk/ledger.js';
import { readLedgerRecord } from '../../src/blnk/ledger-row.js';
import { parseExactJson } from '../../src/core/base/exact-json.js';
import { judge } from '../../src/core/ledger/settlement.js';
import { damaged } from '../support/fuzz/apply-damage.js';
import { drawDamage } from '../support/fuzz/damage.js';
import { type Json, memberOf, parseTree, renderTree, textOf, wholeNumberOf } from '../support/fuzz/json.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { type ScriptedServer, startScriptedServer, text } from '../support/scripted-server.js';

const ROW = (
  preciseAmount: bigint,
  amount: string,
) => `{"precise_amount":${preciseAmount},"amount":${amount},"precision":100,
  "transaction_id":"txn_6164573b-6cc8-45a4-ad2e-7b4ba6a60f7d","source":"bln_source","destination":"bln_cus",
  "reference":"pi_1","currency":"USD","description":"Order 7","status":"APPLIED","skip_queue":false,
  "created_at":"2026-11-21T10:00:00.123456Z","effective_date":"2026-11-21T09:59:58Z",
  "meta_data":{"stripe_payment_intent_id":"pi_1","stripe_day":"2026-11-21","stripe_mirror":"mirror-1","blnk_rejection_reason":"none"}}`;

/** The second is beyond what a double holds. */
const ROWS = [
  { amount: 1_099n, row: parseTree(ROW(1_099n, '10.99')) },
  { amount: 90_071_992_547_409_931n, row: parseTree(ROW(90_071_992_547_409_931n, '900719925474099.31')) },
];

const BALANCES: Readonly<Record<string, string>> = { '@stripe': 'bln_source', '@cus': 'bln_cus' };
const DECISIVE = [
  'reference',
  'precise_amount',
  'amount',
  'precision',
  'status',
  'currency',
  'source',
  'transaction_id',
  'meta_data',
];

const { timeout, settings } = fuzzRuns(600);

it('has its exact amount, or none', { timeout }, () => {
  fc.assert(
    fc.property(fc.nat(1), drawDamage(), (which, plan) => {
      const { amount, row } = ROWS[which] as (typeof ROWS)[number];
      const tree = damaged(row, plan, DECISIVE);
      const record = readLedgerRecord(parseExactJson(renderTree(tree)));
      const reference = textOf(memberOf(tree, 'reference'));
      if (record === null) {
        expect(reference).not.toBe('pi_1');
        return;
      }
      // A long number is read as its digits, and is nobody's reference.
      expect(record.reference).toBe(reference ?? renderTree(memberOf(tree, 'reference') as Json));
      // A number too small for a double is read as nothing, which no posting is.
      if (record.amount !== null && record.amount !== 0n) expect(amountsIn(tree)).toContain(record.amount);
      const { transactionId, status, currency, source, destination, rejectionReason } = record;
      for (const word of [transactionId, status, currency, source, destination, rejectionReason ?? ''])
        expect(word.length <= 501 && word.isWellFormed() && !/\p{Cc}/u.test(word)).toBe(true);
      expect(Number.isNaN(record.effectiveDate?.getTime() ?? 0)).toBe(false);
      const expected = {
        ...{ reference: 'pi_1', amount, currency: 'USD', source: '@stripe', destination: '@cus', mirrorId: 'mirror-1' },
        effectiveDate: new Date('2026-11-21T09:59:58Z'),
      };
      const finding = judge(expected, [record], (name) => BALANCES[name]);
      if (finding.kind !== 'applied') return;
      // Nothing counts as posted that does not say itself, in this very text, that it is this payment, applied.
      const said = ['reference', 'status', 'currency', 'source', 'destination'].map((key) =>
        textOf(memberOf(tree, key)),
      );
      expect(said).toEqual(['pi_1', 'APPLIED', 'USD', 'bln_source', 'bln_cus']);
      expect(amountsIn(tree)).toContain(amount);
    }),
    settings,
  );
});

/** What the row says of its money: minor units, and only without them the factor times the amount. */
function amountsIn(tree: Json): readonly bigint[] {
  const precise = memberOf(tree, 'precise_amount');
  const digits = textOf(precise);
  if (digits !== undefined) return /^-?\d+$/.test(digits) ? [BigInt(digits)] : [];
  if (precise !== undefined && renderTree(precise) !== 'null') return known([wholeNumberOf(precise)]);
  const [amount, precision] = [memberOf(tree, 'amount'), wholeNumberOf(memberOf(tree, 'precision'))];
  if (amount?.kind !== 'leaf' || precision === undefined) return [];
  // Amount times factor as one number: the digits are multiplied, the place of the point stays.
  const match = /^(-?)(\d+)(?:\.(\d+))?((?:[eE][+-]?\d+)?)$/.exec(amount.text);
  if (match === null) return [];
  const [, sign = '', whole = '', fraction = '', exponent = ''] = match;
  const scaled = BigInt(whole + fraction) * precision;
  const power = Number(exponent.slice(1) || 0) - fraction.length;
  return known([wholeNumberOf({ kind: 'leaf', text: `${sign}${scaled}e${power}` })]);
}

function known(amounts: ReadonlyArray<bigint | undefined>): readonly bigint[] {
  return amounts.filter((amount) => amount !== undefined);
}

describe('an answer to a look-up', () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());

  it.each([
    ['more rows than a call can take', `[${'0,'.repeat(300_000)}0]`, 'without a reference'],
    ['one reference as two transactions', `[${ROW(1n, '0.01')},${ROW(2n, '0.02')}]`, 'pi_1 was listed twice'],
    [
      'a reference that no table holds',
      `[${ROW(1n, '0.01').replace('"pi_1"', '"pi_1\\u0000"')}]`,
      'without a reference',
    ],
  ])('with %s is refused', async (_, body, why) => {
    server.script(text(200, body));
    const ledger = createLedger({ style: 'core', baseUrl: server.url, instanceId: null, readKey: async () => 'key' });
    try {
      await expect(ledger.findByReference(['pi_1'])).rejects.toMatchObject({
        code: 'blnk_answer_unreadable',
        message: expect.stringContaining(why),
      });
    } finally {
      await ledger.close();
    }
  });
});
