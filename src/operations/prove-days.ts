/** Proves the days that a person names, one after another, and keeps each. */
import { v7 as uuidv7 } from 'uuid';
import { SyncError } from '../core/base/errors.js';
import { orRefuse } from '../core/base/refusal.js';
import { DAY_MS, daysBetween, utcDay } from '../core/base/window.js';
import type { Mirror } from '../core/posting/mirror.js';
import { isSealed } from '../core/proof/reopening.js';
import { type FullCertificate, readDay } from '../db/reads/certificates.js';
import { type ProveDaysPorts, proveDays } from '../prove/prove-days.js';
import { confirmSides, mirrorOf, type Session } from './session.js';

export interface DaysAsked {
  /** First and last UTC day; null: the last seven days that are over. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface DaysProven {
  readonly asked: number;
  /** Those that were asked for, oldest first. */
  readonly days: readonly string[];
  /** Fewer after a signal or a fault. */
  readonly proven: number;
  /** Of the days that were proven, in their order. */
  readonly certificates: readonly FullCertificate[];
  /** What ended it early. */
  readonly faults: readonly unknown[];
  /** All that were asked for, with or without exceptions. */
  readonly allSealed: boolean;
}

/** What is known of the mirror when days are proven. */
export interface ProvingFacts {
  readonly mirror: Mirror;
  readonly lagMs: number;
  readonly completeTo: Date | null;
  /** Days before the start that have payments of the mirror, oldest first. */
  readonly earlierDays: readonly string[];
  /** The database's clock. */
  readonly now: Date;
}

export interface ProvingSession extends Session {
  /** Null on a database that mirrors nothing yet. */
  readProvingFacts(): Promise<ProvingFacts | null>;
  /** The ports of proving, for as long as the facts hold. */
  createProver(facts: ProvingFacts): ProveDaysPorts;
}

export interface ProvingListener {
  /** Before each day, with the days that are done. */
  onDay(day: string, progress: { readonly done: number; readonly all: number }): void;
}

/** Without a range: a week of days that are over. */
const DAYS_DEFAULT = 7;

/** A day that cannot be proven ends it; what is proven by then is kept. Throws a Refusal. */
export async function proveNamedDays(
  session: ProvingSession,
  asked: DaysAsked,
  { onDay }: ProvingListener,
): Promise<DaysProven> {
  const { days, facts } = await orRefuse(async () => {
    const known = await checkedFacts(session);
    return { days: daysAsked(asked, known), facts: known };
  });
  const faults: unknown[] = [];
  const proven = await proveDays(
    session.createProver(facts),
    days.map((day) => ({ day, trigger: 'manual' })),
    {
      proofId: uuidv7(),
      signal: session.signal,
      onDay,
      onFailed(_day, error) {
        faults.push(error);
        return 'end';
      },
    },
  );
  const certificates: FullCertificate[] = [];
  for (const { day } of proven) {
    certificates.push(...((await readDay(session.database.db, { day }))?.certificates ?? []));
  }
  const allSealed = proven.length === days.length && certificates.every(({ state }) => isSealed(state));
  return { asked: days.length, days, proven: proven.length, certificates, faults, allSealed };
}

/** Asks everything that may refuse: a proof against another account or ledger would call every payment missing. */
async function checkedFacts(session: ProvingSession): Promise<ProvingFacts> {
  mirrorOf(session);
  await session.vendors.checkAccess();
  const mirror = await confirmSides(session);
  const facts = await session.readProvingFacts();
  return facts ?? { mirror, lagMs: session.config.syncLagMs, completeTo: null, earlierDays: [], now: mirror.startsAt };
}

/** Oldest first. Throws SyncError `days_not_provable` that names what is allowed. */
function daysAsked({ from, to }: DaysAsked, { mirror, earlierDays, now }: ProvingFacts): readonly string[] {
  const [first, today] = [utcDay(mirror.startsAt), utcDay(now)];
  const last = to ?? utcDay(new Date(now.getTime() - DAY_MS));
  const begin = from ?? laterDay(first, utcDay(new Date(Date.parse(last) - (DAYS_DEFAULT - 1) * DAY_MS)));
  if (begin <= last && (begin >= first || earlierDays.includes(begin)) && last <= today) {
    const sinceStart = daysBetween(
      new Date(`${laterDay(first, begin)}T00:00:00Z`),
      new Date(Date.parse(last) + DAY_MS),
    );
    return [...earlierDays.filter((day) => day >= begin && day <= last), ...sinceStart];
  }
  throw new SyncError(
    `The days ${begin} to ${last} cannot be proven. Allowed are days from the mirror's start, ${first}, to today, ${today}, ` +
      `${earlierDays.length === 0 ? '' : `and of earlier ones ${earlierDays.join(', ')}, `}` +
      'the first one not after the last; name them with --from and --to',
    { kind: 'fatal', code: 'days_not_provable' },
  );
}

function laterDay(a: string, b: string): string {
  return a > b ? a : b;
}
