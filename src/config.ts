/**
 * The only reader of the environment. Two steps: the environment as a flat bag of strings, then a checked, nested
 * configuration; all problems are reported at once, each with the name, what was given and what is allowed.
 * Tests hand a literal bag to the second step.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { baseUrlProblem, parseHosts } from './core/base-url.js';
import { encryptionProblem } from './core/database-address.js';
import { parseDuration, parseMoment } from './core/time-text.js';
import { DAY_MS, MINUTE_MS, SECOND_MS } from './core/window.js';
import { isSecret, resolveSecrets, type SecretSource, secretSource } from './secrets.js';

export type Bag = Readonly<Record<string, string | undefined>>;

/** Where the data lives; all that a reading command needs. */
export interface HomeConfig {
  readonly database:
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'embedded'; readonly dataDir: string };
  readonly redisUrl: string | null;
  /** BullMQ's key prefix on Redis, so that several mirrors can share one. */
  readonly queuePrefix: string;
  readonly syncEveryMs: number;
  readonly syncLagMs: number;
  /** Share of Stripe's limits that this mirror may use, 0 to 1. */
  readonly stripeShare: number;
  readonly logLevel: LogLevel;
}

/** `ago`: that long before the first start. `all`: everything that Stripe has. */
export type SyncStart =
  | { readonly kind: 'ago'; readonly durationMs: number }
  | { readonly kind: 'time'; readonly time: Date }
  | { readonly kind: 'all' };

export interface WorkerConfig extends HomeConfig {
  readonly stripe: { readonly readKey: SecretSource; readonly livemode: boolean; readonly apiBase: string };
  readonly blnk: {
    readonly readKey: SecretSource;
    readonly apiBase: string;
    readonly style: 'cloud' | 'core';
    /** Null with `core`. */
    readonly instanceId: string | null;
  };
  readonly source: string;
  readonly guestDestination: string;
  readonly syncStart: SyncStart;
  readonly keepEmptyRunsMs: number;
  readonly shutdownGraceMs: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every problem of a configuration; the command exits with 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], hint: string | null) {
    const lines = ['The configuration is not usable:', ...problems.map((problem) => `  ${problem}`)];
    super([...lines, ...(hint === null ? [] : [hint])].join('\n'));
    this.problems = problems;
  }
}

/** Step one: the environment, over the `.env` of the working directory. Throws ConfigError when that cannot be read. */
export function readEnvironment(environment: Bag, directory: string): Bag {
  const file = resolve(directory, '.env');
  if (!existsSync(file)) return environment;
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')), ...environment };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      [`.env: ${file} cannot be read (${why}); allowed is a file of lines NAME=value, or none`],
      null,
    );
  }
}

/** Step two for commands that only read or ask. Throws ConfigError. */
export function readHomeConfig(environment: Bag): HomeConfig {
  const { fields } = check(environment, homeObject);
  return toHome(fields);
}

/** Step two for the worker: everything. Throws ConfigError. */
export function readWorkerConfig(environment: Bag): WorkerConfig {
  const { fields, bag } = check(environment, workerObject);
  return {
    ...toHome(fields),
    stripe: {
      readKey: secretSource(environment, 'STRIPE_API_KEY', bag),
      livemode: /^(sk|rk)_live_/.test(fields.STRIPE_API_KEY),
      apiBase: fields.STRIPE_API_BASE,
    },
    blnk: {
      readKey: secretSource(environment, 'BLNK_API_KEY', bag),
      apiBase: fields.BLNK_API_BASE,
      style: fields.BLNK_API_STYLE,
      instanceId: fields.BLNK_API_STYLE === 'cloud' ? (fields.BLNK_INSTANCE_ID ?? null) : null,
    },
    source: fields.BLNK_SOURCE,
    guestDestination: fields.BLNK_GUEST_DESTINATION,
    syncStart: fields.SYNC_START,
    keepEmptyRunsMs: fields.KEEP_EMPTY_RUNS,
    shutdownGraceMs: fields.SHUTDOWN_GRACE,
  };
}

interface Bound {
  readonly text: string;
  readonly ms: number;
}

const duration = (fallback: string, least: Bound, most?: Bound) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= least.ms && ms <= (most?.ms ?? Number.POSITIVE_INFINITY)) return ms;
      context.addIssue({
        code: 'custom',
        message: `allowed is a duration such as 30s, 10m, 12h or 7d, at least ${least.text}${most === undefined ? '' : ` and at most ${most.text}`}`,
      });
      return z.NEVER;
    });

const url = (...protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol) && isDecodable(text), {
    error: `allowed is a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

/** Drivers decode what stands behind each `%`, and throw on what is no text. */
function isDecodable(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes('\u0000');
  } catch {
    return false;
  }
}

const httpHosts = z
  .string()
  .refine((text) => parseHosts(text) !== undefined, {
    error: 'allowed are host names with commas between, without ports',
  })
  .optional();

const balanceName = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .refine((text) => /^@[^\s:\p{Cc}\p{Cs}]{1,100}$/u.test(text), {
      error: 'allowed is @ and a name without spaces and colons, e.g. @stripe',
    });

const syncStart = z
  .string()
  .default('30d')
  .transform((text, context): SyncStart => {
    if (text === 'all') return { kind: 'all' };
    const moment = parseMoment(text);
    if (moment !== undefined) return moment;
    context.addIssue({
      code: 'custom',
      message: 'allowed is a date (2026-01-31), a duration back from now (30d) or all',
    });
    return z.NEVER;
  });

const oneSecond = { text: '1s', ms: SECOND_MS };

const DEFAULT_SOURCE = '@stripe';
const DEFAULT_GUEST_DESTINATION = '@stripe_guests';

const SHARE_ALLOWED = 'allowed is a number above 0, at most 1';

const homeObject = z.object({
  DATABASE_URL: url('postgres:', 'postgresql:').optional(),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  QUEUE_PREFIX: z
    .string()
    .default('bull')
    .refine((text) => /^[\x21-\x7e]{1,100}$/.test(text), { error: 'allowed are up to 100 letters, digits and signs' }),
  DATA_DIR: z
    .string()
    .default('./.data')
    .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), { error: 'allowed is a path without control characters' }),
  SYNC_EVERY: duration('60s', oneSecond),
  // Far below the 30 days that Stripe keeps events: what is not covered by then is lost to the tail.
  SYNC_LAG: duration('600s', { text: '60s', ms: MINUTE_MS }, { text: '1d', ms: DAY_MS }),
  STRIPE_SHARE: z.coerce
    .number({ error: SHARE_ALLOWED })
    .default(0.4)
    .refine((share) => share > 0 && share <= 1, { error: SHARE_ALLOWED }),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `allowed is one of ${LOG_LEVELS.join(', ')}` }).default('info'),
});

const workerObject = homeObject.extend({
  STRIPE_API_KEY: z
    .string({ error: 'a Stripe secret or restricted key is needed' })
    .regex(/^(sk|rk)_(live|test)_[\x21-\x7e]+$/, {
      error: 'allowed is a key that begins with sk_live_, sk_test_, rk_live_ or rk_test_',
    }),
  STRIPE_API_BASE: z.string().default('https://api.stripe.com'),
  BLNK_API_KEY: z
    .string({ error: 'a Blnk API key is needed (Cloud: an API key with proxy:write and data:read)' })
    .regex(/^\s*[\x21-\x7e]+\s*$/, { error: 'allowed is a key of letters, digits and signs' }),
  BLNK_API_BASE: z.string().default('https://api.cloud.blnkfinance.com'),
  BLNK_API_STYLE: z
    .enum(['cloud', 'core'], { error: 'allowed is cloud (Blnk Cloud) or core (a self-hosted Core)' })
    .default('cloud'),
  BLNK_INSTANCE_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, { error: 'allowed is the id of an instance, without spaces' })
    .optional(),
  ALLOW_HTTP_HOSTS: httpHosts,
  BLNK_SOURCE: balanceName(DEFAULT_SOURCE),
  BLNK_GUEST_DESTINATION: balanceName(DEFAULT_GUEST_DESTINATION),
  SYNC_START: syncStart,
  KEEP_EMPTY_RUNS: duration('7d', oneSecond),
  SHUTDOWN_GRACE: duration('75s', oneSecond),
});

/** Every variable that is read, for `.env.example`. */
export const VARIABLES: readonly string[] = Object.keys(workerObject.shape);

const HINT =
  'Every variable is explained in .env.example. To see it work without any account: npm run demo (or npx stripe-blnk-sync demo).';

function check<Shape extends z.ZodObject>(
  environment: Bag,
  schema: Shape,
): { readonly fields: z.infer<Shape>; readonly bag: Readonly<Record<string, string>> } {
  const { bag, problems } = resolveSecrets(environment, Object.keys(schema.shape));
  const parsed = schema.safeParse(bag);
  const named = parsed.success ? [] : parsed.error.issues.map((issue) => describeIssue(issue, bag));
  const all = [...problems, ...named, ...crossProblems(bag, Object.keys(schema.shape))];
  if (parsed.success && all.length === 0) return { fields: parsed.data, bag };
  throw new ConfigError(all, HINT);
}

/** Rules between variables. On the raw bag, so that they are reported together with everything else. */
function crossProblems(bag: Readonly<Record<string, string>>, names: readonly string[]): string[] {
  const problems: string[] = [];
  if (bag.REDIS_URL !== undefined && bag.DATABASE_URL === undefined) {
    problems.push(
      'REDIS_URL: is set without DATABASE_URL; allowed is neither (all embedded), DATABASE_URL alone, or both',
    );
  }
  if (bag.DATABASE_URL !== undefined && URL.canParse(bag.DATABASE_URL)) {
    const problem = encryptionProblem(bag.DATABASE_URL);
    if (problem !== null) problems.push(`DATABASE_URL: ${problem}`);
  }
  if (!names.includes('BLNK_API_KEY')) return problems;
  for (const name of ['STRIPE_API_BASE', 'BLNK_API_BASE']) {
    const given = bag[name];
    const problem = given === undefined ? null : baseUrlProblem(given, parseHosts(bag.ALLOW_HTTP_HOSTS ?? '') ?? []);
    if (problem !== null) problems.push(`${name}: ${problem}`);
  }
  if ((bag.BLNK_API_STYLE ?? 'cloud') === 'cloud' && bag.BLNK_INSTANCE_ID === undefined) {
    problems.push(
      'BLNK_INSTANCE_ID: is not set; Blnk Cloud needs the id of the instance (or set BLNK_API_STYLE=core for a self-hosted Core)',
    );
  }
  const source = bag.BLNK_SOURCE ?? DEFAULT_SOURCE;
  if (source === (bag.BLNK_GUEST_DESTINATION ?? DEFAULT_GUEST_DESTINATION)) {
    problems.push(`BLNK_GUEST_DESTINATION: is ${source}, the same as BLNK_SOURCE; allowed is another balance`);
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
    redisUrl: fields.REDIS_URL ?? null,
    queuePrefix: fields.QUEUE_PREFIX,
    syncEveryMs: fields.SYNC_EVERY,
    syncLagMs: fields.SYNC_LAG,
    stripeShare: fields.STRIPE_SHARE,
    logLevel: fields.LOG_LEVEL,
  };
}
