/** Work that is waited for until a time is over: whichever comes first, and nothing that goes on waiting afterwards. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withinTime } from '../../src/core/base/within-time.js';

/** A sleep that notes how it ended. */
function sleepOf(ms: number) {
  const noted = { ended: 'not yet' };
  const sleep = (over: AbortSignal) =>
    sleepFor(ms, undefined, { signal: over }).then(
      () => (noted.ended = 'over'),
      (error: unknown) => {
        noted.ended = 'cut short';
        throw error;
      },
    );
  return { noted, sleep };
}

describe('work within a time', () => {
  it('gives its answer, and the sleep ends with it', async () => {
    const { noted, sleep } = sleepOf(60_000);
    expect(await withinTime(Promise.resolve('done'), { sleep, whenLate: () => 'late' })).toBe('done');
    await expect.poll(() => noted.ended).toBe('cut short');
  });

  it('fails as it fails, and the sleep ends with it', async () => {
    const { noted, sleep } = sleepOf(60_000);
    const failing = Promise.reject(new Error('broken'));
    await expect(withinTime(failing, { sleep, whenLate: () => 'late' })).rejects.toThrow('broken');
    await expect.poll(() => noted.ended).toBe('cut short');
  });

  it('is answered for when the time is over, by an answer or by an error', async () => {
    const never = new Promise<string>(() => {});
    expect(await withinTime(never, { sleep: sleepOf(1).sleep, whenLate: () => 'late' })).toBe('late');
    const whenLate = () => {
      throw new Error('too late');
    };
    await expect(withinTime(never, { sleep: sleepOf(1).sleep, whenLate })).rejects.toThrow('too late');
  });
});
