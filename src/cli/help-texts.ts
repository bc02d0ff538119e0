/**
 * What `--help` says of each command beside its arguments and options: its group, what else it does, examples, exit codes
 * and the variables that it reads. docs/commands.md is generated from the same, and a test asks every command for its entry.
 */

/** In the order in which they are shown. */
const GROUPS = ['Look', 'Act', 'Prove and repair', 'Run', 'Set up'] as const;
type Group = (typeof GROUPS)[number];

export type CommandHelp = HelpTexts & NamedVariables;

interface HelpTexts {
  readonly group: Group;
  /** What its one line does not say. */
  readonly more?: string;
  /** What is entered after the program's name. */
  readonly examples: readonly string[];
  /** What the codes mean where they say more than `EXIT_CODES`. */
  readonly exitCodes?: Readonly<Partial<Record<0 | 1 | 2, string>>>;
}

/** Either their names, or words in place of a list that would be too long. */
type NamedVariables =
  | { readonly variables: readonly string[]; readonly variablesText?: undefined }
  | { readonly variables: readonly []; readonly variablesText: string };

/** What they mean everywhere. */
export const EXIT_CODES = {
  0: 'its own work is done',
  1: 'it was done and found something wrong, or failed',
  2: 'it could not start: command line, configuration or connection',
} as const;

/** Of database and queue. */
const HOME = ['DATABASE_URL', 'DATABASE_SCHEMA', 'REDIS_URL', 'QUEUE_PREFIX', 'DATA_DIR'];
const HTTP = [
  ...['HTTP_HOST', 'HTTP_PORT', 'PUBLIC_URL', 'TRUST_PROXY', 'ADMIN_TOKEN', 'VIEWER_TOKEN'],
  'BLNK_DASHBOARD_URL_TEMPLATE',
];
const STRIPE = ['STRIPE_API_KEY', 'STRIPE_API_BASE', 'STRIPE_SHARE', 'STRIPE_RATE_LIMIT'];
const BLNK = [
  ...['BLNK_API_KEY', 'BLNK_INSTANCE_ID', 'BLNK_API_STYLE', 'BLNK_API_BASE', 'ALLOW_HTTP_HOSTS'],
  ...['BLNK_SOURCE', 'BLNK_SOURCE_SHARDS', 'BLNK_GUEST_DESTINATION', 'BLNK_ACCOUNTS'],
];
/** Of what asks both sides itself. */
const SESSION = [...STRIPE, ...BLNK, ...HOME, 'SYNC_START', 'SYNC_LAG'];
const WORKER: NamedVariables = { variables: [], variablesText: 'all of docs/configuration.md' };

/** By the words of the command; `parked` stands for those below it too where these have no entry. */
export const COMMAND_HELP: Readonly<Record<string, CommandHelp>> = {
  status: {
    group: 'Look',
    more: 'Computes the interval between syncs from SYNC_EVERY and STRIPE_SHARE: give it those of the workers.',
    examples: ['status', 'status --short', 'status --json'],
    exitCodes: { 0: 'nobody has to act', 1: 'something needs a person', 2: 'PostgreSQL could not be asked' },
    variables: [...HOME, 'SYNC_EVERY', 'SYNC_LAG', 'STRIPE_SHARE'],
  },
  payments: {
    group: 'Look',
    examples: ['payments cus_42', 'payments --state parked --currency EUR', 'payments --from 2026-11-01 --json'],
    variables: HOME,
  },
  runs: { group: 'Look', examples: ['runs', 'runs --all --status failed'], variables: HOME },
  run: {
    group: 'Look',
    examples: ['run 01a1fe3b-897a', 'run 01a1fe3b-897a --state parked'],
    exitCodes: { 1: 'there is no such run' },
    variables: HOME,
  },
  certificates: { group: 'Look', examples: [], variables: HOME },
  'certificates list': {
    group: 'Look',
    more: 'Reads the database alone. What is exported as JSON or CSV is whole unless --limit is given.',
    examples: ['certificates list --state broken', 'certificates list --from 2026-11-01 --to 2026-11-30 --csv'],
    variables: HOME,
  },
  'certificates show': {
    group: 'Look',
    examples: ['certificates show 2026-11-18', 'certificates show 2026-11-18 --currency USD'],
    exitCodes: { 1: 'the day was never proven' },
    variables: HOME,
  },
  actions: {
    group: 'Look',
    more: 'Asked for by command, page or API: when, who, why, and what came of it.',
    examples: ['actions', 'actions --about pi_42'],
    variables: HOME,
  },
  sync: {
    group: 'Act',
    more:
      'With --dry-run it reads and counts in its own process, without a worker, also before the first start: sums per currency, ' +
      'what would be parked, what it would take. That alone needs the variables of Stripe and Blnk.',
    examples: ['sync', 'sync --wait --timeout 2h', 'sync --dry-run'],
    exitCodes: {
      0: 'it was asked for; with --wait: the run succeeded',
      1: 'with --wait: it did not, or not in time; with --dry-run: not read to the end, or a worker would refuse to start',
    },
    variables: HOME,
  },
  backfill: {
    group: 'Act',
    more:
      'What is known already is not stored twice. With --dry-run it reads and counts in its own process, without a worker: sums ' +
      'per currency, what would be parked, what it would take. That alone needs the variables of Stripe and Blnk.',
    examples: ['backfill --from 2026-11-01 --wait', 'backfill --from 90d --to 30d --dry-run'],
    exitCodes: {
      0: 'it was asked for; with --wait: the run succeeded',
      1: 'with --wait: it did not, or not in time; with --dry-run: not read to the end, or a worker would refuse to start',
    },
    variables: HOME,
  },
  parked: { group: 'Act', examples: [], variables: HOME },
  'parked list': {
    group: 'Act',
    examples: ['parked list', 'parked list --reason three_decimal_amount'],
    variables: HOME,
  },
  'parked show': {
    group: 'Act',
    more: 'With what the newest proof of its day found of it.',
    examples: ['parked show pi_42'],
    exitCodes: { 1: 'no payment has this reference' },
    variables: HOME,
  },
  'parked retry': {
    group: 'Act',
    more: 'They are looked up first, and posted where the ledger does not hold them.',
    examples: ['parked retry pi_42', 'parked retry --reason unknown_currency'],
    exitCodes: { 1: 'one stays parked, or was not parked' },
    variables: HOME,
  },
  'parked dismiss': {
    group: 'Act',
    examples: ['parked dismiss pi_42 --why "test currency, refunded by hand"'],
    exitCodes: { 1: 'one is not parked, or unknown' },
    variables: HOME,
  },
  accept: {
    group: 'Act',
    more: 'Posts nothing. The difference is an exception of its day from then on; another difference of the same payment is not covered.',
    examples: ['accept pi_42 --why "refunded in Blnk, case 4711"', 'accept pi_42 --why "it was not" --take-back'],
    exitCodes: { 1: 'it was refused' },
    variables: HOME,
  },
  prove: {
    group: 'Prove and repair',
    more:
      'Without days: the last seven that are over. The worker proves every day by itself. Where many currencies of a day are ' +
      'sealed they stand in one line; --all shows each.',
    examples: ['prove', 'prove --from 2026-11-18 --to 2026-11-18'],
    exitCodes: { 0: 'all are sealed', 1: 'not all are', 2: 'it was refused' },
    variables: SESSION,
  },
  accounts: {
    group: 'Prove and repair',
    more: 'With BLNK_ACCOUNTS=ledger alone. Reads, and writes nothing to Blnk. The worker does the same once a day, and status shows it.',
    examples: ['accounts', 'accounts --json'],
    exitCodes: { 0: 'all is as it should be', 1: 'a sum, a balance or a mark is not', 2: 'it was refused' },
    variables: SESSION,
  },
  repair: { group: 'Prove and repair', examples: [], variables: SESSION },
  'repair plan': {
    group: 'Prove and repair',
    more: 'Asks Stripe and Blnk again, and names what only a person can decide.',
    examples: ['repair plan', 'repair plan --from 2026-11-18 --to 2026-11-18'],
    exitCodes: {
      0: 'a plan can do what is to be done; payments may still be parked, dismissed or unreadable',
      1: 'the ledger holds something that only a person can decide',
    },
    variables: SESSION,
  },
  'repair apply': {
    group: 'Prove and repair',
    more: 'What is owed is posted by the worker.',
    examples: ['repair apply', 'repair apply 01a1fe58'],
    exitCodes: { 1: 'an item was refused' },
    variables: SESSION,
  },
  rebuild: {
    group: 'Prove and repair',
    more: 'What is in the ledger is adopted; what is not is parked as rebuild until a person decides.',
    examples: ['rebuild', 'rebuild --from 2026-01-01 --yes', 'rebuild --mirror 1a55b13e-4b4c-4061-8fd1-c85b09e76abc'],
    exitCodes: { 1: 'it was interrupted or failed; run again, it resumes', 2: 'it was refused' },
    variables: SESSION,
  },
  worker: {
    group: 'Run',
    more: 'Serves pages, API and metrics beside it unless HTTP_PORT is off.',
    examples: ['worker', 'worker --adopt'],
    exitCodes: { 0: 'stopped cleanly', 1: 'the grace ran out', 2: 'it could not start, or may not go on' },
    ...WORKER,
  },
  serve: {
    group: 'Run',
    more: 'A worker has them too. With the variables of a worker it also compares both sides, and plans and applies repairs.',
    examples: ['serve'],
    exitCodes: { 0: 'stopped cleanly' },
    variables: [...HOME, ...HTTP, 'STRIPE_WEBHOOK_SECRET', 'SYNC_EVERY', 'SYNC_LAG', 'STRIPE_SHARE', 'LOG_LEVEL'],
  },
  health: {
    group: 'Run',
    examples: ['health'],
    exitCodes: { 0: 'ready', 1: 'not ready', 2: 'HTTP_PORT is off, or the configuration is wrong' },
    variables: ['HTTP_HOST', 'HTTP_PORT'],
  },
  doctor: {
    group: 'Set up',
    more:
      'Variables, keys, clocks, Blnk, database, queue, disk, port, and what the configuration will do. What is wrong with one keeps ' +
      'no other from being looked at; each that is asked has 5 seconds. Changes nothing.',
    examples: ['doctor', 'doctor --json'],
    exitCodes: {
      0: 'all is well, or there are warnings alone',
      1: 'as things stand, a worker cannot do all of its work',
      2: 'it was interrupted',
    },
    variables: [],
    variablesText: 'all of them',
  },
  init: {
    group: 'Set up',
    more:
      'The key, its permissions, Blnk, PostgreSQL and Redis are asked as a start asks them. An .env that is there is never ' +
      'overwritten without saying what changes and asking. Keys and addresses with passwords come from the environment, or are entered.',
    examples: ['init', 'init --yes --set SYNC_START=90d --set HTTP_PORT=off', 'init --print --no-check'],
    exitCodes: {
      0: 'it is written',
      1: 'nothing was written: nobody answered, or wanted it',
      2: 'what was given is wrong',
    },
    ...WORKER,
  },
  migrate: {
    group: 'Set up',
    more: 'Also while workers run. Says what it did; the private PostgreSQL needs it only for an upgrade by hand.',
    examples: ['migrate'],
    exitCodes: {
      0: 'the tables are up to date',
      2: 'they are not; what was applied stays, and running it again goes on',
    },
    variables: HOME,
  },
  mirror: { group: 'Set up', examples: [], variables: SESSION },
  'mirror move': {
    group: 'Set up',
    more: 'Refused while workers run.',
    examples: ['mirror move --instance inst_2 --dry-run', 'mirror move --instance core'],
    exitCodes: { 2: 'it was refused' },
    variables: SESSION,
  },
  'login-link': {
    group: 'Set up',
    more: 'In place of a token that is handed around. Run it where the worker has its variables.',
    examples: ['login-link', 'login-link --viewer --by ana'],
    exitCodes: { 2: 'ADMIN_TOKEN is not set, HTTP_PORT is off, or the database could not be asked' },
    variables: [...HOME, ...HTTP],
  },
  completion: {
    group: 'Set up',
    more:
      'It completes the name stripe-blnk-sync, as in a container or a global installation. bash and zsh source it in their start-up ' +
      'file, fish reads it from ~/.config/fish/completions/stripe-blnk-sync.fish.',
    examples: ['completion bash', 'completion zsh', 'completion fish'],
    variables: [],
  },
  demo: {
    group: 'Set up',
    examples: ['demo', 'demo --once --payments 50'],
    exitCodes: {
      0: 'both sides are equal and every day is sealed',
      1: 'they are not, or --once was stopped before',
    },
    variables: [],
  },
};
