/** Who asked for what stays known: whatever is done in somebody's name is noted once, with what came of it, and for good. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CertificateState } from '../../src/core/proof/certificate.js';
import type { FullCertificate } from '../../src/db/reads/certificates.js';
import { proofAction } from '../../src/operations/note-actions.js';
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

describe('a proof', () => {
  const of = (...days: ReadonlyArray<readonly [day: string, ...states: CertificateState[]]>) =>
    proofAction({
      ...{ days: ['2026-11-01', '2026-11-02', '2026-11-03'], proven: days.length },
      certificates: days.flatMap(([day, ...states]) => states.map((state) => ({ day, state }) as FullCertificate)),
    });

  it('is noted with the days that were compared and how each came out, by the worst of its currencies', () => {
    expect(
      of(
        ['2026-11-01', 'sealed', 'sealed_with_exceptions'],
        ['2026-11-02', 'open', 'broken'],
        ['2026-11-03', 'sealed'],
      ),
    ).toEqual({
      ...{ kind: 'prove', subject: '2026-11-01 to 2026-11-03' },
      result: '3 of 3 days were proven: 1 sealed, 1 sealed with exceptions, 1 broken',
    });
    expect(of().result).toBe('0 of 3 days were proven');
    expect(proofAction({ days: ['2026-11-01'], proven: 1, certificates: [] })).toMatchObject({
      ...{ subject: '2026-11-01', result: '1 of 1 day was proven' },
    });
  });
});
