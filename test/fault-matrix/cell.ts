/** What a cell says: what a person sees of the fault, as it was executed, in the words of the legend in the document. */
import { SyncError } from '../../src/core/base/errors.js';

export interface Cell {
  readonly text: string;
  /** Stable codes that were told, for the last column of the row. */
  readonly codes: readonly string[];
}

/** An error as a person meets it: `stop` needs one, `later` passes by itself. Anything but a SyncError is a defect. */
export function describeThrown(error: unknown): { readonly word: 'stop' | 'later'; readonly code: string } {
  if (!(error instanceof SyncError)) throw error;
  // The text is all that a person has: it must say what failed, and stay readable when somebody sends a whole page.
  if (error.message.length < 20 || error.message.length > 1_500) {
    throw new Error(`${error.code} says it in ${error.message.length} characters: ${error.message}`);
  }
  return { word: error.kind === 'fatal' ? 'stop' : 'later', code: error.code };
}

/** The waits that there are: of a first try again, of a lease, of a final look-up, of what the rows ask for. */
const WAITS_S = [1, 10, 30, 60, 360, 600, 3_600];

/** The shortest of them that it fits in, so that jitter and slow machines change nothing: `1 s`, `6 min`. */
export function describeWait(waitMs: number): string {
  // A date in whole seconds may be one later than the moment that it was made from.
  const seconds = WAITS_S.find((limit) => waitMs <= (limit + 1.5) * 1_000) ?? Number.POSITIVE_INFINITY;
  return seconds < 60 ? `${seconds} s` : `${seconds / 60} min`;
}

/** Of requests for one answer, the first included; once is not worth a word. */
export function describeTries(tries: number): string {
  return tries > 1 ? ` ×${tries}` : '';
}

/** All cells by row and column title. */
export type Matrix = ReadonlyMap<string, ReadonlyMap<string, Cell>>;
