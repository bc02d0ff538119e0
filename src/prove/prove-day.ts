/**
 * The proof of one UTC day: lists Stripe and the ledger afresh, independently of each other, and has the two compared as
 * sets. Only reads the vendors; running it twice costs requests and changes nothing. What is listed is held in a store, and
 * compared in pieces, so that memory does not grow with the payments of a day.
 */

import { dayWindow } from '../core/base/window.js';
import type { Mirror } from '../core/posting/mirror.js';
import { ownBalancesOf } from '../core/posting/source-shards.js';
import { type Certificate, compareText } from '../core/proof/certificate.js';
import { certify, type Movement } from '../core/proof/certify-day.js';
import { isBeforeStart } from '../core/proof/day-row.js';
import type { LineHash, TalliedCurrency, TalliedDay } from '../core/proof/tally-day.js';
import { comparePieces } from './compare-pieces.js';
import type { DayStore, DayStores } from './day-store.js';
import { listOwn, listSides } from './list-day.js';
import { placeRows } from './place-rows.js';
import type { AcceptedSide, LedgerSide, OwnSide, StripeSide } from './ports.js';
import { openBalances, readMovements } from './read-balances.js';
import { findMissing, findMissingOfDay } from './read-missing.js';
import { readOthers } from './read-others.js';
import { findFresh, findUnseen } from './read-own.js';

export interface ProvePorts {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly own: OwnSide;
  readonly accepted: AcceptedSide;
  readonly stores: DayStores;
  monotonicMs(): number;
  /** SHA-256. */
  openHash(): LineHash;
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
  /** As `beginProof` said. */
  readonly provedAt: Date;
  readonly facts: ProveFacts;
  /** Of the days before it: two days share a boundary, which is then asked for once. */
  readonly standings?: Standings;
  /** Begins with the first page, whatever an earlier attempt had read. */
  readonly isAnew?: boolean;
}

/** What balances stood at: minor units by balance id and time. */
export type Standings = Map<string, bigint>;

export interface DayProof {
  readonly day: string;
  /** When it began: of a proof that was interrupted, when its first attempt did. */
  readonly provedAt: Date;
  /** It went on with what an earlier attempt had listed. */
  readonly isContinued: boolean;
  /** One for each currency; at least one. */
  readonly certificates: readonly Certificate[];
  readonly stripeRequests: number;
  readonly ledgerRequests: number;
  /** Stripe's clock when its listing began: what it shows later is of another proof. */
  readonly stripeAsOf: Date;
  /** Removes what was listed, when the certificates are kept. */
  discard(): Promise<void>;
  /** Another process may go on with what was listed: the certificates could not be kept. */
  release(): Promise<void>;
}

/**
 * Throws SyncError `no_server_time` (transient) when Stripe does not say its time, `proof_taken_over` (transient) when another
 * process goes on with this proof, and what the ports throw; then the next attempt goes on with what was listed. A balance that
 * may not be read is no fault: the certificate says that it was not seen.
 */
export async function proveDay(ports: ProvePorts, request: ProveRequest): Promise<DayProof> {
  const { day, facts, provedAt: begunAt, isAnew = false } = request;
  const expected = await ports.own.countPostings(dayWindow(day));
  const store = await ports.stores.open({ day, begunAt, expected, settings: settingsOf(facts.mirror), isAnew });
  try {
    return await proveWith(store, ports, { ...request, expected });
  } catch (error) {
    // Nobody has to wait until it is clear that this process does not go on with it.
    await store.release().catch(() => {});
    throw error;
  }
}

async function proveWith(
  store: DayStore,
  ports: ProvePorts,
  { day, facts, expected, standings = new Map() }: ProveRequest & { readonly expected: number },
): Promise<DayProof> {
  const { stripe, ledger } = ports;
  const { mirror } = facts;
  const window = dayWindow(day);
  const requestsBefore = ledger.requestCount() - (store.progress?.ledgerRequests ?? 0);
  const progress = await listSides(ports, store, { day, window, mirror, expected });
  const context = { stripe, ledger, own: ports.own, store, day, mirror };
  await findMissingOfDay(context);
  await placeRows(store, mirror);
  const { late, requests } = await readOthers(context);
  if (late.length > 0) await findMissing(context, late);
  await listOwn(ports, store, window, progress);
  await findUnseen(context);
  await placeRows(store, mirror);

  const balances = await openBalances(ledger, ownBalancesOf(mirror));
  const isDayRead = facts.coveredUpTo !== null && facts.coveredUpTo >= window.to;
  const fresh = isDayRead ? await findFresh(context, facts.coveredUpTo) : { ids: new Set<string>(), requests: 0 };
  const tallied = await comparePieces(store, {
    ...{ day, mirror, balances, openHash: ports.openHash, earlierCurrencies: facts.earlierCurrencies },
    isCollected: (id) => isDayRead && !fresh.ids.has(id),
    // Before the comparison, because what is accepted is kept of a long list last: what is accepted from now on makes the
    // day due again, because that was after the proof began.
    acceptances: await ports.accepted.inForce(day),
  });

  const stripeAsOf = new Date(progress.stripeAsOfMs ?? Number.NaN);
  const isOver = stripeAsOf.getTime() >= window.to.getTime() + facts.lagMs;
  // Before the start the balance may have been moved by the books of then, which are nothing to explain here.
  const isMeasured = isOver && !isBeforeStart(day, mirror.startsAt);
  const movements = isMeasured ? await readMovements(ledger, { sources: balances.sources, window, standings }) : null;
  const { parts, idleUnseen } = withMoved(tallied, movements);
  const about = { day, tallied, isOver, idleUnseen, stripeAsOf, startsAt: mirror.startsAt };
  return {
    ...{ day, provedAt: store.begunAt, isContinued: store.progress !== null },
    certificates: parts.map((part) => certify(part, { ...about, movement: movementOf(part, movements) })),
    stripeRequests: progress.stripeRequests + requests + fresh.requests,
    ledgerRequests: ledger.requestCount() - requestsBefore,
    stripeAsOf,
    discard: () => store.discard(),
    release: () => store.release(),
  };
}

/** What is held of payments and rows depends on it. */
function settingsOf(mirror: Mirror): string {
  const { mirrorId, mappingVersion, source, sourceShards, guestDestination, blnkInstance, stripeAccount } = mirror;
  const { accountsMode, ledgerEpoch, startsAt } = mirror;
  return JSON.stringify([
    ...[mirrorId, mappingVersion, source, sourceShards, guestDestination, blnkInstance, stripeAccount, accountsMode],
    ...[ledgerEpoch, startsAt.getTime()],
  ]);
}

type Movements = ReadonlyMap<string, Movement> | null;

/**
 * The currencies to certify: those of the day, and those in which nothing but the source balance moved. Money that somebody
 * took out of it in a currency of no payment would otherwise be on no certificate.
 */
function withMoved(
  { currencies, idle }: TalliedDay,
  movements: Movements,
): { readonly parts: readonly TalliedCurrency[]; readonly idleUnseen: string | null } {
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

/** Rows without a balance say that the look-up did not show it. Null movements: they are not looked at. */
function movementOf({ currency, ledger }: TalliedCurrency, movements: Movements): Movement {
  if (movements === null) return { kind: 'not_seen', why: null };
  const movement = currency === null ? undefined : movements.get(currency);
  if (movement !== undefined) return movement;
  if (ledger.count === 0) return { kind: 'seen', amount: 0n };
  return { kind: 'not_seen', why: 'the ledger shows no source balance in this currency' };
}

function byCurrency(a: TalliedCurrency, b: TalliedCurrency): number {
  return compareText(a.currency ?? '', b.currency ?? '');
}
