/**
 * The second step from variables to a configuration for whoever looks at one that may be wrong: each part by itself, as far as
 * nothing is wrong with the variables that it is made of. What is wrong keeps no part from the others. Throws nothing.
 */
import { examineVariables, type HomeConfig, readRightConfig, type WorkerConfig } from './config.js';
import type { Bag } from './environment.js';

/** A part is null where one of its variables is wrong or missing. */
export interface ConfigSurvey {
  /** As `ConfigError` has them. */
  readonly problems: readonly string[];
  /** How many variables are set. */
  readonly given: number;
  readonly stripe: (WorkerConfig['stripe'] & { readonly isFullKey: boolean }) | null;
  readonly blnk: WorkerConfig['blnk'] | null;
  readonly database: Pick<HomeConfig, 'database' | 'databaseSchema'> | null;
  readonly queue: Pick<HomeConfig, 'redisUrl' | 'queuePrefix'> | null;
  readonly http: (Pick<HomeConfig, 'http'> & { readonly webhookSecrets: number }) | null;
  readonly work: WorkSurvey | null;
}

interface WorkSurvey
  extends Pick<WorkerConfig, 'source' | 'sourceShards' | 'guestDestination' | 'accounts'>,
    Pick<WorkerConfig, 'syncStart' | 'syncEveryMs' | 'stripeReadShare'> {
  readonly isIntervalChosen: boolean;
}

const PROXIES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];
const STRIPE = ['STRIPE_API_KEY', 'STRIPE_API_BASE', 'ALLOW_HTTP_HOSTS', ...PROXIES];
const BLNK = [
  ...['BLNK_API_KEY', 'BLNK_API_BASE', 'BLNK_API_STYLE', 'BLNK_INSTANCE_ID', 'ALLOW_HTTP_HOSTS'],
  ...PROXIES,
];
const DATABASE = ['DATABASE_URL', 'DATABASE_SCHEMA', 'DATA_DIR'];
const HTTP = [
  'HTTP_HOST',
  'HTTP_PORT',
  'PUBLIC_URL',
  'TRUST_PROXY',
  'ADMIN_TOKEN',
  'VIEWER_TOKEN',
  'STRIPE_WEBHOOK_SECRET',
];
const WORK = [
  'BLNK_SOURCE',
  'BLNK_SOURCE_SHARDS',
  'BLNK_GUEST_DESTINATION',
  'BLNK_ACCOUNTS',
  'BLNK_LEDGER_NAME',
  'SYNC_START',
  'SYNC_EVERY',
  'STRIPE_SHARE',
];

export function surveyConfig(environment: Bag): ConfigSurvey {
  const { bag, problems } = examineVariables(environment);
  const wrong = new Set(problems.map((problem) => /^(\w+?)(?:_FILE)?:/.exec(problem)?.[1] ?? ''));
  const config = readRightConfig(environment, bag, wrong);
  const whenRight = <Part>(names: readonly string[], part: Part): Part | null =>
    names.some((name) => wrong.has(name)) ? null : part;
  const { stripe, blnk, database, databaseSchema, redisUrl, queuePrefix, http } = config;
  const { source, sourceShards, guestDestination, accounts, syncStart, syncEveryMs, stripeReadShare } = config;
  const home = { database, databaseSchema };
  return {
    problems,
    given: Object.keys(bag).length,
    stripe: whenRight(STRIPE, { ...stripe, isFullKey: /^sk_/.test(bag.STRIPE_API_KEY ?? '') }),
    blnk: whenRight(BLNK, blnk),
    // Which database is meant is not known then, and the private one is likely another than the one that is worked with.
    database: bag.REDIS_URL !== undefined && bag.DATABASE_URL === undefined ? null : whenRight(DATABASE, home),
    queue: whenRight([...DATABASE, 'REDIS_URL', 'QUEUE_PREFIX'], { redisUrl, queuePrefix }),
    // Also where nobody would hear the webhook.
    http: whenRight(HTTP, { http, webhookSecrets: bag.STRIPE_WEBHOOK_SECRET?.split(',').length ?? 0 }),
    work: whenRight(WORK, {
      ...{ source, sourceShards, guestDestination, accounts, syncStart, syncEveryMs, stripeReadShare },
      isIntervalChosen: bag.SYNC_EVERY !== undefined,
    }),
  };
}
