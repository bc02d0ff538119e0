/**
 * A ledger for soaks with millions of payments: the routes of a Core that the mirror uses, over HTTP. It holds each post
 * against what the stand-in for Stripe says of that payment, and keeps nine bytes of what is equal; anything else is kept
 * as a violation. It plays no locks and no queue: those are the other stand-in's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ExpectedPayment, expectedPayments } from '../sandbox/stripe/expectation.js';
import { fractionSource } from '../sandbox/stripe/scramble.js';
import type { World } from '../sandbox/stripe/world.js';
import { type Answer, afterRouting, drawFault, type Fault } from './compact-ledger-faults.js';

const SOURCE = '@stripe';

export interface CompactLedger {
  readonly url: string;
  readonly key: string;
  /** Share of the requests that a fault strikes, 0 to 1. */
  faults: number;
  readonly facts: LedgerFacts;
  /** How often a payment was applied; 0 or 1, whatever was tried. */
  holds(rank: number): boolean;
  close(): Promise<void>;
}

export interface LedgerFacts {
  rows: number;
  requests: number;
  struck: Record<string, number>;
  /** Posts of a reference that was there already; a healthy mirror makes them only after lost answers. */
  duplicates: number;
  violations: number;
  readonly firstViolations: string[];
  /** What left the source balance, in minor units by currency. */
  readonly debits: Map<string, bigint>;
}

interface Posted {
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

interface Filter {
  readonly field: string;
  readonly operator: string;
  readonly value?: string;
  readonly values?: readonly string[];
}

/** @param world whose population is all that may be posted */
export async function startCompactLedger(
  world: World,
  options: { readonly faults: number; readonly seed: number },
): Promise<CompactLedger> {
  const book = new Book(world);
  const random = fractionSource(options.seed + 77);
  const server = createServer((request, response) => {
    serve(ledger, { book, random }, request, response).catch((error: unknown) => {
      book.violate(error instanceof Error ? (error.stack ?? error.message) : String(error));
      response.destroy();
    });
  });
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ledger: CompactLedger = {
    url: `http://127.0.0.1:${port}`,
    key: 'soak',
    faults: options.faults,
    facts: book.facts,
    holds: (rank) => book.holds(rank),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return ledger;
}

async function serve(
  ledger: CompactLedger,
  { book, random }: { readonly book: Book; readonly random: () => number },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString('utf8');
  const path = request.url ?? '/';
  book.facts.requests += 1;
  const isPost = path === '/transactions' || path === '/transactions/bulk';
  const fault: Fault | null = random() < ledger.faults ? drawFault(random, isPost) : null;
  if (fault !== null) book.facts.struck[fault] = (book.facts.struck[fault] ?? 0) + 1;
  const answer = afterRouting(fault, () => route(book, path, body));
  if (answer === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  const bytes = Buffer.from(answer.body);
  response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(answer.isCut === true ? bytes.subarray(0, bytes.length / 2) : bytes);
  if (answer.isCut === true) request.socket.destroySoon();
}

function route(book: Book, path: string, body: string): Answer {
  if (path === '/transactions') return postOne(book, JSON.parse(body) as Posted);
  if (path === '/transactions/bulk') return postBulk(book, JSON.parse(body).transactions as Posted[]);
  if (path === '/transactions/filter') {
    return { status: 200, body: `[${findRows(book, JSON.parse(body)).join(',')}]` };
  }
  if (path === '/balances/filter') return { status: 200, body: JSON.stringify(findBalances(book, JSON.parse(body))) };
  const at = /^\/balances\/([^/]+)\/at\?timestamp=([^&]+)/.exec(path);
  if (at !== null) {
    const [balanceId, time] = [decodeURIComponent(at[1] ?? ''), new Date(decodeURIComponent(at[2] ?? ''))];
    const debit = book.debitedUpTo(time).get(balanceId.split('_')[1] ?? '') ?? 0n;
    const balance = `{"balance":-${debit},"balance_id":"${balanceId}","credit_balance":0,"debit_balance":${debit}}`;
    return { status: 200, body: `{"balance":${balance},"from_source":true}` };
  }
  return { status: 404, body: '{"error":"this ledger has no such route"}' };
}

function postOne(book: Book, posted: Posted): Answer {
  const rank = book.apply(posted);
  return rank === 'duplicate' ? duplicate(posted.reference) : { status: 201, body: book.rowOf(rank) };
}

function postBulk(book: Book, all: readonly Posted[]): Answer {
  for (const posted of all) if (book.apply(posted) === 'duplicate') return duplicate(posted.reference);
  const applied = { batch_id: 'bulk_soak', status: 'applied', transaction_count: all.length };
  return { status: 201, body: JSON.stringify(applied) };
}

function duplicate(reference: string): Answer {
  const message = `transaction validation failed: reference ${reference} has already been used`;
  const body = JSON.stringify({ error: message, error_detail: { code: 'TXN_DUPLICATE_REFERENCE', message } });
  return { status: 409, body };
}

function findRows(book: Book, { filters, limit }: { filters: readonly Filter[]; limit: number }): string[] {
  const of = (field: string, operator: string) =>
    filters.find((filter) => filter.field === field && filter.operator === operator);
  // All rows are this mirror's.
  if (of('meta_data.stripe_mirror', 'isnull') !== undefined) return [];
  const day = of('meta_data.stripe_day', 'eq')?.value;
  if (day !== undefined) return book.pageOfDay(day, { after: of('reference', 'gt')?.value ?? '', limit });
  const payment = of('meta_data.stripe_payment_intent_id', 'eq')?.value;
  const references = payment === undefined ? (of('reference', 'in')?.values ?? []) : [payment];
  return references.flatMap((reference) => {
    const rank = book.rankOf(reference);
    return rank !== undefined && book.holds(rank) ? [book.rowOf(rank)] : [];
  });
}

function findBalances(book: Book, { filters }: { filters: readonly Filter[] }) {
  const asked = filters.find(({ field }) => field === 'indicator');
  const currency = filters.find(({ field }) => field === 'currency')?.value;
  const names = asked?.values ?? [asked?.value ?? ''];
  const currencies = currency === undefined ? [...book.facts.debits.keys()] : [currency];
  return names.flatMap((indicator) =>
    currencies.flatMap((code) => {
      const id = book.balanceId(indicator, code);
      return id === null ? [] : [{ balance_id: id, indicator, currency: code }];
    }),
  );
}

/** What was applied, by the payment's place in the population. */
class Book {
  readonly facts: LedgerFacts = {
    ...{ rows: 0, requests: 0, struck: {}, duplicates: 0, violations: 0 },
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
