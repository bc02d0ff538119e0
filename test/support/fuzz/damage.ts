/**
 * Damage to JSON, drawn by chance: what vendors, gateways and attackers could make of a good answer. A plan of damage is a
 * few small acts, so what fails is told, and made smaller, as acts and never as megabytes of text. apply-damage.ts does
 * them.
 */
import fc from 'fast-check';
import { ODD_CHARACTERS, oddKey, oddText } from './odd.js';

/** What is done at one place. Texts are JSON texts, so that numbers keep their digits. */
export type Act =
  | { readonly act: 'remove' }
  | { readonly act: 'put'; readonly text: string }
  /** A megabyte of one character, or so many brackets. */
  | { readonly act: 'inflate'; readonly as: 'text' | 'list' | 'members'; readonly size: number }
  /** The key comes twice; the odd value comes first or last. */
  | { readonly act: 'twice'; readonly text: string; readonly oddFirst: boolean }
  | { readonly act: 'rename'; readonly key: string }
  | { readonly act: 'beside'; readonly key: string; readonly text: string }
  /** The item comes once more; of a member nothing changes by it. */
  | { readonly act: 'repeat' }
  /** Changes places with the one before it. */
  | { readonly act: 'swap' }
  | { readonly act: 'wrap'; readonly in: 'list' | 'members' }
  /** Odd characters into a text, and what looks like a number onto a number. */
  | { readonly act: 'spoil'; readonly at: number; readonly characters: string }
  | { readonly act: 'renumber'; readonly suffix: string };

export interface Damage {
  /** Counted through all places of the tree, beginning anew behind the last. */
  readonly place: number;
  readonly what: Act;
}

const LARGE = [1_000, 1_000, 1_000, 100_000, 1_000_000];

/** Deeper than any parser that calls itself for each level would survive. */
const DEEP = [100, 100, 10_000, 100_000];

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Act>({ act: 'remove' }) },
  { weight: 8, arbitrary: fc.record({ act: fc.constant('put' as const), text: oddText }) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({
        act: fc.constant('inflate' as const),
        as: fc.constant('text' as const),
        size: fc.constantFrom(...LARGE),
      }),
      fc.record({
        act: fc.constant('inflate' as const),
        as: fc.constantFrom('list' as const, 'members' as const),
        size: fc.constantFrom(...DEEP),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('twice' as const), text: oddText, oddFirst: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('rename' as const), key: oddKey }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('beside' as const), key: oddKey, text: oddText }) },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'repeat' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'swap' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('wrap' as const),
      in: fc.constantFrom('list' as const, 'members' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('spoil' as const),
      at: fc.nat(40),
      characters: fc.oneof(fc.constantFrom('\u0000', '\ud800', '\u001b[31m'), fc.constantFrom(...ODD_CHARACTERS)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('renumber' as const),
      suffix: fc.constantFrom('.0', '.5', 'e0', 'e2', 'e-2', '0', '000000000000', '.00000000000000001', '99', 'e300'),
    }),
  },
);

/** One to `max` acts; most plans are one act, because one fault alone must already be seen. */
export function drawDamage(max = 4): fc.Arbitrary<readonly Damage[]> {
  const damage = fc.record({ place: fc.nat(1_000_000), what: act });
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(damage, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(damage, { minLength: 1, maxLength: max }) },
  );
}
