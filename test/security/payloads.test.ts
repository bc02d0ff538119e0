/** Jobs that anybody may add: a payload that is wrong is refused in few words, however large it is. */
import { describe, expect, it } from 'vitest';
import { SyncError } from '../../src/core/base/errors.js';
import { readLanePayload, readPartPayload, readSyncPayload } from '../../src/queue/payload.js';

const LARGE = 'x'.repeat(100_000);

describe('a payload', () => {
  it.each([
    ['of a sync with something that nobody asked for', readSyncPayload, { trigger: 'manual', [LARGE]: 1 }],
    ['of a sync with another trigger', readSyncPayload, { trigger: LARGE }],
    ['of a sync that is a text', readSyncPayload, LARGE],
    ['of a lane with an endless balance', readLanePayload, { source: LARGE, currency: 'USD' }],
    ['of a lane with an endless currency', readLanePayload, { source: '@stripe', currency: LARGE }],
    ['of a lane without a balance', readLanePayload, { source: '', currency: 'USD' }],
    ['of a part without times', readPartPayload, { backfillId: LARGE, from: LARGE, to: LARGE }],
    ['that goes for the prototype', readSyncPayload, JSON.parse('{"__proto__":{"trigger":"manual"},"constructor":1}')],
  ] as ReadonlyArray<readonly [string, (payload: unknown) => unknown, unknown]>)(
    '%s is refused',
    (_, read, payload) => {
      const thrown = refusalOf(() => read(payload));
      expect(thrown).toMatchObject({ kind: 'unpostable', code: 'bad_payload' });
      expect(thrown.message.length).toBeLessThan(600);
    },
  );

  it('that is right is taken, and none at all is a sync by hand', () => {
    expect(readLanePayload({ source: `@${'c'.repeat(200)}`, currency: 'USD' })).toMatchObject({ currency: 'USD' });
    expect(readSyncPayload(undefined)).toEqual({ trigger: 'manual' });
  });
});

function refusalOf(act: () => unknown): SyncError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof SyncError) return thrown;
    throw thrown;
  }
  throw new Error('it was taken');
}
