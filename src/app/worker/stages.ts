/** Composition: collecting, posting and proving of one worker, as the jobs of the queue call them. */
import type { CollectedRun } from '../../collect/collect-run.js';
import type { Feed } from '../../core/coverage/sync-run.js';
import type { Mirror } from '../../core/posting/mirror.js';
import type { Lane } from '../../core/posting/posting.js';
import { createRunReports } from '../../db/collect/run-reports.js';
import { sinceLastTailMs } from '../../db/workers/worker-registry.js';
import type { JobHandlers, JobQueue } from '../../queue/job-queue.js';
import type { LaneAlarms } from '../../worker/lane-alarms.js';
import type { LedgerWatch } from '../../worker/ledger-watch.js';
import { isDue } from '../../worker/sync-job.js';
import type { Context } from '../context.js';
import { type Accounts, createAccountsKeeping } from '../stages/accounts.js';
import { type Collecting, createCollecting } from '../stages/collecting.js';
import { createIdentityKeeping, type Identities } from '../stages/identities.js';
import { createPosting, type Posting } from '../stages/posting.js';
import { createScheduledProofs, type ScheduledProofs } from '../stages/proving.js';
import { tracedJobs } from '../traced-ports.js';
import { countedJobs } from './counted-jobs.js';
import { tellReading, tellRunEnd } from './tell-work.js';

export interface StageParts {
  readonly mirror: Mirror;
  readonly workerId: string;
  readonly queue: Pick<JobQueue, 'requestPart' | 'requestProofs'>;
  /** Told of lanes that got new postings; waits for nothing. */
  wakeLanes(lanes: readonly Lane[]): void;
  readonly alarms: LaneAlarms;
  readonly ledgerWatch: Pick<LedgerWatch, 'confirm' | 'confirmSource'>;
  intervalMs(): Promise<number>;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Stages {
  readonly handlers: JobHandlers;
  readonly store: Collecting['store'];
  readonly posting: Posting;
  readonly proofs: ScheduledProofs;
  readonly identities: Identities;
  readonly accounts: Accounts;
  /** Tells runs that have ended since it was called last. */
  reportRuns(): Promise<void>;
}

export function createStages(context: Context, parts: StageParts): Stages {
  const { database, events, timings, flows } = context;
  const { mirror, workerId, queue, alarms, ledgerWatch, intervalMs, signal } = parts;
  const owner = { workerId, mirrorId: mirror.mirrorId, epoch: mirror.ledgerEpoch };
  const accounts = createAccountsKeeping(context, {
    ...{ mirror, signal, wakeLanes: parts.wakeLanes },
    confirmLedger: () => ledgerWatch.confirm(),
  });
  const collecting = createCollecting(context, {
    ...{ owner, queue, signal, wakeLanes: parts.wakeLanes },
    decorateStore: accounts.wanting,
  });
  let lanesInHand = 0;
  const identities = createIdentityKeeping(context, {
    ...{ mirror, signal, confirmLedger: () => ledgerWatch.confirm() },
    isPosting: () => lanesInHand > 0,
  });
  const { confirmSource } = ledgerWatch;
  const posting = createPosting(context, { mirror, confirmSource, posted: identities.posted });
  const proofs = createScheduledProofs(context, {
    signal,
    confirmLedger: () => ledgerWatch.confirm(),
    requestProofs: () => queue.requestProofs(),
  });
  const reportRuns = createRunReports(database.db, (run) => {
    tellRunEnd(events, run);
    flows?.runEnded(run);
  });
  const tellRead = (feed: Feed, run: CollectedRun | null): void => {
    tellReading(events, feed, run);
    if (run?.counts != null) flows?.paymentsRead({ feed, ...run.counts });
  };
  const scheduling = { sinceLastTailMs: () => sinceLastTailMs(database.sql), intervalMs };
  const handlers: JobHandlers = {
    isDue: () => isDue(scheduling),
    async sync(trigger) {
      const run = await collecting.sync(trigger);
      tellRead(run.feed, run);
      await reportRuns();
    },
    async part(part) {
      await collecting.readPart(part, signal, (run) => tellRead(run.feed, run));
      await reportRuns();
    },
    proofs: () => proofs.turn(),
    async lane(lane, mayGoOn) {
      let nextMs: number | null = timings.lanePause.baseMs;
      lanesInHand += 1;
      try {
        nextMs = await posting.drainer.drain(lane, signal, mayGoOn);
      } finally {
        lanesInHand -= 1;
        if (nextMs !== null && !signal.aborted) alarms.set(lane, nextMs);
      }
      if (nextMs === null) await reportRuns();
    },
  };
  return {
    handlers: tracedJobs(countedJobs(handlers, flows)),
    store: collecting.store,
    posting,
    proofs,
    identities,
    accounts,
    reportRuns,
  };
}
