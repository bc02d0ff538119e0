/** Operations that ask workers for something, without a command line: what they answer, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { SyncError } from '../../src/core/base/errors.js';
import { Refusal } from '../../src/core/base/refusal.js';
import { createRequestOperations } from '../../src/operations/request-operations.js';
import type { RequestPorts } from '../../src/operations/request-ports.js';

const NOW = new Date('2026-11-28T12:00:00.500Z');
const KNOWN = { from: new Date('2026-11-20T10:00:00Z'), to: new Date('2026-11-28T11:50:00Z') };
const LANE = { source: '@stripe', currency: 'USD' };
const QUEUE = { id: 'ours', place: 'redis://here/0' };
const LAST_HOUR = { from: { kind: 'ago', durationMs: 3_600_000 }, to: { kind: 'ago', durationMs: 0 } } as const;

type Asked = Array<readonly unknown[]>;

function operations(asked: Asked, changes: Partial<RequestPorts['requests']> = {}) {
  const note = (name: string) => async (argument?: unknown) => void asked.push([name, argument]);
  return createRequestOperations({
    reads: {
      databaseNow: async () => NOW,
      livingWorkers: async () => [],
      known: async () => KNOWN,
      earlierDays: async () => [],
    },
    proofRequests: { keep: async (days) => days },
    parked: {
      retry: async () => ({ retried: 1, lanes: [LANE], stillParked: [], notParked: ['pi_2'] }),
      dismiss: async ({ reference }) => (reference === 'pi_1' ? 'dismissed' : 'unknown'),
    },
    acceptances: {
      accept: async () => ({ kind: 'refused', code: 'nothing_to_accept', problem: 'it is equal' }),
      takeBack: async () => ({ kind: 'taken_back', acceptances: [] }),
    },
    requests: {
      sync: note('sync'),
      backfill: async (window) => {
        asked.push(['backfill', window]);
        return { runId: 'run', parts: [{ backfillId: 'run', window }] };
      },
      requestParts: note('parts'),
      wakeLanes: note('wake'),
      queue: async () => QUEUE,
      proofs: note('proofs'),
      ...changes,
    },
  });
}

describe('an operation', () => {
  it('refuses a window that cannot be read, and nothing was asked for', async () => {
    const asked: Asked = [];
    const window = { from: { kind: 'time', time: NOW }, to: { kind: 'ago', durationMs: 1_000 } } as const;
    const refusal = await operations(asked)
      .requestBackfill(window)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({
      reason: { code: 'window_unreadable' },
      message: expect.stringContaining('--from'),
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ['2026-11-19', '2026-11-20', 'before the start'],
    ['2026-11-27', '2026-11-28', 'today'],
    ['2026-11-22', '2026-11-21', 'the last one first'],
    ['2025-01-01', '2027-01-01', 'more than are known'],
  ])('refuses to have %s to %s proven: %s', async (from, to) => {
    const asked: Asked = [];
    const refusal = await operations(asked)
      .requestProofs({ from, to })
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      reason: { code: 'days_not_provable' },
      message: expect.stringContaining('2026-11-20 to 2026-11-27'),
    });
    expect(asked).toEqual([]);
  });

  it('has days proven that are over and known, and tells the queue', async () => {
    const asked: Asked = [];
    const { days } = await operations(asked).requestProofs({ from: '2026-11-20', to: '2026-11-22' });
    expect([days, asked]).toEqual([['2026-11-20', '2026-11-21', '2026-11-22'], [['proofs', undefined]]]);
  });

  it('answers the window that it asked for, in whole seconds of the database', async () => {
    const asked: Asked = [];
    const window = { from: new Date('2026-11-28T11:00:00Z'), to: new Date('2026-11-28T12:00:00Z') };
    const answer = await operations(asked).requestBackfill(LAST_HOUR);
    expect(answer).toEqual({ requestedAt: NOW, window, runId: 'run', queueFault: null });
    expect(asked).toEqual([
      ['backfill', window],
      ['parts', [{ backfillId: 'run', window }]],
    ]);
  });

  it('fails, and is not refused, where the work itself fails', async () => {
    const away = new SyncError('no answer', { kind: 'transient', code: 'queue_unreachable' });
    const failing = operations([], { sync: () => Promise.reject(away), backfill: () => Promise.reject(away) });
    await expect(failing.requestBackfill(LAST_HOUR)).rejects.toBe(away);
    // Of a sync nothing is left when the queue does not take it.
    await expect(failing.requestSync()).rejects.toMatchObject({ name: 'Refusal', reason: away });
  });

  it('reports each decision as it is made, and each payment once', async () => {
    const decided: Asked = [];
    await operations([]).dismissParked(
      { references: ['pi_1', 'pi_2', 'pi_1'], by: 'ada', why: 'a test' },
      { onDecided: (reference, outcome) => void decided.push([reference, outcome]) },
    );
    expect(decided).toEqual([
      ['pi_1', 'dismissed'],
      ['pi_2', 'unknown'],
    ]);
  });

  it('answers what was decided although the queue could not be told', async () => {
    const away = new Error('no answer');
    const signature = { payment: 'pi_1', by: 'ada', why: 'a test' };
    const asked: Asked = [];
    const deaf = operations(asked, { proofs: () => Promise.reject(away) });
    expect(await deaf.acceptDifference({ ...signature, takeBack: true })).toEqual({
      ...{ outcome: { kind: 'taken_back', acceptances: [] }, queueFault: away },
    });
    const refused = await operations(asked).acceptDifference({ ...signature, takeBack: false });
    expect(refused).toMatchObject({ outcome: { code: 'nothing_to_accept' }, queueFault: null });
    expect(asked).toEqual([]);
  });

  it('answers what is stored although the queue could not be told: what is pending again, what is to be read', async () => {
    const away = new Error('no answer');
    const unreachable = () => Promise.reject(away);
    const deaf = operations([], { wakeLanes: unreachable, requestParts: unreachable });
    const outcome = { retried: 1, lanes: [LANE], stillParked: [], notParked: ['pi_2'] };
    expect(await deaf.retryParked({ references: ['pi_1', 'pi_2'] })).toEqual({ outcome, queueFault: away });
    expect(await deaf.requestBackfill(LAST_HOUR)).toMatchObject({ runId: 'run', queueFault: away });
  });
});
