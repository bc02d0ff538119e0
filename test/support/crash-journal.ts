/**
 * What rounds of the crash suite leave behind: one line each in a file that several processes append to. A long run is
 * judged by it: how often each blow hit, and whether every one did.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import type { Home } from './homes.js';

export interface RoundEntry {
  readonly seed: number;
  readonly home: Home['name'];
  readonly result: 'passed' | 'failed' | 'skipped';
  readonly durationMs: number;
  readonly blows: readonly BlowEntry[];
  /** Requests that faults struck. */
  readonly faults: { readonly stripe: number; readonly blnk: number };
  /** Between the first and the last answer of a real Core that balances are locked; 0: none. */
  readonly lockedMs: number;
}

export interface BlowEntry {
  readonly blow: string;
  readonly isHit: boolean;
  /** How often it was tried. */
  readonly tries: number;
}

/** Written when the servers are up: what can be tried at all. */
export interface MeansEntry {
  readonly lacks: readonly string[];
  /** Every blow that can be drawn, by home. */
  readonly blows: Readonly<Record<string, readonly string[]>>;
}

export interface Journal {
  readonly means: MeansEntry | null;
  readonly rounds: readonly RoundEntry[];
}

export function note(file: string, entry: RoundEntry | MeansEntry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function readJournal(file: string): Journal {
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RoundEntry | MeansEntry);
  return {
    means: entries.find((entry) => 'lacks' in entry) ?? null,
    rounds: entries.filter((entry) => 'seed' in entry),
  };
}
