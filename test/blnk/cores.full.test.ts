/**
 * A real Blnk Core, named by BLNK_CONTRACT_CORE_URL, _KEY and _VERSION, with its workers running: all that the mirror asks, the recorded
 * cases of the routes that it uses, one whole job by real processes, and one whose workers are killed. The Core's ledger may hold other things.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { coreVersions } from '../../sandbox/blnk/core-version.js';
import { exponentOf, precisionOf } from '../../src/core/base/currencies.js';
import { runContractCase } from '../blnk-contract/run-case.js';
import { DIFFERENT, readUsedCases } from '../blnk-contract/versions.js';
import { comparedCore } from '../support/compared-core.js';
import { openRealCore, type RealCore } from '../support/crash/real-core.js';
import { homes } from '../support/homes.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { type Ends, expectMirrored } from '../support/process/truth.js';
import { until } from '../support/process/wait.js';
import { askAll, outcomesOf } from '../support/used-of-blnk.js';

const TIMEOUT_MS = 300_000;
const DAY_MS = 86_400_000;
/** More than one bulk. */
const PAYMENTS = 130;
const INTENTS = 5_000;
const KILLS = 5;
const POSTED_UNTIL_KILLED = 500;
/**
 * A request that dies with its worker leaves a lock on the source in Core: for five minutes since 0.15.1, for thirty before, so an older
 * Core is started with BLNK_TRANSACTION_LOCK_DURATION=60ns, which it reads as 60 seconds.
 */
const POSTED_WITHIN_MS = 420_000;

const NOON = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS + DAY_MS / 2);
const DAY = NOON.toISOString().slice(0, 10);

describe.skipIf(comparedCore?.version === undefined)('a real Core', () => {
  const core = { baseUrl: '', key: '', ...comparedCore };
  const version = coreVersions.find((one) => one === core.version) ?? '0.15.2';
  const home = homes().at(-1);
  const shown: string[] = [];
  let session: Session;
  let ledger: RealCore;

  beforeAll(async () => {
    if (home === undefined) throw new Error('there is no home');
    ledger = await openRealCore({ url: core.baseUrl, key: core.key, databaseUrl: null }, `@job_${Date.now()}`);
    // Ids of payments are drawn by the seed; the Core keeps those of earlier runs.
    session = await startSession(home, { seed: Date.now() % 2 ** 31 });
    for (let number = 0; number < PAYMENTS; number += 1) {
      const created = new Date(NOON.getTime() + number * 1_000);
      session.stripe.createIntent({ kind: 'card_usd', created, moves: [{ move: 'succeed', at: created }] });
    }
  }, TIMEOUT_MS);

  afterAll(async () => {
    process.stdout.write(`| ${[version, ...shown].join(' | ')} |\n`);
    await session?.close();
    await ledger?.close();
  }, TIMEOUT_MS);

  it(
    'answers all that the mirror asks',
    async () => {
      const outcomes = await askAll({
        style: 'core',
        baseUrl: core.baseUrl,
        instanceId: null,
        readKey: async () => core.key,
      });
      expect(outcomes).toEqual(outcomesOf(version));
      shown.push(`${Object.keys(outcomes).length} questions as expected`);
    },
    TIMEOUT_MS,
  );

  it(
    'answers the recorded cases as is known of its version',
    async () => {
      const cases = readUsedCases();
      const different: string[] = [];
      for (const contractCase of cases) {
        const target = { baseUrl: core.baseUrl, mode: 'direct' as const, key: core.key };
        await runContractCase(contractCase, target).catch(() => different.push(contractCase.id));
      }
      expect(different.sort()).toEqual([...(DIFFERENT[version] ?? [])].sort());
      shown.push(`${cases.length - different.length} of ${cases.length} cases equal`);
    },
    TIMEOUT_MS,
  );

  it(
    'takes a whole job: a worker, a backfill, and a proof that seals its day',
    async () => {
      const variables = { ...ledger.variables, SYNC_START: '2d' };
      const worker = session.worker(variables, ['--adopt']);
      await worker.untilLogged(/^mirroring every/);
      const backfill = await session.runProcess(['backfill', '--from', DAY, '--wait'], variables);
      expect([backfill.code, backfill.errors]).toEqual([0, expect.stringContaining(`${PAYMENTS} of ${PAYMENTS}`)]);
      await session.untilSettled();
      const read = await ledger.read();
      const ends = { stripe: session.stripe, look: session.look, blnk: withPrecision(read) };
      await expectMirrored(ends, { payments: PAYMENTS });
      const proof = await session.runProcess(['prove', '--from', DAY, '--to', DAY, '--json'], variables);
      expect([proof.code, proof.output]).toEqual([0, expect.stringContaining('"sealed"')]);
      shown.push(`${PAYMENTS} payments posted, day sealed`);
    },
    TIMEOUT_MS,
  );

  it(
    'takes a job of all kinds of payments from workers that are killed in the middle of it',
    async () => {
      const address = { url: core.baseUrl, key: core.key, databaseUrl: null };
      const own = await openRealCore(address, `@kills_${Date.now()}`);
      onTestFinished(() => own.close());
      const many = await startSession(home as NonNullable<typeof home>, {
        ...{ seed: Date.now() % 2 ** 31, population: population(INTENTS) },
      });
      onTestFinished(() => many.close());
      const posted = async () =>
        (await (await many.look())`select from stripe_blnk_sync.postings where state = 'posted'`).count;
      let worker = many.worker(own.variables, ['--adopt']);
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await until('more is posted', async () => (await posted()) >= kill * POSTED_UNTIL_KILLED, {
          ...{ explain: worker.errors, timeoutMs: POSTED_WITHIN_MS },
        });
        worker.kill('SIGKILL');
        await worker.ended;
        // With production's leases: shorter ones end while a Core that is slow is still looked into.
        worker = many.worker(own.variables);
      }
      await many.untilSettled(POSTED_WITHIN_MS);
      await expectMirrored(
        { stripe: many.stripe, look: many.look, blnk: withPrecision(await own.read()) },
        { payments: INTENTS / 2 },
      );
      shown.push(`${await posted()} payments posted through ${KILLS} kills`);
    },
    (KILLS + 2) * POSTED_WITHIN_MS,
  );
});

/** Lists of a Core before 0.15.0 hide the precision: there it is taken to be the currency's. */
function withPrecision(ledger: Ends['blnk']): Ends['blnk'] {
  const precisionIn = (currency: string) => precisionOf(exponentOf(currency) ?? 0);
  return {
    ...ledger,
    transactions: () =>
      [...ledger.transactions()].map((row) => ({ ...row, precision: row.precision || precisionIn(row.currency) })),
  };
}
