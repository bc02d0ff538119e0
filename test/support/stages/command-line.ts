/** Commands from words to output and exit code, over a real database; the queue and the worker are played by the test. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { buildCommandLine, runCommandLine } from '../../../src/cli/command-line.js';
import type { CommandContext } from '../../../src/cli/ports.js';
import type { Lane, Preparation } from '../../../src/core/posting/posting.js';
import type { QueueIdentity } from '../../../src/core/queue/queue-identity.js';
import { noteActions } from '../../../src/db/actions/action-store.js';
import { createProofRequests } from '../../../src/db/actions/proof-requests.js';
import { createParkedStore } from '../../../src/db/postings/parked-store.js';
import { createAcceptanceStore } from '../../../src/db/proof/acceptance-store.js';
import { createReadModel } from '../../../src/db/reads/read-model.js';
import { workers } from '../../../src/db/schema/mirror.js';
import { noteRequests } from '../../../src/operations/note-actions.js';
import { createRequestOperations } from '../../../src/operations/request-operations.js';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../reads-database.js';
import { type RecordedOptions, recordEnvironment } from '../recorded-environment.js';

/** The run that the worker of these tests serves. */
export const RUN = '0193a001-0000-7000-8000-000000000001';

/** Of the commands of these tests. */
export const OWN_QUEUE = { id: 'own', place: 'redis://here/0 with QUEUE_PREFIX=bull' };

export const READ_OPTIONS = {
  lagMs: 600_000,
  intervalMs: 60_000,
  stripeReads: { used: 0, allowed: null, forecast: 0 },
};

interface Requests extends RecordedOptions {
  readonly sync?: () => Promise<void>;
  readonly backfill?: (window: { readonly from: Date; readonly to: Date }) => Promise<string>;
  readonly proofs?: () => Promise<void>;
  /** What happens when lanes are woken, or parts of a backfill are asked for. */
  readonly wake?: () => Promise<void>;
  readonly status?: CommandContext['reads']['status'];
  readonly close?: () => Promise<void>;
}

interface Outcome {
  readonly printed: string;
  readonly warned: string;
  readonly code: number | undefined;
  readonly woken: Lane[];
  readonly closed: number;
  /** How often the workers were asked to prove what is due. */
  readonly proofs: number;
}

export interface CommandLine {
  database(): ReadsDatabase;
  command(words: string, requests?: Requests): Promise<Outcome>;
  /** @param queue which one it takes jobs from; left out: it has not said */
  startWorker(queue?: QueueIdentity): Promise<void>;
  /** What a worker would do: a run that starts now, with one posting that stands so. */
  serve(state: 'posted' | 'parked' | 'pending', more?: { readonly state?: 'failed' }): Promise<void>;
}

/** One database that lives as long as the suite; each test finds it empty. */
export function openCommandLine(): CommandLine {
  let opened: ReadsDatabase | undefined;
  const database = (): ReadsDatabase => {
    if (opened === undefined) throw new Error('the database is there within tests');
    return opened;
  };
  beforeAll(async () => {
    opened = await createReadsDatabase();
  });
  beforeEach(() => database().empty());
  afterAll(() => opened?.drop());
  return {
    database,
    command: (words, requests = {}) => runCommand(database(), words, requests),
    async startWorker(queue) {
      await database()
        .db.insert(workers)
        .values({ id: RUN, host: 'one', pid: 7, version: '0.1.0', queue: queue ?? null });
    },
    async serve(state, more = {}) {
      const { db } = database();
      const startedAt = new Date(Date.now() + 5);
      await insertRun(db, { id: RUN, trigger: 'manual', found: 1, stored: 1, startedAt, ...more });
      await insertPosting(db, { reference: 'pi_1', firstRun: RUN, state, ...reasonOf(state) });
    },
  };
}

async function runCommand({ db }: ReadsDatabase, words: string, requests: Requests): Promise<Outcome> {
  const woken: Lane[] = [];
  let closed = 0;
  let proofs = 0;
  const prepare = (text: string): Preparation => ({ kind: 'rejected', reason: 'unknown_currency', detail: text });
  const reads = {
    ...createReadModel(db, READ_OPTIONS),
    ...(requests.status === undefined ? {} : { status: requests.status }),
  };
  const requested = createRequestOperations({
    reads,
    parked: createParkedStore(db, prepare),
    proofRequests: createProofRequests(db, { name: 'tester', origin: 'cli' }),
    acceptances: createAcceptanceStore(db, 'test'),
    requests: {
      sync: requests.sync ?? (async () => {}),
      backfill: async (window) => ({ runId: (await requests.backfill?.(window)) ?? RUN, parts: [] }),
      requestParts: async () => requests.wake?.(),
      wakeLanes: async (lanes) => {
        woken.push(...lanes);
        await requests.wake?.();
      },
      queue: async () => OWN_QUEUE,
      proofs: async () => {
        proofs += 1;
        await requests.proofs?.();
      },
    },
  });
  const operations = noteRequests(requested, (actions) => noteActions(db, { name: 'ada', origin: 'cli' }, actions));
  const context: CommandContext = {
    ...{ reads, operations },
    close: async () => {
      closed += 1;
      await requests.close?.();
    },
  };
  const { environment, outcome } = recordEnvironment({ open: async () => context, ...requests });
  await runCommandLine(
    buildCommandLine(environment, async () => {}),
    environment,
    words === '' ? [] : words.split(' '),
  );
  return { ...outcome(), woken, closed, proofs };
}

function reasonOf(state: string) {
  return state === 'parked' ? ({ reason: 'conflict', reasonDetail: 'amount is 1' } as const) : {};
}
