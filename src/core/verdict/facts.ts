/**
 * What the verdict is made of: how the mirror stands, as one reading of the database found it. Facts alone; what they mean
 * is said by the other files here.
 */
import type { AccountFacts } from '../accounts/account-facts.js';
import type { IdentityFacts } from '../accounts/identity-facts.js';
import type { ClockFault } from '../coverage/agree-on-time.js';
import type { Completeness } from '../coverage/completeness.js';
import type { Feed } from '../coverage/sync-run.js';
import type { LedgerState } from '../ledger/ledger-identity.js';
import type { Mirror } from '../posting/mirror.js';
import type { Lane, ParkingReason } from '../posting/posting.js';
import type { CertificateState } from '../proof/certificate.js';
import type { NotedQueueFault } from '../queue/queue-fault.js';

/** A worker that gave a sign of life lately. */
export interface WorkerFacts {
  readonly host: string;
  readonly startedAt: Date;
  /** Which clock it found off lately; null when all agree. */
  readonly clockFault: ClockFault | null;
  readonly queueFaults: readonly NotedQueueFault[];
}

/** Whether the ledger is the one that was posted to, as the last look of a worker saw it. */
export interface LedgerFacts {
  readonly state: LedgerState;
  readonly since: Date | null;
  readonly checkedAt: Date | null;
  /** What was seen, where it was not the same. */
  readonly detail: string | null;
}

/** What waits to be posted from one source balance in one currency. */
export interface WaitingFacts extends Lane {
  readonly pending: number;
  /** When its oldest pending posting was, or is, due. */
  readonly oldestDue: Date;
  readonly inDoubt: number;
  /** In doubt for more than 15 minutes. */
  readonly unresolved: number;
  /** What an attempt ended with that is not settled yet, or why posting pauses. */
  readonly error: string | null;
  /** Since when nothing of it gets further; null while it does. */
  readonly pausedSince: Date | null;
}

export interface ParkedFacts {
  /** Null only for a row that somebody changed by hand. */
  readonly reason: ParkingReason | null;
  /** Waiting for a person. */
  readonly waiting: number;
  readonly dismissed: number;
}

export interface OutstandingFacts {
  readonly pending: number;
  /** Waiting for a person. */
  readonly parked: number;
  readonly dismissed: number;
}

/** The posting that is in doubt for the longest time. */
export interface UnresolvedFacts {
  readonly reference: string;
  readonly since: Date;
  readonly error: string | null;
}

/** The newest run whose reading failed. */
export interface FailureFacts {
  readonly runId: string;
  readonly feed: Feed;
  readonly code: string;
  readonly message: string;
  readonly at: Date;
  /** When the first run of that feed failed after the last one that was read to its end. */
  readonly since: Date;
  /** A later run of that feed was read to its end. */
  readonly recovered: boolean;
}

export interface UnsealedDay {
  readonly day: string;
  readonly state: CertificateState;
  /** Sealed, and what it rests on is not what it was: it is proven again. */
  readonly reopened: boolean;
  /** A repair was applied to it, or one of its payments was stored, after its newest proof. */
  readonly changedSince: boolean;
}

/** How far proofs reach. Days count once, with the state of their worst currency. */
export interface ProofFacts {
  /** First and last day with a certificate; null without any. */
  readonly from: string | null;
  readonly to: string | null;
  readonly days: number;
  /** Days between the two that have none. */
  readonly unproven: number;
  /** Days that are sealed but for what is listed and known, newest first. */
  readonly exceptions: readonly string[];
  /** Payments of Stripe that the ledger holds otherwise, or not, in a way that a person accepted, as the newest proofs show. */
  readonly accepted: number;
  /** Days that are not sealed, or were reopened, newest first. */
  readonly unsealed: readonly UnsealedDay[];
}

export interface VerdictFacts extends Completeness {
  readonly now: Date;
  /** The PostgreSQL schema of our tables, for statements that people are told to execute. */
  readonly schema: string;
  /** The interval between syncs that is in force. */
  readonly intervalMs: number;
  readonly lagMs: number;
  readonly mirror: Pick<
    Mirror,
    'startsAt' | 'cutoverAt' | 'eventsRefusedSince' | 'chargesRefusedSince' | 'balancesRefusedSince' | 'rebuildingSince'
  > | null;
  readonly ledger: LedgerFacts | null;
  /** Those that live, oldest first. */
  readonly workers: readonly WorkerFacts[];
  /** Of the payments created within `complete`: those that are not in the ledger. */
  readonly outstanding: OutstandingFacts;
  /** What was covered reaches into a time that has not come, up to here; null as it should be. */
  readonly coveredAheadTo: Date | null;
  /** Age of the end of completeness; null when nothing is complete. */
  readonly behindMs: number | null;
  readonly lanes: readonly WaitingFacts[];
  /** Null when nothing is in doubt for more than 15 minutes. */
  readonly oldestUnresolved: UnresolvedFacts | null;
  readonly parked: readonly ParkedFacts[];
  /** When the newest sync was read to its end; null when there was none. */
  readonly tailReadAt: Date | null;
  readonly lastFailure: FailureFacts | null;
  readonly proofs: ProofFacts;
  /** False when the triggers that keep counts and sums of postings are off. */
  readonly areTotalsKept: boolean;
  /** Null: identities of customers were never on. */
  readonly identities: IdentityFacts | null;
  /** Null: the mirror has no ledger of its own in Blnk. */
  readonly accounts: AccountFacts | null;
  /** Why the server of the queue does not answer whoever reads this; null when it does, or was not asked. */
  readonly queueAway: string | null;
}
