/**
 * What a rebuilt database holds of a payment, judged by the ledger alone: in the ledger and equal is posted, everything
 * else is parked until a person decides. Only reads, and knows nothing of what a lost database said: a payment that is
 * not in the ledger may have been dismissed there, so it is never posted by itself.
 */

import { formatMoney } from '../core/base/money.js';
import type { BalanceNames } from '../core/ledger/balance-names.js';
import { currentRows } from '../core/ledger/current-rows.js';
import { findForms } from '../core/ledger/find-forms.js';
import {
  parseReference,
  queuedChildOf,
  refundOf,
  repairReferencesOf,
  undoReferenceOf,
} from '../core/ledger/reference.js';
import { distinctRows, isApplied, isPlainlyOurs, type LedgerRecord } from '../core/ledger/row.js';
import { type Finding, judge } from '../core/ledger/settlement.js';
import type { Lane, ParkingReason, Preparation, PreparedTransaction } from '../core/posting/posting.js';
import type { LedgerSide } from './ports.js';
import type { Judged, JudgedByLedger, RepairRow, Verdict } from './rebuild-ports.js';

export interface RebuildPorts {
  readonly ledger: Pick<LedgerSide, 'findByReference' | 'findChildren' | 'listOfPayment'>;
  readonly balances: BalanceNames;
  /** Notes the id of one of the mirror's own balances; throws SyncError `other_ledger` when it was another one. */
  confirmSource(lane: Lane, balanceId: string): Promise<void>;
}

/**
 * Judges the payments of one page, all of one mirror. Two look-ups when all of them are in the ledger; more for those that
 * are not, or not any more. Throws SyncError when the ledger cannot be asked.
 */
export async function judgePage<Found extends { readonly preparation: Preparation }>(
  page: readonly Found[],
  ports: RebuildPorts,
  { mirrorId }: { readonly mirrorId: string },
): Promise<JudgedByLedger<Found>[]> {
  const prepared = page.flatMap(({ preparation }) =>
    preparation.kind === 'prepared' ? [preparation.transaction] : [],
  );
  const rows = await lookUp(prepared, ports, { mirrorId });
  await resolveNames(
    prepared.filter(({ reference }) => rows.has(reference)),
    ports,
  );
  const judging: Judging = { ports, mirrorId, rows };
  const judged: JudgedByLedger<Found>[] = [];
  for (const found of page) {
    if (found.preparation.kind === 'rejected')
      judged.push({ found, verdict: { kind: 'unmappable' }, repairs: [], elsewhere: [] });
    else {
      const { transaction } = found.preparation;
      const judgement = await judgeOne(transaction, judging);
      judged.push({ found, ...judgement, elsewhere: elsewhereOf(transaction, judging) });
    }
  }
  return judged;
}

interface Judging {
  readonly ports: RebuildPorts;
  readonly mirrorId: string;
  /** What the look-ups showed of each payment, by its reference, and its repairs by their own. */
  readonly rows: ReadonlyMap<string, readonly LedgerRecord[]>;
}

/**
 * By their own references, and whether they were taken back; what is not plainly there in every form that others may have
 * given it, and as repairs.
 */
async function lookUp(
  transactions: readonly PreparedTransaction[],
  { ledger }: RebuildPorts,
  own: { readonly mirrorId: string },
): Promise<Map<string, readonly LedgerRecord[]>> {
  const references = transactions.map(({ reference }) => reference);
  const rows = new Map<string, readonly LedgerRecord[]>();
  for (const row of await ledger.findByReference(references)) rows.set(row.reference, [row]);
  const isPlain = (reference: string) => rows.get(reference)?.some((row) => isPlainlyOurs(row, own)) === true;
  const takenBack = await takenBackOf(
    references.filter(isPlain).flatMap((reference) => rows.get(reference) ?? []),
    ledger,
  );
  for (const [reference, found] of takenBack) rows.set(reference, found);
  const others = references.filter((reference) => !isPlain(reference));
  for (const [reference, found] of await findForms(others, ledger, own)) rows.set(reference, found);
  const unusual = [...others, ...takenBack.keys()];
  for (const row of await ledger.findByReference(unusual.flatMap(repairReferencesOf))) rows.set(row.reference, [row]);
  return rows;
}

/**
 * Of rows that are plainly there those that were taken back, by hand or through Blnk's refund route, with all that is known of
 * them. One look-up for all, more for what was taken back: it may have been put back again.
 */
async function takenBackOf(
  plain: readonly LedgerRecord[],
  ledger: RebuildPorts['ledger'],
): Promise<Map<string, LedgerRecord[]>> {
  const owners = new Map(
    plain.flatMap(({ reference, transactionId }) =>
      [undoReferenceOf(reference, () => false), refundOf(transactionId)]
        .flatMap((back) => [back, queuedChildOf(back)])
        .map((back) => [back, reference] as const),
    ),
  );
  if (owners.size === 0) return new Map();
  const back = await ledger.findByReference([...owners.keys()]);
  const references = [...new Set(back.flatMap(({ reference }) => owners.get(reference) ?? []))];
  if (references.length === 0) return new Map();
  return findForms(references, ledger, null);
}

type Judgement = Pick<Judged<never>, 'verdict' | 'repairs'>;

/** What came out of the right source in this mirror's name: it was sent to the balance that then stood for the destination. */
function elsewhereOf(transaction: PreparedTransaction, { ports, mirrorId, rows }: Judging): string[] {
  const { reference, currency, source, destination } = transaction;
  const resolve = ports.balances.resolver(currency);
  const [sourceId, destinationId] = [resolve(source), resolve(destination)];
  const ours = [reference, ...repairReferencesOf(reference)]
    .flatMap((one) => (rows.get(one) ?? []).filter((row) => row.reference === one))
    .filter((row) => isPlainlyOurs(row, { mirrorId }) && row.currency === currency && row.source === sourceId);
  return [...new Set(ours.map((row) => row.destination))].filter((id) => id !== destinationId);
}

async function judgeOne(transaction: PreparedTransaction, judging: Judging): Promise<Judgement> {
  const finding = await judgeTwice(transaction, judging);
  if (finding.kind === 'applied') return { verdict: toPosted(finding), repairs: [] };
  const { reference } = transaction;
  const isSeen = [reference, ...repairReferencesOf(reference)].some((one) => judging.rows.has(one));
  if (finding.kind === 'absent' && !isSeen) {
    return parked('rebuild', 'neither its reference nor a repair of it was in the ledger');
  }
  return judgeUnusual(transaction, finding, judging);
}

function judgeRows(transaction: PreparedTransaction, { ports, mirrorId, rows }: Judging): Finding {
  const { reference, currency } = transaction;
  return judge({ ...transaction, mirrorId }, rows.get(reference) ?? [], ports.balances.resolver(currency));
}

/** A mismatch is judged a second time with names asked afresh: a remembered id must not make a conflict. */
async function judgeTwice(transaction: PreparedTransaction, judging: Judging): Promise<Finding> {
  const first = judgeRows(transaction, judging);
  if (first.kind !== 'conflict' && first.kind !== 'unresolved') return first;
  await judging.ports.balances.refresh(transaction.currency, [transaction.source, transaction.destination]);
  return judgeRows(transaction, judging);
}

/** Rejected, queued, different or elsewhere: what repairs made of it decides. */
async function judgeUnusual(
  transaction: PreparedTransaction,
  finding: Exclude<Finding, { kind: 'applied' }>,
  judging: Judging,
): Promise<Judgement> {
  await resolveNames([transaction], judging.ports);
  const listed = await judging.ports.ledger.listOfPayment(transaction.reference);
  const rows = distinctRows(currentRows(listed).filter(isApplied)).sort((a, b) => (a.reference < b.reference ? -1 : 1));
  const replacements = repairsAmong(rows, transaction, { judging, role: 'replacement' });
  const corrections = repairsAmong(rows, transaction, { judging, role: 'correction' });
  const repairs = [...replacements, ...corrections];
  const { reason, detail } = reasonOf(finding);
  if (repairs.length === 0) return parked(reason, detail);
  const inLedger = netOf(repairs, transaction) + (ownAmount(transaction, finding, judging) ?? 0n);
  const { currency } = transaction;
  if (inLedger !== transaction.amount) {
    const sums = `with its repairs the ledger holds ${formatMoney({ amount: inLedger, currency })} of it`;
    return { ...parked(reason, `${detail}; ${sums}`), repairs };
  }
  const by = repairs.map(({ reference }) => reference).join(', ');
  const how = replacements.length > 0 ? `replaced by ${by}` : `corrected by ${by}`;
  return { ...parked(reason, detail, how), repairs };
}

function reasonOf(finding: Exclude<Finding, { kind: 'applied' }>): { reason: ParkingReason; detail: string } {
  switch (finding.kind) {
    case 'absent':
      return { reason: 'rebuild', detail: 'its reference was not in the ledger' };
    case 'undecided':
      return { reason: 'rebuild', detail: finding.detail };
    case 'burnt':
      return { reason: 'burnt_reference', detail: finding.detail };
    case 'unresolved':
    case 'conflict':
      return { reason: 'conflict', detail: finding.detail };
    default:
      return finding satisfies never;
  }
}

interface RepairSearch {
  readonly judging: Judging;
  readonly role: RepairRow['role'];
}

/** Applied rows of this payment whose reference and balances are those of a repair; anything else is for the proof to find. */
function repairsAmong(
  rows: readonly LedgerRecord[],
  { reference, currency, source, destination, effectiveDate }: PreparedTransaction,
  { judging, role }: RepairSearch,
): RepairRow[] {
  const resolve = judging.ports.balances.resolver(currency);
  const [sourceId, destinationId] = [resolve(source), resolve(destination)];
  const marker = role === 'replacement' ? ':r' : ':adj:';
  return rows.flatMap((row): RepairRow[] => {
    const number = row.reference.startsWith(`${reference}${marker}`)
      ? row.reference.slice(reference.length + marker.length)
      : '';
    if (!/^\d+$/.test(number) || row.amount === null || row.currency !== currency) return [];
    const isForward = row.source === sourceId && row.destination === destinationId;
    const isBack = role === 'correction' && row.source === destinationId && row.destination === sourceId;
    if (!isForward && !isBack) return [];
    return [
      {
        reference: row.reference,
        role,
        amount: row.amount,
        ...(isForward ? { source, destination } : { source: destination, destination: source }),
        effectiveDate: row.effectiveDate ?? effectiveDate,
        transactionId: row.transactionId,
        how: row.mirrorId === judging.mirrorId ? 'posted' : 'already_there',
      },
    ];
  });
}

/** What repairs brought from the source to the destination, minor units. */
function netOf(repairs: readonly RepairRow[], { source }: PreparedTransaction): bigint {
  return repairs.reduce((sum, repair) => sum + (repair.source === source ? repair.amount : -repair.amount), 0n);
}

/** The payment's own row where it moved money between the right balances; null when it did not, or when that is not known. */
function ownAmount(transaction: PreparedTransaction, finding: Finding, judging: Judging): bigint | null {
  if (finding.kind !== 'conflict') return null;
  const isOwn = (reference: string) =>
    parseReference(reference, (id) => id === transaction.reference).role === 'original';
  const row = currentRows(judging.rows.get(transaction.reference) ?? []).find(
    (one) => isApplied(one) && isOwn(one.reference),
  );
  const resolve = judging.ports.balances.resolver(transaction.currency);
  const isOfIt =
    row?.currency === transaction.currency &&
    row.source === resolve(transaction.source) &&
    row.destination === resolve(transaction.destination);
  return isOfIt ? row.amount : null;
}

function toPosted({ transactionId, ours, exception }: Extract<Finding, { kind: 'applied' }>): Verdict {
  return { kind: 'posted', transactionId, how: ours ? 'posted' : 'already_there', exception };
}

function parked(reason: ParkingReason, detail: string, dismissedWhy: string | null = null): Judgement {
  return { verdict: { kind: 'parked', reason, detail, dismissedWhy }, repairs: [] };
}

/** Names of all that were seen, and the source of each currency; a ledger that is not this mirror's is refused here. */
async function resolveNames(
  transactions: readonly PreparedTransaction[],
  { balances, confirmSource }: RebuildPorts,
): Promise<void> {
  const byCurrency = new Map<string, PreparedTransaction[]>();
  for (const one of transactions) byCurrency.set(one.currency, [...(byCurrency.get(one.currency) ?? []), one]);
  await Promise.all(
    [...byCurrency].map(async ([currency, those]) => {
      const sources = new Set(those.map(({ source }) => source));
      await balances.resolve(currency, [...sources, ...those.map(({ destination }) => destination)]);
      for (const source of sources) {
        const sourceId = balances.resolver(currency)(source);
        if (sourceId !== undefined) await confirmSource({ source, currency }, sourceId);
      }
    }),
  );
}
