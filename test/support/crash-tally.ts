/** How often each blow hit, and missed, on each home. */
import type { Home } from './homes.js';

export interface Tally {
  note(home: Home['name'], blow: string, isHit: boolean): void;
  faults(stripe: number, blnk: number): void;
  /** Lines for a person. */
  table(): string;
}

type Counts = Map<Home['name'], { hit: number; missed: number }>;

const HOMES: readonly Home['name'][] = ['embedded', 'postgres', 'postgres+redis'];

export function createTally(): Tally {
  const blows = new Map<string, Counts>();
  const struck = { stripe: 0, blnk: 0 };
  return {
    note(home, blow, isHit) {
      const counts: Counts = blows.get(blow) ?? new Map();
      const count = counts.get(home) ?? { hit: 0, missed: 0 };
      count[isHit ? 'hit' : 'missed'] += 1;
      counts.set(home, count);
      blows.set(blow, counts);
    },
    faults(stripe, blnk) {
      struck.stripe += stripe;
      struck.blnk += blnk;
    },
    table() {
      const width = Math.max(4, ...[...blows.keys()].map((blow) => blow.length));
      const line = (name: string, cells: readonly string[]) =>
        [name.padEnd(width), ...cells.map((cell) => cell.padStart(15))].join(' ');
      const rows = [...blows].sort(([one], [other]) => (one < other ? -1 : 1));
      return [
        line('hit (missed)', HOMES),
        ...rows.map(([blow, counts]) =>
          line(
            blow,
            HOMES.map((home) => cellOf(counts.get(home))),
          ),
        ),
        `requests struck by faults: Stripe ${struck.stripe}, Blnk ${struck.blnk}`,
      ].join('\n');
    },
  };
}

function cellOf(count: { readonly hit: number; readonly missed: number } | undefined): string {
  if (count === undefined) return '-';
  return count.missed === 0 ? `${count.hit}` : `${count.hit} (${count.missed})`;
}
