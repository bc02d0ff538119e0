/**
 * What rounds of the crash suite leave behind: one line each in a file that several processes append to. A long run is
 * judged by it: how often each injected fault hit, and whether every one did.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import type { Home } from '../homes.js';

export interface RoundEntry {
  readonly seed: number;
  readonly home: Home['name'];
  readonly result: 'passed' | 'failed' | 'skipped';
  readonly durationMs: number;
  readonly injections: readonly InjectionEntry[];
  /** Requests that met a vendor's fault. */
  readonly faults: { readonly stripe: number; readonly blnk: number };
  /** Between the first and the last answer of a real Core that balances are locked; 0: none. */
  readonly lockedMs: number;
}

export interface InjectionEntry {
  readonly injection: string;
  readonly isHit: boolean;
  /** How often it was tried. */
  readonly tries: number;
}

/** Written when the servers are up: what can be tried at all. */
export interface MeansEntry {
  readonly lacks: readonly string[];
  /** Every injected fault that can be drawn, by home. */
  readonly injections: Readonly<Record<string, readonly string[]>>;
}

export interface Journal {
  readonly means: MeansEntry | null;
  readonly rounds: readonly RoundEntry[];
}

export function note(file: string, entry: RoundEntry | MeansEntry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function skippedRound({ seed, home }: Pick<RoundEntry, 'seed' | 'home'>): RoundEntry {
  return { seed, home, result: 'skipped', durationMs: 0, injections: [], faults: { stripe: 0, blnk: 0 }, lockedMs: 0 };
}

/** The last word on each of these seeds: one that failed may have been played again. */
export function readJournal(file: string, seeds: readonly number[]): Journal {
  const wanted = new Set(seeds);
  const rounds = new Map<number, RoundEntry>();
  let means: MeansEntry | null = null;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line) as RoundEntry | MeansEntry;
    if ('lacks' in entry) means = entry;
    else if (wanted.has(entry.seed)) rounds.set(entry.seed, entry);
  }
  return { means, rounds: [...rounds.values()] };
}
