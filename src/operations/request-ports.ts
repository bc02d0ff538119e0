/** What requests to the workers, and decisions about single payments, are made with: the database, and the queue that wakes. */

import type { BackfillPart } from '../collect/ports.js';
import type { Window } from '../core/base/window.js';
import type { Trigger } from '../core/coverage/sync-run.js';
import type { Lane } from '../core/posting/posting.js';
import type { QueueIdentity } from '../core/queue/queue-identity.js';
import type { ProofRequests } from '../db/actions/proof-requests.js';
import type { ParkedStore } from '../db/postings/parked-store.js';
import type { AcceptanceStore } from '../db/proof/acceptance-store.js';
import type { ReadModel } from '../db/reads/read-model.js';

export interface BackfillStored {
  readonly runId: string;
  readonly parts: readonly BackfillPart[];
}

export interface RequestPorts {
  readonly reads: Pick<ReadModel, 'databaseNow' | 'livingWorkers' | 'known' | 'earlierDays'>;
  readonly parked: ParkedStore;
  /** In the name of whoever asks. */
  readonly proofRequests: ProofRequests;
  readonly acceptances: Pick<AcceptanceStore, 'accept' | 'takeBack'>;
  readonly requests: {
    /** Puts the deduplicated `sync` job on the queue that any running worker takes. */
    sync(trigger: Trigger): Promise<void>;
    /** Stores a backfill request: a parent run, and what of it is to be read. */
    backfill(window: Window): Promise<BackfillStored>;
    requestParts(parts: readonly BackfillPart[]): Promise<void>;
    wakeLanes(lanes: readonly Lane[]): Promise<void>;
    /** Which queue these requests go to. */
    queue(): Promise<QueueIdentity>;
    /** Asks the workers to prove the days that are due. */
    proofs(): Promise<void>;
  };
}
