/**
 * Turns what the ledger holds into the state of a posting: looks postings up, judges what was seen (`core/ledger/settlement.ts`)
 * and marks each as settled, parked, or put off. Absent ones go back to the caller, who alone may post. Nothing here posts.
 */
import type { Random } from '../core/base/clock.js';
import type { BalanceNames } from '../core/ledger/balance-names.js';
import { findForms } from '../core/ledger/find-forms.js';
import type { LedgerRow } from '../core/ledger/row.js';
import { type ExpectedRow, type Finding, judge } from '../core/ledger/settlement.js';
import type { Lane, Parking, Settlement } from '../core/posting/posting.js';
import { type BackoffOptions, backoffMs } from './backoff.js';
import type { Claim, ClaimedPosting, Ledger, Outbox, Postponement } from './ports.js';

export interface DoubtPorts {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly balances: BalanceNames;
  readonly random: Random;
  /**
   * Compares the id of the mirror's own balance with the remembered one; null: the ledger shows none. Throws SyncError
   * `ledger_in_doubt` or `other_ledger` unless the ledger is the one that was posted to.
   */
  confirmSource(lane: Lane, balanceId: string | null): Promise<void>;
}

export interface DoubtOptions {
  readonly mirrorId: string;
  readonly backoff: BackoffOptions;
  /**
   * How long after the last attempt a look-up counts as final. A request that was sent may still run inside Core for as
   * long as its locks live (5 minutes); 6 minutes leave room.
   */
  readonly finalAfterMs: number;
}

export interface LookedUp {
  /** Nothing of them was seen, in no form. */
  readonly absent: readonly ClaimedPosting[];
}

/** How many dismissed postings `look-up-dismissed.ts` looks up at a time. */
export const LOOK_UP_MAX = 50;

/**
 * Looks all postings of a claim up, in whichever form somebody may have booked them, and marks what was found. The same
 * before a first posting and in doubt. Throws SyncError when a look-up fails.
 */
export async function settleByLookUp(claim: Claim, ports: DoubtPorts, options: DoubtOptions): Promise<LookedUp> {
  const rows = await lookUp(claim.postings, { ports, options });
  return { absent: await markFindings(claim, rows, { ports, options }) };
}

/** The same with rows that an answer already brought, instead of a look-up. */
export async function settleByRows(
  claim: Claim,
  rows: readonly LedgerRow[],
  judging: { readonly ports: DoubtPorts; readonly options: DoubtOptions },
): Promise<LookedUp> {
  return { absent: await markFindings(claim, byReference(rows), judging) };
}

/**
 * Confirms a chunk that the ledger answered as applied: one request for up to 100 references, without their queued
 * children, and beside it one for those of their balances whose ids are not known. What it does not show, or shows otherwise
 * than applied and equal, is left to a full look-up.
 */
export async function confirmApplied(
  claim: Claim,
  ports: DoubtPorts,
  options: DoubtOptions,
): Promise<{ readonly unconfirmed: readonly ClaimedPosting[] }> {
  const [rows] = await Promise.all([
    ports.ledger.findByReference(claim.postings.map(({ reference }) => reference)),
    askNames(claim.postings, ports),
  ]);
  const findings = await judgeAll(claim.postings, byReference(rows), { ports, options });
  const settlements = findings.flatMap(([posting, finding]) => toSettlement(posting, finding));
  await ports.outbox.settle(claim.token, settlements);
  const settled = new Set(settlements.map(({ reference }) => reference));
  return { unconfirmed: claim.postings.filter(({ reference }) => !settled.has(reference)) };
}

/** What a look-up shows of each, at most 50 postings of one lane. Marks nothing. */
export async function judgeByLookUp(
  postings: readonly ClaimedPosting[],
  judging: LookingUp,
): Promise<Array<readonly [ClaimedPosting, Finding]>> {
  return judgeAll(postings, await lookUp(postings, judging), judging);
}

/** All rows by the reference of the posting that they are about. */
type FoundRows = ReadonlyMap<string, readonly LedgerRow[]>;

function lookUp(postings: readonly ClaimedPosting[], { ports, options }: LookingUp): Promise<FoundRows> {
  const references = postings.map(({ reference }) => reference);
  return findForms(references, ports.ledger, options);
}

function byReference(rows: readonly LedgerRow[]): FoundRows {
  return new Map(rows.map((row) => [row.reference, [row]]));
}

/** All that judging needs of the ports: no outbox, because it writes nothing. */
export type JudgePorts = Pick<DoubtPorts, 'ledger' | 'balances' | 'confirmSource'>;

interface LookingUp {
  readonly ports: JudgePorts;
  readonly options: Pick<DoubtOptions, 'mirrorId'>;
}

interface Judging {
  readonly ports: DoubtPorts;
  readonly options: DoubtOptions;
}

async function markFindings(claim: Claim, rows: FoundRows, judging: Judging): Promise<ClaimedPosting[]> {
  const { outbox } = judging.ports;
  const findings = await judgeAll(claim.postings, rows, judging);
  const absent: ClaimedPosting[] = [];
  const settlements: Settlement[] = [];
  const postponements: Postponement[] = [];
  const parkings: Parking[] = [];
  for (const [posting, finding] of findings) {
    switch (finding.kind) {
      case 'applied':
        settlements.push(...toSettlement(posting, finding));
        break;
      case 'undecided':
        postponements.push(waitFor(posting, finding.detail, judging));
        break;
      case 'unresolved':
        // Looks while it was queued, or not seen at all, say nothing about the balance.
        if (posting.lastError !== finding.detail)
          postponements.push({ ...waitFor({ ...posting, lookUps: 0 }, finding.detail, judging), firstLook: true });
        else if (posting.lookUps < UNRESOLVED_LOOKS_MIN) postponements.push(waitFor(posting, finding.detail, judging));
        else
          parkWhenFinal(posting, { reason: 'conflict', detail: finding.detail }, judging, { parkings, postponements });
        break;
      case 'absent':
        // A row that was a conflict, rejected or voided a while ago and is gone now was removed, or a reader lags: posting
        // again shows which.
        if (posting.reason !== 'refused_by_blnk' && posting.reason !== 'balance_missing') absent.push(posting);
        else
          parkWhenFinal(posting, { reason: posting.reason, detail: posting.reasonDetail ?? '' }, judging, {
            parkings,
            postponements,
          });
        break;
      case 'burnt':
        parkWhenFinal(posting, { reason: 'burnt_reference', detail: finding.detail }, judging, {
          parkings,
          postponements,
        });
        break;
      case 'conflict':
        parkWhenFinal(posting, { reason: 'conflict', detail: finding.detail }, judging, { parkings, postponements });
        break;
      default:
        finding satisfies never;
    }
  }
  await outbox.settle(claim.token, settlements);
  await outbox.park(claim.token, parkings);
  await outbox.postpone(claim.token, postponements);
  return absent;
}

/** Parks only after a look-up that is late enough to be final; until then the reason is noted and the posting waits. */
function parkWhenFinal(
  posting: ClaimedPosting,
  verdict: Omit<Parking, 'reference'>,
  { options }: Judging,
  out: { readonly parkings: Parking[]; readonly postponements: Postponement[] },
): void {
  const waitedMs = posting.sinceLastAttemptMs ?? Number.POSITIVE_INFINITY;
  if (waitedMs >= options.finalAfterMs) {
    out.parkings.push({ reference: posting.reference, ...verdict });
    return;
  }
  out.postponements.push({
    reference: posting.reference,
    dueInMs: options.finalAfterMs - waitedMs,
    error: verdict.detail,
    inDoubt: false,
    reason: verdict.reason,
    reasonDetail: verdict.detail,
  });
}

/**
 * A reader that lags shows a balance soon after the row that made it. One that is still unknown after this many looks in
 * a row that saw the same, minutes apart in the end, does not exist: the row in the ledger was posted to another balance.
 */
const UNRESOLVED_LOOKS_MIN = 8;

function waitFor(posting: ClaimedPosting, error: string, { ports, options }: Judging): Postponement {
  return {
    reference: posting.reference,
    dueInMs: backoffMs(posting.lookUps, ports.random, options.backoff),
    error,
    inDoubt: true,
  };
}

/** A mismatch is judged a second time with names asked afresh: a remembered id must not make a conflict. */
async function judgeAll(
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

/**
 * Before a chunk is sent: a ledger that does not hold the source balance that is remembered must not get a single row. Asked
 * afresh each time, because a ledger may be wiped under a running worker.
 */
export async function confirmLedger(lane: Lane, { balances, confirmSource }: JudgePorts): Promise<void> {
  const { source, currency } = lane;
  await balances.refresh(currency, [source]);
  await confirmSource(lane, balances.resolver(currency)(source) ?? null);
}

async function confirmResolved(lane: Lane, { balances, confirmSource }: JudgePorts): Promise<void> {
  const sourceId = balances.resolver(lane.currency)(lane.source);
  if (sourceId !== undefined) await confirmSource(lane, sourceId);
}

async function resolveNames(postings: readonly ClaimedPosting[], ports: JudgePorts): Promise<void> {
  const [first] = postings;
  if (first === undefined) return;
  await askNames(postings, ports);
  await confirmResolved(first.lane, ports);
}

/** All postings of a claim are of one lane, so of one currency. */
async function askNames(
  postings: readonly ClaimedPosting[],
  { balances }: Pick<JudgePorts, 'balances'>,
): Promise<void> {
  const [first] = postings;
  if (first === undefined) return;
  await balances.resolve(first.currency, [
    first.lane.source,
    ...postings.flatMap((one) => [one.source, one.destination]),
  ]);
}

function toExpected(posting: ClaimedPosting, mirrorId: string): ExpectedRow {
  const { reference, amount, currency, source, destination, effectiveDate } = posting;
  return { reference, amount, currency, source, destination, effectiveDate, mirrorId };
}

export function toSettlement(posting: ClaimedPosting, finding: Finding): Settlement[] {
  if (finding.kind !== 'applied') return [];
  const { transactionId, ours, exception } = finding;
  return [{ reference: posting.reference, transactionId, how: ours ? 'posted' : 'already_there', exception }];
}
