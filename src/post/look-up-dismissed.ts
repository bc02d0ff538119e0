/**
 * A person dismissed a posting that had been attempted: the attempt may still be applied late, or somebody may post it
 * after all. So it is looked up twice more, and when the ledger holds it, it counts as posted. Nothing here posts.
 */
import { confirmSourceAfresh } from './confirm-source.js';
import { type JudgePorts, judgeByLookUp } from './judge-by-look-up.js';
import type { DismissedPostings } from './ports.js';
import { type DoubtOptions, toSettlement } from './settle-doubt.js';

/** As many as one look-up takes. */
const LOOK_UP_MAX = 50;

export interface DismissedPorts extends JudgePorts {
  readonly dismissed: DismissedPostings;
}

export interface DismissedOptions extends Pick<DoubtOptions, 'mirrorId'> {
  readonly leaseMs: number;
  /** When to look, counted from the dismissal. */
  readonly looksAfterMs: readonly number[];
}

/** @returns how many dismissed postings turned out to be in the ledger. Throws SyncError when a look-up fails. */
export async function lookUpDismissed(ports: DismissedPorts, options: DismissedOptions): Promise<number> {
  let found = 0;
  for (;;) {
    const claim = await ports.dismissed.claimDismissed({ ...options, limit: LOOK_UP_MAX });
    const [first] = claim.postings;
    if (first === undefined) return found;
    // In another ledger all would be absent, and the looks used up.
    await confirmSourceAfresh(first.lane, ports);
    const findings = await judgeByLookUp(claim.postings, { ports, options });
    const settlements = findings.flatMap(([posting, finding]) => toSettlement(posting, finding));
    await ports.dismissed.markLooked(claim.token, settlements);
    found += settlements.length;
  }
}
