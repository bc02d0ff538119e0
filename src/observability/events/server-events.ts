/** Stripe, Blnk, PostgreSQL and the queue: away and back, what their keys may do, whether the ledger is the right one. */
import { formatDuration } from '../../core/base/time-text.js';
import { define, ERROR, NOTHING, type NoFields } from './define.js';

export type Server = 'stripe' | 'blnk' | 'postgresql' | 'queue';

export const SERVER_NAMES: Readonly<Record<Server, string>> = {
  stripe: 'Stripe',
  blnk: 'Blnk',
  postgresql: 'PostgreSQL',
  queue: 'The queue',
};

/** What a key may be without, though less is proven then. */
export type Permission = 'events' | 'charges' | 'customers' | 'proxy:read';

const PERMISSION = '`events`, `charges` or `customers` of Stripe, `proxy:read` of Blnk';

const PERMISSION_LOST: Readonly<Record<Permission, string>> = {
  events: 'STRIPE_API_KEY may not read events: late payments are found by sweeps only, up to a day late',
  charges: 'STRIPE_API_KEY may not read charges: no sweep can be read, and holes stay open',
  customers:
    'STRIPE_API_KEY may not read customers: their identities in Blnk keep the names that they have (BLNK_IDENTITIES)',
  'proxy:read':
    'BLNK_API_KEY may not read balances (proxy:read): proofs do not compare what the source balance moved by, so every day is ' +
    'sealed with that exception at best',
};

const SERVER = '`stripe`, `blnk`, `postgresql` or `queue`';

export const SERVER_EVENTS = {
  outageBegan: define<{ readonly server: Server; readonly error: string }>({
    level: 'warn',
    fields: { server: SERVER, error: ERROR },
    sentence: ({ server, error }) =>
      `${SERVER_NAMES[server]} is unavailable; nothing is lost, and work continues when it answers again: ${error}`,
    meaning: 'For two seconds or more a server has given no answer, or only that it cannot answer.',
    whatToDo: 'fix or start it, when it is yours. What needs it waits; everything else goes on',
  }),
  outageEnded: define<{ readonly server: Server; readonly forMs: number }>({
    level: 'info',
    fields: { server: SERVER, forMs: 'from the first request without an answer to the first answer' },
    sentence: ({ server, forMs }) => `${SERVER_NAMES[server]} is back, after ${formatDuration(forMs)}`,
    meaning: 'The server answers again; what waited for it goes on by itself.',
    whatToDo: NOTHING,
    ends: ['outage_began'],
  }),
  stripeAskedAgain: define<{
    readonly endpoint: string;
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: string;
  }>({
    level: 'warn',
    fields: {
      endpoint: "which of Stripe's endpoints",
      attempt: 'the attempt that failed, from 1',
      delayMs: 'until the next one',
      error: ERROR,
    },
    sentence: ({ endpoint, attempt, delayMs, error }) =>
      `Stripe is asked again in ${formatDuration(delayMs)} for ${endpoint}, after attempt ${attempt}: ${error}`,
    meaning: 'One request to Stripe failed, or was limited, and is sent again.',
    whatToDo: 'nothing; if it is a limit and lasts, lower `STRIPE_SHARE`',
    isCounted: true,
  }),
  queueConnectionFailed: define<{ readonly error: string }>({
    level: 'warn',
    fields: { error: ERROR },
    sentence: ({ error }) => `the queue cannot be reached; trying again: ${error}`,
    meaning: 'A connection to Redis was refused or lost. Workers do what is due by themselves meanwhile.',
    whatToDo: 'start or fix Redis',
    isCounted: true,
  }),
  queueNotReady: define<{ readonly error: string }>({
    level: 'warn',
    fields: { error: ERROR },
    sentence: ({ error }) => `the queue does not answer; this worker runs what is due by itself: ${error}`,
    meaning: 'A worker started without its queue.',
    whatToDo: 'start or fix Redis; the worker connects by itself',
  }),
  queueUnhealthy: define<{ readonly faults: readonly string[] }>({
    level: 'warn',
    fields: { faults: 'a sentence for each thing that keeps jobs from being delivered' },
    sentence: ({ faults }) =>
      `the queue is not as it should be; workers begin by themselves what it does not deliver: ${faults.join('. ')}`,
    meaning: 'The queue is paused, limited, away, or has lost jobs, or its Redis may drop keys.',
    whatToDo: 'what each sentence says; the same stands in `status`',
    isCounted: true,
  }),
  queueHealthy: define<NoFields>({
    level: 'info',
    fields: {},
    sentence: 'the queue delivers again',
    meaning: 'Nothing keeps jobs from being delivered any more.',
    whatToDo: NOTHING,
    ends: ['queue_unhealthy'],
  }),
  permissionLost: define<{ readonly server: Server; readonly permission: Permission; readonly error: string }>({
    level: 'warn',
    fields: { server: SERVER, permission: PERMISSION, error: 'what the key lacks, and how to make one that has it' },
    sentence: ({ permission, error }) => `${PERMISSION_LOST[permission]}. ${error}`,
    meaning: 'The key was refused what it can be without; the worker goes on and proves less.',
    whatToDo: 'make a key as `error` says',
    isCounted: true,
  }),
  permissionFound: define<{ readonly server: Server; readonly permission: Permission }>({
    level: 'info',
    fields: { server: SERVER, permission: PERMISSION },
    sentence: ({ server, permission }) =>
      server === 'blnk' ? 'BLNK_API_KEY may read balances again' : `STRIPE_API_KEY may read ${permission} again`,
    meaning: 'What the key was refused before it may read now.',
    whatToDo: NOTHING,
    ends: ['permission_lost'],
  }),
  ledgerInDoubt: define<{ readonly code: string; readonly error: string }>({
    level: 'error',
    fields: { code: '`ledger_in_doubt`', error: 'what is missing in the ledger' },
    sentence: ({ code, error }) =>
      'the ledger does not look like the one that was posted to: nothing is posted until it does, and the worker stops after ' +
      `ten minutes: ${code}: ${error}`,
    meaning:
      'The source balance is not there, or most of what was posted. A replica that lags shows the same for a while.',
    whatToDo:
      'check `BLNK_INSTANCE_ID`, `BLNK_API_BASE` and what was done to the ledger: see `other_ledger` in the runbook',
  }),
  ledgerRecognised: define<NoFields>({
    level: 'info',
    fields: {},
    sentence: 'the ledger is the one that was posted to; posting goes on',
    meaning: 'The doubt is over.',
    whatToDo: NOTHING,
    ends: ['ledger_in_doubt'],
  }),
  ledgerRowsMissing: define<{ readonly error: string }>({
    level: 'warn',
    fields: { error: 'which of the payments that were looked for' },
    sentence: ({ error }) => `posted payments are missing in the ledger: ${error}`,
    meaning: 'The ledger is the right one, and a few of the payments that were posted are not in it.',
    whatToDo: '`prove` their days, then `repair plan`',
  }),
  ledgerLookFailed: define<{ readonly error: string }>({
    level: 'warn',
    fields: { error: ERROR },
    sentence: ({ error }) => `the ledger could not be looked at; it is asked again: ${error}`,
    meaning: 'Whether the ledger is the right one could not be asked now; it is asked again.',
    whatToDo: 'nothing while Blnk is away',
    isCounted: true,
  }),
};
