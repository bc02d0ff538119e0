/**
 * Reads afresh what decision a payment is decided from: its intent in Stripe, all its rows in the ledger, our postings.
 * Four requests for each payment, more for one that somebody else booked, and one for a customer's balance that was not
 * seen before. Only reads.
 */
import { mapInParallel } from '../core/base/in-parallel.js';
import { findForms, reversalsOf } from '../core/ledger/find-forms.js';
import { furtherFormsOf, parseReference, repairReferencesOf } from '../core/ledger/reference.js';
import { distinctRows } from '../core/ledger/row.js';
import type { MappingRules } from '../core/posting/mapping.js';
import { expectPayment, type OwnRow, type RepairFacts } from '../core/repair/repair-facts.js';
import type { RepairPorts } from './repair-ports.js';

/** Payments that are read at the same time. */
const AT_ONCE = 4;

/** Of balances by currency and name, for the length of one command. */
export type KnownBalances = Map<string, string>;

export interface FactsOptions {
  readonly rules: MappingRules;
  readonly known: KnownBalances;
  /** After each payment, with how many are read. */
  onRead?(done: number): void;
}

/** In the order of the ids. Throws SyncError when a side cannot be read. */
export async function readPaymentFacts(
  paymentIds: readonly string[],
  ports: RepairPorts,
  options: FactsOptions,
): Promise<RepairFacts[]> {
  const own = await ports.store.postingsOf(paymentIds);
  let done = 0;
  return mapInParallel(paymentIds, AT_ONCE, async (id) => {
    const facts = await readOne({ id, own: own.get(id) ?? [] }, ports, options);
    done += 1;
    options.onRead?.(done);
    return facts;
  });
}

async function readOne(
  { id, own }: { readonly id: string; readonly own: readonly OwnRow[] },
  { ledger, stripe }: RepairPorts,
  { rules, known }: FactsOptions,
): Promise<RepairFacts> {
  const further = furtherFormsOf(id);
  const [named, beside, listed, intent] = await Promise.all([
    findForms([id, ...repairReferencesOf(id)], ledger, rules),
    // What stands beside our own row is asked for as well: a part that somebody took back carries none of our metadata.
    ledger.findByReference(further),
    ledger.listOfPayment(id),
    stripe.readIntent(id),
  ]);
  const seen = distinctRows([...[...named.values()].flat(), ...beside, ...listed]);
  const ofIt = seen.filter(({ reference }) => parseReference(reference, (one) => one === id).objectId === id);
  const rows = distinctRows([...seen, ...(await reversalsOf(ofIt, ledger, new Set(further)))]);
  const facts = { paymentId: id, intent, rows, own, rules, resolve: () => undefined };
  const expected = expectPayment(facts);
  if (expected.kind !== 'payment') return facts;
  const { currency, source, destination } = expected.transaction;
  const keyOf = (name: string) => `${currency}:${name}`;
  const unknown = [source, destination].filter((name) => !known.has(keyOf(name)));
  if (unknown.length > 0) {
    const found = await ledger.findBalances({ indicators: unknown, currency });
    for (const [name, balanceId] of found) known.set(keyOf(name), balanceId);
  }
  return { ...facts, resolve: (name) => known.get(keyOf(name)) };
}
