/** Who asked for what stays known: whatever is done in somebody's name is noted once, with what came of it, and for good. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openCommandLine, RUN } from '../support/stages/command-line.js';

const { command, database, startWorker, serve } = openCommandLine();

async function noted(): Promise<readonly Record<string, unknown>[]> {
  const { printed } = await command('actions --json');
  const { actions } = JSON.parse(printed) as { actions: Record<string, unknown>[] };
  return actions.map(({ kind, subject, why, result, origin }) => ({ kind, subject, why, result, origin }));
}

describe('what is asked for by a command', () => {
  beforeEach(() => serve('parked'));

  it('is noted with who, why and what came of it, the newest first', async () => {
    await startWorker();
    await command('parked dismiss pi_1 pi_1x --why refunded --by ann');
    await command('parked retry pi_1 pi_none');
    await command('backfill --from 2026-11-19 --to 2026-11-20');
    await command('sync');
    const cli = { origin: 'cli' };
    const [sync, backfill, ...others] = await noted();
    expect(sync).toEqual({ ...cli, kind: 'sync', subject: null, why: null, result: 'requested' });
    expect(backfill).toMatchObject({ ...cli, kind: 'backfill', subject: RUN, why: null });
    expect(others.filter(({ kind }) => kind === 'retry').map(({ subject }) => subject)).toEqual(['pi_none', 'pi_1']);
    expect(others.filter(({ kind }) => kind === 'dismiss').map(({ subject, why }) => [subject, why])).toEqual([
      ['pi_1x', 'refunded'],
      ['pi_1', 'refunded'],
    ]);
    expect((await command('actions')).printed).toMatch(/dismiss +pi_1 /);
  });

  it('stands with the payment that it was about', async () => {
    await command('parked dismiss pi_1 --why refunded');
    expect((await command('parked show pi_1')).printed).toMatch(/dismiss by .* \(cli\) "refunded": /);
    const about = JSON.parse((await command('actions --about pi_1 --json')).printed) as { actions: unknown[] };
    expect(about.actions).toHaveLength(1);
    expect((await command('actions --about pi_2')).printed).toBe('Nothing was asked for or decided.');
  });

  it('is listed page after page', async () => {
    for (let times = 0; times < 5; times += 1) await command(`parked retry pi_${times}x`);
    const first = JSON.parse((await command('actions --limit 3 --json')).printed) as {
      actions: unknown[];
      next: string;
    };
    const rest = JSON.parse((await command(`actions --limit 3 --after ${first.next} --json`)).printed) as typeof first;
    expect([first.actions.length, rest.actions.length >= 2]).toEqual([3, true]);
  });
});

it('is never changed or deleted, by whomever', async () => {
  const { sql } = database();
  await sql`insert into stripe_blnk_sync.actions (actor, origin, kind, result) values ('ann', 'cli', 'sync', 'requested')`;
  for (const change of [
    sql`update stripe_blnk_sync.actions set actor = 'bob'`,
    sql`delete from stripe_blnk_sync.actions`,
    sql`truncate stripe_blnk_sync.actions`,
  ]) {
    await expect(change).rejects.toThrow(/actions are only ever added/);
  }
});
