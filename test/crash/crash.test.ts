/**
 * Processes that are killed, stopped and put to sleep, and servers that go away, at every point of the work and on every
 * home: whatever happened, a fresh worker ends with the ledger equal to Stripe. One fixed round here; as many as wanted,
 * from any seed, with `npm run test:crash` (docs/engineering/reliability.md).
 */
import { afterAll, afterEach, beforeAll, describe, inject, it } from 'vitest';
import { type CrashHomes, openCrashHomes } from '../support/crash/homes.js';
import { note, skippedRound } from '../support/crash/journal.js';
import { describeRound, HOME_NAMES, injectionsOf, type Means, planRound } from '../support/crash/plan.js';
import { playRound } from '../support/crash/round.js';
import '../support/crash/request.js';
import { endChildren } from '../support/process/child.js';

/** A ceiling for machines that are busy with much else; a round takes a fraction of it. */
const ROUND_TIMEOUT_MS = 10 * 60_000;
const REAL_ROUND_TIMEOUT_MS = 30 * 60_000;
const SERVERS_TIMEOUT_MS = 5 * 60_000;

/** A short one: kills, a pause and a stop. A hundred, on every home, are played by `npm run test:full`. */
const SHORT_SEEDS = [12];

const request = inject('crash') ?? null;
const core = request?.core ?? null;
const tell = (line: string) => request !== null && process.stdout.write(`[${request.part}] ${line}\n`);

describe('a round of injected faults ends with the ledger equal to Stripe', () => {
  let homes: CrashHomes;
  let means: Means;

  beforeAll(async () => {
    homes = await openCrashHomes(inject('redisUrl'));
    means = { ...homes.means, realLedger: core === null ? null : { canLoseRows: core.databaseUrl !== null } };
    if (request === null) return;
    const present = HOME_NAMES.filter((home) => homes.homeFor({ seed: 0, home }) !== null);
    const injections = Object.fromEntries(present.map((home) => [home, injectionsOf(home, means)]));
    note(request.journal, { lacks: homes.lacks, injections });
  }, SERVERS_TIMEOUT_MS);

  afterEach(endChildren);
  afterAll(() => homes?.close(), SERVERS_TIMEOUT_MS);

  it.for(request?.seeds ?? SHORT_SEEDS)(
    'seed %i',
    { timeout: core === null ? ROUND_TIMEOUT_MS : REAL_ROUND_TIMEOUT_MS, retry: 0 },
    async (seed, context) => {
      const plan = planRound(seed, means);
      const home = homes.homeFor(plan);
      if (home === null) {
        if (request !== null) note(request.journal, skippedRound(plan));
        return context.skip(`this machine has no home ${plan.home}`);
      }
      const what = describeRound(plan);
      tell(`${what} begins`);
      const { entry, error } = await playRound(plan, { home, servers: homes.servers, core });
      if (request !== null) note(request.journal, entry);
      const hit = entry.injections.filter(({ isHit }) => isHit).length;
      const seconds = Math.round(entry.durationMs / 1_000);
      const locked = entry.lockedMs > 0 ? `, locks seen for ${Math.round(entry.lockedMs / 1_000)} s` : '';
      tell(
        `seed ${seed} on ${plan.home} ${entry.result} in ${seconds} s, ${hit} of ${entry.injections.length} injected faults hit${locked}`,
      );
      if (error !== null)
        throw new Error(`${what}\nAgain: npm run test:crash -- --rounds 1 --seed ${seed}\n${String(error)}`, {
          cause: error,
        });
    },
  );
});
