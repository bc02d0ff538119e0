/** Commands from words to output and exit code, over a real database; the queue and the worker are played by the test. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { CommandContext } from '../../../src/cli/ports.js';
import { buildProgram, runProgram } from '../../../src/cli/program.js';
import type { Lane, Preparation } from '../../../src/core/posting.js';
import { createParkedStore } from '../../../src/db/reads/parked-store.js';
import { createReadModel } from '../../../src/db/reads/read-model.js';
import { workers } from '../../../src/db/schema/mirror.js';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../reads-database.js';
import { type RecordedOptions, recordEnvironment } from '../recorded-environment.js';

/** The run that the worker of these tests serves. */
export const RUN = '0193a001-0000-7000-8000-000000000001';

export const READ_OPTIONS = { lagMs: 600_000, intervalMs: 60_000, stripeReads: 0 };

interface Requests extends RecordedOptions {
  readonly sync?: () => Promise<void>;
  readonly backfill?: (window: { readonly from: Date; readonly to: Date }) => Promise<string>;
  readonly close?: () => Promise<void>;
}

interface Outcome {
  readonly printed: string;
  readonly warned: string;
  readonly code: number | undefined;
  readonly woken: Lane[];
  readonly closed: number;
}

export interface CommandLine {
  database(): ReadsDatabase;
  command(words: string, requests?: Requests): Promise<Outcome>;
  startWorker(): Promise<void>;
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
    async startWorker() {
      await database().db.insert(workers).values({ id: RUN, host: 'one', pid: 7, version: '0.1.0' });
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
  const prepare = (text: string): Preparation => ({ kind: 'rejected', reason: 'unknown_currency', detail: text });
  const context: CommandContext = {
    reads: createReadModel(db, READ_OPTIONS),
    parked: createParkedStore(db, prepare),
    requests: {
      sync: requests.sync ?? (async () => {}),
      backfill: requests.backfill ?? (async () => RUN),
      wakeLanes: async (lanes) => {
        woken.push(...lanes);
      },
    },
    close: async () => {
      closed += 1;
      await requests.close?.();
    },
  };
  const { environment, outcome } = recordEnvironment({ open: async () => context, ...requests });
  await runProgram(
    buildProgram(environment, async () => {}),
    environment,
    words === '' ? [] : words.split(' '),
  );
  return { ...outcome(), woken, closed };
}

function reasonOf(state: string) {
  return state === 'parked' ? ({ reason: 'conflict', reasonDetail: 'amount is 1' } as const) : {};
}
