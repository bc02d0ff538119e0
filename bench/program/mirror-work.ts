/** What a worker and people ask of the tables of a mirror, one step after the other: each leaves what the next one needs. */
import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { preparePayment } from '../../src/core/posting/mapping.js';
import type { Payment } from '../../src/core/posting/payment.js';
import { createCollectStore } from '../../src/db/collect/collect-store.js';
import type { Database } from '../../src/db/connection/open.js';
import { claimNew } from '../../src/db/postings/claim.js';
import { settle } from '../../src/db/postings/settle.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import type { Size } from '../../test/support/large-mirror.js';
import { questionsOf } from '../../test/support/reading-questions.js';

const PAGE = 100;
const LANE = { source: '@stripe', currency: 'USD' };
/** Totals are added up every 15 seconds; a page takes some milliseconds. */
const PAGES_UNTIL_ADDED_UP = 200;

export interface MirrorWork {
  readonly sql: postgres.Sql;
  readonly steps: Readonly<Record<string, () => Promise<unknown>>>;
  /** A page of payments from stored to posted. */
  throughLedger(): Promise<void>;
}

export async function createMirrorWork({ db, sql }: Database, size: Size): Promise<MirrorWork> {
  const rules = {
    ...{ mappingVersion: 1, sourceShards: 1, mirrorId: randomUUID(), livemode: false },
    ...{ source: '@stripe', guestDestination: '@guest' },
  };
  const store = createCollectStore(db, { workerId: randomUUID(), version: 'bench', mirrorId: null });
  const now = new Date();
  const run = await store.openRun({
    feed: 'events',
    trigger: 'schedule',
    window: { from: now, to: now },
    parentId: null,
  });
  const questions = questionsOf(db, sql, size);
  let pages = 0;
  const makePage = () =>
    Array.from({ length: PAGE }, () => {
      const payment = aPayment();
      const preparation = preparePayment(payment, rules);
      return { payment, seenAt: payment.created, object: 'payment', preparation } as const;
    });
  let claim: Awaited<ReturnType<typeof claimNew>> | null = null;
  const steps = {
    'page of 100 stored': async () => {
      await store.storePage(run, { postings: makePage(), beforeStart: 0, requests: 1, covers: null });
      pages += 1;
      if (pages % PAGES_UNTIL_ADDED_UP === 0) await addUpTotals(db);
    },
    'chunk of 100 claimed': async () => {
      const first = pages % 2 === 0 ? 'newest' : 'waiting';
      claim = await claimNew(sql, LANE, { limit: PAGE, leaseMs: 30_000, first, epoch: 0, accountsMode: 'indicators' });
      if (claim.postings.length !== PAGE) throw new Error(`${claim.postings.length} were claimed`);
    },
    'chunk of 100 settled': async () => {
      const { token = '', postings = [] } = claim ?? {};
      const settlements = postings.map(({ reference }) => ({
        ...({ reference, transactionId: `txn_${randomUUID()}`, how: 'posted', exception: null } as const),
      }));
      const settled = await settle(sql, token, settlements);
      if (settled !== PAGE) throw new Error(`${settled} were settled`);
    },
  };
  return {
    sql,
    steps: {
      ...steps,
      status: () => questions.status?.() ?? Promise.reject(new Error('status')),
      'one payment': () => questions['one payment']?.() ?? Promise.reject(new Error('one payment')),
    },
    async throughLedger() {
      for (const step of Object.values(steps)) await step();
    },
  };
}

/** Ids as long as Stripe's. */
function aPayment(): Payment {
  const id = randomUUID().replaceAll('-', '');
  return {
    kind: 'payment',
    id: `pi_${id.slice(0, 24)}`,
    amountReceived: BigInt(Math.floor(Math.random() * 100_000) + 100),
    currency: 'usd',
    created: new Date(Math.floor(Date.now() / 1_000) * 1_000),
    livemode: false,
    customerId: `cus_${id.slice(0, 14)}`,
    chargeId: `ch_${id.slice(0, 24)}`,
    description: `Order ${id.slice(0, 8)}`,
    metadata: [['order_id', id.slice(0, 8)]],
  };
}
