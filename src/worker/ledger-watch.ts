/**
 * Watches whether the ledger is still the one that this mirror posted to. While it does not look so, nothing is posted and
 * nothing proven; collecting goes on. Absence is believed only after looks over ten minutes: a replica may lag.
 *
 * Every worker watches for itself: one that is pointed at the wrong ledger must not stop the others. One that has not found it
 * yet has them look before its doubt is noted for all, and whoever knows the ledger looks when it is asked, or doubted.
 */
import type { Clock } from '../core/base/clock.js';
import { describeError, SyncError } from '../core/base/errors.js';
import {
  type LedgerState,
  type LedgerVerdict,
  ledgerInDoubt,
  otherLedger,
  otherSourceText,
} from '../core/ledger/ledger-identity.js';
import { type Lane, laneName } from '../core/posting/posting.js';
import { DONE, type TaskResult } from './background-tasks.js';

export interface LedgerWatchPorts {
  readonly clock: Clock;
  /** Asks the ledger for some posted references and the source balances, and judges them. Throws SyncError when it does not answer. */
  look(): Promise<LedgerVerdict>;
  /** Stores what the look came to, for `status` and for the next start. */
  note(verdict: LedgerVerdict): Promise<{ readonly state: LedgerState; readonly forMs: number }>;
  noteOther(): Promise<void>;
  /**
   * Asks other workers to look. Answers false when there are none, or none has looked since it was asked.
   * @param isPut the same was asked a moment ago
   */
  askOthers(isPut: boolean): Promise<boolean>;
  /** Whether others doubt the ledger, or ask for a look. */
  isLookWanted(): Promise<boolean>;
  /** Id that is remembered of this balance of the mirror's own; null when none is. */
  remembered(lane: Lane): Promise<string | null>;
  /** Remembers an id unless there is one. Answers the id that holds. */
  remember(lane: Lane, balanceId: string): Promise<string>;
  /** Tells people that the ledger does not look like the same one, or that it does again. */
  onDoubt(doubt: string | null): void;
  onRowsMissing(detail: string): void;
  /** It is another one: the worker has to be stopped. */
  onOther(error: SyncError): void;
  onError(error: unknown): void;
}

export interface LedgerWatchOptions {
  /** How often a worker looks although nothing is wrong. */
  readonly everyMs: number;
  readonly inDoubtEveryMs: number;
  /** For how long looks must not find the ledger before it counts as another one. */
  readonly believedAfterMs: number;
}

export interface LedgerWatch {
  /** Looks now. Throws SyncError `ledger_in_doubt`, `other_ledger`, or what the look itself throws. */
  confirm(): Promise<void>;
  /**
   * To be called before each chunk, with the id that the ledger shows now for the lane's balance; null when it shows none.
   * Throws SyncError as `confirm` does.
   */
  confirmSource(lane: Lane, balanceId: string | null): Promise<void>;
  /** How often to ask whether it is time to look. */
  readonly everyMs: number;
  lookWhenDue(): Promise<TaskResult>;
}

export function createLedgerWatch(ports: LedgerWatchPorts, options: LedgerWatchOptions): LedgerWatch {
  let doubt: string | null = null;
  let missing: string | null = null;
  let lookedAtMs: number | null = null;
  let failedAtMs: number | null = null;
  let current: Promise<void> | null = null;
  const pauseMs = Math.min(options.everyMs, options.inDoubtEveryMs);
  const notes = createNotes(ports, options);

  const judge = async (): Promise<void> => {
    const verdict = await ports.look();
    const { state, forMs } = await notes.note(verdict);
    lookedAtMs = ports.clock.monotonicMs();
    if (verdict.kind !== 'in_doubt') {
      if (doubt !== null) ports.onDoubt(null);
      doubt = null;
      const detail = verdict.kind === 'rows_missing' ? verdict.detail : null;
      if (detail !== null && missing === null) ports.onRowsMissing(detail);
      missing = detail;
      return;
    }
    const isNew = doubt === null;
    doubt = verdict.detail;
    sources.forget();
    if (state === 'other' || forMs >= options.believedAfterMs) {
      await ports.noteOther();
      const error = otherLedger(verdict.detail);
      ports.onOther(error);
      throw error;
    }
    if (isNew) ports.onDoubt(verdict.detail);
    throw ledgerInDoubt(verdict.detail);
  };

  const confirm = (): Promise<void> => {
    current ??= judge().finally(() => {
      current = null;
    });
    return current;
  };

  const sources = createSources(ports, confirm);

  const isDue = async (): Promise<boolean> => {
    const nowMs = ports.clock.monotonicMs();
    if (failedAtMs !== null && nowMs - failedAtMs < pauseMs) return false;
    const sinceMs = lookedAtMs === null ? Number.POSITIVE_INFINITY : nowMs - lookedAtMs;
    if (sinceMs >= (doubt === null ? options.everyMs : options.inDoubtEveryMs)) return true;
    return doubt === null && (await notes.isLookWanted());
  };

  return {
    confirm,
    async confirmSource(lane, balanceId) {
      if (doubt !== null) throw ledgerInDoubt(doubt);
      await sources.confirm(lane, balanceId);
    },
    everyMs: pauseMs / TICKS,
    async lookWhenDue() {
      if (!(await isDue())) return DONE;
      failedAtMs = null;
      try {
        await confirm();
        return DONE;
      } catch (error) {
        // The doubt itself is told where it begins and ends; this is a ledger or database that does not answer.
        if (!isDoubt(error)) {
          failedAtMs = ports.clock.monotonicMs();
          ports.onError(error);
        }
        return { kind: 'failed', error: describeError(error) };
      }
    },
  };
}

/** In the time after which somebody who asked looks again: whoever is asked has to answer within it. */
const TICKS = 3;

/** Where a look is noted: for all, or, of a worker that has not found the ledger yet, only when no other finds it. */
function createNotes(
  { note, askOthers, isLookWanted, clock }: LedgerWatchPorts,
  { inDoubtEveryMs }: LedgerWatchOptions,
) {
  /** This process has seen the ledger itself. */
  let isKnown = false;
  /** When it began to ask others, and when it asked last. */
  let asking: { readonly sinceMs: number; readonly lastMs: number } | null = null;

  /** Answers since when others were asked; null when the doubt is not to be left to them. */
  const leaveToOthers = async (): Promise<number | null> => {
    const nowMs = clock.monotonicMs();
    const isPut = asking !== null && nowMs - asking.lastMs < inDoubtEveryMs;
    if (!(await askOthers(isPut))) return null;
    asking = { sinceMs: asking?.sinceMs ?? nowMs, lastMs: isPut ? (asking?.lastMs ?? nowMs) : nowMs };
    return asking.sinceMs;
  };
  return {
    async note(verdict: LedgerVerdict): Promise<{ readonly state: LedgerState; readonly forMs: number }> {
      isKnown ||= verdict.kind === 'same' || verdict.kind === 'rows_missing';
      if (verdict.kind !== 'in_doubt') asking = null;
      else if (!isKnown) {
        const sinceMs = await leaveToOthers();
        if (sinceMs !== null) return { state: 'in_doubt', forMs: clock.monotonicMs() - sinceMs };
      }
      return note(verdict);
    },
    /** Only of who can answer. A database that does not is told by what it is needed for. */
    isLookWanted: async () => isKnown && (await isLookWanted().catch(() => false)),
  };
}

/** The ids of the mirror's own balances, as the ledger showed them. @param confirmLedger as `confirm` of the watch */
function createSources(
  { remembered, remember }: Pick<LedgerWatchPorts, 'remembered' | 'remember'>,
  confirmLedger: () => Promise<void>,
) {
  const known = new Map<string, string>();
  return {
    forget: () => known.clear(),

    async confirm(lane: Lane, balanceId: string | null): Promise<void> {
      const name = laneName(lane);
      const held = known.get(name) ?? (await remembered(lane));
      if (held !== null && held === balanceId) {
        known.set(name, held);
        return;
      }
      await confirmLedger();
      if (held !== null) {
        // The rest of the ledger is the same one. A balance that is not shown may be shown by the next look.
        const detail = otherSourceText(lane, { remembered: held, found: balanceId });
        throw balanceId === null ? ledgerInDoubt(detail) : otherLedger(detail);
      }
      if (balanceId === null) return;
      // An id is remembered only of a ledger that is known by something else, or to which nothing was posted yet.
      const first = await remember(lane, balanceId);
      if (first !== balanceId) throw otherLedger(otherSourceText(lane, { remembered: first, found: balanceId }));
    },
  };
}

function isDoubt(error: unknown): boolean {
  return error instanceof SyncError && (error.code === 'ledger_in_doubt' || error.code === 'other_ledger');
}
