/** What a worker does, as events: runs, jobs that failed, permissions of the key. */
import type { CollectedRun } from '../../collect/collect-run.js';
import type { RefusableFeed } from '../../collect/ports.js';
import { describeError, SyncError } from '../../core/base/errors.js';
import { type Feed, STOPPED } from '../../core/coverage/sync-run.js';
import { isServerFault } from '../../db/connection/server-faults.js';
import type { RunRecord } from '../../db/reads/runs.js';
import type { Server } from '../../observability/events/server-events.js';
import type { Events } from '../../observability/events.js';
import type { Outages } from '../../observability/outages.js';
import { permissionMissing } from '../../stripe/permissions.js';
import type { PermissionChange } from '../../worker/permission-watch.js';

/** A line for each run that stored something; a quiet minute is not worth one. */
export function tellReading(events: Events, feed: Feed, run: CollectedRun | null): void {
  if (run?.counts == null) return;
  const fields = { run: run.runId, feed, ...run.counts };
  if (run.counts.stored > 0) events.paymentsStored(fields);
  else events.nothingNew(fields);
}

/** The worker goes on, and proves less: a person should know without looking. */
export function tellPermission(
  events: Events,
  {
    feed: permission,
    change,
    livemode,
  }: { readonly feed: RefusableFeed | 'customers'; readonly change: PermissionChange; readonly livemode: boolean },
): void {
  if (change === 'allowed') events.permissionFound({ server: 'stripe', permission });
  else
    events.permissionLost({
      server: 'stripe',
      permission,
      error: permissionMissing([permission], { livemode }).message,
    });
}

/** What fails in a worker: logged, and counted to the outage of the server that it names. */
export function createFailureTellers(events: Events, outages: Outages) {
  const note = (error: unknown): void => {
    const server = serverOf(error);
    if (server !== null) outages.failed(server, describeError(error));
  };
  return {
    onError(task: string, error: unknown): void {
      note(error);
      events.backgroundTaskFailed({ task, error: describeError(error) });
    },
    onJobFailed(failure: JobFailure): void {
      note(failure.error);
      tellJobFailure(events, failure);
    },
  };
}

interface JobFailure {
  readonly name: string;
  readonly error: Error;
}

/** Each kind once, at its level: a stop needs a person, the rest passes by itself or is in `sync_runs`. */
function tellJobFailure(events: Events, { name: job, error }: JobFailure): void {
  const fields = { job, code: error instanceof SyncError ? error.code : 'unexpected', error: describeError(error) };
  if (error instanceof SyncError && error.code === STOPPED) events.jobCutByStop({ job });
  else if (error instanceof SyncError && error.kind === 'fatal') events.jobNeedsPerson(fields);
  else if (error instanceof SyncError && error.kind === 'unpostable') events.jobRefused(fields);
  else events.jobFailed(fields);
}

/** Which server a fault names as away; null when it names none. */
export function serverOf(error: unknown): Server | null {
  if (isServerFault(error)) return 'postgresql';
  if (!(error instanceof SyncError)) return null;
  switch (error.code) {
    case 'stripe_unavailable':
      return 'stripe';
    case 'blnk_unavailable':
      return 'blnk';
    case 'database_unreachable':
    case 'database_host_unknown':
    case 'database_failed':
      return 'postgresql';
    case 'queue_unreachable':
      return 'queue';
    default:
      return null;
  }
}

/** All that the run stored is decided. */
export function tellRunEnd(events: Events, { id, feed, trigger, status, ...counts }: RunRecord): void {
  const { found, knownBefore, stored, posted, alreadyThere, parked, dismissed, beforeStart } = counts;
  events.runEnded({
    ...{ run: id, feed, trigger, status, found, knownBefore, stored },
    ...{ posted, alreadyThere, parked, dismissed, beforeStart },
  });
}
