/**
 * The proof of one UTC day: lists Stripe and the ledger afresh, independently of each other, and has the two compared as
 * sets. Only reads; running it twice costs requests and changes nothing. Memory is bounded by the payments of one day.
 */

import { dayWindow, type Window } from '../core/base/window.js';
import type { LedgerRecord } from '../core/ledger/row.js';
import type { Mirror } from '../core/posting/mirror.js';
import { ownBalancesOf } from '../core/posting/source-shards.js';
import { type Certificate, compareText } from '../core/proof/certificate.js';
import { certify, type Movement } from '../core/proof/certify-day.js';
import { type ComparedCurrency, type ComparedDay, compareDay } from '../core/proof/compare-day.js';
import type { DayPosting, ExpectedPayment } from '../core/proof/day-payment.js';
import { paymentOfReference } from '../core/proof/day-row.js';
import { type DayGuard, guardDay, type MemoryPorts } from './day-size.js';
import type { AcceptedSide, LedgerSide, OwnSide, StripeSide, SucceededSince } from './ports.js';
import { readMovements, resolveBalances } from './read-balances.js';
import { type LedgerDay, readLedgerDay } from './read-ledger.js';
import { readOthers } from './read-others.js';
import { readStripeDay } from './read-stripe.js';

export interface ProvePorts {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly own: OwnSide;
  readonly accepted: AcceptedSide;
  readonly memory: MemoryPorts;
  /** SHA-256 in hex over the lines, joined by line feeds. */
  hash(lines: Iterable<string>): string;
}

export interface ProveFacts {
  readonly mirror: Mirror;
  /** The end of completeness; null when nothing is complete. */
  readonly coveredUpTo: Date | null;
  /** A day is over when it ended this long ago by Stripe's clock, in milliseconds. */
  readonly lagMs: number;
  /** Currencies of earlier certificates of this day: each gets a certificate again, though it be an empty one. */
  readonly earlierCurrencies: readonly string[];
}

export interface ProveRequest {
  /** `2026-11-21`. */
  readonly day: string;
  readonly facts: ProveFacts;
  /** Of one call of `prove` for all its days, oldest first: two days share a boundary, which is then asked for once. */
  readonly standings?: Standings;
}

/** What balances stood at: minor units by balance id and time. */
export type Standings = Map<string, bigint>;

export interface DayProof {
  readonly day: string;
  /** One for each currency; at least one. */
  readonly certificates: readonly Certificate[];
  readonly stripeRequests: number;
  readonly ledgerRequests: number;
  /** Stripe's clock when its listing began: what it shows later is of another proof. */
  readonly stripeAsOf: Date;
}

/**
 * Throws SyncError `no_server_time` (transient) when Stripe does not say its time, `day_too_large` (transient) before the
 * memory of the process is full, and what the ports throw. A balance that may not be read is no fault: the certificate says
 * that it was not seen.
 */
export async function proveDay(ports: ProvePorts, request: ProveRequest): Promise<DayProof> {
  // Before anything is listed, so that trying again costs the vendors nothing.
  const payments = await ports.own.countPostings(dayWindow(request.day));
  const guard = guardDay(request.day, ports.memory, payments);
  try {
    await guard.check(payments);
    return await compareSides(ports, request, guard);
  } finally {
    await guard.end();
  }
}

async function compareSides(ports: ProvePorts, request: ProveRequest, guard: DayGuard): Promise<DayProof> {
  const { stripe, ledger } = ports;
  const { day, facts, standings = new Map() } = request;
  const { mirror } = facts;
  const window = dayWindow(day);
  const ledgerRequestsBefore = ledger.requestCount();

  const listed = await readStripeDay(stripe, window, mirror, (payments) => guard.check(payments));
  const onSize = (rows: number) => guard.check(rows, 'rows of the ledger');
  const held = await readLedgerDay(ledger, { day, window, mirrorId: mirror.mirrorId, onSize });
  await held.findMissing([...listed.payments.keys(), ...listed.unreadable.keys()]);
  const { others, late, requests } = await readOthers(stripe, { day, rows: held.rows(), listed, mirror });
  if (late.length > 0) await held.findMissing(late);
  const own = await readOwn(ports.own, held, window);

  const rows = held.rows();
  const payments = [...listed.payments.values()];
  const { balanceId, sources } = await resolveBalances(ledger, { own: ownBalancesOf(mirror), payments, postings: own });
  const isDayRead = facts.coveredUpTo !== null && facts.coveredUpTo >= window.to;
  const fresh = isDayRead
    ? await readFresh(stripe, { payments, rows, own, facts })
    : { ids: new Set<string>(), requests: 0 };
  const isCollected = (id: string) => isDayRead && !fresh.ids.has(id);
  const unreadable = [...listed.unreadable.values()];
  const compared = compareDay(
    { day, mirror, payments, unreadable, rows, others, own, isCollected, balanceId, sources },
    facts.earlierCurrencies,
  );

  const isOver = listed.asOf.getTime() >= window.to.getTime() + facts.lagMs;
  const movements = isOver ? await readMovements(ledger, { sources, window, standings }) : null;
  const { parts, idleUnseen } = withMoved(compared, movements);
  // Read last: what is accepted from now on makes the day due again, though it be in this proof already.
  const acceptances = await ports.accepted.inForce(day);
  const about = { day, compared, isOver, idleUnseen, acceptances, stripeAsOf: listed.asOf, startsAt: mirror.startsAt };
  return {
    day,
    certificates: parts.map((part) => {
      return certify(part, { ...about, hash: ports.hash, movement: movementOf(part, movements) });
    }),
    stripeRequests: listed.requests + requests + fresh.requests,
    ledgerRequests: ledger.requestCount() - ledgerRequestsBefore,
    stripeAsOf: listed.asOf,
  };
}

/** Our postings, read last. What one of them saw in the ledger meanwhile is asked for once more before it is missing. */
async function readOwn(side: OwnSide, held: LedgerDay, window: Window): Promise<DayPosting[]> {
  const own = await side.listPostings(window);
  const seen = new Set(held.rows().flatMap(({ reference, paymentId }) => [reference, paymentId]));
  const unseen = own.filter(({ state, paymentId }) => state === 'posted' && !seen.has(paymentId));
  await held.findMissing(new Set(unseen.map(({ paymentId }) => paymentId)));
  return own;
}

/** Payments of which nothing is known because they succeeded after what the mirror has read. */
async function readFresh(
  stripe: StripeSide,
  known: {
    readonly payments: readonly ExpectedPayment[];
    readonly rows: readonly LedgerRecord[];
    readonly own: readonly DayPosting[];
    readonly facts: ProveFacts;
  },
): Promise<SucceededSince> {
  const { coveredUpTo, mirror } = known.facts;
  const seen = new Set(known.own.map(({ paymentId }) => paymentId));
  for (const { reference, paymentId } of known.rows) seen.add(paymentId ?? paymentOfReference(reference) ?? reference);
  const unknown = known.payments.filter(({ id, created }) => created >= mirror.startsAt && !seen.has(id));
  if (coveredUpTo === null || unknown.length === 0) return { ids: new Set(), requests: 0 };
  return stripe.succeededSince(coveredUpTo, new Set(unknown.map(({ id }) => id)));
}

type Movements = ReadonlyMap<string, Movement> | null;

/**
 * The currencies to certify: those of the day, and those in which nothing but the source balance moved. Money that somebody
 * took out of it in a currency of no payment would otherwise be on no certificate.
 */
function withMoved(
  { currencies, idle }: ComparedDay,
  movements: Movements,
): { readonly parts: readonly ComparedCurrency[]; readonly idleUnseen: string | null } {
  const seen = idle.map((part) => ({ part, movement: movementOf(part, movements) }));
  const moved = seen.filter(({ part, movement }) => movement.kind === 'seen' && movement.amount !== part.explained);
  const parts = [...currencies, ...moved.map(({ part }) => part)];
  const unseen = seen.flatMap(({ part, movement }) => {
    return movement.kind === 'not_seen' && movement.why !== null ? [{ ...part, why: movement.why }] : [];
  });
  const first = unseen[0] ?? null;
  return {
    parts: moved.length === 0 ? parts : parts.filter(({ currency }) => currency !== null).sort(byCurrency),
    idleUnseen:
      first && `in ${unseen.map(({ currency }) => currency).join(', ')}, without any payment on this day: ${first.why}`,
  };
}

/** Rows without a balance say that the look-up did not show it. Null movements: it is too early for them. */
function movementOf({ currency, ledger }: ComparedCurrency, movements: Movements): Movement {
  if (movements === null) return { kind: 'not_seen', why: null };
  const movement = currency === null ? undefined : movements.get(currency);
  if (movement !== undefined) return movement;
  if (ledger.length === 0) return { kind: 'seen', amount: 0n };
  return { kind: 'not_seen', why: 'the ledger shows no source balance in this currency' };
}

function byCurrency(a: ComparedCurrency, b: ComparedCurrency): number {
  return compareText(a.currency ?? '', b.currency ?? '');
}
