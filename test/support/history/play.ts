/** Takes the steps of a history one after the other, asks the oracle after each, and lets it end well. */
import { assertHonest, differencesInTheEnd, type OracleOptions } from './oracle.js';
import type { Step } from './steps.js';
import { DAY, HOUR, LAG, MINUTE, SECOND } from './time.js';
import type { History } from './world.js';

/** Throws when a step leaves behind a claim that is not so. Between two steps in which nobody works it is asked once. */
export async function play(history: History, steps: readonly Step[], options: OracleOptions = {}): Promise<void> {
  for (const [index, step] of steps.entries()) {
    await take(history, step);
    const next = steps[index + 1];
    if (!isWork(step) && next !== undefined && !isWork(next)) continue;
    await assertHonest(history, options).catch((cause: unknown) => {
      throw new Error(`after step ${index + 1}, ${JSON.stringify(step)}`, { cause });
    });
  }
}

/** Whether a process of the mirror does something in it. */
function isWork({ step }: Step): boolean {
  return ['ticks', 'sync', 'jobs', 'askForDue', 'atOnce', 'wake', 'backfill'].includes(step);
}

export interface EndOptions extends OracleOptions {
  /** How long it must stay equal, in turns of work. Default: until the latest success has come, and without a hole. */
  readonly afterwardsMs?: readonly number[];
}

/** What passes by itself once nothing fails any more: the lag, the back-off of an hour, the daily work. */
const PAUSES = [...Array(4).fill(5 * MINUTE), ...Array(6).fill(HOUR), ...Array(4).fill(DAY)] as const;

/**
 * The faults stop and time passes: no step by hand. Throws when ledger and Stripe are not equal then, or `status` does
 * not say so; and when they do not stay equal for the days after.
 */
export async function endWell(history: History, options: EndOptions = {}): Promise<void> {
  await history.endFaults();
  await settle(history, options);
  for (const ms of options.afterwardsMs ?? [LAG + SECOND, DAY, 20 * DAY, 20 * DAY, 21 * DAY]) {
    await history.advance(ms);
    await settle(history, options);
  }
}

async function settle(history: History, options: OracleOptions): Promise<void> {
  let differences: string | null = null;
  for (const pause of [0, ...PAUSES]) {
    await history.advance(pause);
    await workOnce(history);
    differences = await differencesInTheEnd(history, options);
    if (differences === null) return;
  }
  throw new Error(`not equal although nothing fails any more: ${differences}`);
}

/** What all workers do within a minute or two: the timer, its jobs, and a tick of the schedule. */
async function workOnce(history: History): Promise<void> {
  const worker = history.worker(0);
  await worker.sync();
  await worker.askForDue();
  await worker.takeJobs();
  // Lanes that the jobs woke, and those that a minute later are due again.
  await worker.takeJobs();
}

async function take(history: History, step: Step): Promise<void> {
  switch (step.step) {
    case 'advance':
      return history.advance(step.ms);
    case 'pay':
      return pay(history, step);
    case 'payLate':
      return payLate(history, step);
    case 'ticks':
      for (let n = 0; n < step.count; n += 1) {
        await history.advance(step.everyMs);
        await history.worker(step.worker).sync();
        await history.worker(step.worker).askForDue();
        await history.worker(step.worker).takeJobs();
      }
      return;
    case 'sync':
      return history.worker(step.worker).sync('manual');
    case 'jobs':
      return history.worker(step.worker).takeJobs();
    case 'askForDue':
      return history.worker(step.worker).askForDue();
    case 'atOnce':
      return workAtOnce(history, step.what);
    case 'loseQueue':
      return history.queue.lose();
    case 'die':
      return history.worker(step.worker).fate.dieAfter(step.afterMoments);
    case 'pause':
      return history.worker(step.worker).fate.pauseAfter(step.afterMoments);
    case 'wake':
      return history.wakeAll();
    case 'stripeFault':
      history.stripe.faults.add(step.fault);
      return;
    case 'blnkFault':
      history.blnk.faults.add(step.fault);
      return;
    case 'slowRequests':
      return history.stripe.setRequestTime(step.ms);
    case 'databaseOff':
      history.databaseOffMs = step.ms;
      return history.alignDatabase();
    case 'permission':
      return history.setPermission(step.of, step.granted);
    case 'backfill':
      return history.worker(step.worker).requestBackfill(step);
    default:
      step satisfies never;
  }
}

/** Both workers with the same work at the same time. */
async function workAtOnce(history: History, what: 'sync' | 'jobs' | 'both'): Promise<void> {
  const [first, second] = [history.worker(0), history.worker(1)];
  // What the one takes out of the queue, the other is given as well: a job that stalled runs twice.
  await first.askForDue();
  const sync = () => [first.sync(), second.sync()];
  const jobs = () => [first.takeJobs({ keep: true }), second.takeJobs()];
  await Promise.all([...(what === 'jobs' ? [] : sync()), ...(what === 'sync' ? [] : jobs())]);
}

function pay(history: History, { count, spreadMs, kind }: Extract<Step, { step: 'pay' }>): void {
  const now = history.clock.nowMs();
  // A list shows late too, though never by as much as the lag.
  for (let n = 0; n < count; n += 1) {
    const at = new Date(now - ((n * spreadMs) % (LAG / 2)));
    history.stripe.createIntent({ kind, created: at, moves: [{ move: 'succeed', at }] });
  }
}

function payLate(history: History, step: Extract<Step, { step: 'payLate' }>): void {
  const now = history.clock.nowMs();
  const confirmed = now + step.confirmInMs;
  history.stripe.createIntent({
    kind: 'card_usd',
    created: new Date(now - step.createdAgoMs),
    moves: [
      { move: step.confirmAs, at: new Date(confirmed) },
      { move: 'succeed', at: new Date(confirmed + step.succeedInMs) },
    ],
  });
}
