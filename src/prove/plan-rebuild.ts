/**
 * Decides whether a database may be rebuilt, and of when: the ids that the ledger's own transactions carry, the time from
 * which they begin, and a hand-over that is fixed now. Refuses a ledger that is not this account's.
 */

import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { DAY_MS, dayWindow, floorToSecond, later, utcDay } from '../core/base/window.js';
import { type Mirror, STRIPE_EPOCH } from '../core/posting/mirror.js';
import type { LedgerHistory, LedgerSide, StripeSide } from './ports.js';

export interface RebuildPlan {
  /** Ids that the ledger's transactions carry, at most 5 of them. */
  readonly mirrorIdsFound: readonly string[];
  readonly startsAt: Date;
  readonly cutoverAt: Date;
}

export interface PlanPorts {
  readonly history: Pick<LedgerHistory, 'mirrorIds' | 'oldestEffectiveDay'>;
  readonly ledger: Pick<LedgerSide, 'listDay'>;
  readonly stripe: Pick<StripeSide, 'readIntent'>;
  /** Stripe's clock. Throws SyncError `no_server_time` when its answer carries none. */
  serverTime(): Promise<Date>;
}

/** @param options.from the start that a person asked for; null: the oldest day in the ledger. Throws SyncError `fatal`. */
export async function planRebuild(ports: PlanPorts, { from }: { readonly from: Date | null }): Promise<RebuildPlan> {
  const mirrorIdsFound = await ports.history.mirrorIds();
  const oldestDay = await ports.history.oldestEffectiveDay();
  if (mirrorIdsFound.length === 0 || oldestDay === null) throw nothingToRebuild();
  await refuseOtherAccount(ports, oldestDay);
  const cutoverAt = floorToSecond(await ports.serverTime());
  const startsAt = later(STRIPE_EPOCH, floorToSecond(from ?? new Date(`${oldestDay}T00:00:00Z`)));
  if (startsAt >= cutoverAt) {
    throw new SyncError(
      `--from is ${startsAt.toISOString()}, which is not before Stripe's now (${cutoverAt.toISOString()}); allowed is a time that has passed`,
      { kind: 'fatal', code: 'start_in_future' },
    );
  }
  return { mirrorIdsFound, startsAt, cutoverAt };
}

/** Only a rebuild that was not finished may go on in a database that mirrors something. */
export function refuseMirrored(mirror: Mirror): void {
  if (mirror.rebuildingSince !== null) return;
  throw new SyncError(
    `This database already mirrors ${mirror.stripeAccount ?? 'a Stripe account'} since ${mirror.startsAt.toISOString()}; ` +
      `rebuild is for one that was lost. To compare it with Stripe and the ledger: ${commandLine('prove')}; to repair what differs: ${commandLine('repair plan')}. ` +
      'To rebuild all the same, set DATABASE_URL (or DATA_DIR) to an empty database',
    { kind: 'fatal', code: 'database_not_empty' },
  );
}

/** Payments, and days from the oldest on, of which none has to be known to Stripe before the account is another one. */
const ASKED_MAX = 5;
const DAYS_MAX = 31;

/**
 * With a key of another account every transaction in the ledger would look like nobody's payment. A single one may be
 * just that, so several are asked for; one that Stripe knows is enough.
 */
async function refuseOtherAccount({ ledger, stripe }: PlanPorts, oldestDay: string): Promise<void> {
  const missing: string[] = [];
  for await (const paymentId of paymentsFrom(ledger, oldestDay)) {
    if ((await stripe.readIntent(paymentId)).kind !== 'missing') return;
    missing.push(paymentId);
    if (missing.length === ASKED_MAX) break;
  }
  if (missing.length === 0) return;
  throw new SyncError(
    `Stripe does not know ${missing.join(', ')}, which the ledger holds: STRIPE_API_KEY belongs to another account, or the test data was deleted. ` +
      'Use a key of the account whose payments this ledger mirrors',
    { kind: 'fatal', code: 'other_account' },
  );
}

/** Each once, the oldest day's first. */
async function* paymentsFrom(ledger: PlanPorts['ledger'], oldestDay: string): AsyncGenerator<string> {
  const seen = new Set<string>();
  const { from } = dayWindow(oldestDay);
  for (let days = 0; days < DAYS_MAX; days += 1) {
    for await (const { rows } of ledger.listDay(utcDay(new Date(from.getTime() + days * DAY_MS)))) {
      for (const { paymentId, status } of rows) {
        if (status !== 'APPLIED' || paymentId === null || seen.has(paymentId)) continue;
        seen.add(paymentId);
        yield paymentId;
      }
    }
  }
}

function nothingToRebuild(): SyncError {
  return new SyncError(
    'The ledger holds no transaction of this software, so there is nothing to rebuild. Check BLNK_API_BASE and BLNK_INSTANCE_ID; ' +
      'to begin a new mirror, start a worker',
    { kind: 'fatal', code: 'nothing_to_rebuild' },
  );
}
