/** Composition: jobs as the queue calls them, counted by how they end. */
import type { Flows } from '../../observability/flows.js';
import type { JobHandlers } from '../../queue/job-queue.js';

export function countedJobs(handlers: JobHandlers, flows: Pick<Flows, 'jobEnded'> | undefined): JobHandlers {
  if (flows === undefined) return handlers;
  const counted =
    <Given extends readonly unknown[]>(job: string, work: (...given: Given) => Promise<void>) =>
    async (...given: Given): Promise<void> => {
      let outcome: 'done' | 'failed' = 'failed';
      try {
        await work(...given);
        outcome = 'done';
      } finally {
        flows.jobEnded(job, outcome);
      }
    };
  return {
    isDue: handlers.isDue,
    sync: counted('sync', handlers.sync),
    part: counted('backfill-part', handlers.part),
    lane: counted('lane', handlers.lane),
    proofs: counted('proofs', handlers.proofs),
  };
}
