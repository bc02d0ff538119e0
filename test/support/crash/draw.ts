/** Chance that comes again: everything in a round of the crash suite is drawn from its seed with these. */

export interface Draw {
  /** In [0, 1). */
  fraction(): number;
  /** Both ends included. */
  between(least: number, most: number): number;
  chance(share: number): boolean;
  oneOf<T>(choices: readonly [T, ...T[]] | readonly T[]): T;
}

/** The mulberry32 step: the same seed draws the same. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1));
  return {
    fraction,
    between,
    chance: (share) => fraction() < share,
    oneOf(choices) {
      const choice = choices[between(0, choices.length - 1)];
      if (choice === undefined) throw new RangeError('there is nothing to choose from');
      return choice;
    },
  };
}

/**
 * The card that comes at this turn: each comes once before any comes again, in an order that changes every time.
 * @param hand whose cards they are: two hands are shuffled differently
 */
export function dealFrom<T>(cards: readonly T[], { hand, turn }: { readonly hand: string; readonly turn: number }): T {
  const deal = Math.floor(turn / cards.length);
  const draw = drawFrom([...hand].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), deal + 1));
  const shuffled = [...cards];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = draw.between(0, last);
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled[turn % cards.length] as T;
}
