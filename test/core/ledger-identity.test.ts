/** What is believed of a ledger by what it shows of the mirror's source balances and posted references. */
import { describe, expect, it } from 'vitest';
import { judgeLedger, type SampledPosting } from '../../src/core/ledger/ledger-identity.js';

const id = (...pairs: Array<[currency: string, balanceId: string]>) => new Map(pairs);
const USD = id(['USD:@stripe', 'bln_1']);

function sample(found: number, absent: number, isRecent = false): SampledPosting[] {
  return Array.from({ length: found + absent }, (_, index) => ({
    reference: `pi_${index}`,
    effectiveAt: new Date(Date.UTC(2026, 10, 1 + index)),
    isRecent,
    isFound: index < found,
  }));
}

const judge = (remembered: Map<string, string>, found: Map<string, string>, seen: readonly SampledPosting[]): string =>
  judgeLedger({ sources: ['@stripe'], remembered, found, sample: seen }).kind;

describe('a ledger', () => {
  it.each<readonly [what: string, Map<string, string>, Map<string, string>, SampledPosting[], verdict: string]>([
    ['before the first posting', id(), id(), [], 'unchecked'],
    ['before the first posting, with a source of somebody else', id(), USD, [], 'unchecked'],
    ['with its source and all references', USD, USD, sample(20, 0), 'same'],
    ['with its source, when nothing is known to be posted', USD, USD, [], 'same'],
    ['of which nothing is remembered, with all references', id(), USD, sample(20, 0), 'same'],
    ['without a later currency', id(['USD:@stripe', 'bln_1'], ['EUR:@stripe', 'bln_2']), USD, sample(20, 0), 'same'],
    ['that lacks a few', USD, USD, sample(17, 3), 'rows_missing'],
    ['that lacks half', USD, USD, sample(10, 10), 'rows_missing'],
    ['that lacks more than half', USD, USD, sample(9, 11), 'in_doubt'],
    ['that lacks all, with its source', USD, USD, sample(0, 20), 'in_doubt'],
    ['that lacks all that was posted just now, with its source', USD, USD, sample(0, 20, true), 'same'],
    ['that lacks both of two, with its source', USD, USD, sample(0, 2), 'rows_missing'],
    ['with another source', USD, id(['USD:@stripe', 'bln_9']), sample(20, 0), 'in_doubt'],
    ['without its source', USD, id(), sample(20, 0), 'in_doubt'],
    ['that is empty', USD, id(), sample(0, 20, true), 'in_doubt'],
    ['that is empty, of which nothing is remembered', id(), id(), sample(0, 1, true), 'in_doubt'],
    ['of which nothing is remembered, without a source', id(), id(), sample(3, 0), 'in_doubt'],
    ['of which nothing is remembered, with a source, without references', id(), USD, sample(0, 3, true), 'in_doubt'],
  ])('%s', (_, remembered, found, seen, verdict) => {
    expect(judge(remembered, found, seen)).toBe(verdict);
  });

  it('is told apart in words that name both ids, or the days to prove', () => {
    const other = judgeLedger({
      sources: ['@stripe'],
      remembered: USD,
      found: id(['USD:@stripe', 'bln_9']),
      sample: sample(0, 2),
    });
    expect(other).toMatchObject({
      detail: expect.stringMatching(/in USD was bln_1 .* is bln_9 now; none of 2 posted/),
    });
    const lacking = judgeLedger({ sources: ['@stripe'], remembered: USD, found: USD, sample: sample(18, 2) });
    expect(lacking).toMatchObject({
      detail: expect.stringMatching(
        /^2 of 20 posted payments .*\(pi_18, pi_19\).*prove --from 2026-11-19 --to 2026-11-20/,
      ),
    });
  });
});
