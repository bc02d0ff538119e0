/** `sync` and `backfill`: what they ask for, and how they wait for what came of it. */
import { describe, expect, it } from 'vitest';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { insertRun } from '../support/reads-database.js';
import { openCommandLine, READ_OPTIONS, RUN } from '../support/stages/command-line.js';

const { database, command, startWorker, serve } = openCommandLine();

describe('sync', () => {
  it('requests it, and prints at once that no worker lives', async () => {
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
    await database().sql`update stripe_blnk_sync.postings set state = 'posted'`;
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
    await insertRun(database().db, { id: RUN, startedAt: new Date(Date.now() - 1_000) });
    const outcome = await command('sync --wait --timeout 1s');
    expect(outcome).toMatchObject({ code: 1, printed: '' });
    expect(outcome.warned).toContain('No worker is running');
    expect(outcome.warned).toContain('Not done after 1.0s. The request stays on the queue');
  });

  it('--wait leaves on Ctrl-C and prints that the run goes on', async () => {
    await startWorker();
    const controller = new AbortController();
    const waiting = command('sync --wait', { sync: () => serve('pending'), signal: controller.signal });
    await seenPosting();
    controller.abort();
    const outcome = await waiting;
    expect(outcome.code).toBe(1);
    expect(outcome.warned).toContain(`Run ${RUN} goes on without this command`);
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

  it('--wait prints each failure of a part once, and goes on waiting', async () => {
    await startWorker();
    const fail = (id: string, error: string) =>
      insertRun(database().db, {
        ...{ id, parentId: RUN, state: 'failed', trigger: 'manual' },
        ...{ startedAt: new Date(), error, errorCode: 'stripe_unavailable' },
      });
    const backfill = async () => {
      await insertRun(database().db, { id: RUN, state: 'collecting', finishedAt: null });
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
    expect(outcome.warned).toContain(`Not done after 5.0s. Run ${RUN} goes on without this command`);
  });

  it('is requested although the queue does not answer, and prints that before it warns', async () => {
    await startWorker();
    const told: string[] = [];
    const wake = async () => {
      told.push('asked the queue');
      throw new Error('the queue is away');
    };
    const outcome = await command('backfill --from 30d', { wake });
    expect(told).toEqual(['asked the queue']);
    expect(outcome).toMatchObject({
      ...{ code: undefined, printed: `A backfill was asked for. Follow it with: stripe-blnk-sync run ${RUN}` },
      warned: expect.stringMatching(/^Done, but the queue could not be told: the queue is away\n/),
    });
    const waiting = await command('backfill --from 30d --wait', {
      wake,
      backfill: async () => {
        await serve('posted');
        return RUN;
      },
    });
    expect(waiting).toMatchObject({ code: 0, warned: expect.stringContaining('could not be told') });
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

/** Waits until the run that the command follows is there; the command looks every few tenths of a second. */
async function seenPosting(): Promise<string> {
  const reads = createReadModel(database().db, READ_OPTIONS);
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const progress = await reads.progress(RUN);
    if (progress?.status === 'posting' && progress.pending === 1) return progress.status;
  }
  throw new Error('the run was not seen posting within 10 s');
}
