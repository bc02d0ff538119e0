/**
 * Processes that are killed, stopped and put to sleep, and servers that go away, at every point of the work and on every
 * home: whatever happened, a fresh worker ends with the ledger equal to Stripe. A few fixed rounds here; as many as wanted,
 * from any seed, with `npm run test:crash` (docs/reliability.md).
 */
import { afterAll, afterEach, describe, inject, it } from 'vitest';
import { describeBlow, planRound, type RoundPlan } from './support/crash-plan.js';
import { playRound } from './support/crash-round.js';
import { limitedDiskHome } from './support/crash-stage.js';
import { createTally } from './support/crash-tally.js';
import { type Home, homes } from './support/homes.js';
import { endChildren } from './support/process-child.js';
import { realCoreFor } from './support/real-core.js';

/** What `npm run test:crash` asks for. */
interface CrashRequest {
  readonly rounds: number;
  /** Of the first round; each further one has the next. */
  readonly seed: number;
  readonly core: { readonly url: string; readonly key: string } | null;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly crash?: CrashRequest;
  }
}

const ROUND_TIMEOUT_MS = 180_000;
const REAL_ROUND_TIMEOUT_MS = 30 * 60_000;

/** Short ones, one for each home: among them kill, pause and stop, servers' outages and a repair. */
const SHORT_SEEDS = [102, 103, 5];

const request = inject('crash') ?? null;
const core = request?.core ?? null;
const seeds = request === null ? SHORT_SEEDS : Array.from({ length: request.rounds }, (_, at) => request.seed + at);
const limited = await limitedDiskHome();
const tally = createTally();

/** So that a seed is played on the same home again, however many rounds there are. */
const HOME_NAMES = ['embedded', 'postgres', 'postgres+redis'] as const;

describe('a round of blows ends with the ledger equal to Stripe', () => {
  afterEach(endChildren);

  afterAll(() => {
    const noDisk = 'why' in limited ? `disk full: never tried, ${limited.why}\n` : '';
    if (request !== null) process.stdout.write(`\n${tally.table()}\n${noDisk}`);
  });

  it.for(seeds)(
    'seed %i',
    { timeout: core === null ? ROUND_TIMEOUT_MS : REAL_ROUND_TIMEOUT_MS },
    async (seed, context) => {
      const name = HOME_NAMES[seed % HOME_NAMES.length] ?? 'embedded';
      const home = homeNamed(name);
      if (home === null) return context.skip(`this machine has no home ${name}`);
      const plan = planRound(seed, { home: name, hasLimitedDisk: 'home' in limited, hasRealLedger: core !== null });
      const what = describeRound(plan, name);
      if (request !== null) process.stdout.write(`${what}\n`);
      // A source of its own, so that rounds on one Core do not meet.
      const realCore = core === null ? null : realCoreFor(core, `@crash_${seed}_${process.pid}`);
      await playRound(plan, { home, tally, realCore }).catch((error: unknown) => {
        throw new Error(`${what}\nAgain: npm run test:crash -- --rounds 1 --seed ${seed}\n${String(error)}`, {
          cause: error,
        });
      });
    },
  );
});

function describeRound({ seed, intents, workers, blows, sequel }: RoundPlan, home: Home['name']): string {
  const what = [
    `${intents} intents`,
    `${workers} worker(s)`,
    ...blows.map(describeBlow),
    ...(sequel === 'none' ? [] : [sequel]),
  ];
  return `seed ${seed} on ${home}: ${what.join(', ')}`;
}

/** Null where this machine has no such servers; the homes that are skipped are told before all tests. */
function homeNamed(name: Home['name']): Home | null {
  if (name === 'embedded' && 'home' in limited) return limited.home;
  return homes().find((home) => home.name === name) ?? null;
}
