/**
 * What four judges say of 10,000 generated histories is what they said before one reader of the ledger's rows served them
 * all: settlement, proof, repair and rebuild. `ledger-verdicts.json` has the hashes of both, block by block, and each history
 * of which a verdict changed on purpose with what was said before: all of them hold a reversal by hand that is queued, that
 * takes back a part only, or that a rebuild had taken for nothing, or corrections whose payment is gone, beside which a plan posted
 * the whole amount.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { historyOf, verdictsOf } from '../support/ledger-histories.js';
import { ROOT } from '../support/source-files.js';

interface Recorded {
  readonly histories: number;
  readonly blockSize: number;
  /** Of the first histories, to be read. */
  readonly sample: readonly string[];
  /** Seeds, with the verdicts before the change. */
  readonly changed: Readonly<Record<string, string>>;
  readonly before: readonly string[];
  readonly now: readonly string[];
}

const recorded: Recorded = JSON.parse(readFileSync(join(ROOT, 'test/core/ledger-verdicts.json'), 'utf8'));
const verdicts: string[] = [];

beforeAll(async () => {
  for (let seed = 1; seed <= recorded.histories; seed += 1) verdicts.push(await verdictsOf(historyOf(seed)));
}, 120_000);

it('is the same as ever, but for what was changed on purpose', () => {
  const before = verdicts.map((verdict, index) => recorded.changed[index + 1] ?? verdict);
  expect(hashesOf(before)).toEqual(recorded.before);
  for (const seed of Object.keys(recorded.changed)) {
    const { rows } = historyOf(Number(seed));
    expect(rows.some(({ reference }) => /:undo|:adj:|_refund/.test(reference))).toBe(true);
  }
});

it('is today what was recorded last', () => {
  expect(verdicts.slice(0, recorded.sample.length)).toEqual(recorded.sample);
  expect(hashesOf(verdicts)).toEqual(recorded.now);
});

function hashesOf(lines: readonly string[]): string[] {
  const hashes: string[] = [];
  for (let start = 0; start < lines.length; start += recorded.blockSize) {
    const block = lines.slice(start, start + recorded.blockSize).join('\n');
    hashes.push(createHash('sha256').update(block).digest('hex').slice(0, 16));
  }
  return hashes;
}
