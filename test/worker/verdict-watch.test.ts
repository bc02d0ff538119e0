/** What a worker's log says of the verdict: each change once, and nothing while it stays. */
import { expect, it } from 'vitest';
import type { VerdictFacts } from '../../src/core/verdict/facts.js';
import { createVerdictWatch } from '../../src/worker/verdict-watch.js';
import { STATUS } from '../support/status-record.js';

it('is told at the first look, and when the state or what is needed changes', async () => {
  let facts: VerdictFacts = STATUS;
  const told: unknown[] = [];
  const look = createVerdictWatch({
    readFacts: async () => facts,
    onChange: ({ state, needs }, before) => told.push([before, state, needs.map(({ code }) => code)]),
  });
  const parked = (waiting: number) => ({ ...STATUS, parked: [{ reason: 'conflict', waiting, dismissed: 0 }] as const });
  const pending = { ...parked(3), outstanding: { pending: 2, parked: 0, dismissed: 0 } };
  for (const next of [STATUS, STATUS, parked(2), parked(3), pending, STATUS]) {
    facts = next;
    await look();
  }
  expect(told).toEqual([
    [null, 'complete', []],
    ['complete', 'complete', ['parked']],
    ['complete', 'incomplete', ['parked']],
    ['incomplete', 'complete', []],
  ]);
});
