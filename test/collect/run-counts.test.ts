/** What a run of the tail answers: its counts when it was read to its end, for the log; nothing when it was stopped. */
import { describe, expect, it } from 'vitest';
import { HOUR, stages } from '../support/stages/collect.js';

describe('the answer of a run', () => {
  const open = stages();

  it('has the counts of what was found and stored', async () => {
    const stage = await open();
    await stage.begin();
    stage.clock.advance(HOUR);
    stage.pay();
    stage.pay();
    expect(await stage.tail()).toMatchObject({ complete: true, counts: { found: 2, stored: 2 } });
    expect(await stage.tail()).toMatchObject({ complete: true, counts: { found: 2, stored: 0 } });
  });

  it('has no counts when the worker was stopping', async () => {
    const stage = await open();
    await stage.begin();
    const outcome = await stage.tail({ signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ complete: false, counts: null });
  });
});
