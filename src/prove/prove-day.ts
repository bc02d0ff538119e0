/**
 * The proof of one UTC day: lists Stripe and the ledger afresh, independently of each other, and has the two compared as
 * sets. Only reads; running it twice costs requests and changes nothing. Memory is bounded by the payments of one day.
 */
import type { Certificate } from '../core/certificate.js';
import type { Mirror } from '../core/mirror.js';
import type { LedgerSide, OwnSide, StripeSide } from './ports.js';

export interface ProvePorts {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly own: OwnSide;
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

/** What a balance stood at at a time: minor units by `balance id, time`. */
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
 * Throws SyncError `no_server_time` (transient) when Stripe does not say its time, and what the ports throw. A balance
 * that may not be read is no fault: the certificate says that it was not seen.
 */
export async function proveDay(_ports: ProvePorts, _request: ProveRequest): Promise<DayProof> {
  throw new RangeError('not built yet');
}
