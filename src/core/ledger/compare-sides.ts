/**
 * One posting as both sides show it now, for a person: field by field, and what that means. Decides nothing: that is `judge`,
 * whose answer stands beside the fields. Pure.
 */
import { type MappingRules, prepareVariant } from '../posting/mapping.js';
import type { IntentNow } from '../posting/payment.js';
import type { PostingRole } from '../posting/posting.js';
import type { ResolveBalance } from './balance-names.js';
import { currentRows } from './current-rows.js';
import { decideRows } from './object-rows.js';
import type { LedgerRow } from './row.js';
import { type ExpectedRow, type Finding, judge } from './settlement.js';

/** Ours, as it is stored. What is parked may lack some of it. */
export interface ComparedPosting {
  readonly reference: string;
  readonly role: PostingRole;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly source: string | null;
  readonly destination: string | null;
  readonly created: Date;
}

/** What one side has of it; null: it does not say. */
export interface SideValues {
  /** Minor units. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  /** Names of balances; of the ledger its ids where it does not show that they are of these names. */
  readonly source: string | null;
  readonly destination: string | null;
  readonly effectiveAt: Date | null;
  readonly status: string | null;
}

export const COMPARED_FIELDS = ['amount', 'currency', 'source', 'destination', 'effectiveAt', 'status'] as const;
export type ComparedField = (typeof COMPARED_FIELDS)[number];

/** Of `Finding`, and: `unexpected`: the ledger holds what it should not; `nothing`: neither side has it. */
export const COMPARISON_VERDICTS = [
  'applied',
  'absent',
  'undecided',
  'unresolved',
  'burnt',
  'conflict',
  'unexpected',
  'nothing',
] as const satisfies readonly (Finding['kind'] | 'unexpected' | 'nothing')[];

export interface Comparison {
  /** What the ledger should hold: as Stripe shows the payment now; of a correction as it is stored, because Stripe knows none. Null: nothing. */
  readonly expected: SideValues | null;
  /** Why nothing is expected, or what has to be known of where it comes from; null when there is nothing to say. */
  readonly note: string | null;
  /** The row that decides; null when there is none under this reference. */
  readonly ledger: SideValues | null;
  readonly transactionId: string | null;
  /** What differs where both sides say something. */
  readonly differences: readonly ComparedField[];
  readonly verdict: (typeof COMPARISON_VERDICTS)[number];
  readonly detail: string | null;
}

export interface ComparedFacts {
  readonly posting: ComparedPosting;
  readonly intent: IntentNow;
  /** All that was found under the reference. */
  readonly rows: readonly LedgerRow[];
  readonly rules: MappingRules;
  /** Of the currency that is expected. */
  readonly resolve: ResolveBalance;
}

export function compareSides(facts: ComparedFacts): Comparison {
  const { posting, rows, rules, resolve } = facts;
  const { row: expected, note } = expectedOf(facts);
  const own = decideRows(currentRows(rows), (id) => id === posting.reference).find(
    ({ base }) => base === posting.reference,
  );
  const ledger = own === undefined ? null : toSide(own.row, expected, resolve);
  const transactionId = own?.row.transactionId ?? null;
  if (expected === null) {
    const verdict = ledger === null ? 'nothing' : 'unexpected';
    return { expected, note, ledger, transactionId, differences: [], verdict, detail: null };
  }
  const side: SideValues = { ...values(expected), effectiveAt: expected.effectiveDate, status: 'APPLIED' };
  const found = judge({ ...expected, mirrorId: rules.mirrorId }, rows, resolve);
  return {
    ...{ expected: side, note, ledger, transactionId },
    differences: ledger === null ? [] : COMPARED_FIELDS.filter((field) => differs(field, { side, ledger, resolve })),
    verdict: found.kind,
    detail: 'detail' in found ? found.detail : found.kind === 'applied' ? found.exception : null,
  };
}

type Expected = Omit<ExpectedRow, 'mirrorId'>;

/** The balance names that have to be known before it is compared. */
export function namesCompared(facts: Omit<ComparedFacts, 'rows' | 'resolve'>) {
  const { row } = expectedOf(facts);
  return row === null ? null : { currency: row.currency, indicators: [row.source, row.destination] };
}

function expectedOf({ posting, intent, rules }: Omit<ComparedFacts, 'rows' | 'resolve'>): {
  readonly row: Expected | null;
  readonly note: string | null;
} {
  switch (intent.kind) {
    case 'missing':
      return { row: null, note: 'Stripe knows no such payment in this account and mode' };
    case 'not_succeeded':
      return { row: null, note: 'It has not succeeded in Stripe' };
    case 'unreadable':
      return { row: null, note: `Stripe shows it without something that must not be guessed: ${intent.problem}` };
    case 'payment':
      break;
    default:
      return intent satisfies never;
  }
  const { reference, role, amount, currency, source, destination, created } = posting;
  if (role === 'correction') {
    const row =
      amount === null || currency === null || source === null || destination === null
        ? null
        : { reference, amount, currency, source, destination, effectiveDate: created };
    return { row, note: 'A correction is compared with what was stored of it: Stripe knows the whole payment alone' };
  }
  const customer = customerOf(destination, rules);
  // A customer that was set later is a note: the first destination stays.
  const payment = customer === undefined ? intent : { ...intent, customerId: customer };
  const preparation = prepareVariant(payment, rules, { reference });
  if (preparation.kind === 'rejected') {
    return { row: null, note: `It cannot be posted (${preparation.reason}): ${preparation.detail}` };
  }
  const isOther = customer !== undefined && customer !== intent.customerId;
  const note = isOther ? `Stripe names ${intent.customerId ?? 'no customer'} now; the first destination stays` : null;
  return { row: preparation.transaction, note };
}

/** Undefined: no destination is stored. */
function customerOf(destination: string | null, { guestDestination }: MappingRules): string | null | undefined {
  if (destination === null) return undefined;
  return destination === guestDestination ? null : destination.replace(/^@/, '');
}

function values({
  amount,
  currency,
  source,
  destination,
}: Pick<LedgerRow, 'amount' | 'currency' | 'source' | 'destination'>) {
  return { amount, currency, source, destination };
}

function toSide(row: LedgerRow, expected: Expected | null, resolve: ResolveBalance): SideValues {
  const names = expected === null || expected.currency !== row.currency ? [] : [expected.source, expected.destination];
  const nameOf = (id: string) => names.find((name) => resolve(name) === id) ?? id;
  return {
    ...values(row),
    ...{ source: nameOf(row.source), destination: nameOf(row.destination) },
    ...{ effectiveAt: row.effectiveDate, status: row.status },
  };
}

function differs(
  field: ComparedField,
  {
    side,
    ledger,
    resolve,
  }: { readonly side: SideValues; readonly ledger: SideValues; readonly resolve: ResolveBalance },
): boolean {
  const [one, other] = [side[field], ledger[field]];
  if (field === 'effectiveAt') return side.effectiveAt?.getTime() !== ledger.effectiveAt?.getTime();
  // A look-up that knows no balance of the name says nothing about it.
  if ((field === 'source' || field === 'destination') && resolve(String(one)) === undefined) return false;
  return one !== other;
}
