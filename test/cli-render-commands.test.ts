/** The commands from words to output and exit code, over a real database; the queue is played by the test. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandContext, CommandEnvironment } from '../src/cli/ports.js';
import { buildProgram, runProgram } from '../src/cli/program.js';
import { SyncError } from '../src/core/errors.js';
import type { Lane, Preparation } from '../src/core/posting.js';
import { createParkedStore } from '../src/db/reads/parked-store.js';
import { createReadModel } from '../src/db/reads/read-model.js';
import { workers } from '../src/db/schema/mirror.js';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from './support/reads-database.js';

const RUN = '0193a001-0000-7000-8000-000000000001';

let database: ReadsDatabase;
beforeAll(async () => {
  database = await createReadsDatabase();
});
beforeEach(() => database.empty());
afterAll(() => database.drop());

interface Requests {
  readonly sync?: () => Promise<void>;
  readonly backfill?: (window: { readonly from: Date; readonly to: Date }) => Promise<string>;
  readonly signal?: AbortSignal;
  readonly close?: () => Promise<void>;
  readonly onWarned?: (line: string) => void;
  readonly open?: () => Promise<CommandContext>;
}

interface Outcome {
  readonly printed: string;
  readonly warned: string;
  readonly code: number | undefined;
  readonly woken: Lane[];
  readonly closed: number;
}

async function command(words: string, requests: Requests = {}): Promise<Outcome> {
  const printed: string[] = [];
  const warned: string[] = [];
  const woken: Lane[] = [];
  let code: number | undefined;
  let closed = 0;
  const prepare = (text: string): Preparation => ({ kind: 'rejected', reason: 'unknown_currency', detail: text });
  const context: CommandContext = {
    reads: createReadModel(database.db, { lagMs: 600_000, intervalMs: 60_000, stripeReads: 0 }),
    parked: createParkedStore(database.db, prepare),
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
  const environment: CommandEnvironment = {
    open: requests.open ?? (async () => context),
    output: {
      print: (line) => printed.push(line),
      warn: (line) => {
        warned.push(line);
        requests.onWarned?.(line);
      },
      columns: 0,
      errorTerminal: null,
    },
    signal: requests.signal ?? new AbortController().signal,
    userName: 'ada',
    exit: (given) => {
      code = given;
    },
  };
  await runProgram(
    buildProgram(environment, async () => {}),
    environment,
    words === '' ? [] : words.split(' '),
  );
  return { printed: printed.join('\n'), warned: warned.join('\n'), code, woken, closed };
}

async function startWorker(): Promise<void> {
  await database.db.insert(workers).values({ id: RUN, host: 'one', pid: 7, version: '0.1.0' });
}

/** What a worker would do: a run that starts now, with one posting that stands so. */
async function serve(state: 'posted' | 'parked' | 'pending', more: { readonly state?: 'failed' } = {}): Promise<void> {
  const run = {
    id: RUN,
    trigger: 'manual',
    found: 1,
    stored: 1,
    startedAt: new Date(Date.now() + 5),
    ...more,
  } as const;
  await insertRun(database.db, run);
  await insertPosting(database.db, { reference: 'pi_1', firstRun: RUN, state, ...reasonOf(state) });
}

function reasonOf(state: string) {
  return state === 'parked' ? ({ reason: 'conflict', reasonDetail: 'amount is 1' } as const) : {};
}

describe('a wrong command line', () => {
  it.each([
    ['sync --nonsense', /unknown option '--nonsense'/],
    ['nonsense', /unknown command 'nonsense'/],
    ['', /Usage: stripe-blnk-sync/],
    ['run', /missing required argument 'id'/],
    ['runs --limit 0', /Allowed: 1 to 1000/],
    ['runs --status odd', /Allowed choices are collecting, posting/],
    ['sync --wait --timeout 5', /Allowed: a number with s, m, h or d/],
    ['backfill', /required option '--from <time>' not specified/],
    ['backfill --from yesterday', /Allowed: a UTC date/],
    ['parked retry', /Name either the references to retry, or one --reason/],
    ['parked retry pi_1 --reason conflict', /Name either the references to retry, or one --reason/],
    ['parked retry --reason odd', /Allowed choices are unknown_currency/],
    ['parked dismiss pi_1', /required option '--why <text>' not specified/],
  ])('%j exits 2 and says why, without connecting', async (words, message) => {
    const open = async (): Promise<CommandContext> => {
      throw new Error('must not connect');
    };
    const outcome = await command(words, { open });
    expect(outcome.code).toBe(2);
    expect(outcome.warned).toMatch(message);
    expect(outcome.warned).not.toContain('must not connect');
  });

  it('asks for help with exit 0', async () => {
    const outcome = await command('sync --help');
    expect(outcome.code).toBe(0);
    expect(outcome.printed).toContain('--timeout <duration>');
  });
});

describe('faults', () => {
  it('exit 2 when nothing could be opened', async () => {
    const open = async (): Promise<CommandContext> => {
      throw new SyncError('The database does not answer', { kind: 'transient', code: 'database_unreachable' });
    };
    expect(await command('status', { open })).toMatchObject({
      code: 2,
      warned: 'database_unreachable: The database does not answer',
    });
  });

  it('exit 1 when the work failed, and close what was opened', async () => {
    const sync = async () => {
      throw new Error('the queue is gone');
    };
    expect(await command('sync', { sync })).toMatchObject({ code: 1, warned: 'the queue is gone', closed: 1 });
  });

  it('while closing are a line, and the exit code stays that of the work', async () => {
    const close = async () => {
      throw new SyncError('The queue does not answer', { kind: 'transient', code: 'queue_unreachable' });
    };
    const line = 'The connections did not close cleanly: queue_unreachable: The queue does not answer';
    await startWorker();
    expect(await command('sync', { close })).toMatchObject({ code: undefined, warned: line });
    const sync = async () => {
      throw new Error('the queue is gone');
    };
    expect(await command('sync', { close, sync })).toMatchObject({ code: 1, warned: `the queue is gone\n${line}` });
  });
});

describe('sync', () => {
  it('asks, and says at once that no worker lives', async () => {
    const outcome = await command('sync');
    expect(outcome).toMatchObject({ code: undefined, closed: 1 });
    expect(outcome.printed).toContain('A sync was asked for.');
    expect(outcome.warned).toContain('No worker is running');
    await startWorker();
    expect((await command('sync')).warned).toBe('');
  });

  it.each([
    ['posted', 0],
    ['parked', 1],
  ] as const)('--wait exits with the result of the run whose payment is %s', async (state, code) => {
    await startWorker();
    const outcome = await command('sync --wait', { sync: () => serve(state) });
    expect(outcome.code).toBe(code);
    expect(outcome.printed).toContain(`run              ${RUN}`);
    expect(outcome.warned).toContain('1 of 1 stored payments settled');
  });

  it('--wait goes on while a payment is pending, until it is settled', async () => {
    await startWorker();
    const waiting = command('sync --wait --json', { sync: () => serve('pending') });
    const first = await Promise.race([waiting, seenPosting()]);
    expect(first).toBe('posting');
    await database.sql`update postings set state = 'posted'`;
    const outcome = await waiting;
    expect(outcome.code).toBe(0);
    expect(JSON.parse(outcome.printed).run).toMatchObject({ id: RUN, status: 'succeeded', posted: 1 });
  });

  it('--wait exits 1 for a failed run', async () => {
    const outcome = await command('sync --wait', { sync: () => serve('posted', { state: 'failed' }) });
    expect(outcome.code).toBe(1);
    expect(outcome.printed).toContain('status           failed: the next run reads what this one did not');
  });

  it('--wait does not take an earlier run for its own, and gives up after --timeout', async () => {
    await insertRun(database.db, { id: RUN, startedAt: new Date(Date.now() - 1_000) });
    const outcome = await command('sync --wait --timeout 1s');
    expect(outcome).toMatchObject({ code: 1, printed: '' });
    expect(outcome.warned).toContain('No worker is running');
    expect(outcome.warned).toContain('Not done after 1.0s. The request stays on the queue');
  });

  it('--wait leaves on Ctrl-C and says that the run goes on', async () => {
    await startWorker();
    const controller = new AbortController();
    const waiting = command('sync --wait', { sync: () => serve('pending'), signal: controller.signal });
    await seenPosting();
    controller.abort();
    const outcome = await waiting;
    expect(outcome.code).toBe(1);
    expect(outcome.warned).toContain(`Run ${RUN} goes on without this command.`);
  });
});

describe('backfill', () => {
  it('hands over the window in UTC and follows the run', async () => {
    await startWorker();
    const windows: string[] = [];
    const backfill = async ({ from, to }: { readonly from: Date; readonly to: Date }) => {
      windows.push(`${from.toISOString()} ${to.toISOString()}`);
      await serve('posted');
      return RUN;
    };
    const outcome = await command('backfill --from 2026-01-01 --to 2026-02-01T12:00 --wait', { backfill });
    expect(windows).toEqual(['2026-01-01T00:00:00.000Z 2026-02-01T12:00:00.000Z']);
    expect(outcome.code).toBe(0);
  });

  it('--wait tells each failure of a part once, and goes on waiting', async () => {
    await startWorker();
    const fail = (id: string, error: string) =>
      insertRun(database.db, {
        ...{ id, parentId: RUN, state: 'failed', trigger: 'manual' },
        ...{ startedAt: new Date(), error, errorCode: 'stripe_unavailable' },
      });
    const backfill = async () => {
      await insertRun(database.db, { id: RUN, state: 'collecting', finishedAt: null });
      await fail('0193a001-0000-7000-8000-000000000002', 'Stripe is\naway');
      return RUN;
    };
    const lines: string[] = [];
    const onWarned = (line: string) => {
      lines.push(line);
      // The second failure is there before the next look at the parts.
      if (line.includes('is away')) second = fail('0193a001-0000-7000-8000-000000000003', 'Stripe is still away');
    };
    let second: Promise<unknown> = Promise.resolve();
    const outcome = await command('backfill --from 2026-01-01 --wait --timeout 5s', { backfill, onWarned });
    await second;
    expect(outcome.code).toBe(1);
    expect(lines.filter((line) => line.startsWith('A part failed'))).toEqual([
      'A part failed, and is tried again: stripe_unavailable: Stripe is away',
      'A part failed, and is tried again: stripe_unavailable: Stripe is still away',
    ]);
    expect(outcome.warned).toContain(`Not done after 5.0s. Run ${RUN} goes on without this command.`);
  });

  it('takes now as the end when none is given', async () => {
    const before = Date.now();
    let to = new Date(0);
    const backfill = async (window: { readonly from: Date; readonly to: Date }) => {
      to = window.to;
      return RUN;
    };
    const outcome = await command('backfill --from 30d', { backfill });
    expect(to.getTime()).toBeGreaterThanOrEqual(before - 1_000);
    expect(outcome.printed).toContain(`stripe-blnk-sync run ${RUN}`);
  });

  it.each(['--from 2026-02-01 --to 2026-01-01', '--from 2026-01-01 --to 2999-01-01'])(
    'refuses a window that cannot be read: %s',
    async (options) => {
      const backfill = async () => {
        throw new Error('must not ask');
      };
      const outcome = await command(`backfill ${options}`, { backfill });
      expect(outcome.code).toBe(2);
      expect(outcome.warned).toContain('--from must be before --to');
    },
  );
});

describe('reading', () => {
  beforeEach(async () => {
    await serve('parked');
    await insertPosting(database.db, { reference: 'pi_2', firstRun: RUN, state: 'posted', transactionId: 'txn_2' });
  });

  it('runs', async () => {
    expect((await command('runs')).printed).toMatch(/^run .*\n0193a001-0000 .* attention .*\nRuns that found nothing/);
    const { runs } = JSON.parse((await command('runs --json --status attention')).printed);
    expect(runs).toMatchObject([
      { id: RUN, status: 'attention', parked: 1, totals: [{ amount: '2000', currency: 'USD' }] },
    ]);
    expect((await command('runs --feed charges')).printed).toContain('No such runs.');
  });

  it('run', async () => {
    const { printed } = await command('run 0193a001 --limit 1');
    expect(printed).toContain('status           attention: 1 parked');
    expect(printed).toMatch(/Payments\nreference .*\npi_1 .*amount is 1\nMore with: --after pi_1/);
    const page = JSON.parse((await command('run 0193a001 --json --state posted')).printed);
    expect(page).toMatchObject({ run: { id: RUN }, parts: [], payments: [{ reference: 'pi_2' }], next: null });
    expect(await command('run ffff0000')).toMatchObject({ code: 1, printed: '' });
  });

  it('status exits 1 when something needs a person', async () => {
    const outcome = await command('status');
    expect(outcome.code).toBe(1);
    expect(outcome.printed).toMatch(/^Nothing is mirrored yet.*\n! No worker is running/);
    const status = JSON.parse((await command('status --json')).printed);
    expect(status.needs).toHaveLength(2);
    expect(status).toMatchObject({ complete: null, holes: [], parked: [{ reason: 'conflict', waiting: 1 }] });
  });

  it('parked list and show', async () => {
    const { printed } = await command('parked list');
    expect(printed).toMatch(/pi_1 .*conflict .*10\.00 USD/);
    expect(printed).toContain('conflict: Compare both sides with: parked show.');
    expect(JSON.parse((await command('parked list --json')).printed)).toMatchObject({
      payments: [{ reference: 'pi_1', amount: '10.00', amount_minor: '1000' }],
      next: null,
    });
    expect((await command('parked show pi_1')).printed).toContain('As it is posted\n');
    expect(JSON.parse((await command('parked show pi_2 --json')).printed)).toMatchObject({ transaction_id: 'txn_2' });
    expect(await command('parked show pi_3')).toMatchObject({ code: 1, printed: '' });
  });
});

describe('parked', () => {
  it('retry brings back, wakes the lane and names what it could not', async () => {
    await serve('parked');
    await startWorker();
    const outcome = await command('parked retry pi_1 pi_9');
    expect(outcome).toMatchObject({ code: 1, woken: [{ source: '@stripe', currency: 'USD' }], warned: '' });
    expect(outcome.printed).toBe(
      '1 will be looked up, and posted where the ledger does not hold it.\npi_9 is not parked.',
    );
    const [row] = await database.sql`select state from postings`;
    expect(row?.state).toBe('pending');
  });

  it('retry --json says the same under keys that stay', async () => {
    await serve('parked');
    await insertPosting(database.db, {
      ...{ reference: 'pi_2', firstRun: RUN, state: 'parked', reason: 'unknown_currency', reasonDetail: 'xxx' },
      ...{ source: null, destination: null, currency: null, precision: null, prepared: null, payment: '{}' },
    });
    const outcome = await command('parked retry pi_1 pi_2 pi_9 --json');
    expect(outcome.code).toBe(1);
    expect(JSON.parse(outcome.printed)).toEqual({
      retried: 1,
      still_parked: [{ reference: 'pi_2', reason: 'unknown_currency', detail: '{}' }],
      not_parked: ['pi_9'],
    });
  });

  it('dismiss --json says what came of each', async () => {
    await serve('parked');
    await insertPosting(database.db, { reference: 'pi_2', firstRun: RUN, state: 'posted', transactionId: 'txn_2' });
    const none = { dismissed: [], already_dismissed: [], not_parked: [], unknown: [] };
    const first = await command('parked dismiss pi_1 pi_2 pi_9 pi_1 --why duplicate --json');
    expect(first).toMatchObject({ code: 1, warned: '' });
    expect(JSON.parse(first.printed)).toEqual({
      ...none,
      dismissed: ['pi_1'],
      not_parked: ['pi_2'],
      unknown: ['pi_9'],
    });
    const again = await command('parked dismiss pi_1 --why again --json');
    expect(again.code).toBe(undefined);
    expect(JSON.parse(again.printed)).toEqual({ ...none, already_dismissed: ['pi_1'] });
  });

  it('retry by reason exits 0 when all are pending again', async () => {
    await serve('parked');
    expect(await command('parked retry --reason conflict')).toMatchObject({ code: undefined });
  });

  it('dismiss keeps who and why', async () => {
    await serve('parked');
    expect(await command('parked dismiss pi_1 --why duplicate')).toMatchObject({ code: undefined });
    const [row] = await database.sql`select dismissed_by, dismissed_why from postings`;
    expect(row).toEqual({ dismissed_by: 'ada', dismissed_why: 'duplicate' });
    expect((await command('parked dismiss pi_1 --why again')).printed).toBe('pi_1 was dismissed before.');
    expect(await command('parked dismiss pi_2 --why x')).toMatchObject({ code: 1 });
  });
});

/** Waits until the run that the command follows is there; the command looks every few tenths of a second. */
async function seenPosting(): Promise<string> {
  const reads = createReadModel(database.db, { lagMs: 600_000, intervalMs: 60_000, stripeReads: 0 });
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const progress = await reads.progress(RUN);
    if (progress?.status === 'posting' && progress.pending === 1) return progress.status;
  }
  throw new Error('the run was not seen posting within 10 s');
}
