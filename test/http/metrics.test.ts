/** Metrics as Prometheus reads them: what stands in the database, and what this process did; no names of payments or people. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { DAY_MS, utcDay } from '../../src/core/base/window.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { createLog } from '../../src/observability/log.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { readText, rowsOf, section, spansOf } from '../support/documents.js';
import { fillLargeMirror, paymentId } from '../support/large-mirror.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { ADMIN_TOKEN, type HttpStage, startHttp } from '../support/stages/http.js';

let database: OwnDatabase;
let stage: HttpStage;
beforeAll(async () => {
  database = await openMigratedDatabase();
  await fillLargeMirror(database, { postings: 4_000, runs: 400, days: 20, pending: 40 });
}, 60_000);
beforeEach(async () => {
  stage = await startHttp(database, { config: { adminToken: ADMIN_TOKEN } });
});
afterEach(() => stage.close());
afterAll(() => database.remove());

async function scrape(): Promise<Map<string, number>> {
  const answer = await fetch(`${stage.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(answer.status).toBe(200);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

it('tell how the mirror stands', async () => {
  const metrics = await scrape();
  const of = (name: string) => metrics.get(`stripe_blnk_sync_${name}`);
  expect(of('state{state="incomplete"}')).toBe(1);
  expect(of('state{state="complete"}')).toBe(0);
  expect(of('ok')).toBe(0);
  expect(of('needs{code="no_worker",severity="error"}')).toBe(1);
  expect(of('parked{reason="conflict"}')).toBe(2);
  expect(of('lag_seconds')).toBeGreaterThan(0);
  expect(of('workers')).toBe(0);
  const pending = [...metrics]
    .filter(([name]) => name.includes('lane_pending'))
    .reduce((sum, [, value]) => sum + value, 0);
  expect(pending).toBe(40);
  expect(of('complete_to_timestamp_seconds')).toBeGreaterThan(1_700_000_000);
});

it('count a broken day however old it is', async () => {
  const day = utcDay(new Date(Date.now() - 75 * DAY_MS));
  const store = createCertificateStore(database.db, 'test');
  const { provedAt } = await store.beginProof(day);
  await store.keepProof(proofOf([aCertificate({ day, state: 'broken' })], { provedAt }));
  const metrics = await scrape();
  expect(metrics.get('stripe_blnk_sync_days{state="broken"}')).toBe(1);
  expect(metrics.get('stripe_blnk_sync_needs{code="day_broken",severity="error"}')).toBe(1);
});

it('tell what the process did', async () => {
  const log = stage.flows.counted(createLog({ level: 'silent' }));
  log.info({ event: 'run_ended' }, 'x');
  log.debug({ event: 'nothing_new' }, 'x');
  stage.flows.requestEnded({ side: 'blnk', operation: 'bulk', outcome: 'limited', durationMs: 300 });
  stage.flows.storedToPosted([50, 2_000]);
  stage.flows.jobEnded('lane', 'failed');
  const metrics = await scrape();
  const of = (name: string) => metrics.get(`stripe_blnk_sync_${name}`);
  expect(of('events_total{event="run_ended"}')).toBe(1);
  expect(of('log_lines_total{level="debug"}')).toBe(1);
  expect(of('requests_total{side="blnk",operation="bulk",outcome="limited"}')).toBe(1);
  expect(of('request_duration_seconds_bucket{le="0.5",side="blnk",operation="bulk"}')).toBe(1);
  expect(of('stored_to_posted_seconds_bucket{le="1"}')).toBe(1);
  expect(of('stored_to_posted_seconds_count')).toBe(2);
  expect(of('jobs_total{job="lane",outcome="failed"}')).toBe(1);
  expect(of('process_cpu_seconds_total')).toBeGreaterThan(0);
});

it('are those that the page of monitoring explains, and no others', async () => {
  const answer = await fetch(`${stage.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const shown = [...(await answer.text()).matchAll(/^# TYPE stripe_blnk_sync_(\w+) (\w+)$/gm)]
    .map(([, name = '', type = '']) => [name, type])
    .filter(([name = '']) => !/^(process|nodejs)_/.test(name));
  const explained = rowsOf(section(readText('docs/monitoring.md'), '## Metrics')).map(([name = '', type = '']) => [
    spansOf(name)[0]?.replace(/\{.*/, ''),
    type,
  ]);
  expect(explained.sort()).toEqual(shown.sort());
});

it('name no payment, customer or transaction', async () => {
  await fetch(`${stage.url}/api/v1/payments/${paymentId(8)}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const names = [...(await scrape()).keys()].join('\n');
  expect(names).toContain('http_request_duration_seconds');
  expect(names).not.toMatch(/pi_|cus_|txn_/);
});

/** What stands in the database. */
const IS_STATE =
  /^stripe_blnk_sync_(?:state\{|ok|needs|mirror_info|complete_|lag_|holes|postings\{|parked|lane_|in_doubt|unresolved|oldest_|days|findings|proven_|workers|permission|stripe_reads|poll_|last_run|state_collection_seconds)/;

it('ask the database once in ten seconds, and show a fault as one', async () => {
  await stage.close();
  let asked = 0;
  let isAway = false;
  stage = await startHttp(database, {
    config: { adminToken: ADMIN_TOKEN },
    decorate: (ports) => ({
      ...ports,
      reads: {
        ...ports.reads,
        status: async () => {
          asked += 1;
          if (isAway) throw new Error('away');
          return ports.reads.status();
        },
      },
    }),
  });
  // Also of those that come at once nobody is answered before the state is known.
  const all = await Promise.all([scrape(), scrape(), scrape()]);
  expect(all.map((one) => one.get('stripe_blnk_sync_parked{reason="conflict"}'))).toEqual([2, 2, 2]);
  expect(asked).toBe(1);
  stage.nowMs += 10_001;
  isAway = true;
  const away = await scrape();
  expect(away.get('stripe_blnk_sync_state_collection_errors_total')).toBe(1);
  expect(stage.faults).toHaveLength(1);
  // What was known before is not told as if it were known now.
  const told = [...away.keys()].filter((name) => IS_STATE.test(name));
  expect(told).toEqual(['stripe_blnk_sync_ok']);
  expect(away.get('stripe_blnk_sync_ok')).toBe(0);
  expect(away.get('stripe_blnk_sync_build_info{version="test"}')).toBe(1);
  isAway = false;
  const known = [...(await scrape()).keys()].filter((name) => IS_STATE.test(name));
  expect(known).toEqual([...(all[0]?.keys() ?? [])].filter((name) => IS_STATE.test(name)));
});

it('tell of the balances of a ledger of its own, by metric and on the overview, and of none without one', async () => {
  expect([...(await scrape()).keys()].filter((name) => name.includes('account_balances'))).toEqual([]);
  await stage.close();
  const accounts = {
    ...{ ledgerId: 'ldg_1', ledgerName: 'Shop', surplusLedgers: [], ledgerError: null, isLedgerGone: false },
    ...{ balances: 3_000, wanted: 12, parked: [{ reason: 'refused_by_blnk' as const, count: 2 }], failing: null },
    ...{ missing: 0, surplus: { count: 4, used: 0 }, marksLost: 0, checkedAt: null, sums: [] },
  };
  stage = await startHttp(database, {
    config: { adminToken: ADMIN_TOKEN },
    decorate: (ports) => ({
      ...ports,
      reads: { ...ports.reads, status: async () => ({ ...(await ports.reads.status()), accounts }) },
    }),
  });
  const metrics = await scrape();
  const of = (state: string) => metrics.get(`stripe_blnk_sync_account_balances{state="${state}"}`);
  expect(['in_use', 'waiting', 'parked', 'surplus'].map(of)).toEqual([3_000, 10, 2, 4]);
  const page = await fetch(stage.url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(await page.text()).toContain('3,000 in ledger Shop (ldg_1), 12 to be made');
});

it('need a token, and are given under any name to whoever shows it', async () => {
  expect((await fetch(`${stage.url}/metrics`)).status).toBe(401);
});
