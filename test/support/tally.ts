/** What is compared as the only piece of its day, and added up as a proof does. */
import { openHash } from '../../src/app/stages/proving.js';
import type { LedgerRecord } from '../../src/core/ledger/row.js';
import type { SideTotals } from '../../src/core/proof/certificate.js';
import { type ComparedSides, compareSides, type DaySides } from '../../src/core/proof/compare-day.js';
import type { SideLine } from '../../src/core/proof/day-payment.js';
import { paymentsOfRows } from '../../src/core/proof/day-row.js';
import { createTally, type TalliedDay, type TallyRules } from '../../src/core/proof/tally-day.js';

export type WholeSides = Omit<DaySides, 'groupOf'>;

export function tally(compared: ComparedSides, rules: Partial<TallyRules> = {}): TalliedDay {
  const tallied = createTally({ acceptances: [], earlierCurrencies: [], openHash, ...rules });
  tallied.add(compared, { after: null, upTo: null }, []);
  return tallied.end([]);
}

/** Of sides that are the whole day. */
export function tallySides(sides: WholeSides, rules: Partial<TallyRules> = {}): TalliedDay {
  const known = new Set([...sides.payments, ...sides.unreadable].map(({ id }) => id));
  const paymentOf = paymentsOfRows(sides.rows, (id) => known.has(id));
  const groupOf = (row: LedgerRecord) => paymentOf(row) ?? row.reference;
  return tally(compareSides({ ...sides, groupOf }), rules);
}

export function totalsOf(ledger: readonly SideLine[]): SideTotals {
  const nothing = { everywhere: [], explained: new Map(), ofOtherMirrors: 0, notJudged: 0 };
  const one = { findings: [], stripe: [], ledger, own: [] };
  const [part] = tally({ ...nothing, currencies: new Map([['USD', one]]) }).currencies;
  if (part === undefined) throw new RangeError('nothing was added up');
  return part.ledger;
}
