/** The operations that need neither Stripe nor Blnk, joined to what they are made with. */
import type { RetrySelection } from '../db/postings/retry.js';
import { type AcceptanceAsked, type AcceptanceDecided, acceptDifference } from './accept-difference.js';
import {
  type DismissalAsked,
  type DismissalListener,
  dismissParked,
  type ParkedRetried,
  retryParked,
} from './decide-parked.js';
import { type Audience, readAudience } from './read-audience.js';
import { type BackfillAsked, type BackfillRequested, requestBackfill } from './request-backfill.js';
import type { RequestPorts } from './request-ports.js';
import { type ProofsAsked, type ProofsRequested, requestProofs } from './request-proofs.js';
import { requestSync, type SyncRequested } from './request-sync.js';

export interface RequestOperations {
  readAudience(): Promise<Audience>;
  requestSync(): Promise<SyncRequested>;
  requestBackfill(asked: BackfillAsked): Promise<BackfillRequested>;
  requestProofs(asked: ProofsAsked): Promise<ProofsRequested>;
  retryParked(selection: RetrySelection): Promise<ParkedRetried>;
  dismissParked(asked: DismissalAsked, listener: DismissalListener): Promise<void>;
  acceptDifference(asked: AcceptanceAsked): Promise<AcceptanceDecided>;
}

export function createRequestOperations(ports: RequestPorts): RequestOperations {
  return {
    readAudience: () => readAudience(ports),
    requestSync: () => requestSync(ports),
    requestBackfill: (asked) => requestBackfill(ports, asked),
    requestProofs: (asked) => requestProofs(ports, asked),
    retryParked: (selection) => retryParked(ports, selection),
    dismissParked: (asked, listener) => dismissParked(ports, asked, listener),
    acceptDifference: (asked) => acceptDifference(ports, asked),
  };
}
