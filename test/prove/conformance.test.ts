/**
 * What every ledger promises to those who prove: whole lists, each row once, and balances as of a moment. Held to on each
 * server that stands in for Blnk; what it promises of look-ups is in `test/post/conformance.test.ts`. Rows of others, which
 * only the stand-in takes, are in `test/blnk/listings.test.ts`.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { dayWindow } from '../../src/core/base/window.js';
import type { PreparedTransaction } from '../../src/core/posting/posting.js';
import { partsOfDay } from '../../src/prove/list-day.js';
import { LEDGER_KINDS, ledgerPlaces, MIRROR_ID, postAll } from '../support/ledger-places.js';

const POSTED = 450;

const { openPlace } = ledgerPlaces();

const dayOf = ({ effectiveDate }: PreparedTransaction) => effectiveDate.toISOString().slice(0, 10);
const referencesOf = (rows: readonly { readonly reference: string }[]) => rows.map(({ reference }) => reference).sort();

async function all<Row>(pages: AsyncIterable<{ readonly rows: readonly Row[] }>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page.rows);
  return rows;
}

describe.each(LEDGER_KINDS)('proving from $name', (kind) => {
  const { connect, connectSide, take, takeOne } = openPlace(kind);
  let posted: PreparedTransaction[] = [];
  /** Not posted, and of later days. */
  let absent: PreparedTransaction;
  beforeAll(async () => {
    posted = take(POSTED);
    absent = takeOne();
    await postAll(connect(), posted);
  });

  it('lists each day to its end, over several pages, each row once', async () => {
    const side = connectSide();
    const days = [...new Set(posted.map(dayOf))];
    const counts: number[] = [];
    for (const day of days) {
      const rows = await all(side.listDay(day));
      expect(referencesOf(rows)).toEqual(referencesOf(posted.filter((transaction) => dayOf(transaction) === day)));
      expect(rows.every((row) => row.day === day && row.paymentId === row.reference)).toBe(true);
      expect(rows.every(({ createdAt, mirrorId }) => createdAt !== null && mirrorId === MIRROR_ID)).toBe(true);
      counts.push(rows.length);
    }
    expect(Math.max(...counts)).toBeGreaterThan(100);
    expect(side.requestCount()).toBeGreaterThan(days.length);
    expect(await all(side.listDay('1999-01-01'))).toEqual([]);
  });

  it('lists a day in parts, each row in one of them, and goes on behind any of its pages', async () => {
    const side = connectSide();
    const day = dayOf(posted[0] as PreparedTransaction);
    const whole = referencesOf(await all(side.listDay(day)));
    const inParts = [];
    for (const part of partsOfDay(dayWindow(day))) inParts.push(...(await all(side.listDay(day, part))));
    expect(referencesOf(inParts)).toEqual(whole);
    const pages = [];
    for await (const page of side.listDay(day)) pages.push(page);
    for (const [at, { next }] of pages.entries()) {
      const rest = pages.slice(at + 1).flatMap(({ rows }) => referencesOf(rows));
      expect(referencesOf(await all(side.listDay(day, null, next)))).toEqual(rest.sort());
    }
  });

  it('lists the rows of a payment, and none of one that is not there', async () => {
    const [{ reference, amount, currency }] = posted as [PreparedTransaction];
    const rows = await connectSide().listOfPayment(reference);
    expect(rows).toMatchObject([{ reference, paymentId: reference, amount, currency }]);
    expect(await connectSide().listOfPayment(absent.reference)).toEqual([]);
  });

  it('lists none of ours as rows of others', async () => {
    const times = posted.map(({ effectiveDate }) => effectiveDate.getTime());
    const window = { from: new Date(Math.min(...times)), to: new Date(Math.max(...times) + 1) };
    expect(await all(connectSide().listForeign(window))).toEqual([]);
  });

  it('finds the balances of a name in all of its currencies, each under its own id', async () => {
    const side = connectSide();
    const found = await side.balancesOf('@stripe');
    expect([...found.keys()].sort()).toEqual([...new Set(posted.map(({ currency }) => currency))].sort());
    expect(new Set(found.values()).size).toBe(found.size);
    for (const [currency, id] of found)
      expect((await side.findBalances({ indicators: ['@stripe'], currency })).get('@stripe')).toBe(id);
    expect(await side.balancesOf('@nobody')).toEqual(new Map());
  });

  it('computes a balance before a moment, without what takes effect at it', async () => {
    const side = connectSide();
    const inDollars = posted.filter(({ currency }) => currency === 'USD');
    const id = (await side.balancesOf('@stripe')).get('USD') ?? '';
    const middle = inDollars[Math.floor(inDollars.length / 2)]?.effectiveDate ?? new Date(0);
    const expectedBefore = (at: Date) =>
      inDollars.reduce((sum, { amount, effectiveDate }) => (effectiveDate < at ? sum - amount : sum), 0n);
    const after = new Date(middle.getTime() + 1);
    expect(expectedBefore(after)).not.toBe(expectedBefore(middle));
    for (const at of [new Date('1999-01-01T00:00:00Z'), middle, after, new Date('2100-01-01T00:00:00Z')])
      expect(await side.balanceBefore(id, at)).toBe(expectedBefore(at));
  });
});
