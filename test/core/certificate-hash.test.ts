/** The recipe for a certificate's hash, as its page gives it, makes the hash that certificates have. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { blocksOf, readText } from '../support/documents.js';
import { totalsOf } from '../support/tally.js';

const page = readText('docs/certificate-hash.md');
const [, lines = '', hash = ''] = blocksOf(page, 'text').map((block) => block.trim());

/** As the page says it, with nothing of ours. */
function byRecipe(texts: readonly string[]): string {
  const sorted = texts.map((text) => Buffer.from(text)).sort(Buffer.compare);
  return createHash('sha256').update(sorted.join('\n')).digest('hex');
}

it('is what the example shows', () => {
  expect(byRecipe(lines.split('\n'))).toBe(hash);
  expect(page).toContain(byRecipe([]));
});

it('is what a certificate has of the same payments, whatever their order', () => {
  const read = lines.split('\n').map((line) => {
    const [id = '', amount = '', currency = '', date = ''] = line.split('|');
    return { id, amount: BigInt(amount), currency, effectiveDate: date === 'none' ? null : new Date(date) };
  });
  expect(totalsOf(read).hash).toBe(hash);
  expect(totalsOf(read.toReversed()).hash).toBe(hash);
  const late = { id: 'pi_3D', amount: -5n, currency: 'USD', effectiveDate: new Date('2026-11-18T07:12:44.120Z') };
  expect(totalsOf([late]).hash).toBe(byRecipe(['pi_3D|-5|USD|2026-11-18T07:12:44.120Z']));
});
