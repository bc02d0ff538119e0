// Holds somebody else's code, which other tests build on, to what Core makes of each form: on the stand-in, and on a real Core
// when BLNK_CONTRACT_CORE_URL and BLNK_CONTRACT_CORE_KEY name one (the Core needs its workers).

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { comparedCore } from '../support/compared-core.js';
import { type CoreAddress, type ForeignForm, foreignForms, postAsSomebodyElse } from '../support/somebody-else.js';

/** The rows by reference, status and minor units; X is the payment's reference, # the id of a row. */
const rowsOf: Record<ForeignForm, readonly string[]> = {
  equal: ['X APPLIED 1999'],
  'other-amount': ['X APPLIED 2000'],
  'other-destination': ['X APPLIED 1999'],
  queued: ['X QUEUED 1999', 'X_q APPLIED 1999'],
  'queued-rejected': ['X QUEUED 1999', 'X_q REJECTED 1999'],
  'split-by-destinations': ['X-n APPLIED 1940', 'X-n APPLIED 59'],
  'split-by-sources': ['X-n APPLIED 1200', 'X-n APPLIED 799'],
  'split-queued': ['X_n QUEUED 1940', 'X_n QUEUED 59', 'X_n_q APPLIED 1940', 'X_n_q APPLIED 59'],
  'inflight-open': ['X INFLIGHT 1999'],
  'inflight-committed': ['#_commit_act_# APPLIED 1999', 'X INFLIGHT 1999'],
  'inflight-committed-at-once': ['X INFLIGHT 1999', 'ref_# APPLIED 1999'],
  'inflight-committed-in-part': ['X INFLIGHT 1999', 'ref_# APPLIED 999'],
  'inflight-voided': ['#_void_act_# VOID 1999', 'X INFLIGHT 1999'],
  refunded: ['#_refund APPLIED 1999', 'X APPLIED 1999'],
  'refunded-twice': ['#_refund APPLIED 1999', '#_refund APPLIED 1999', 'X APPLIED 1999'],
  'reversed-by-hand': ['X APPLIED 1999', 'X:undo APPLIED 1999'],
  'reversed-by-hand-queued': ['X APPLIED 1999', 'X:undo QUEUED 1999', 'X:undo_q APPLIED 1999'],
  scheduled: ['X SCHEDULED 1999'],
};

describe.concurrent('somebody else, on the stand-in', () => {
  let sandbox: BlnkSandbox;
  beforeAll(async () => {
    sandbox = await startBlnkSandbox();
  });
  afterAll(() => sandbox.close());

  it.each(foreignForms)('%s', async (form) => {
    expect(await rowsLeftBy(form, { baseUrl: sandbox.url, headers: { 'x-blnk-key': sandbox.coreKey } })).toEqual(
      rowsOf[form],
    );
  });
});

if (comparedCore !== undefined) {
  const { baseUrl, key } = comparedCore;
  describe.concurrent(`somebody else, on a real Core at ${baseUrl}`, () => {
    it.each(foreignForms)(
      '%s',
      async (form) => {
        expect(await rowsLeftBy(form, { baseUrl, headers: { 'x-blnk-key': key } })).toEqual(rowsOf[form]);
      },
      40_000,
    );
  });
}

async function rowsLeftBy(form: ForeignForm, core: CoreAddress): Promise<string[]> {
  const run = randomUUID();
  const reference = `pi_${run.replaceAll('-', '')}`;
  const payment = {
    ...{ reference, preciseAmount: 1999n, precision: 100, currency: 'USD' },
    ...{ source: '@stripe', destination: '@cus_1', effectiveDate: '2026-01-15T10:00:00Z' },
    metadata: { run },
  };
  await postAsSomebodyElse(form, payment, core);
  const response = await fetch(new URL('/transactions/filter', core.baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...core.headers },
    body: JSON.stringify({ filters: [{ field: 'meta_data.run', operator: 'eq', value: run }] }),
  });
  const rows = (await response.json()) as { reference: string; status: string; precise_amount: number }[];
  // Which share of a split is the first is chance.
  const shown = (name: string) =>
    name
      .replace(reference, 'X')
      .replace(/(?:txn_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '#')
      .replace(/([-_])\d/, '$1n');
  return rows.map((row) => `${shown(row.reference)} ${row.status} ${row.precise_amount}`).sort();
}
