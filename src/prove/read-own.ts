/** What our postings say that both sides do not: only to explain what is missing, and to ask for it once more. */
import type { Mirror } from '../core/posting/mirror.js';
import { MARKS } from '../core/proof/staged.js';
import type { DayStore } from './day-store.js';
import type { LedgerSide, StripeSide, SucceededSince } from './ports.js';
import { findMissing, namesWithout } from './read-missing.js';

export interface OwnContext {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly store: DayStore;
  readonly day: string;
  readonly mirror: Mirror;
}

/** What one of our postings saw in the ledger while it was listed is asked for once more before it is missing. */
export async function findUnseen(context: OwnContext): Promise<void> {
  const posted = { kinds: ['posting'], marks: MARKS.posted } as const;
  const rows = [{ kinds: ['row'] }, { kinds: ['alias'], marks: MARKS.byMetadata }] as const;
  for await (const names of namesWithout(context.store, posted, rows)) {
    await findMissing(
      context,
      names.map(({ name }) => name),
    );
  }
}

/** Payments of which nothing is known because they succeeded after what the mirror has read. */
export async function findFresh({ stripe, store }: OwnContext, coveredUpTo: Date | null): Promise<SucceededSince> {
  const ids = new Set<string>();
  let requests = 0;
  if (coveredUpTo === null) return { ids, requests };
  const known = [{ kinds: ['posting'] }, { kinds: ['row'], marks: MARKS.plain }, { kinds: ['alias'] }] as const;
  for await (const names of namesWithout(store, { kinds: ['payment'], marks: MARKS.afterStart }, known)) {
    // So many at a time, where a database was lost: the events of a bounded number of pages are read for each.
    const found = await stripe.succeededSince(coveredUpTo, new Set(names.map(({ name }) => name)));
    for (const id of found.ids) ids.add(id);
    requests += found.requests;
  }
  return { ids, requests };
}
