/** What a worker says of a queue that was away and answers again. */
import { describe, expect, it } from 'vitest';
import type { QueueFault } from '../../src/core/queue/queue-fault.js';
import { createQueueWatch } from '../../src/worker/queue-watch.js';

const SYNC = { queue: 'stripe-blnk-sync', id: 'sync', isScheduled: true };
const MINUTE_MS = 60_000;

describe('the watch over a queue', () => {
  it('does not call a tick lost that was late because the queue was away', async () => {
    const queue = watched();
    queue.isAway = true;
    await queue.watch.look();
    queue.isAway = false;
    queue.watch.missed(SYNC);
    await queue.watch.look();
    expect(queue.restarts).toBe(1);
    expect(queue.told).toEqual([[expect.stringContaining('does not answer')], []]);
  });

  it('calls it lost when the queue answered all the time, or long after it was away', async () => {
    const queue = watched();
    queue.isAway = true;
    await queue.watch.look();
    queue.isAway = false;
    await queue.watch.look();
    queue.nowMs += MINUTE_MS;
    queue.watch.missed(SYNC);
    await queue.watch.look();
    expect(queue.told.at(-1)).toEqual([expect.stringContaining('the schedule')]);
  });

  it('does not speak of ticks that came late now and then, and does of those that never come', async () => {
    const queue = watched();
    queue.isScheduleKept = true;
    const miss = async (): Promise<void> => {
      queue.watch.missed(SYNC);
      await queue.watch.look();
    };
    await miss();
    queue.watch.delivered(SYNC.queue);
    await miss();
    expect(queue.told).toEqual([]);
    await miss();
    expect(queue.told).toEqual([[expect.stringContaining('did not deliver what was due')]]);
  });
});

function watched() {
  const state = { isAway: false, isScheduleKept: false, nowMs: 0, restarts: 0, told: [] as Array<readonly string[]> };
  const watch = createQueueWatch({
    clock: { monotonicMs: () => state.nowMs, sleep: async () => {}, every: () => () => {} },
    async examine(): Promise<QueueFault[]> {
      if (state.isAway) throw new Error('nothing there');
      return [];
    },
    release: async () => false,
    async restartSchedule() {
      state.restarts += 1;
      return !state.isScheduleKept;
    },
    note: async () => {},
    onChange: (lines) => void state.told.push(lines),
  });
  return Object.assign(state, { watch });
}
