/** The headline of the overview and its colour claim no more than the verdict beneath them. */
import { expect, it } from 'vitest';
import type { StatusRecord } from '../../src/db/reads/status.js';
import { Overview } from '../../src/http/pages/overview.js';
import { STATUS } from '../support/status-record.js';

const NOTHING = { runs: [], days: [], certificates: [], failed: [], currency: null, mayAct: false };

function answerOf(status: Partial<StatusRecord>): readonly [tone: string | undefined, headline: string | undefined] {
  const page = String(Overview({ ...NOTHING, status: { ...STATUS, ...status } }));
  const [, tone] = /class="answer (\w+)"/.exec(page) ?? [];
  const [, headline] = /class="first">.*?<\/span>\s*(.*?)<\/p>/.exec(page) ?? [];
  return [tone, headline];
}

const OFF = STATUS.workers.map((worker) => ({
  ...worker,
  clockFault: { code: 'clocks_disagree' as const, databaseAheadMs: 90_000, machineAheadMs: 7_000 },
}));

it.each([
  ['all is well', {}, 'good', 'Everything is in the ledger'],
  [
    'a payment is dismissed',
    { outstanding: { ...STATUS.outstanding, dismissed: 1 } },
    ...['good', 'Everything is in the ledger, but for what was decided'],
  ],
  [
    'a difference was accepted',
    { proofs: { ...STATUS.proofs, accepted: 1 } },
    ...['good', 'Everything is in the ledger, but for what was decided'],
  ],
  ['clocks disagree', { workers: OFF }, 'bad', 'Everything is in the ledger; something else needs you'],
] as const)('when %s', (_, status, tone, headline) => {
  expect(answerOf(status)).toEqual([tone, headline]);
});
