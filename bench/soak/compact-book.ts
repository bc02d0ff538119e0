/**
 * The rows of the compact ledger: nine bytes a payment of the stand-in's population, because what was posted equal to it can
 * be told again from it. What differs is kept as a violation.
 */
import { type ExpectedPayment, expectedPayments } from '../../sandbox/stripe/expectation.js';
import type { World } from '../../sandbox/stripe/world.js';

const SOURCE = '@stripe';

export interface LedgerFacts {
  rows: number;
  requests: number;
  faulted: Record<string, number>;
  /** Posts of a reference that was there already; a healthy mirror makes them only after lost answers. */
  duplicates: number;
  violations: number;
  readonly firstViolations: string[];
  /** What left the source balance, in minor units by currency. */
  readonly debits: Map<string, bigint>;
}

export interface Posted {
  readonly reference: string;
  readonly precise_amount: number;
  readonly precision: number;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  readonly effective_date: string;
  readonly allow_overdraft: boolean;
  readonly skip_queue: boolean;
  readonly meta_data: Readonly<Record<string, unknown>>;
}

/** What was applied, by the payment's place in the population. */
export class Book {
  readonly facts: LedgerFacts = {
    ...{ rows: 0, requests: 0, faulted: {}, duplicates: 0, violations: 0 },
    firstViolations: [],
    debits: new Map(),
  };
  readonly #held: Uint8Array;
  readonly #order: Uint32Array;
  readonly #createdSeconds: Uint32Array;
  readonly #balances = new Set<string>();
  #mirrorId: unknown = null;
  #day: { readonly name: string; readonly rows: number; readonly references: string[] } | null = null;
  #debited: { readonly at: number; readonly rows: number; readonly sums: Map<string, bigint> } | null = null;

  constructor(readonly world: World) {
    const { size } = world.population;
    this.#held = new Uint8Array(size);
    this.#order = new Uint32Array(size);
    this.#createdSeconds = new Uint32Array(size);
  }

  violate(what: string): void {
    this.facts.violations += 1;
    if (this.facts.firstViolations.length < 20) this.facts.firstViolations.push(what);
  }

  rankOf(reference: string): number | undefined {
    return this.world.population.indexOf(reference);
  }

  holds(rank: number): boolean {
    return this.#held[rank] === 1;
  }

  /** Null: there is no such balance yet. */
  balanceId(indicator: string, currency: string): string | null {
    return this.#balances.has(`${currency}_${indicator}`) ? idOf(indicator, currency) : null;
  }

  apply(posted: Posted): number | 'duplicate' {
    const rank = this.rankOf(posted.reference);
    if (rank === undefined) throw new Error(`${posted.reference} was posted and is no payment`);
    if (this.holds(rank)) {
      this.facts.duplicates += 1;
      return 'duplicate';
    }
    const payment = this.#expected(rank);
    this.#mirrorId ??= posted.meta_data.stripe_mirror;
    const said = [
      ...[posted.precise_amount, posted.currency, posted.precision, posted.source, posted.destination],
      ...[posted.effective_date, posted.allow_overdraft, posted.skip_queue],
      ...[posted.meta_data.stripe_payment_intent_id, posted.meta_data.stripe_mirror],
    ].join();
    const wanted = this.#wanted(payment);
    if (said !== wanted) this.violate(`${posted.reference} was posted as ${said}, not ${wanted}`);
    const { currency } = posted;
    this.#held[rank] = 1;
    this.#order[rank] = this.facts.rows;
    this.#createdSeconds[rank] = this.world.clock.nowSeconds();
    this.facts.rows += 1;
    this.facts.debits.set(currency, (this.facts.debits.get(currency) ?? 0n) + BigInt(posted.precise_amount));
    this.#balances.add(`${currency}_${posted.source}`).add(`${currency}_${posted.destination}`);
    return rank;
  }

  /** As Core's list shows it. */
  rowOf(rank: number): string {
    const { id, created, destination, description, expected } = this.#expected(rank);
    if (expected.outcome !== 'posted') throw new Error(`${id} cannot be in the ledger`);
    const { amount, currency, precision } = expected;
    return JSON.stringify({
      precise_amount: Number(amount),
      amount: Number(amount) / precision,
      precision,
      transaction_id: `txn_${String(this.#order[rank]).padStart(12, '0')}`,
      parent_transaction: '',
      source: idOf(SOURCE, currency),
      destination: idOf(destination ?? '', currency),
      reference: id,
      currency,
      description: description ?? '',
      status: 'APPLIED',
      created_at: new Date((this.#createdSeconds[rank] ?? 0) * 1_000).toISOString(),
      effective_date: created.toISOString(),
      meta_data: {
        stripe_payment_intent_id: id,
        stripe_day: created.toISOString().slice(0, 10),
        stripe_mirror: this.#mirrorId,
      },
    });
  }

  /** In the order of the references, which is not that of time: sorted once for all pages. */
  pageOfDay(day: string, { after, limit }: { readonly after: string; readonly limit: number }): string[] {
    if (this.#day?.name !== day || this.#day.rows !== this.facts.rows) {
      const references: string[] = [];
      for (const rank of this.#ranksUpTo(Date.parse(day) + DAY_MS - 1)) {
        if (this.world.population.createdAt(rank) * 1_000 < Date.parse(day)) break;
        references.push(this.world.population.idAt(rank));
      }
      this.#day = { name: day, rows: this.facts.rows, references: references.sort() };
    }
    const { references } = this.#day;
    const from = firstAfter(references, after);
    return references.slice(from, from + limit).map((reference) => this.rowOf(this.rankOf(reference) ?? 0));
  }

  /** What left the source balance by that time, by currency. */
  debitedUpTo(time: Date): Map<string, bigint> {
    if (this.#debited?.at === time.getTime() && this.#debited.rows === this.facts.rows) return this.#debited.sums;
    const sums = new Map<string, bigint>();
    for (const rank of this.#ranksUpTo(time.getTime())) {
      const { expected } = this.world.population.kindAt(rank);
      if (expected.outcome !== 'posted') continue;
      const amount = expected.amount + BigInt(this.world.population.variationAt(rank));
      sums.set(expected.currency, (sums.get(expected.currency) ?? 0n) + amount);
    }
    this.#debited = { at: time.getTime(), rows: this.facts.rows, sums };
    return sums;
  }

  /** Of those that the ledger holds, newest first. */
  *#ranksUpTo(ms: number): Generator<number> {
    for (let rank = this.world.population.size - 1; rank >= 0; rank -= 1) {
      if (this.holds(rank) && this.world.population.createdAt(rank) * 1_000 <= ms) yield rank;
    }
  }

  #expected(rank: number): ExpectedPayment {
    const [payment] = expectedPayments(this.world, { fromRank: rank });
    if (payment === undefined || payment.rank !== rank) throw new Error(`payment ${rank} does not exist yet`);
    return payment;
  }

  #wanted({ id, created, expected, destination }: ExpectedPayment): string {
    if (expected.outcome !== 'posted') return `nothing: ${expected.outcome}`;
    const { amount, currency, precision } = expected;
    const effective = created.toISOString().replace('.000Z', 'Z');
    return [amount, currency, precision, SOURCE, destination, effective, true, true, id, this.#mirrorId].join();
  }
}

const DAY_MS = 86_400_000;

function idOf(indicator: string, currency: string): string {
  return `bln_${currency}_${indicator.slice(1)}`;
}

function firstAfter(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}
