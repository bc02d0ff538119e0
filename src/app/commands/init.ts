/** Composition: `init` with the configuration that a start reads and the checks that a start makes. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { InitParts } from '../../cli/init.js';
import type { CheckName } from '../../cli/init-questions.js';
import { NAMES_READ, readHomeConfig, readWorkerConfig } from '../../config/config.js';
import { type Bag, ConfigError } from '../../config/environment.js';
import { isLoopback } from '../../config/http.js';
import { isSecret } from '../../config/secrets.js';
import type { Log } from '../../observability/log.js';
import { packageFile } from '../../package-root.js';
import { eventsOf } from '../events-of.js';
import { openHome } from '../home.js';
import { TIMINGS } from '../timings.js';
import { createVendors, type Vendors } from '../vendors.js';

export interface InitPlace {
  /** The environment over `.env`, and what `.env` alone holds. */
  readonly variables: Bag;
  readonly file: { readonly text: string; readonly values: Bag } | null;
  readonly log: Log;
  readonly signal: AbortSignal;
  write(text: string): void;
}

type Values = Readonly<Record<string, string>>;

export function initParts({ variables, file, write, ...surroundings }: InitPlace): InitParts {
  const others = Object.fromEntries(Object.entries(variables).filter(([name]) => !NAMES_READ.includes(name)));
  return {
    given: read(variables),
    file: file === null ? null : { text: file.text, values: read(file.values) },
    template: readFileSync(packageFile('.env.example'), 'utf8'),
    problems: (values, variable) => problemsOf(values, others, variable),
    check: (name, values) => CHECKS[name](ofOneSide(name, values), surroundings),
    isSecret,
    newToken: () => randomBytes(32).toString('hex'),
    isLoopback,
    write,
  };
}

/** What is ours of them, and set. */
function read(bag: Bag): Values {
  return Object.fromEntries(NAMES_READ.flatMap((name) => (bag[name] ? [[name, bag[name]]] : [])));
}

/** In place of what is not there yet, so that one answer can be looked at alone. */
const NOT_ASKED_YET = { STRIPE_API_KEY: 'sk_test_notasked', BLNK_API_KEY: 'not-asked', BLNK_INSTANCE_ID: 'not-asked' };

/** @param but the one that is asked about, which is looked at as it is */
function filled(values: Values, but?: string): Values {
  const isThere = (name: string) => values[name] !== undefined || values[`${name}_FILE`] !== undefined;
  const missing = Object.entries(NOT_ASKED_YET).filter(([name]) => name !== but && !isThere(name));
  return { ...values, ...Object.fromEntries(missing) };
}

/** @param others what the environment holds beside ours: a proxy may be among it */
function problemsOf(values: Values, others: Bag, variable?: string): readonly string[] {
  try {
    readWorkerConfig({ ...others, ...(variable === undefined ? values : filled(values, variable)) });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const isAbout = (problem: string) => new RegExp(`^${variable}(?:_FILE)?:`).test(problem);
    return error.problems.filter((problem) => variable === undefined || isAbout(problem));
  }
}

/** What is wrong with another variable is told when that one is asked for. */
const READ_BY_CHECK: Readonly<Record<CheckName, RegExp>> = {
  stripe: /^(?:STRIPE_API_|ALLOW_HTTP_HOSTS$)/,
  blnk: /^(?:BLNK_(?:API|INSTANCE)_|ALLOW_HTTP_HOSTS$)/,
  database: /^DATABASE_/,
  queue: /^(?:DATABASE_|REDIS_|QUEUE_)/,
};

function ofOneSide(name: CheckName, values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([variable]) => READ_BY_CHECK[name].test(variable)));
}

type Surroundings = Pick<InitPlace, 'log' | 'signal'>;

const CHECKS: Readonly<Record<CheckName, (values: Values, surroundings: Surroundings) => Promise<string>>> = {
  stripe: (values, surroundings) =>
    withVendors(values, surroundings, async ({ account }) => {
      const { missing } = await account.checkPermissions();
      const mode = /_live_/.test(values.STRIPE_API_KEY ?? '') ? 'live' : 'test';
      const lacks =
        missing.length === 0 ? '' : `; it may not read ${missing.join(' and ')}, without which less can be proven`;
      return `Stripe takes this key of ${mode} mode${lacks}.`;
    }),
  blnk: (values, surroundings) =>
    withVendors(values, surroundings, async ({ ledger }) => {
      await ledger.checkPermissions();
      return 'Blnk takes this key, which may read and post.';
    }),
  database: (values, surroundings) => withHome(values, surroundings, async () => 'PostgreSQL answers, and lets us in.'),
  queue: (values, surroundings) =>
    withHome(values, surroundings, async (home) => {
      await home.queueBackend.ready();
      return 'Redis answers.';
    }),
};

async function withVendors(values: Values, { log, signal }: Surroundings, ask: (vendors: Vendors) => Promise<string>) {
  const vendors = createVendors(readWorkerConfig(filled(values)), {
    ...{ database: null, events: eventsOf(log), timings: TIMINGS, requestsToBlnkMax: 1, signal, abortLookUps: signal },
  });
  try {
    return await ask(vendors);
  } finally {
    await vendors.close();
  }
}

async function withHome(
  values: Values,
  { log, signal }: Surroundings,
  ask: (home: Awaited<ReturnType<typeof openHome>>) => Promise<string>,
) {
  const home = await openHome(readHomeConfig(values), { log, role: 'command', giveUp: signal });
  try {
    return await ask(home);
  } finally {
    await home.close();
  }
}
