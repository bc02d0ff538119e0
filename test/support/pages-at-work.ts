/** Every page and every list of the API of a mirror of some size, and how long each takes while rows are written as a worker writes them. For the full test and the bench. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS, utcDay } from '../../src/core/base/window.js';
import type { Drizzle } from '../../src/db/connection/open.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import { paymentId, runId } from './large-mirror.js';
import { insertPosting, insertRun } from './reads-database.js';

/** What is named in them exists in a mirror of `fillLargeMirror` with so many postings; in an empty one they answer that it does not. */
export function pagesOf({ postings, runs }: { readonly postings: number; readonly runs: number }): readonly string[] {
  const day = utcDay(new Date(Date.now() - 5 * DAY_MS));
  const middle = Math.floor(postings / 2);
  return [
    ...['/', '/?currency=USD', '/runs', '/runs?status=failed', '/runs?trigger=manual', `/runs?empty=true&to=${day}`],
    ...[
      '/payments',
      '/payments?state=pending',
      '/payments?state=posted&currency=CHF',
      `/payments?from=${day}&to=${day}`,
    ],
    ...['/payments?q=cus_77', '/payments?q=pi_nobody', '/parked', '/parked?reason=conflict&dismissed=true'],
    ...['/days', `/days/${day}`, `/days/${day}/accept?payment=pi_nobody`, '/repairs', '/actions', '/settings'],
    ...(postings === 0
      ? []
      : [
          `/payments/${paymentId(middle)}`,
          `/payments?after=${paymentId(middle)}`,
          `/runs/${runId(Math.floor(runs / 20) * 10 + 1)}`,
        ]),
  ];
}

/** The lists of the API, and what it says of one thing of each. */
export function apiOf({ postings, runs }: { readonly postings: number; readonly runs: number }): readonly string[] {
  const day = utcDay(new Date(Date.now() - 5 * DAY_MS));
  const run = runId(Math.floor(runs / 20) * 10 + 1);
  return [
    ...['/status', '/lanes', '/settings', '/actions', '/runs', '/runs?status=failed', `/runs/${run}`],
    ...[
      `/runs/${run}/payments`,
      `/runs/${run}/progress`,
      '/payments',
      '/payments?state=pending',
      '/payments?state=parked',
    ],
    ...[`/payments?from=${day}&to=${day}`, '/payments?q=cus_77', `/payments/${paymentId(Math.floor(postings / 2))}`],
    ...['/totals/daily', '/days', `/days/${day}`, '/repairs'],
  ].map((path) => `/api/v1${path}`);
}

export interface PageTimes {
  readonly address: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytes: number;
}

/** One request after the other, as a person asks. */
export async function timePages(url: string, addresses: readonly string[], asked: number): Promise<PageTimes[]> {
  const times: PageTimes[] = [];
  for (const address of addresses) {
    const took: number[] = [];
    let bytes = 0;
    for (let turn = 0; turn < asked; turn += 1) {
      const begin = performance.now();
      const answer = await fetch(url + address, { headers: { accept: 'text/html, application/json' } });
      bytes = (await answer.arrayBuffer()).byteLength;
      if (answer.status !== 200) throw new Error(`${address} was answered with ${answer.status}`);
      took.push(performance.now() - begin);
    }
    took.sort((a, b) => a - b);
    const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
    times.push({ address, p50Ms: at(0.5), p99Ms: at(0.99), bytes });
  }
  return times;
}

const PAYMENTS_A_TURN = 10;
const TURN_MS = 200;

/** Stores payments until it is stopped, and adds up the totals meanwhile. */
export function writeBeside(db: Drizzle): { stop(): Promise<void> } {
  let isOver = false;
  const writing = (async () => {
    for (let turn = 0; !isOver; turn += 1) {
      const firstRun = await insertRun(db);
      for (let index = 0; index < PAYMENTS_A_TURN; index += 1) {
        const reference = `pi_beside_${firstRun}_${index}`;
        await insertPosting(db, {
          reference,
          firstRun,
          state: 'posted',
          transactionId: `txn_${reference}`,
          effectiveAt: new Date(),
        });
      }
      if (turn % 10 === 0) await addUpTotals(db);
      await sleep(TURN_MS);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await writing;
    },
  };
}
