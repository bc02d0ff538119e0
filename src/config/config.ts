/**
 * The second step from variables to a configuration (the first is environment.ts): checked and nested. All problems are
 * reported at once, each with the name, what was given and what is allowed. Tests hand it a literal bag.
 */
import { resolve } from 'node:path';
import * as z from 'zod';
import { IDENTITIES_ALLOWED, IDENTITIES_MODES, type IdentitiesMode } from '../core/accounts/identity.js';
import { commandLine } from '../core/base/own-command.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/base/window.js';
import { isOwnBalance, SHARDS_MAX } from '../core/posting/source-shards.js';
import { baseUrlProblem, parseHosts } from '../core/settings/base-url.js';
import { databaseAddressProblem } from '../core/settings/database-address.js';
import type { SyncStart } from '../core/settings/ignored-start.js';
import { blnkKeyProblem, KEYS_PAGE, stripeKeyProblem } from '../core/settings/key-problem.js';
import { proxyProblem } from '../core/settings/proxy-problem.js';
import { DEFAULT_SCHEMA, isSchemaName, SCHEMA_NAME_ALLOWED } from '../core/settings/schema-name.js';
import { type Bag, ConfigError } from './environment.js';
import {
  type AccountsConfig,
  accountsShape,
  balanceName,
  countUpTo,
  duration,
  httpHosts,
  key,
  redisUrl,
  shareOf,
  stripeShare,
  syncStart,
} from './fields.js';
import { type HttpConfig, httpProblems, httpShape, toHttp } from './http.js';
import { isSecret, resolveSecrets, type SecretSource, secretSource } from './secrets.js';

/** Where the data lives; all that a reading command needs. */
export interface HomeConfig {
  readonly database:
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'embedded'; readonly dataDir: string };
  /** PostgreSQL's schema of our tables. */
  readonly databaseSchema: string;
  readonly redisUrl: string | null;
  /** BullMQ's key prefix on Redis, so that several mirrors can share one. */
  readonly queuePrefix: string;
  readonly syncEveryMs: number;
  readonly syncLagMs: number;
  /** Share of Stripe's limits a second that this mirror may use, 0 to 1. */
  readonly stripeShare: number;
  /** Share of the allocation of reads over 30 days. */
  readonly stripeReadShare: number;
  /** Whether it makes room for the merchant's other software as soon as Stripe refuses a request. */
  readonly yieldsAtStripe: boolean;
  readonly logLevel: LogLevel;
  /** Null: pages, API, metrics and the webhook are not served. */
  readonly http: HttpConfig | null;
}

export interface WorkerConfig extends HomeConfig {
  readonly stripe: {
    readonly readKey: SecretSource;
    readonly livemode: boolean;
    readonly apiBase: string;
    /** That Stripe allows to one endpoint of the account. */
    readonly requestsPerSecond: number;
  };
  readonly blnk: {
    readonly readKey: SecretSource;
    readonly apiBase: string;
    readonly style: 'cloud' | 'core';
    /** Null with `core`. */
    readonly instanceId: string | null;
  };
  readonly source: string;
  /** Balances that the source is spread over; 1: it is one. */
  readonly sourceShards: number;
  readonly guestDestination: string;
  readonly identities: IdentitiesMode;
  readonly accounts: AccountsConfig;
  readonly syncStart: SyncStart;
  readonly keepEmptyRunsMs: number;
  readonly shutdownGraceMs: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Step two for commands that only read or ask. Throws ConfigError. */
export function readHomeConfig(environment: Bag): HomeConfig {
  const { fields } = check(environment, homeObject);
  return toHome(fields);
}

/** Step two for the worker: everything. Throws ConfigError. */
export function readWorkerConfig(environment: Bag): WorkerConfig {
  const { fields, bag } = check(environment, workerObject);
  return toWorker(fields, { environment, bag });
}

/** The same for whoever uses only parts of it: variables that are wrong count as not set. */
export function readRightConfig(environment: Bag, bag: Given['bag'], wrong: ReadonlySet<string>): WorkerConfig {
  const right = Object.fromEntries(Object.entries(bag).filter(([name]) => !wrong.has(name)));
  return toWorker(withoutKeys.parse(right), { environment, bag });
}

interface Given {
  readonly environment: Bag;
  /** The same with files read. */
  readonly bag: Readonly<Record<string, string>>;
}

function toWorker(fields: z.infer<typeof workerObject>, { environment, bag }: Given): WorkerConfig {
  return {
    ...toHome(fields),
    stripe: {
      readKey: secretSource(environment, 'STRIPE_API_KEY', bag),
      livemode: /^(sk|rk)_live_/.test(fields.STRIPE_API_KEY),
      apiBase: fields.STRIPE_API_BASE,
      requestsPerSecond: fields.STRIPE_RATE_LIMIT,
    },
    blnk: {
      readKey: secretSource(environment, 'BLNK_API_KEY', bag),
      apiBase: fields.BLNK_API_BASE,
      style: fields.BLNK_API_STYLE,
      instanceId: fields.BLNK_API_STYLE === 'cloud' ? (fields.BLNK_INSTANCE_ID ?? null) : null,
    },
    source: fields.BLNK_SOURCE,
    sourceShards: fields.BLNK_SOURCE_SHARDS,
    guestDestination: fields.BLNK_GUEST_DESTINATION,
    identities: fields.BLNK_IDENTITIES,
    accounts: { mode: fields.BLNK_ACCOUNTS, ledgerName: fields.BLNK_LEDGER_NAME },
    syncStart: fields.SYNC_START,
    keepEmptyRunsMs: fields.KEEP_EMPTY_RUNS,
    shutdownGraceMs: fields.SHUTDOWN_GRACE,
  };
}

const oneSecond = { text: '1s', ms: SECOND_MS };
const oneDay = { text: '1d', ms: DAY_MS };
const oneHour = { text: '1h', ms: HOUR_MS };
/** Longer than any database is kept, and short enough that "so long ago" is a date. */
const aHundredYears = { text: '36500d', ms: 36_500 * DAY_MS };

const STRIPE_API_BASE = 'https://api.stripe.com';
const BLNK_API_BASE = 'https://api.cloud.blnkfinance.com';
const DEFAULT_SOURCE = '@stripe';
const DEFAULT_GUEST_DESTINATION = '@stripe_guests';

const homeObject = z.object({
  // What it holds is read as a whole, with the rules between variables.
  DATABASE_URL: z.string().optional(),
  DATABASE_SCHEMA: z.string().default(DEFAULT_SCHEMA).refine(isSchemaName, { error: SCHEMA_NAME_ALLOWED }),
  REDIS_URL: redisUrl.optional(),
  QUEUE_PREFIX: z
    .string()
    .default('bull')
    .refine((text) => /^[\x21-\x7e]{1,100}$/.test(text), { error: 'allowed are up to 100 letters, digits and signs' }),
  DATA_DIR: z
    .string()
    .default('./.data')
    .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), { error: 'allowed is a path without control characters' }),
  SYNC_EVERY: duration('60s', { least: oneSecond, most: oneDay }),
  // Far below the 30 days that Stripe keeps events: what is not covered by then is lost to the tail.
  SYNC_LAG: duration('600s', { least: { text: '60s', ms: MINUTE_MS }, most: oneDay }),
  STRIPE_SHARE: stripeShare,
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `allowed is one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  ...httpShape,
});

const workerObject = homeObject.extend({
  STRIPE_API_KEY: key(`a Stripe secret or restricted key is needed, from ${KEYS_PAGE}`, stripeKeyProblem),
  STRIPE_API_BASE: z.string().default(STRIPE_API_BASE),
  // https://docs.stripe.com/rate-limits
  STRIPE_RATE_LIMIT: countUpTo(10_000).default(25),
  BLNK_API_KEY: key('a Blnk API key is needed (Cloud: an API key with proxy:write and data:read)', blnkKeyProblem),
  BLNK_API_BASE: z.string().default(BLNK_API_BASE),
  BLNK_API_STYLE: z
    .enum(['cloud', 'core'], { error: 'allowed is cloud (Blnk Cloud) or core (a self-hosted Core)' })
    .default('cloud'),
  BLNK_INSTANCE_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, { error: 'allowed is the id of an instance, without spaces' })
    .optional(),
  ALLOW_HTTP_HOSTS: httpHosts,
  BLNK_SOURCE: balanceName(DEFAULT_SOURCE),
  BLNK_SOURCE_SHARDS: countUpTo(SHARDS_MAX).default(1),
  BLNK_GUEST_DESTINATION: balanceName(DEFAULT_GUEST_DESTINATION),
  BLNK_IDENTITIES: z.enum(IDENTITIES_MODES, { error: IDENTITIES_ALLOWED }).default('off'),
  ...accountsShape,
  SYNC_START: syncStart,
  KEEP_EMPTY_RUNS: duration('7d', { least: oneSecond, most: aHundredYears }),
  SHUTDOWN_GRACE: duration('75s', { least: oneSecond, most: oneHour }),
});

/** With the keys left out a configuration is whole: they are all that is needed and has no default. */
const withoutKeys = workerObject.extend({
  STRIPE_API_KEY: z.string().default(''),
  BLNK_API_KEY: z.string().default(''),
});

/** Every variable that is read, for `.env.example`. */
export const VARIABLES: readonly string[] = Object.keys(workerObject.shape);

/** The same, and the names of files that secrets may be in. */
export const NAMES_READ = [...VARIABLES, ...VARIABLES.filter(isSecret).map((name) => `${name}_FILE`)];

const hint = () =>
  `Every variable is explained in .env.example. To see it work without any account: ${commandLine('demo')}`;

/** What is set, secrets read from their files, and what `readWorkerConfig` would refuse. */
export function examineVariables(environment: Bag): Given & { readonly problems: readonly string[] } {
  const { bag, problems } = examine(environment, workerObject);
  return { environment, bag, problems };
}

function check<Shape extends z.ZodObject>(
  environment: Bag,
  schema: Shape,
): { readonly fields: z.infer<Shape>; readonly bag: Readonly<Record<string, string>> } {
  const { bag, fields, problems } = examine(environment, schema);
  if (fields !== null && problems.length === 0) return { fields, bag };
  throw new ConfigError(problems, hint());
}

/** What is set, and everything that is wrong; each problem begins with the name of its variable and a colon. Without fields where a single value is. */
function examine<Shape extends z.ZodObject>(environment: Bag, schema: Shape) {
  const { bag, problems } = resolveSecrets(environment, Object.keys(schema.shape));
  const parsed = schema.safeParse(bag);
  const named = parsed.success ? [] : parsed.error.issues.map((issue) => describeIssue(issue, bag));
  const all = [...problems, ...named, ...crossProblems(bag, Object.keys(schema.shape))];
  if ('BLNK_API_KEY' in schema.shape) all.push(...proxyProblems(environment, bag));
  return { bag, fields: parsed.success ? parsed.data : null, problems: all };
}

function proxyProblems(environment: Bag, bag: Readonly<Record<string, string>>): string[] {
  const bases = [bag.STRIPE_API_BASE ?? STRIPE_API_BASE, bag.BLNK_API_BASE ?? BLNK_API_BASE];
  return bases.map((base) => proxyProblem(base, environment)).filter((problem) => problem !== null);
}

/** Rules between variables. On the raw bag, so that they are reported together with everything else. */
function crossProblems(bag: Readonly<Record<string, string>>, names: readonly string[]): string[] {
  const problems: string[] = [];
  if (bag.REDIS_URL !== undefined && bag.DATABASE_URL === undefined) {
    problems.push(
      'REDIS_URL: is set without DATABASE_URL; allowed is neither (all embedded), DATABASE_URL alone, or both',
    );
  }
  const problem = bag.DATABASE_URL === undefined ? null : databaseAddressProblem(bag.DATABASE_URL);
  if (problem !== null) problems.push(`DATABASE_URL: ${problem}`);
  problems.push(...httpProblems(bag));
  if (!names.includes('BLNK_API_KEY')) return problems;
  for (const name of ['STRIPE_API_BASE', 'BLNK_API_BASE']) {
    const given = bag[name];
    const problem = given === undefined ? null : baseUrlProblem(given, parseHosts(bag.ALLOW_HTTP_HOSTS ?? '') ?? []);
    if (problem !== null) problems.push(`${name}: ${problem}`);
  }
  // The key of a Core must never be offered to the Cloud.
  if (bag.BLNK_API_STYLE === 'core' && bag.BLNK_API_BASE === undefined) {
    problems.push('BLNK_API_BASE: is not set; a self-hosted Core needs its address, e.g. http://127.0.0.1:5001');
  }
  if ((bag.BLNK_API_STYLE ?? 'cloud') === 'cloud' && bag.BLNK_INSTANCE_ID === undefined) {
    problems.push(
      'BLNK_INSTANCE_ID: is not set; Blnk Cloud needs the id of the instance (or set BLNK_API_STYLE=core for a self-hosted Core)',
    );
  }
  const guests = bag.BLNK_GUEST_DESTINATION ?? DEFAULT_GUEST_DESTINATION;
  // As many as there may be: the number itself may be what is wrong.
  const own = {
    source: bag.BLNK_SOURCE ?? DEFAULT_SOURCE,
    sourceShards: bag.BLNK_SOURCE_SHARDS === undefined ? 1 : SHARDS_MAX,
  };
  if (isOwnBalance(guests, own)) {
    const whose = guests === own.source ? 'the same as BLNK_SOURCE' : 'one of those that BLNK_SOURCE is spread over';
    problems.push(`BLNK_GUEST_DESTINATION: is ${guests}, ${whose}; allowed is another balance`);
  }
  return problems;
}

function describeIssue(issue: z.core.$ZodIssue, bag: Readonly<Record<string, string>>): string {
  const name = String(issue.path[0] ?? '');
  const given = bag[name];
  if (given === undefined) return `${name}: is not set; ${issue.message}`;
  return `${name}: is ${isSecret(name) ? 'not usable (not shown, it is a secret)' : JSON.stringify(given)}; ${issue.message}`;
}

function toHome(fields: z.infer<typeof homeObject>): HomeConfig {
  return {
    database:
      fields.DATABASE_URL === undefined
        ? { kind: 'embedded', dataDir: resolve(fields.DATA_DIR) }
        : { kind: 'url', url: fields.DATABASE_URL },
    databaseSchema: fields.DATABASE_SCHEMA,
    redisUrl: fields.REDIS_URL ?? null,
    queuePrefix: fields.QUEUE_PREFIX,
    syncEveryMs: fields.SYNC_EVERY,
    syncLagMs: fields.SYNC_LAG,
    ...shareOf(fields.STRIPE_SHARE),
    logLevel: fields.LOG_LEVEL,
    http: toHttp(fields),
  };
}
