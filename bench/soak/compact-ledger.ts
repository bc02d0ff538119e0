/**
 * A ledger for soaks with millions of payments: the routes of a Core that the mirror uses, over HTTP. It holds each post
 * against what the stand-in for Stripe says of that payment, and keeps nine bytes of what is equal; anything else is kept
 * as a violation. It plays no locks and no queue: those are the other stand-in's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fractionSource } from '../../sandbox/fractions.js';
import type { World } from '../../sandbox/stripe/world.js';
import { Book, type LedgerFacts, type Posted } from './compact-book.js';
import { type Answer, afterRouting, drawFault, type Fault } from './compact-ledger-faults.js';

export interface CompactLedger {
  readonly url: string;
  readonly key: string;
  /** Share of the requests that meet a fault, 0 to 1. */
  faults: number;
  /** Faults of the next requests, one each, before any is drawn. */
  readonly next: Fault[];
  readonly facts: LedgerFacts;
  /** How often a payment was applied; 0 or 1, whatever was tried. */
  holds(rank: number): boolean;
  close(): Promise<void>;
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
    next: [],
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
  if (request.headers['x-blnk-key'] !== ledger.key) return send(response, KEY_REFUSED);
  const isPost = path === '/transactions' || path === '/transactions/bulk';
  const drawn = random() < ledger.faults ? drawFault(random, isPost) : null;
  const fault = ledger.next.shift() ?? drawn;
  if (fault !== null) book.facts.faulted[fault] = (book.facts.faulted[fault] ?? 0) + 1;
  const answer = afterRouting(fault, () => route(book, path, body));
  if (answer === 'reset') {
    request.socket.resetAndDestroy();
    return;
  }
  send(response, answer);
  if (answer.isCut === true) request.socket.destroySoon();
}

const KEY_REFUSED: Answer = {
  status: 401,
  body: '{"error":"Invalid API key","error_detail":{"code":"AUTH_INVALID_API_KEY","message":"Invalid API key"}}',
};

function send(response: ServerResponse, { status, body, isCut }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(isCut === true ? bytes.subarray(0, bytes.length / 2) : bytes);
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
  const after = of('reference', 'gt')?.value ?? '';
  // All rows took effect on their own day.
  if (of('effective_date', 'isnull') !== undefined) return [];
  const part = { from: of('effective_date', 'gte')?.value, to: of('effective_date', 'lt')?.value };
  if (day !== undefined) return pageOfPart(book, { day, part, after: of('reference', 'gt')?.value ?? '', limit });
  const payment = of('meta_data.stripe_payment_intent_id', 'eq')?.value;
  const references = payment === undefined ? (of('reference', 'in')?.values ?? []) : [payment];
  const ranks = [...references].sort().flatMap((reference) => {
    const rank = book.rankOf(reference);
    return reference > after && rank !== undefined && book.holds(rank) ? [rank] : [];
  });
  return ranks.slice(0, limit).map((rank) => book.rowOf(rank));
}

interface PartQuery {
  readonly day: string;
  /** ISO 8601; open where it is left out. */
  readonly part: { readonly from: string | undefined; readonly to: string | undefined };
  /** A reference. */
  readonly after: string;
  readonly limit: number;
}

/** The first rows behind a reference that took effect in a part of their day. */
function pageOfPart(book: Book, { day, part: { from, to }, after, limit }: PartQuery): string[] {
  if (from === undefined && to === undefined) return book.pageOfDay(day, { after, limit });
  const begin = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);
  const end = to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to);
  const midnight = Date.parse(day);
  if (begin >= midnight + 86_400_000 || end <= midnight) return [];
  const found: string[] = [];
  for (let behind = after; found.length < limit; ) {
    const page = book.pageOfDay(day, { after: behind, limit });
    for (const row of page) {
      const { reference, effective_date: effective } = JSON.parse(row);
      const at = Date.parse(effective);
      if (at >= begin && at < end && found.length < limit) found.push(row);
      behind = reference;
    }
    if (page.length < limit) break;
  }
  return found;
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
