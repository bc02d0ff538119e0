/** New payments while a round runs, and waiting until a mirror has nothing left to do. */

import { until } from '../process/wait.js';
import type { CrashProcess, CrashStage } from './stage.js';

const QUIET_WITHIN_MS = 2 * 60_000;
const SCHEDULED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;
const STEP_MS = 500;
/** A post that was killed leaves a real Core's balances locked for five minutes; looking is final after six. */
const REAL_QUIET_WITHIN_MS = 15 * 60_000;

/** Half a second each by Stripe's clock, which stands still otherwise: about as fast as the machine's, which it must not leave. */
export function addPayments({ session: { stripe } }: CrashStage, count: number): void {
  for (let made = 0; made < count; made += 1) {
    stripe.clock.advance(STEP_MS);
    stripe.createIntent({ kind: 'card_usd' });
  }
  stripe.clock.advance(STEP_MS);
}

/** Everything expected is stored and settled, every backfill and sweep is read, and no run is open but this worker's. */
export async function untilQuiet({ session, realCore }: CrashStage, worker: CrashProcess): Promise<void> {
  const wanted = [...session.stripe.expected()].filter(({ expected }) =>
    ['posted', 'parked'].includes(expected.outcome),
  ).length;
  const { worker: workerId } = await worker.untilLogged(/^mirroring/, QUIET_WITHIN_MS);
  let last = 'not looked at yet';
  let lookedAt = Number.NEGATIVE_INFINITY;
  const look = async (): Promise<boolean> => {
    if (performance.now() - lookedAt < LOOK_EVERY_MS) return false;
    lookedAt = performance.now();
    const sql = await session.look();
    const [tables] = await sql`select to_regclass('stripe_blnk_sync.postings') is not null as present`;
    if (tables?.present !== true) return false;
    const [row] = await sql<{ stored: number; pending: number; open: number; left: number }[]>`
      select (select count(*)::int from stripe_blnk_sync.postings) as stored,
        (select count(*)::int from stripe_blnk_sync.postings where state = 'pending') as pending,
        (select count(*)::int from stripe_blnk_sync.sync_runs where state = 'collecting' and worker_id is null) as open,
        (select count(*)::int from stripe_blnk_sync.sync_runs run where state = 'collecting' and worker_id is not null
          and worker_id <> ${String(workerId)}) as left`;
    const waiting = await sql`
      select reference, attempts, look_ups, due_at - now() as due_in, claimed_until - now() as claimed_for, reason, last_error
      from stripe_blnk_sync.postings where state = 'pending' limit 3`;
    last = JSON.stringify([wanted, row, ...waiting]);
    return row?.stored === wanted && row.pending === 0 && row.open === 0 && row.left === 0;
  };
  await until('nothing is left to do', () => look().catch((error: unknown) => notYet(error, (said) => (last = said))), {
    timeoutMs: realCore === null ? QUIET_WITHIN_MS : REAL_QUIET_WITHIN_MS,
    explain: () => `${last}\n${worker.output()}${worker.errors()}`,
  });
}

/** A worker that is behind takes the schedule away and makes it anew: for a moment there is none. */
export async function untilScheduled(stage: CrashStage): Promise<void> {
  const { queue } = await stage.session.foreignQueue();
  const outputs = () => stage.living().map((worker) => worker.output() + worker.errors());
  const isThere = async () => stage.living().length === 0 || (await queue.getJobSchedulersCount()) === 1;
  await until('the queue has its one schedule', isThere, {
    timeoutMs: SCHEDULED_WITHIN_MS,
    explain: () => outputs().join('\n'),
  });
}

/** The server may be on its way up again. */
function notYet(error: unknown, say: (text: string) => void): false {
  say(String(error));
  return false;
}
