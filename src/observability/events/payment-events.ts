/** Runs and payments: read, posted, parked. Payments are counted, never told one by one. */
import { withoutFullStop } from '../../core/base/errors.js';
import { commandLine } from '../../core/base/own-command.js';
import { formatCount, formatDuration, formatTime } from '../../core/base/time-text.js';
import { countText, define, ERROR, NOTHING } from './define.js';

const RUN = 'id of the run, for `run <id>`';
const FEED = '`events` (tail), `payment_intents` (backfill) or `charges` (sweep)';

interface Reading {
  readonly run: string;
  readonly feed: string;
  readonly found: number;
  readonly knownBefore: number;
  readonly stored: number;
}

const READING_FIELDS = {
  run: RUN,
  feed: FEED,
  found: 'succeeded payments that it saw; = `knownBefore` + `stored`',
  knownBefore: 'of these, stored by an earlier run',
  stored: 'of these, stored first by it',
};

/** As `runs` shows it, and `run` takes it. */
function runName(run: string): string {
  return run.slice(0, 13);
}

export const PAYMENT_EVENTS = {
  paymentsStored: define<Reading>({
    level: 'info',
    fields: READING_FIELDS,
    sentence: ({ run, found, knownBefore, stored }) =>
      `${countText(stored, 'payment')} stored by run ${runName(run)}: ${formatCount(found)} found = ` +
      `${formatCount(knownBefore)} known before + ${formatCount(stored)} stored`,
    meaning: 'A run, or one part of a run, has read all that it had to, and has stored payments that were not known.',
    whatToDo: NOTHING,
  }),
  nothingNew: define<Reading>({
    level: 'debug',
    fields: READING_FIELDS,
    sentence: ({ run, knownBefore }) => `nothing new in run ${runName(run)} (${formatCount(knownBefore)} known before)`,
    meaning: 'A run has read all that it had to, and knew every payment.',
    whatToDo: NOTHING,
  }),
  runEnded: define<
    Reading & {
      readonly trigger: string;
      readonly status: string;
      readonly posted: number;
      readonly alreadyThere: number;
      readonly parked: number;
      readonly dismissed: number;
      readonly beforeStart: number;
    }
  >({
    level: 'info',
    fields: {
      ...READING_FIELDS,
      trigger: 'who asked: `schedule`, `startup`, `manual` or `webhook`',
      status:
        '`succeeded`; `attention` when payments are parked; `failed` or `stopped` when the next run reads the rest',
      posted: 'of the stored ones, posted by this software',
      alreadyThere: 'of the stored ones, found in the ledger and adopted',
      parked: 'of the stored ones, held for a person; `stored` = `posted` + `alreadyThere` + `parked`',
      dismissed: 'of the parked ones, those that a person decided to leave out',
      beforeStart: "seen, but created before the mirror's start; not in `found`",
    },
    sentence: ({ run, status, found, knownBefore, stored, posted, alreadyThere, parked }) =>
      `run ${runName(run)} ended (${status}): ${formatCount(found)} found = ${formatCount(knownBefore)} known before + ` +
      `${formatCount(stored)} stored; ${formatCount(stored)} stored = ${formatCount(posted)} posted + ` +
      `${formatCount(alreadyThere)} already there + ${formatCount(parked)} parked`,
    meaning:
      'All that a run stored is decided. Said once, by one of the workers, of runs that stored something or that a person asked for; a backfill with all of its parts.',
    whatToDo: 'with `attention`: `parked list`',
  }),
  coverageTakenBack: define<{ readonly code: string; readonly to: Date }>({
    level: 'warn',
    fields: { code: '`coverage_ahead`', to: 'up to when it holds now' },
    sentence: ({ to }) =>
      'an earlier answer of Stripe stated a time that had not come: what counted as read after ' +
      `${formatTime(to)} UTC is read again`,
    meaning:
      'An earlier answer of Stripe stated a time that had not come; what counted as read beyond the truth is read again.',
    whatToDo: 'look for a proxy or cache between the worker and Stripe',
  }),
  parked: define<{
    readonly reason: string;
    readonly payments: number;
    readonly reference: string;
    readonly detail: string;
  }>({
    level: 'warn',
    fields: {
      reason: 'see parked payments in the runbook',
      payments: 'how many, since it was said last',
      reference: 'of the first one',
      detail: 'why, of the first one',
    },
    sentence: ({ payments, reason, reference, detail }) =>
      `parked: a person has to decide about ${countText(payments, 'payment')} (${reason}), ` +
      `${payments === 1 ? '' : 'the first of them '}${reference}: ${withoutFullStop(detail)}. See: ${commandLine(`parked list --reason ${reason}`)}`,
    meaning:
      'Payments are held back with this reason, while they are read or while they are posted. At once for the first ones of a reason, then at most once a minute.',
    whatToDo: 'see parked payments in the runbook',
  }),
  dismissedFound: define<{ readonly payments: number }>({
    level: 'warn',
    fields: { payments: 'how many' },
    sentence: ({ payments }) =>
      `${countText(payments, 'dismissed payment')} in the ledger, because Blnk applied an attempt from before the decision ` +
      'late: counted as posted',
    meaning: 'An attempt from before the decision to leave them out was applied by Blnk late.',
    whatToDo: 'look at `parked show`; take them back in the ledger if they must not be there',
  }),
  paymentsPosted: define<{ readonly payments: number; readonly alreadyThere: number; readonly overMs: number }>({
    level: 'info',
    fields: {
      payments: 'seen in the ledger as `APPLIED`, `alreadyThere` included',
      alreadyThere: 'of these, adopted because an equal one was there',
      overMs: 'since this was said last, or since the first of them',
    },
    sentence: ({ payments, alreadyThere, overMs }) =>
      `${countText(payments, 'payment')} posted in ${formatDuration(overMs)}` +
      (alreadyThere === 0 ? '' : `, ${formatCount(alreadyThere)} of them already there`),
    meaning: 'What this worker settled, once a minute while there is something, and when it stops.',
    whatToDo: NOTHING,
  }),
  lanePaused: define<{ readonly lane: string; readonly error: string; readonly pauseMs: number }>({
    level: 'warn',
    fields: { lane: 'currency and source balance', error: ERROR, pauseMs: 'until the next try' },
    sentence: ({ lane, error, pauseMs }) =>
      `posting to the lane ${lane} pauses for ${formatDuration(pauseMs)}; every payment is kept: ${error}`,
    meaning: 'A whole chunk got no further. Pauses grow to a minute; every payment is kept.',
    whatToDo: 'nothing while Blnk is away or limits requests',
    isCounted: true,
  }),
  laneResumed: define<{ readonly lane: string; readonly forMs: number }>({
    level: 'info',
    fields: { lane: 'currency and source balance', forMs: 'from the first pause on' },
    sentence: ({ lane, forMs }) => `posting to the lane ${lane} goes on, after ${formatDuration(forMs)}`,
    meaning: 'The lane got further again, or has nothing left to post.',
    whatToDo: NOTHING,
    ends: ['lane_paused'],
  }),
  pauseNotRecorded: define<{ readonly error: string }>({
    level: 'debug',
    fields: { error: ERROR },
    sentence: ({ error }) => `a pause could not be noted: ${error}`,
    meaning: '`status` does not show a pause of a lane, because the database did not take it.',
    whatToDo: NOTHING,
  }),
  claimNotRenewed: define<{ readonly error: string }>({
    level: 'warn',
    fields: { error: ERROR },
    sentence: ({ error }) =>
      `a claim could not be renewed; what was claimed is looked up by whoever takes it next: ${error}`,
    meaning: 'The database did not answer in time; what was claimed is looked up by whoever takes it next.',
    whatToDo: 'nothing while PostgreSQL is away or slow',
    isCounted: true,
  }),
};
