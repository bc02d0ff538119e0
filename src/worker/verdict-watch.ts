/** Watches the verdict on the mirror, so that whoever reads the log is told when it changes, and of nothing while it does not. */
import type { VerdictFacts } from '../core/verdict/facts.js';
import { type Verdict, type VerdictState, verdictOf } from '../core/verdict/verdict.js';

export interface VerdictWatchPorts {
  readFacts(): Promise<VerdictFacts>;
  /** @param before null at the first look */
  onChange(verdict: Verdict, before: VerdictState | null): void;
}

/** @returns a look, which calls `onChange` when the state or what is needed is another than at the look before */
export function createVerdictWatch({ readFacts, onChange }: VerdictWatchPorts): () => Promise<void> {
  let known: { readonly state: VerdictState; readonly codes: string } | null = null;
  return async () => {
    const verdict = verdictOf(await readFacts());
    const { state } = verdict;
    const codes = [...new Set(verdict.needs.map(({ code }) => code))].sort().join();
    if (known?.state === state && known.codes === codes) return;
    const before = known?.state ?? null;
    known = { state, codes };
    onChange(verdict, before);
  };
}
