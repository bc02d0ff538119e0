/** The adapter of posts and look-ups before a scripted server: one server for the suite, closed adapters after each test. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type BlnkLedger, createLedger, type LedgerOptions } from '../../src/blnk/ledger.js';
import { type ScriptedServer, startScriptedServer } from './scripted-server.js';

export interface ScriptedLedger {
  server(): ScriptedServer;
  /** Through the proxy of the Cloud unless told otherwise. */
  connect(options?: Partial<LedgerOptions>): BlnkLedger;
}

export function scriptedLedger(): ScriptedLedger {
  const open: BlnkLedger[] = [];
  let started: ScriptedServer | undefined;
  const server = (): ScriptedServer => {
    if (started === undefined) throw new Error('the server is there within tests');
    return started;
  };
  beforeAll(async () => {
    started = await startScriptedServer();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((ledger) => ledger.close()));
  });
  afterAll(() => started?.close());
  return {
    server,
    connect(options = {}) {
      const ledger = createLedger({
        style: 'cloud',
        baseUrl: server().url,
        instanceId: 'inst_test',
        readKey: async () => 'blnk_test_key',
        lookUpFirstWaitMs: 1,
        ...options,
      });
      open.push(ledger);
      return ledger;
    },
  };
}

/** A prepared body, and Core's row of it. */
export const BODY = '{"reference":"pi_1", "precise_amount":1250,"description":"as given, with this  spacing"}';
export const ROW = {
  precise_amount: 1250,
  transaction_id: 'txn_1',
  source: 'bln_s',
  destination: 'bln_d',
  reference: 'pi_1',
  currency: 'USD',
  status: 'APPLIED',
  effective_date: '2026-10-01T02:03:04Z',
  meta_data: { stripe_mirror: 'm1' },
};
