/** Looks postings up, in whichever form somebody may have booked them, and judges what was seen. Marks nothing. */
import { findForms } from '../core/ledger/find-forms.js';
import type { LedgerRow } from '../core/ledger/row.js';
import { type ExpectedRow, type Finding, judge } from '../core/ledger/settlement.js';
import { confirmResolved, resolveNames, type SourcePorts } from './confirm-source.js';
import type { ClaimedPosting, Ledger } from './ports.js';

/** What a look-up shows of each, at most 50 postings of one lane. Marks nothing. */
export async function judgeByLookUp(
  postings: readonly ClaimedPosting[],
  judging: LookingUp,
): Promise<Array<readonly [ClaimedPosting, Finding]>> {
  return judgeAll(postings, await lookUp(postings, judging), judging);
}

/** All rows by the reference of the posting that they are about. */
export type FoundRows = ReadonlyMap<string, readonly LedgerRow[]>;

export function lookUp(postings: readonly ClaimedPosting[], { ports, options }: LookingUp): Promise<FoundRows> {
  const references = postings.map(({ reference }) => reference);
  return findForms(references, ports.ledger, options);
}

/** All that judging needs of the ports: no outbox, because it writes nothing. */
export interface JudgePorts extends SourcePorts {
  readonly ledger: Ledger;
}

interface LookingUp {
  readonly ports: JudgePorts;
  readonly options: { readonly mirrorId: string };
}

/** A mismatch is judged a second time with names asked afresh: a remembered id must not make a conflict. */
export async function judgeAll(
  postings: readonly ClaimedPosting[],
  rows: FoundRows,
  { ports, options }: LookingUp,
): Promise<Array<readonly [ClaimedPosting, Finding]>> {
  const present = postings.filter(({ reference }) => rows.has(reference));
  await resolveNames(present, ports);
  const judgeOne = (posting: ClaimedPosting): Finding =>
    judge(
      toExpected(posting, options.mirrorId),
      rows.get(posting.reference) ?? [],
      ports.balances.resolver(posting.currency),
    );
  const findings = postings.map((posting) => [posting, judgeOne(posting)] as const);
  const doubtful = findings.flatMap(([posting, { kind }]) =>
    kind === 'conflict' || kind === 'unresolved' ? [posting] : [],
  );
  if (doubtful[0] === undefined) return findings;
  const names = doubtful.flatMap(({ source, destination }) => [source, destination]);
  await ports.balances.refresh(doubtful[0].currency, names);
  await confirmResolved(doubtful[0].lane, ports);
  return postings.map((posting) => [posting, judgeOne(posting)] as const);
}

function toExpected(posting: ClaimedPosting, mirrorId: string): ExpectedRow {
  const { reference, amount, currency, source, destination, effectiveDate } = posting;
  return { reference, amount, currency, source, destination, effectiveDate, mirrorId };
}
