/**
 * Makes a repair plan from the newest proofs: reads each payment that a finding names afresh, on both sides, and decides
 * what is done about it. Writes nothing but the plan itself; what no plan can repair is listed with what a person needs.
 */

import { isMadeOfMirroredId } from '../core/kinds/registry.js';
import { findForms } from '../core/ledger/find-forms.js';
import type { Mirror } from '../core/posting/mirror.js';
import { type Acceptance, acceptedText, coverAccepted } from '../core/proof/acceptance.js';
import { type DayFinding, FINDING_KINDS, type FindingKind } from '../core/proof/certificate.js';
import { decideRepair } from '../core/repair/decide-repair.js';
import type { RepairDecision } from '../core/repair/repair-decision.js';
import { type PlanOutcome, type RepairItem, toSeenRow } from '../core/repair/repair-plan.js';
import type { RepairListener } from '../core/repair/repair-progress.js';
import { rowText, undoLine } from '../core/repair/repair-text.js';
import { readPaymentFacts } from './read-payment-facts.js';
import type { DayCertificate, DayRange, RepairPorts } from './repair-ports.js';

export interface PlanRequest {
  /** Null: all days whose newest proof is broken or open, and all parked payments. */
  readonly range: DayRange | null;
  readonly mirror: Mirror;
  /** Who plans. */
  readonly by: string;
}

/** Kinds whose payment is read again; what becomes of it is decided by what is so now. */
const READ_AGAIN: readonly FindingKind[] = [
  'missing',
  'burnt',
  'queued',
  'different',
  'doubled',
  'extra',
  'parked',
  'parked_in_ledger',
];
/** Kinds that are told as they were found. */
const TOLD: readonly FindingKind[] = ['day_key', 'movement'];

/** References a request: half of its rows may be decided copies of queued ones. */
const LOOKED_UP_AT_ONCE = 50;

/** Throws SyncError when a side cannot be read; nothing is stored then. */
export async function planRepair(
  ports: RepairPorts,
  { range, mirror, by }: PlanRequest,
  { onProgress }: RepairListener,
): Promise<PlanOutcome> {
  // Before acceptances are read: what is accepted from here on is later than the plan for whoever applies it.
  const plannedAt = await ports.store.now();
  const acceptances = await ports.accepted.inForce(null);
  const newest = withoutAccepted(await ports.store.newestCertificates(range), acceptances);
  const isConcern = ({ state }: DayCertificate) => range !== null || state === 'broken' || state === 'open';
  const proven = newest.proven.filter(isConcern);
  const inLedger = await parkedInLedger(ports, { range, mirror }, onProgress);
  // A day may be sealed because of what was accepted, and its payment parked here all the same.
  const parked = inLedger.filter((concern) => !newest.accepted.has(keyOf(concern)));
  const concerned = new Set([...proven.map(({ day }) => day), ...inLedger.map(({ day }) => day)]);
  const accepted = [...newest.accepted.values()].filter(({ day }) => concerned.has(day));
  const concerns = [...concernsOf(proven), ...parked];
  const first = new Map(
    concerns
      .filter(({ readAgain }) => readAgain)
      .map((concern) => [concern.paymentId, concern])
      .reverse() as [string, Concern][],
  );
  const read = [...first.values()].sort(byDay);
  const onRead = (done: number) => onProgress({ what: 'payments', done, all: read.length });
  if (read.length > 0) onRead(0);
  const facts = await readPaymentFacts(
    read.map(({ paymentId }) => paymentId),
    ports,
    { rules: mirror, known: new Map(), onRead },
  );
  const found: Array<Omit<RepairItem, 'item'>> = [];
  const left: Array<PlanOutcome['left'][number]> = [...accepted];
  for (const [index, concern] of read.entries()) {
    const about = facts[index];
    if (about === undefined) continue;
    const decision = heldByAccepted(decideRepair(about), concern, acceptances);
    if (decision.kind === 'settled' || decision.kind === 'waits') left.push({ ...concern, detail: decision.detail });
    else found.push({ ...toItem(concern, decision), seen: about.rows.map(toSeenRow) });
  }
  for (const concern of concerns.filter(({ readAgain }) => !readAgain)) found.push(toReport(concern));
  const items = numbered(found);
  const days = [...new Set([...proven.map(({ day }) => day), ...items.map(({ day }) => day)])].sort();
  const findingsNotKept = proven.reduce((sum, day) => sum + day.findingsCount - day.findings.length, 0);
  const reported = items.filter(({ action }) => action === 'report');
  const [fromDay, toDay] = [days[0], days.at(-1)];
  if (items.length === reported.length || fromDay === undefined || toDay === undefined) {
    return { plan: null, reported, left, days, findingsNotKept };
  }
  const plan = await ports.store.savePlan({ fromDay, toDay, plannedBy: by, plannedAt, items });
  return { plan, reported, left, days, findingsNotKept };
}

type Left = PlanOutcome['left'][number];

/** Without what a person accepted, be it after the proof; and that, to be told. */
function withoutAccepted(
  all: readonly DayCertificate[],
  acceptances: readonly Acceptance[],
): { readonly proven: readonly DayCertificate[]; readonly accepted: ReadonlyMap<string, Left> } {
  const accepted = new Map<string, Left>();
  const proven = all.map((day) => {
    const covered = coverAccepted(
      day.findings,
      acceptances.filter((one) => one.day === day.day),
    );
    const findings = covered.filter((finding) => {
      if (finding.accepted === undefined || finding.paymentId === null) return true;
      const { by, why } = finding.accepted;
      const about = { day: day.day, paymentId: finding.paymentId };
      const detail = `${finding.kind} as ${by} accepted it (${why}): nothing is planned; accept --take-back undoes that`;
      accepted.set(keyOf(about), { ...about, detail });
      return false;
    });
    return { ...day, findings, findingsCount: day.findingsCount - day.findings.length + findings.length };
  });
  return { proven, accepted };
}

/**
 * A plan makes a payment what Stripe shows, over all of its days: it would undo what a person accepted on another one. What
 * was accepted on the day itself does not count here: it covers its findings no more, so that they are differences again.
 */
function heldByAccepted(
  decision: RepairDecision,
  { day, paymentId }: Concern,
  acceptances: readonly Acceptance[],
): RepairDecision {
  if (decision.kind !== 'act') return decision;
  const accepted = acceptances.find((one) => one.paymentId === paymentId && one.day !== day);
  if (accepted === undefined) return decision;
  return { kind: 'report', finding: null, detail: `${acceptedText(accepted)}. Without that: ${decision.detail}` };
}

function keyOf({ day, paymentId }: Pick<Left, 'day' | 'paymentId'>): string {
  return `${day} ${paymentId}`;
}

/** What is planned first, in the order of applying, then what is told, worst first. */
function numbered(found: ReadonlyArray<Omit<RepairItem, 'item'>>): RepairItem[] {
  const kinds = Object.keys(FINDING_KINDS);
  const planned = found.filter(({ action }) => action !== 'report');
  const told = found.filter(({ action }) => action === 'report');
  told.sort((a, b) => kinds.indexOf(a.finding) - kinds.indexOf(b.finding));
  return [...planned, ...told].map((item, index) => ({ ...item, item: index + 1 }));
}

/** A payment, or a day, that something is wrong with. */
interface Concern {
  readonly day: string;
  readonly paymentId: string;
  readonly finding: FindingKind;
  readonly readAgain: boolean;
  readonly detail: string;
}

function concernsOf(proven: readonly DayCertificate[]): Concern[] {
  const order = Object.keys(FINDING_KINDS);
  return proven.flatMap(({ day, findings }) =>
    [...findings]
      .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
      .filter(({ kind }) => READ_AGAIN.includes(kind) || TOLD.includes(kind))
      .map((finding) => ({
        day,
        paymentId: finding.paymentId ?? 'day',
        finding: finding.kind,
        readAgain:
          READ_AGAIN.includes(finding.kind) && finding.paymentId !== null && isMadeOfMirroredId(finding.paymentId),
        detail: detailOf(day, finding),
      })),
  );
}

function detailOf(day: string, { kind, paymentId, detail, ledger }: DayFinding): string {
  const rows = ledger.map((row) => ({
    ...row,
    amount: row.amount === null ? null : BigInt(row.amount),
    effectiveDate: row.effectiveDate === null ? null : new Date(row.effectiveDate),
  }));
  const shown = rows.length === 0 ? '' : `; in the ledger: ${rows.map((row) => rowText(row)).join('; ')}`;
  const applied = kind === 'extra' || kind === 'doubled' ? rows.filter(({ status }) => status === 'APPLIED') : [];
  if (applied.length === 0) return `${detail}${shown}`;
  const used = new Set(ledger.map(({ reference }) => reference));
  const isUsed = (reference: string) => used.has(reference);
  const undo = applied.map((row) => undoLine(row, { paymentId: paymentId ?? row.reference, day, isUsed }));
  return [`${detail}${shown}. Take back by hand what must not be there`, ...undo].join('\n');
}

/** What is parked here although the ledger holds something of it: no proof of the ledger names it when the two sides are equal. */
async function parkedInLedger(
  { store, ledger }: RepairPorts,
  { range, mirror }: Pick<PlanRequest, 'range' | 'mirror'>,
  onProgress: RepairListener['onProgress'],
): Promise<Concern[]> {
  const parked = await store.parkedPayments(range);
  const found: Concern[] = [];
  for (let start = 0; start < parked.length; start += LOOKED_UP_AT_ONCE) {
    onProgress({ what: 'parked', done: start, all: parked.length });
    const some = parked.slice(start, start + LOOKED_UP_AT_ONCE);
    const references = some.map(({ reference }) => reference);
    const rows = await findForms(references, ledger, mirror);
    for (const { day, paymentId, reference, dismissed } of some) {
      if (!rows.has(reference)) continue;
      found.push({ day, paymentId, finding: dismissed ? 'dismissed' : 'parked', readAgain: true, detail: '' });
    }
  }
  return found;
}

function toItem(
  { day, paymentId, finding }: Concern,
  decision: Extract<RepairDecision, { kind: 'act' | 'report' }>,
): Omit<RepairItem, 'item' | 'seen'> {
  const about = { day, paymentId, finding, detail: decision.detail };
  if (decision.kind === 'report') {
    return {
      ...about,
      finding: decision.finding ?? finding,
      action: 'report',
      reference: null,
      currency: null,
      amount: null,
      state: 'reported',
    };
  }
  const { action, reference, currency, amount } = decision;
  return { ...about, action, reference, currency, amount, state: 'planned' };
}

function toReport({ day, paymentId, finding, detail }: Concern): Omit<RepairItem, 'item'> {
  const nothing = { reference: null, currency: null, amount: null, seen: [] };
  return { day, paymentId, finding, action: 'report', ...nothing, state: 'reported', detail };
}

function byDay(a: Concern, b: Concern): number {
  return a.day === b.day ? (a.paymentId < b.paymentId ? -1 : 1) : a.day < b.day ? -1 : 1;
}
