/**
 * Names of variables that nothing here reads, though they look as if they were meant for it: misspelt, the variable that was
 * meant keeps its default, and nobody is told. Values are never looked at.
 */

export interface GivenNames {
  /** Of `.env`, which is written for this software. */
  readonly inFile: readonly string[];
  /** Of the environment, where other programs have theirs. */
  readonly inEnvironment: readonly string[];
}

const OWN_PREFIX = /^(STRIPE|BLNK|SYNC)_/;

/** What a Blnk Core reads itself, and what docker-compose.yml makes of `.env` for one. */
const OF_A_CORE = /^BLNK_(CORE|POSTGRES|DATA_SOURCE|REDIS|SERVER|QUEUE|TYPESENSE|TOKENIZATION|PROJECT)_/;

/** One letter too many, one too few, two that changed places. */
const SLIPS_MAX = 2;

/** @returns a line for each, with the name that was probably meant */
export function unknownNameLines({ inFile, inEnvironment }: GivenNames, known: readonly string[]): string[] {
  const line = (place: string) => (name: string) =>
    `${place} has ${name}, which nothing here reads; the nearest name that is read is ${nearest(name, known)?.name}`;
  const isMeant = (name: string) => !known.includes(name) && !OF_A_CORE.test(name);
  const isClose = (name: string) => (nearest(name, known)?.slips ?? Number.POSITIVE_INFINITY) <= SLIPS_MAX;
  const others = inEnvironment.filter((name) => !inFile.includes(name) && OWN_PREFIX.test(name));
  return [
    ...inFile.filter((name) => isMeant(name) && (OWN_PREFIX.test(name) || isClose(name))).map(line('.env')),
    ...others.filter(isMeant).map(line('The environment')),
  ];
}

function nearest(
  name: string,
  known: readonly string[],
): { readonly name: string; readonly slips: number } | undefined {
  const [first] = known
    .map((one) => ({ name: one, slips: slipsBetween(name.toUpperCase(), one) }))
    .sort((a, b) => a.slips - b.slips);
  return first;
}

/** How many letters are added, left out or other (Levenshtein's distance). */
function slipsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...a].entries()) {
    const above = row;
    row = [index + 1];
    for (const [column, other] of [...b].entries()) {
      const [left = 0, over = 0, before = 0] = [row[column], above[column + 1], above[column]];
      row.push(Math.min(left + 1, over + 1, before + (letter === other ? 0 : 1)));
    }
  }
  return row[b.length] ?? 0;
}
