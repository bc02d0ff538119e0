/**
 * Days that are large for the memory of the process that proves them: refused before the memory is full, counted by what is
 * in use; and left alone by a restart when their proof ended a process all the same.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { heapUse } from '../../src/app/heap-use.js';
import { createProofAttempts } from '../../src/db/proof/proof-attempts.js';
import { guardDay } from '../../src/prove/day-size.js';
import type { ProofAttempts } from '../../src/prove/ports.js';
import { memoryFor } from '../support/memory.js';
import { startChild } from '../support/process/child.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';

const TIMEOUT_MS = 60_000;
const DAY = '2026-11-18';
/** At 12,000 bytes a payment, half of what is free: 1,000 payments fit. */
const FREE = 12_000_000;

async function proveLarge({ payments, inUse }: { readonly payments: number; readonly inUse: number }) {
  const script = 'test/support/process/prove-large.ts';
  const variables = { NODE_OPTIONS: '--max-old-space-size=128' };
  const ended = await startChild({ script, words: [String(payments), String(inUse)], variables }).ended;
  return [ended.code, ended.output.trim()];
}

describe('a process of 128 MB, most of it in use', () => {
  it(
    'refuses a day that would end it, and lives',
    async () => {
      expect(await proveLarge({ payments: 13_500, inUse: 100 })).toEqual([0, 'day_too_large']);
    },
    TIMEOUT_MS,
  );

  it(
    'proves one that fits',
    async () => {
      expect(await proveLarge({ payments: 2_000, inUse: 100 })).toEqual([0, 'sealed_with_exceptions 2000']);
    },
    TIMEOUT_MS,
  );
});

describe('what is in use', () => {
  it('is counted without garbage where a day would be refused for it', () => {
    let garbage: unknown = Array.from({ length: 400_000 }, (_, index) => ({ index }));
    const { limitBytes, usedBytes: withGarbage } = heapUse(0);
    garbage = undefined;
    const { usedBytes } = heapUse(limitBytes);
    expect([garbage, withGarbage - usedBytes > 5_000_000]).toEqual([undefined, true]);
  });
});

describe('a proof whose process ended in the middle', () => {
  let database: ReadsDatabase;
  let killed: ProofAttempts;
  beforeAll(async () => {
    database = await createReadsDatabase();
  });
  beforeEach(async () => {
    await database.empty();
    killed = attemptsOf({});
    const guard = guardDay(DAY, { ...memoryFor(FREE), attempts: killed }, 900);
    await guard.check(900);
  });
  afterAll(() => database.drop());

  function attemptsOf({ heapLimit = FREE, isAsked = false }): ProofAttempts {
    return createProofAttempts(database.db, { processId: randomUUID(), heapLimit, isAsked });
  }
  const begin = (attempts: ProofAttempts, payments = 900, day = DAY) => {
    return guardDay(day, { ...memoryFor(FREE), attempts }, payments).check(payments);
  };
  const noted = async () =>
    (await database.sql`select payments from stripe_blnk_sync.proof_attempts`).map(({ payments }) => payments);

  it('was on disk before anything was listed, and is not begun again by a restart', async () => {
    expect(await noted()).toEqual([900]);
    await expect(begin(attemptsOf({}))).rejects.toMatchObject({
      code: 'day_too_large',
      kind: 'transient',
      message: expect.stringMatching(
        /^2026-11-18 is left alone: a proof of its 900 payments .* UTC and has not ended\. .*--max-old-space-size=100$/,
      ),
    });
    expect(await noted()).toEqual([900]);
  });

  it('is begun again with more memory, by a person, and a day later', async () => {
    await begin(attemptsOf({ heapLimit: FREE + 1 }));
    await begin(attemptsOf({ isAsked: true }));
    await expect(begin(attemptsOf({}))).rejects.toMatchObject({ code: 'day_too_large' });
    await database.sql`update stripe_blnk_sync.proof_attempts set begun_at = now() - interval '25 hours'`;
    await begin(attemptsOf({}));
    expect(await noted()).toEqual([900]);
  });

  it('holds up no other day, no small one, and not the process that lives', async () => {
    await begin(attemptsOf({}), 900, '2026-11-19');
    await begin(attemptsOf({}), 100);
    await begin(killed);
  });

  it('is forgotten once it ends, also with a fault', async () => {
    const guard = guardDay('2026-11-20', { ...memoryFor(FREE), attempts: attemptsOf({}) }, 900);
    await guard.check(900);
    await guard.check(950);
    expect((await noted()).length).toBe(2);
    await expect(guard.check(1_001)).rejects.toMatchObject({ code: 'day_too_large' });
    await guard.end();
    expect(await noted()).toEqual([900]);
  });
});
