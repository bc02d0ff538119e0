/**
 * A process that proves the generated day on a database, as the command does: the time of the beginning, the proof, the
 * certificate, and what was listed removed. Tells its parent, a line of JSON each, how many pages it asked for, and in the end what came out.
 *
 *   proving-process.ts <database URL> <payments> <number of the damaged payment, or -1>
 */
import { openHash } from '../../src/app/stages/proving.js';
import { systemClock } from '../../src/app/system-clock.js';
import { openDatabase } from '../../src/db/connection/open.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { createLargeStores } from '../../src/db/proof/large-stores.js';
import { createDayStores, MEMORY_ITEMS, PIECE_ITEMS } from '../../src/prove/day-stores.js';
import { proveDay } from '../../src/prove/prove-day.js';
import { proveDays } from '../../src/prove/prove-days.js';
import { GENERATED_DAY, GENERATED_MIRROR, generateDay } from './generated-day.js';

const TOLD_EVERY_MS = 100;

const [url = '', payments = '0', damaged = '-1'] = process.argv.slice(2);
const database = await openDatabase({ kind: 'url', url }, { connectionsMax: 4, applicationName: 'bench prove' });
const { db } = database;
const large = createLargeStores(db, { version: 'bench', pieceItems: PIECE_ITEMS, ...systemClock });
const stores = createDayStores({ large, memoryItems: MEMORY_ITEMS, pieceItems: PIECE_ITEMS });
const day = generateDay(Number(payments), Number(damaged) < 0 ? null : Number(damaged), () => {});
let isComparing = false;
const accepted = {
  async inForce() {
    isComparing = true;
    return [];
  },
};
const tell = (fields: object) => console.log(JSON.stringify({ ...day.pages, isComparing, ...fields }));
const telling = setInterval(() => tell({}), TOLD_EVERY_MS);
const before = process.memoryUsage.rss();
const facts = { mirror: GENERATED_MIRROR, coveredUpTo: new Date('2026-11-20T00:00:00Z'), lagMs: 0 };
const ports = { ...day.ports, accepted, stores, openHash };
const [proven] = await proveDays(
  {
    store: createCertificateStore(db, 'bench'),
    proveDay: ({ earlierCurrencies, ...request }) =>
      proveDay(ports, { ...request, facts: { ...facts, earlierCurrencies } }),
  },
  [{ day: GENERATED_DAY, trigger: 'manual' }],
  {
    proofId: crypto.randomUUID(),
    signal: new AbortController().signal,
    onFailed(_, error) {
      throw error;
    },
  },
);
clearInterval(telling);
const [certificate] = proven?.certificates ?? [];
tell({
  state: certificate?.state,
  count: certificate?.stripe.count,
  hash: certificate?.stripe.hash,
  equal: certificate?.stripe.hash === certificate?.ledger.hash,
  findings: certificate?.findings.map(({ kind, paymentId }) => `${kind} ${paymentId}`),
  memoryBefore: before,
  memoryMost: process.resourceUsage().maxRSS * 1_024,
});
await database.close();
