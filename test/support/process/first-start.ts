/**
 * First starts, migrations and upgrades that are killed at many of their moments, each followed by a next start. Says what came of
 * it; what must come of it is in the tests. The next start runs in this process, where it costs less.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import { startStripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import { openHome } from '../../../src/app/home.js';
import { runWorker } from '../../../src/app/worker/run-worker.js';
import { readHomeConfig, readWorkerConfig } from '../../../src/config/config.js';
import { describeFault } from '../../../src/core/base/errors.js';
import type { Log } from '../../../src/observability/log.js';
import type { Home, HomePlace } from '../homes.js';
import { ROOT } from '../source-files.js';
import { applyInPublic, readReleases } from '../upgrade/schemas.js';
import { countSteps, killAtStep, momentsOf, type SteppedProcess } from './killed-at-step.js';

type Variables = Readonly<Record<string, string>>;

export interface Killing {
  readonly name: string;
  /** Of the process that is killed, and of the next one. */
  readonly words: readonly ['worker'] | readonly ['migrate'];
  /** What there is before it. */
  prepare(): Promise<HomePlace>;
}

export interface NextStart {
  readonly step: number;
  /** It was through before its step came, and was killed then. */
  readonly wasThrough: boolean;
  readonly tookMs: number;
  /** All that its log and its fault say from warnings on. */
  readonly said: readonly string[];
  /** Null when it came up. */
  readonly fault: string | null;
}

export interface Killed {
  /** Of a process that nobody kills, from before it is started. */
  readonly aloneMs: number;
  readonly steps: number;
  readonly next: readonly NextStart[];
}

/** The first start of a worker on an empty home, or on one with tables where others make them. */
export function firstStart(home: Home): Killing {
  return { name: 'a first start', words: ['worker'], prepare: () => home.create({ migrated: true }) };
}

export function firstMigrate(home: Home): Killing {
  return { name: 'migrate on an empty database', words: ['migrate'], prepare: () => home.create() };
}

/** Tables and rows of the oldest release that is kept, migrated by today's code. */
export function upgradeFromOldest(home: Home): Killing {
  const prepare = async (): Promise<HomePlace> => {
    const place = await home.create();
    const [oldest] = readReleases();
    if (oldest === undefined) throw new Error('no release is kept');
    const opened = await openHome(readHomeConfig(place.environment), {
      log: logInto([]),
      role: 'worker',
      migratesOnly: true,
    });
    try {
      const { sql } = opened.database;
      await applyInPublic(sql, Object.keys(oldest.migrations).at(-1) ?? '');
      await opened.database.onOneConnection(async (one) => {
        await one.unsafe('set search_path to public');
        await one.unsafe(readFileSync(join(ROOT, 'test/upgrade', oldest.rows), 'utf8'));
      });
    } finally {
      await opened.close();
    }
    return place;
  };
  return { name: 'an upgrade from the oldest tables', words: ['migrate'], prepare };
}

/** A Stripe account without payments and an empty ledger: a start posts nothing that a later one with an empty database meets. */
export async function startEmptyVendors(): Promise<{ readonly variables: Variables; close(): Promise<void> }> {
  const [stripe, blnk] = await Promise.all([startStripeSandbox({}), startBlnkSandbox({})]);
  return {
    variables: {
      STRIPE_API_KEY: stripe.apiKey,
      HTTP_PORT: 'off',
      STRIPE_API_BASE: stripe.url,
      STRIPE_SHARE: '1',
      BLNK_API_KEY: blnk.cloudToken,
      BLNK_API_BASE: blnk.url,
      BLNK_INSTANCE_ID: blnk.instanceId,
    },
    close: async () => void (await Promise.all([stripe.close(), blnk.close()])),
  };
}

/** Two at a time. */
export async function killAtMoments(killing: Killing, vendors: Variables, count: number): Promise<Killed> {
  const place = await killing.prepare();
  const alone = await countSteps(stepped(killing, { ...vendors, ...place.environment })).finally(() => place.destroy());
  const waiting = [...momentsOf(alone.steps, count)];
  const next: NextStart[] = [];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      next.push(await killOnce(killing, { vendors, step }));
    }
  };
  await Promise.all([work(), work()]);
  return { aloneMs: alone.tookMs, steps: alone.steps, next: next.sort((one, other) => one.step - other.step) };
}

async function killOnce(
  killing: Killing,
  { vendors, step }: { readonly vendors: Variables; readonly step: number },
): Promise<NextStart> {
  const place = await killing.prepare();
  try {
    const variables = { ...vendors, ...place.environment };
    const killed = await killAtStep(stepped(killing, variables), step);
    const said: string[] = [];
    const startedAt = performance.now();
    const fault = await (killing.words[0] === 'worker' ? comeUp(variables, said) : migrateAgain(variables, said)).then(
      () => null,
      (error: unknown) => describeFault(error),
    );
    const wasThrough = killed.errors.includes('steps ');
    return { step, wasThrough, tookMs: performance.now() - startedAt, said, fault };
  } finally {
    await place.destroy();
  }
}

function stepped({ words }: Killing, variables: Variables): SteppedProcess {
  const end = words[0] === 'worker' ? '"msg":"mirroring' : 'The tables are up to date';
  return { words, variables, end };
}

/** Until it mirrors; then it is stopped. */
async function comeUp(variables: Variables, said: string[]): Promise<void> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(60_000)]);
  let isUp = false;
  await runWorker(readWorkerConfig(variables), {
    log: logInto(said),
    adopt: false,
    signal,
    onStarted: () => {
      isUp = true;
      stopping.abort();
    },
  });
  if (!isUp) throw new Error('it did not come up within a minute');
}

async function migrateAgain(variables: Variables, said: string[]): Promise<void> {
  const home = await openHome(readHomeConfig(variables), { log: logInto(said), role: 'worker', migratesOnly: true });
  try {
    await home.migrate();
  } finally {
    await home.close();
  }
}

function logInto(said: string[]): Log {
  const note = (fields: object, message: string): void => void said.push(`${message} ${JSON.stringify(fields)}`);
  return { error: note, warn: note, info: () => undefined, debug: () => undefined };
}
