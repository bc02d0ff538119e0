/** A worker from start to end, its background tasks and its jobs. */
import { formatDuration, formatTime } from '../../core/base/time-text.js';
import { countText, define, ERROR, NOTHING, type NoFields } from './define.js';

const CODE = 'code of the fault, see the runbook';

interface Fault {
  readonly code: string;
  readonly error: string;
}

interface JobFault extends Fault {
  readonly job: string;
}

const JOB_FIELDS = { job: 'name of the job: sync, backfill-part, lane, proofs', code: CODE, error: ERROR };

export const WORKER_EVENTS = {
  storageProgress: define<{ readonly step: string }>({
    level: 'info',
    fields: { step: 'what the private PostgreSQL does' },
    sentence: ({ step }) => step,
    meaning: 'The private PostgreSQL is made, started or ended.',
    whatToDo: NOTHING,
  }),
  migrationWaits: define<{ readonly reason: string }>({
    level: 'warn',
    fields: { reason: 'whom the migration waits for' },
    sentence: ({ reason }) => reason,
    meaning: 'A migration waits for other sessions of PostgreSQL.',
    whatToDo: 'nothing, or end the sessions that it names',
  }),
  startWaits: define<Fault & { readonly waitMs: number }>({
    level: 'warn',
    fields: { code: CODE, error: ERROR, waitMs: 'until the next try' },
    sentence: ({ code, error, waitMs }) =>
      `cannot start yet; trying again in ${formatDuration(waitMs)}: ${code}: ${error}`,
    meaning: 'A worker cannot start, because a server does not answer yet.',
    whatToDo: 'start or fix the server that it names; the worker starts by itself then',
  }),
  workerStarted: define<{
    readonly worker: string;
    readonly account: string | null;
    readonly livemode: boolean;
    readonly since: Date;
    readonly everyMs: number;
  }>({
    level: 'info',
    fields: {
      worker: 'id of this worker, as in the table `workers`',
      account: 'the Stripe account; null when its key may not read it',
      livemode: 'whether it mirrors live payments',
      since: 'payments created from then on are mirrored',
      everyMs: 'the configured interval between syncs (`SYNC_EVERY`)',
    },
    sentence: ({ everyMs, account, livemode, since }) =>
      `mirroring every ${everyMs / 1000} s: ${livemode ? 'live' : 'test'} payments of ${account ?? 'the Stripe account'} ` +
      `from ${formatTime(since)} UTC on`,
    meaning: 'A worker has started and takes work.',
    whatToDo: NOTHING,
  }),
  syncStartIgnored: define<{ readonly severity: 'info' | 'warn'; readonly text: string }>({
    level: { of: ({ severity }) => severity, text: 'info, or warn when payments are left out by it' },
    fields: { severity: 'the level of this line', text: 'its sentence' },
    sentence: ({ text }) => text,
    meaning: 'The configured `SYNC_START` is not where the mirror begins: that was fixed at the first start.',
    whatToDo: 'set it back, or read what is older with `backfill --from`',
  }),
  workerStopping: define<NoFields>({
    level: 'info',
    fields: {},
    sentence: 'stopping: no new work; what is in flight ends',
    meaning: 'A worker was told to stop (SIGTERM, SIGINT, SIGHUP), or may not go on.',
    whatToDo: NOTHING,
  }),
  workerStopped: define<NoFields>({
    level: 'info',
    fields: {},
    sentence: 'stopped',
    meaning: 'All that was in flight has ended, and the process ends.',
    whatToDo: 'start it when it is to go on',
  }),
  graceRanOut: define<NoFields>({
    level: 'error',
    fields: {},
    sentence: 'SHUTDOWN_GRACE ran out; what was in flight is looked up at the next start',
    meaning: 'A post took longer than the grace, and the process ends without waiting for it (exit code 1).',
    whatToDo: 'start it; if it comes again, give it more grace',
  }),
  versionTooOld: define<Fault>({
    level: 'error',
    fields: { code: CODE, error: ERROR },
    sentence: ({ code, error }) => `this version is too old; the worker stops: ${code}: ${error}`,
    meaning: 'The tables serve newer versions alone; the worker stops (exit code 2).',
    whatToDo: 'install the version that it names',
  }),
  workerMustStop: define<Fault>({
    level: 'error',
    fields: { code: CODE, error: ERROR },
    sentence: ({ code, error }) => `this worker may not go on; a person has to act: ${code}: ${error}`,
    meaning:
      'Something that only a person can fix: another ledger, a mirror that was moved. The worker stops (exit code 2).',
    whatToDo: 'look its code up in the runbook',
  }),
  closingFailed: define<{ readonly error: string }>({
    level: 'warn',
    fields: { error: ERROR },
    sentence: ({ error }) => `something could not be closed in order: ${error}`,
    meaning: 'A connection could not be closed, mostly because its server is away.',
    whatToDo: NOTHING,
  }),
  jobFailed: define<JobFault>({
    level: 'warn',
    fields: JOB_FIELDS,
    sentence: ({ job, code, error }) => `the job ${job} failed; it is asked for again: ${code}: ${error}`,
    meaning: 'One piece of work failed. What it had stored stays; the rest is done again.',
    whatToDo: 'nothing while a server is away; else look its code up in the runbook',
    isCounted: true,
  }),
  jobRefused: define<JobFault>({
    level: 'warn',
    fields: JOB_FIELDS,
    sentence: ({ job, code, error }) => `a job ${job} was refused: ${code}: ${error}`,
    meaning: 'A job on the queue cannot be read: somebody else put it there, with other content.',
    whatToDo: 'correct the program that adds it',
    isCounted: true,
  }),
  jobNeedsPerson: define<JobFault>({
    level: 'error',
    fields: JOB_FIELDS,
    sentence: ({ job, code, error }) => `the job ${job} is stopped until a person acts: ${code}: ${error}`,
    meaning: 'One kind of work gets no further until a person acts, for example because a key was refused.',
    whatToDo: 'look its code up in the runbook; work goes on by itself then',
    isCounted: true,
  }),
  jobCutByStop: define<{ readonly job: string }>({
    level: 'debug',
    fields: { job: JOB_FIELDS.job },
    sentence: ({ job }) => `the job ${job} ended early, because the worker stops`,
    meaning: 'What was left of it is done by the next worker.',
    whatToDo: NOTHING,
  }),
  backgroundTaskFailed: define<{ readonly task: string; readonly error: string }>({
    level: 'warn',
    fields: { task: 'which background task', error: ERROR },
    sentence: ({ task, error }) => `the background task ${task} failed; it runs again in a while: ${error}`,
    meaning: 'A background task, which runs again within minutes, could not be done now.',
    whatToDo: 'nothing while a server is away; else read the error',
    isCounted: true,
  }),
  stalledSessionsEnded: define<{ readonly sessions: number }>({
    level: 'warn',
    fields: { sessions: 'how many' },
    sentence: ({ sessions }) =>
      `${countText(sessions, 'database session')} ended, because the process stood still in the middle of a statement; nothing waits for it any more`,
    meaning:
      'A worker or command came to a halt (a suspended or frozen machine, a host without power) while it held locks in PostgreSQL that others may wait for. Nothing is lost; when it resumes, it connects anew.',
    whatToDo: 'find out what stopped it',
  }),
  silentRunsClosed: define<{ readonly runs: number }>({
    level: 'warn',
    fields: { runs: 'how many' },
    sentence: ({ runs }) =>
      `${countText(runs, 'run')} closed, because the worker went silent; the next run reads the rest`,
    meaning:
      'A worker was killed while it read. Its runs are `failed` with `worker_lost`; the next run reads the rest.',
    whatToDo: 'find out what ended it',
  }),
  totalsMended: define<{ readonly wrong: string }>({
    level: 'warn',
    fields: { wrong: 'the first difference that was found' },
    sentence: ({ wrong }) => `sums of payments were wrong, and were counted anew: ${wrong}`,
    meaning:
      'Counts and sums of postings, which triggers keep, were not what the postings are: somebody wrote past the triggers. They are right again; payments were never concerned.',
    whatToDo:
      'find out who wrote to `postings` with triggers off: a restore of that table alone, or replication into it',
  }),
  clockWasAhead: define<{ readonly ours: number; readonly ofQueue: number }>({
    level: 'warn',
    fields: { ours: 'rows of ours with a time to come', ofQueue: 'jobs of the queue with one' },
    sentence: 'a clock was ahead; what waited for its time goes on now',
    meaning: 'The clock of the database or of a worker was ahead, and what it had dated was brought back.',
    whatToDo: 'keep the clocks set (NTP)',
  }),
  clockOff: define<Fault & { readonly databaseAheadMs: number | null; readonly machineAheadMs: number }>({
    level: 'warn',
    fields: {
      code: CODE,
      error: ERROR,
      databaseAheadMs: "the database's clock against Stripe's answer; null when it was not asked",
      machineAheadMs: "this machine's",
    },
    sentence: ({ code, error }) => `a clock is off: ${code}: ${error}`,
    meaning: "Stripe's time, the database's clock and this machine's do not agree.",
    whatToDo: 'look its code up in the runbook; the same stands in `status`',
  }),
  clocksAgree: define<NoFields>({
    level: 'info',
    fields: {},
    sentence: 'the clocks agree again',
    meaning: 'The clock that was off is right again.',
    whatToDo: NOTHING,
    ends: ['clock_off'],
  }),
  balancesMade: define<{ readonly balances: number }>({
    level: 'info',
    fields: { balances: 'how many' },
    sentence: ({ balances }) =>
      `${countText(balances, 'balance')} of customers in the mirror's ledger, ready to be posted to`,
    meaning: 'Balances were made in the ledger of the mirror, ahead of posting (`BLNK_ACCOUNTS=ledger`).',
    whatToDo: NOTHING,
    isCounted: true,
  }),
  identitiesKept: define<{ readonly customers: number }>({
    level: 'info',
    fields: { customers: 'how many' },
    sentence: ({ customers }) =>
      `${countText(customers, 'customer')} with identity in Blnk, their balances linked to it`,
    meaning: 'Identities were made, or balances of customers were linked to theirs (`BLNK_IDENTITIES`).',
    whatToDo: NOTHING,
    isCounted: true,
  }),
  identityParked: define<{ readonly reason: string; readonly error: string }>({
    level: 'warn',
    fields: { reason: '`linked_elsewhere` or `refused_by_blnk`', error: ERROR },
    sentence: ({ reason, error }) =>
      `the identity of a customer gets no further until a person acts; it is looked at again in a day: ${reason}: ${error}`,
    meaning: 'A balance of a customer is linked to an identity that is not ours, or Blnk refuses what we ask of it.',
    whatToDo: 'see `identities_parked` in the runbook; payments are not concerned',
    isCounted: true,
  }),
  laneNotWoken: define<{ readonly error: string }>({
    level: 'debug',
    fields: { error: ERROR },
    sentence: ({ error }) => `a lane could not be woken: ${error}`,
    meaning: 'The queue did not take a request; a background task asks again within a minute.',
    whatToDo: NOTHING,
  }),
  partNotRequested: define<{ readonly error: string }>({
    level: 'debug',
    fields: { error: ERROR },
    sentence: ({ error }) => `a part could not be asked for: ${error}`,
    meaning: 'The queue did not take a request; a background task asks again within a minute.',
    whatToDo: NOTHING,
  }),
  queueClientFailed: define<{ readonly error: string }>({
    level: 'debug',
    fields: { error: ERROR },
    sentence: ({ error }) => `the client of the queue says: ${error}`,
    meaning: 'What the client of the queue says of its connections.',
    whatToDo: NOTHING,
  }),
  undeliveredWorkBegun: define<{ readonly kind: string; readonly keys: readonly string[] }>({
    level: 'debug',
    fields: { kind: 'sync, part, lane or proofs', keys: 'the first five' },
    sentence: ({ kind, keys }) => `due and not delivered: begun by this worker: ${kind} ${keys.join(', ')}`,
    meaning: 'The queue did not deliver what was due, and the worker does it by itself.',
    whatToDo: NOTHING,
  }),
};
