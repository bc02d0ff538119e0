/**
 * The composition of a worker over a test's own database and stand-ins, without variables and without a process: what
 * `src/app` joins for production, with the overrides that a test names.
 */
import type { BlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import type { StripeSandbox } from '../../sandbox/stripe/sandbox.js';
import { type Context, createContext } from '../../src/app/context.js';
import type { Ports } from '../../src/app/decorated-ports.js';
import type { Decorate, Overrides } from '../../src/app/overrides.js';
import { TIMINGS, type Timings } from '../../src/app/timings.js';
import { readWorkerConfig, type WorkerConfig } from '../../src/config/config.js';
import type { Database } from '../../src/db/connection/open.js';
import { createEvents, type Events } from '../../src/observability/events.js';
import { createLog } from '../../src/observability/log.js';

export interface ContextOptions {
  /** Where it is other than its defaults; `atStripe` and `atBlnk` make their parts. A vendor that is not named is not there. */
  readonly config: Partial<WorkerConfig>;
  readonly timings?: Partial<Timings>;
  /** What a test wants to be told. */
  readonly events?: Partial<Events>;
  readonly overrides?: Overrides;
}

/** Nothing is asked at nobody's address before somebody asks. The vendors are to be closed. */
export function openContext(database: Database, { config, timings, events, overrides }: ContextOptions): Context {
  const never = new AbortController().signal;
  const parts = {
    database,
    events: { ...createEvents(createLog({ level: 'silent' }), () => 0), ...events },
    timings: { ...TIMINGS, ...timings },
    requestsToBlnkMax: 32,
    ...{ signal: never, abortLookUps: never },
  };
  return createContext({ ...readWorkerConfig(VARIABLES), ...config }, parts, overrides);
}

const VARIABLES = {
  STRIPE_API_KEY: 'sk_test_nobody',
  HTTP_PORT: 'off',
  STRIPE_API_BASE: 'http://127.0.0.1:1',
  BLNK_API_KEY: 'nobody',
  BLNK_API_BASE: 'http://127.0.0.1:1',
  BLNK_INSTANCE_ID: 'nobody',
  STRIPE_SHARE: '1',
};

interface StripeAt {
  /** Another way to it. */
  readonly url?: string;
  readonly readKey?: () => Promise<string>;
}

export function atStripe(
  { url: own, apiKey, world }: Pick<StripeSandbox, 'url' | 'apiKey' | 'world'>,
  { url = own, readKey = async () => apiKey }: StripeAt = {},
): Pick<WorkerConfig, 'stripe'> {
  return { stripe: { apiBase: url, readKey, livemode: world.options.livemode, requestsPerSecond: 25 } };
}

interface BlnkAt extends StripeAt {
  readonly style: 'cloud' | 'core';
}

export function atBlnk(
  { url: own, instanceId, cloudToken, coreKey }: Pick<BlnkSandbox, 'url' | 'instanceId' | 'cloudToken' | 'coreKey'>,
  { style, url = own, readKey = async () => (style === 'cloud' ? cloudToken : coreKey) }: BlnkAt,
): Pick<WorkerConfig, 'blnk'> {
  return { blnk: { apiBase: url, readKey, style, instanceId: style === 'cloud' ? instanceId : null } };
}

/** Nobody waits before asking Stripe. */
export const UNLIMITED = { limiter: { acquire: async () => {} } };

/** Where the database has the real time and Stripe another one: Stripe's word counts. */
export const STRIPES_TIME = {
  ...UNLIMITED,
  time: { judge: async (stated: Date) => ({ now: stated, fault: null }) },
};

/** Ports that are not named stay as they are. */
export function decorateWith(
  wrappers: {
    readonly [Name in keyof Ports]?: (port: Ports[Name]) => Ports[Name];
  },
): Decorate {
  return (name, port) => wrappers[name]?.(port) ?? port;
}
