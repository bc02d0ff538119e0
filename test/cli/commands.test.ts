/** What commands refuse, how they fail, and what they read and decide, from words to output and exit code. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/cli/ports.js';
import { SyncError } from '../../src/core/base/errors.js';
import { insertPosting, insertRun } from '../support/reads-database.js';
import { openCommandLine, RUN } from '../support/stages/command-line.js';
import { STATUS } from '../support/status-record.js';

const { database, command, startWorker, serve } = openCommandLine();
const NOTHING = { pending: 0, parked: 0, dismissed: 0 };

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
    ['parked dismiss pi_1 --why x --by rebuild', /reserved for repair plans and rebuilds/],
  ])('%j exits 2 and says why, without connecting', async (words, message) => {
    const open = async (): Promise<CommandContext> => {
      throw new Error('must not connect');
    };
    const outcome = await command(words, { open });
    expect(outcome.code).toBe(2);
    expect(outcome.warned).toMatch(message);
    expect(outcome.warned).not.toContain('must not connect');
  });

  it('prints help with exit 0', async () => {
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

  it('exit 2 of status when PostgreSQL went away in the middle', async () => {
    const reads = async (): Promise<never> => {
      throw new SyncError('The connection was lost', { kind: 'transient', code: 'database_unreachable' });
    };
    expect(await command('status', { status: reads })).toMatchObject({
      ...{ code: 2, warned: 'database_unreachable: The connection was lost', printed: '', closed: 1 },
    });
  });

  it('exit 1 when the work failed, 2 when nothing was asked for, and close what was opened', async () => {
    const gone = async () => {
      throw new Error('the queue is gone');
    };
    const failed = { warned: 'the queue is gone', closed: 1 };
    expect(await command('backfill --from 2d', { backfill: gone })).toMatchObject({ ...failed, code: 1 });
    expect(await command('sync', { sync: gone })).toMatchObject({ ...failed, code: 2 });
  });

  it('while closing are a line, and the exit code stays that of the work', async () => {
    const close = async () => {
      throw new SyncError('The queue does not answer', { kind: 'transient', code: 'queue_unreachable' });
    };
    const line = 'The connections did not close cleanly: queue_unreachable: The queue does not answer';
    await startWorker();
    expect(await command('sync', { close })).toMatchObject({ code: undefined, warned: line });
    const backfill = async () => {
      throw new Error('the queue is gone');
    };
    expect(await command('backfill --from 2d', { close, backfill })).toMatchObject({
      code: 1,
      warned: `the queue is gone\n${line}`,
    });
  });
});

describe('reading', () => {
  beforeEach(async () => {
    await serve('parked');
    await insertPosting(database().db, { reference: 'pi_2', firstRun: RUN, state: 'posted', transactionId: 'txn_2' });
  });

  it('runs', async () => {
    expect((await command('runs')).printed).toMatch(/^run .*\n0193a001-0000 .* attention .*\nRuns that found nothing/);
    const { runs } = JSON.parse((await command('runs --json --status attention')).printed);
    expect(runs).toMatchObject([
      {
        id: RUN,
        status: 'attention',
        parked: 1,
        totals: [{ amount_minor: '2000', amount: '20.00', currency: 'USD', currency_decimals: 2 }],
      },
    ]);
    expect((await command('runs --feed charges')).printed).toContain('No run matches.');
  });

  it('runs prints when there are more', async () => {
    expect((await command('runs --limit 1')).printed).not.toContain('shown');
    await insertRun(database().db, { id: '0193a001-0000-7000-8000-000000000002', found: 1, stored: 1 });
    const { printed } = await command('runs --limit 1 --status attention');
    expect(printed).not.toContain('shown');
    expect((await command('runs --limit 1')).printed).toMatch(
      /^1 shown; more with: stripe-blnk-sync runs --limit 1 --after [-0-9a-f]{36}$/m,
    );
    expect(JSON.parse((await command('runs --limit 1 --json')).printed).runs).toHaveLength(1);
  });

  it('run', async () => {
    const { printed } = await command('run 0193a001 --limit 1');
    expect(printed).toContain('status           attention: 1 parked');
    expect(printed).toMatch(
      /Payments\nreference .*\npi_1 .*amount is 1\n1 of 2 shown; more with: stripe-blnk-sync run 0193a001 --limit 1 --after pi_1$/,
    );
    await insertPosting(database().db, { reference: 'pi_3', firstRun: RUN, state: 'posted', transactionId: 'txn_3' });
    const cut = (await command('run 0193a001 --state posted --limit 1')).printed;
    expect(cut).toMatch(/\n1 shown; more with: stripe-blnk-sync run 0193a001 --state posted --limit 1 --after pi_2$/);
    const page = JSON.parse((await command('run 0193a001 --json --state posted')).printed);
    expect(page).toMatchObject({
      run: { id: RUN },
      parts: [],
      payments: [{ reference: 'pi_2' }, { reference: 'pi_3' }],
      next: null,
    });
    expect(await command('run ffff0000')).toMatchObject({ code: 1, printed: '' });
  });

  it('status exits 1 when something needs a person', async () => {
    const outcome = await command('status');
    expect(outcome.code).toBe(1);
    expect(outcome.printed).toMatch(/^Nothing is mirrored yet.*\n! No worker is running/);
    const status = JSON.parse((await command('status --json')).printed);
    expect(status.needs).toHaveLength(2);
    expect(status).toMatchObject({ complete: null, holes: [], parked: [{ reason: 'conflict', waiting: 1 }] });
    expect(status).toMatchObject({ state: 'not_started', answer: expect.stringMatching(/^Nothing is mirrored yet: /) });
    expect(status.needs[0]).toEqual({
      ...{ code: 'no_worker', severity: 'error', text: 'No worker is running.' },
      command: 'stripe-blnk-sync worker',
    });
  });

  it('status --short prints one line, with the same exit code', async () => {
    expect(await command('status --short')).toMatchObject({
      ...{ printed: 'not_started, needs a person: no_worker parked', code: 1, warned: '' },
    });
    const well = await command('status --short', {
      status: async () => ({ ...STATUS, parked: [], outstanding: NOTHING }),
    });
    expect(well).toMatchObject({ printed: expect.stringMatching(/^complete, \S.* behind$/), code: 0 });
    expect(await command('status --short --json')).toMatchObject({ code: 2, printed: '' });
  });

  it('parked list and show', async () => {
    const { printed } = await command('parked list');
    // By what it sorts.
    expect(printed).toMatch(/ stored \(UTC\) /);
    expect(printed).not.toMatch(/created \(UTC\)/);
    expect(printed).toMatch(/pi_1 .*conflict .*10\.00 USD/);
    expect(printed).toContain('conflict: Compare both sides with: stripe-blnk-sync parked show.');
    expect(JSON.parse((await command('parked list --json')).printed)).toMatchObject({
      payments: [{ reference: 'pi_1', amount: '10.00', amount_minor: '1000' }],
      ...{ next: null, count: 1 },
    });
    expect(printed).not.toContain('shown');
    expect((await command('parked show pi_1')).printed).toContain('As it is posted\n');
    expect(JSON.parse((await command('parked show pi_2 --json')).printed)).toMatchObject({ transaction_id: 'txn_2' });
    expect(await command('parked show pi_3')).toMatchObject({ code: 1, printed: '' });
  });

  it('payments names what shows the one that was found in full', async () => {
    const lead = 'Both of its sides: stripe-blnk-sync parked show pi_2';
    expect((await command('payments pi_2')).printed.split('\n').at(-1)).toBe(lead);
    expect((await command('payments')).printed).not.toContain('sides');
    expect((await command('payments pi_3')).printed).toBe('No payment matches pi_3.');
  });
});

it('parked list that is cut prints how many there are, and the command for the next ones', async () => {
  await insertRun(database().db, { id: RUN });
  for (const reference of ['pi_1', 'pi_2', 'pi_3', 'pi_4']) {
    const reason = reference === 'pi_4' ? 'unknown_currency' : 'conflict';
    await insertPosting(database().db, { reference, firstRun: RUN, state: 'parked', reason, reasonDetail: 'a detail' });
  }
  const first = (await command('parked list --reason conflict --limit 2')).printed;
  const [, next = ''] = /\n2 of 3 shown; more with: stripe-blnk-sync (.*)$/.exec(first) ?? [];
  expect(next).toMatch(/^parked list --reason conflict --limit 2 --after pi_\d$/);
  const second = (await command(next)).printed;
  expect(second).toMatch(/^reference .*\npi_\d /);
  expect(second).not.toContain('shown');
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
    const [row] = await database().sql`select state from stripe_blnk_sync.postings`;
    expect(row?.state).toBe('pending');
  });

  it('retry is done when the queue does not answer: it prints first what is pending again, and exits 0', async () => {
    await serve('parked');
    await startWorker();
    const wake = async () => {
      throw new SyncError('Redis does not answer', { kind: 'transient', code: 'queue_unreachable' });
    };
    const { printed, warned, code } = await command('parked retry pi_1', { wake });
    expect({ printed, warned, code }).toEqual({
      printed: '1 will be looked up, and posted where the ledger does not hold it.',
      warned:
        'Done, but the queue could not be told: queue_unreachable: Redis does not answer\n' +
        'You need not repeat it: running workers check the database once a minute and find it there.',
      code: undefined,
    });
  });

  it('retry --json prints the same under keys that stay', async () => {
    await serve('parked');
    await insertPosting(database().db, {
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

  it('dismiss --json prints what came of each', async () => {
    await serve('parked');
    await insertPosting(database().db, { reference: 'pi_2', firstRun: RUN, state: 'posted', transactionId: 'txn_2' });
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
    const [row] = await database().sql`select dismissed_by, dismissed_why from stripe_blnk_sync.postings`;
    expect(row).toEqual({ dismissed_by: 'ada', dismissed_why: 'duplicate' });
    expect((await command('parked dismiss pi_1 --why again --by grace')).printed).toBe('pi_1 was dismissed before.');
    expect(await command('parked dismiss pi_2 --why x')).toMatchObject({ code: 1 });
  });

  it('dismiss keeps who is named, where everybody has the same user name', async () => {
    await serve('parked');
    expect(await command('parked dismiss pi_1 --why duplicate --by grace')).toMatchObject({ code: undefined });
    const [row] = await database().sql`select dismissed_by from stripe_blnk_sync.postings`;
    expect(row).toEqual({ dismissed_by: 'grace' });
  });
});
