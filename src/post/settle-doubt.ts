/**
 * Turns what the ledger holds into the state of a posting: has postings looked up and judged, and marks each as settled, parked,
 * or put off. Absent ones go back to the caller, who alone may post. Nothing here posts.
 */
import type { Random } from '../core/base/clock.js';
import type { LedgerRow } from '../core/ledger/row.js';
import type { Finding } from '../core/ledger/settlement.js';
import type { Parking, Settlement } from '../core/posting/posting.js';
import { type BackoffOptions, backoffMs } from './backoff.js';
import { askNames } from './confirm-source.js';
import { type FoundRows, type JudgePorts, judgeAll, lookUp } from './judge-by-look-up.js';
import type { Claim, ClaimedPosting, Outbox, Postponement } from './ports.js';

export interface DoubtPorts extends JudgePorts {
  readonly outbox: Outbox;
  readonly random: Random;
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

interface Judging {
  readonly ports: DoubtPorts;
  readonly options: DoubtOptions;
}

function byReference(rows: readonly LedgerRow[]): FoundRows {
  return new Map(rows.map((row) => [row.reference, [row]]));
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

export function toSettlement(posting: ClaimedPosting, finding: Finding): Settlement[] {
  if (finding.kind !== 'applied') return [];
  const { transactionId, ours, exception } = finding;
  return [{ reference: posting.reference, transactionId, how: ours ? 'posted' : 'already_there', exception }];
}
