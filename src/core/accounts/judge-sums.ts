/** Whether the balances of the mirror's ledger come to what went out of the source. Pure. */
import type { CheckedCurrency } from './account-facts.js';

/** `moving`: payments were posted while the ledger was read, and the sum lies between the two ends. */
export type SumVerdict = 'equal' | 'moving' | 'different';

/** Every payment goes out of the source to a balance in use, so both sums are the same when nothing is posted meanwhile. */
export function judgeSum({ customers, before, after, surplus }: CheckedCurrency): SumVerdict {
  const [held, first, last] = [BigInt(customers), BigInt(before), BigInt(after)];
  if (BigInt(surplus) !== 0n) return 'different';
  if (first === last) return held === first ? 'equal' : 'different';
  const [least, most] = first < last ? [first, last] : [last, first];
  return held >= least && held <= most ? 'moving' : 'different';
}
