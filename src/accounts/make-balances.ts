/**
 * Makes the balances that are wanted in the mirror's ledger, ahead of posting. Blnk makes another balance at each request, so no request
 * is sent twice: an attempt is on disk before it, and after it the ledger is read, and the oldest balance with the mark comes into the
 * map, whoever made it. What Blnk does not show yet is looked for again later. What is made besides stays empty.
 */
import { isOfMarks, reasonOfFault } from '../core/accounts/balance-reasons.js';
import type { Mark } from '../core/accounts/identity.js';
import { describeError } from '../core/base/errors.js';
import type {
  AccountsAtBlnk,
  BalanceStore,
  LedgerStore,
  NamedBalance,
  PutOffBalance,
  WantedBalance,
} from './balance-ports.js';
import { findLedger, type LedgerOptions } from './find-ledger.js';
import { lookAtMarks, lookUpDoubted } from './look-up-balances.js';
import { earlierBy, readLedger } from './read-ledger.js';
import { requestBalances } from './request-balances.js';

export interface BalancePorts {
  readonly ledgerStore: LedgerStore;
  readonly store: BalanceStore;
  readonly blnk: AccountsAtBlnk;
  markOf(name: string): Mark;
  nameOf(metadata: unknown): string | null;
  /** The identity of the balance's customer, made where it is not there; null: there is to be none, or it could not be made. */
  identityFor(name: string): Promise<string | null>;
  /** Throws SyncError while the ledger does not look like the one that was posted to. */
  confirmLedger(): Promise<void>;
  /** Told of what came into the map. */
  onMapped(balances: readonly NamedBalance[]): void;
  /** After so many tries. */
  backoffMs(attempts: number): number;
  monotonicMs(): number;
  /** Aborted when the worker stops: what is in flight ends, nothing more begins. */
  readonly signal: AbortSignal;
}

export interface MakeOptions extends LedgerOptions {
  /** Balances of a claim. */
  readonly batch: number;
  /** Of one call. */
  readonly balancesMax: number;
  readonly inFlightMax: number;
  /** Requests are sent within half of it. */
  readonly leaseMs: number;
  /** How often everything is read from where it was read to. */
  readonly readEveryMs: number;
}

export interface Made {
  /** That came into the map. */
  readonly mapped: number;
  /** More may be due. */
  readonly goesOn: boolean;
}

export interface BalanceMaker {
  /** One turn: works until nothing is due, or enough was done. Throws SyncError when Blnk or the database cannot be worked with. */
  turn(): Promise<Made>;
}

/** Blnk shows a balance late where a replica lags, or when it was written long before it was committed. */
const SHOWN_WITHIN_MS = 10 * 60_000;
/** Of the look right after a batch. What it misses is found by a wider one. */
const CLOCKS_DIFFER_MS = 1_000;
/** Tries of one balance that Blnk did not show, before a person has to look. */
const ATTEMPTS_MAX = 3;
const REFUSED_AGAIN_AFTER_MS = 10 * 60_000;

/** What a process remembers between its turns. */
interface Memory {
  readAtMs: number | null;
  /** When everything was read from the first balance on. */
  wholeReadAtMs: number | null;
  newest: string | null;
  /** One look at everything is for all of a turn that are in doubt. */
  isReadInTurn: boolean;
  /** Whether Blnk, or whatever is before it, did nothing for a request of this turn, and would do so with the next. */
  isTurnedAway: boolean;
  /** Whether all that waits was looked through since this process began. */
  isSwept: boolean;
  /** Turns in a row that failed, and until when none is taken. */
  failures: number;
  pausedUntilMs: number;
}

export function createBalanceMaker(ports: BalancePorts, options: MakeOptions): BalanceMaker {
  const memory: Memory = {
    readAtMs: null,
    wholeReadAtMs: null,
    newest: null,
    isReadInTurn: false,
    isTurnedAway: false,
    isSwept: false,
    failures: 0,
    pausedUntilMs: 0,
  };
  const pause = (): void => {
    memory.pausedUntilMs = ports.monotonicMs() + ports.backoffMs(memory.failures);
    memory.failures += 1;
  };
  return {
    async turn() {
      if (ports.monotonicMs() < memory.pausedUntilMs) return { mapped: 0, goesOn: false };
      memory.isTurnedAway = false;
      try {
        const made = await takeTurn(ports, options, memory);
        if (memory.isTurnedAway) pause();
        else memory.failures = 0;
        return made;
      } catch (error) {
        pause();
        throw error;
      }
    },
  };
}

async function takeTurn(ports: BalancePorts, options: MakeOptions, memory: Memory): Promise<Made> {
  const { store, signal } = ports;
  memory.isReadInTurn = false;
  await store.wantPending({ all: !memory.isSwept || isReadDue(ports, options, memory) });
  memory.isSwept = true;
  let ledgerId: string | null = null;
  let mapped = 0;
  for (let taken = 0; taken < options.balancesMax && !signal.aborted; taken += options.batch) {
    const untilMs = ports.monotonicMs() + options.leaseMs / 2;
    const claimed = await store.claim({ limit: options.batch, leaseMs: options.leaseMs });
    if (claimed.length === 0) return { mapped, goesOn: false };
    try {
      if (ledgerId === null) {
        await ports.confirmLedger();
        ledgerId = await ledgerOf(ports, options, memory);
      }
      if (ledgerId === null) {
        await release(ports, claimed, { error: 'The ledger is not there yet', reason: null });
        return { mapped, goesOn: false };
      }
      mapped += await makeBatch(ports, options, { ledgerId, claimed, untilMs, memory });
      if (memory.isTurnedAway) return { mapped, goesOn: false };
    } catch (error) {
      await release(ports, claimed, { error: describeError(error), reason: reasonOfFault(error) });
      throw error;
    }
  }
  return { mapped, goesOn: !signal.aborted };
}

function isReadDue({ monotonicMs }: BalancePorts, { readEveryMs }: MakeOptions, { readAtMs }: Memory): boolean {
  return readAtMs === null || monotonicMs() - readAtMs >= readEveryMs;
}

/** The ledger, once what it holds was read: what is in it is not made again. Somebody may say that all of it is to be read anew. */
async function ledgerOf(ports: BalancePorts, options: MakeOptions, memory: Memory): Promise<string | null> {
  const ledgerId = await findLedger({ store: ports.ledgerStore, blnk: ports.blnk }, options);
  if (ledgerId === null) return null;
  const readTo = await readToOf(ports);
  if (readTo === null || isReadDue(ports, options, memory)) await readAll(ports, ledgerId, memory);
  return ledgerId;
}

async function readToOf({ ledgerStore }: BalancePorts): Promise<string | null> {
  return (await ledgerStore.read())?.readTo ?? null;
}

async function readAll(
  ports: BalancePorts,
  ledgerId: string,
  memory: Memory,
  { isWhole = false }: { readonly isWhole?: boolean } = {},
): Promise<void> {
  const readTo = isWhole ? null : await readToOf(ports);
  const since = readTo === null ? null : earlierBy(readTo, SHOWN_WITHIN_MS);
  const begunAtMs = ports.monotonicMs();
  const { newest, mapped } = await readLedger(ports, { ledgerId, since, of: null });
  if (newest !== null) await ports.ledgerStore.noteReadTo(earlierBy(newest, SHOWN_WITHIN_MS));
  memory.readAtMs = ports.monotonicMs();
  if (since === null) memory.wholeReadAtMs = begunAtMs;
  memory.isReadInTurn = true;
  memory.newest = newest ?? memory.newest;
  ports.onMapped(mapped);
}

/**
 * A node of Blnk whose clock was ahead hides what is made after it from looks by time, for as long as it was ahead. So before anything is
 * asked for again, or given up, the whole ledger is read once after the time in which it had to be shown.
 *
 * @returns whether it was read
 */
async function readWholeWhenOver(
  ports: BalancePorts,
  { againAfterMs }: MakeOptions,
  { ledgerId, memory }: Pick<Batch, 'ledgerId' | 'memory'>,
  open: readonly WantedBalance[],
): Promise<boolean> {
  const { wholeReadAtMs } = memory;
  const sinceReadMs = wholeReadAtMs === null ? Number.POSITIVE_INFINITY : ports.monotonicMs() - wholeReadAtMs;
  const isUnread = open.some(
    ({ sinceAttemptMs }) =>
      sinceAttemptMs !== null && sinceReadMs > sinceAttemptMs - againAfterMs && sinceAttemptMs > againAfterMs,
  );
  if (isUnread) await readAll(ports, ledgerId, memory, { isWhole: true });
  return isUnread;
}

interface Batch {
  readonly ledgerId: string;
  readonly claimed: readonly WantedBalance[];
  readonly untilMs: number;
  readonly memory: Memory;
}

/** @returns how many came into the map */
async function makeBatch(
  ports: BalancePorts,
  options: MakeOptions,
  { ledgerId, claimed, untilMs, memory }: Batch,
): Promise<number> {
  const { store } = ports;
  await lookUpDoubted(ports, claimed);
  await lookAtMarks(
    ports,
    claimed.filter(({ reason }) => isOfMarks(reason)),
  );
  const wanted = claimed.filter(({ balanceId }) => balanceId === null);
  const isInDoubt = wanted.some(({ sinceAttemptMs }) => sinceAttemptMs !== null);
  if (isInDoubt && !memory.isReadInTurn) await readAll(ports, ledgerId, memory);
  const seen = await store.stillWanted(wanted);
  const isReadAnew = await readWholeWhenOver(ports, options, { ledgerId, memory }, seen);
  const open = isReadAnew ? await store.stillWanted(seen) : seen;
  const isMaking = (one: WantedBalance) =>
    one.sinceAttemptMs === null || (one.sinceAttemptMs > options.againAfterMs && one.attempts < ATTEMPTS_MAX);
  const waiting = open.filter((one) => !isMaking(one));
  await putOff(
    ports,
    waiting.map((one) =>
      asNotShown(one, { isOver: one.attempts >= ATTEMPTS_MAX && (one.sinceAttemptMs ?? 0) > options.againAfterMs }),
    ),
  );
  const making = await store.noteAttempts(open.filter(isMaking));
  if (making.length === 0) return wanted.length - open.length;
  const { failed, fault, isTurnedAway } = await requestBalances(ports, options, { ledgerId, making, untilMs });
  memory.isTurnedAway = isTurnedAway;
  if (fault !== null) {
    await putOff(ports, failed);
    throw fault;
  }
  const since = memory.newest === null ? null : earlierBy(memory.newest, CLOCKS_DIFFER_MS);
  const { newest, mapped } = await readLedger(ports, { ledgerId, since, of: making });
  memory.newest = newest ?? memory.newest;
  ports.onMapped(mapped);
  const left = await store.stillWanted(making);
  const failures = new Map(failed.map((one) => [keyOf(one), one]));
  await putOff(
    ports,
    left.map(
      (one) => failures.get(keyOf(one)) ?? asNotShown({ ...one, attempts: one.attempts + 1 }, { isOver: false }),
    ),
  );
  // Blnk says the same of a ledger that it does not have as of a wish that it refuses.
  const isRefused = failed.some(({ reason }) => reason === 'refused_by_blnk');
  await ports.ledgerStore.noteKnown(!isRefused || (await ports.blnk.hasLedger(ledgerId)));
  return mapped.length + wanted.length - open.length;
}

/** @param isOver no other one is asked for until a person says so */
function asNotShown(one: WantedBalance, { isOver }: { readonly isOver: boolean }): PutOffBalance {
  const error = 'Blnk does not show the balance that was asked for yet';
  return { ...one, error, isNotMade: false, reason: isOver ? 'not_shown' : null };
}

/** Nothing was sent of them: they are due again, and what was tried before stays so. */
async function release(
  ports: BalancePorts,
  claimed: readonly WantedBalance[],
  why: Pick<PutOffBalance, 'error' | 'reason'>,
): Promise<void> {
  const wanted = await ports.store.stillWanted(claimed);
  await putOff(
    ports,
    wanted.map((one) => ({ ...one, ...why, isNotMade: false })),
  );
}

function putOff({ store, backoffMs }: BalancePorts, balances: readonly PutOffBalance[]): Promise<void> {
  // What is allowed to nobody is held up by the pause between turns, and goes on soon after somebody allows it.
  return store.putOff(balances, ({ reason, attempts }) =>
    reason === null || reason === 'not_allowed' ? backoffMs(attempts) : REFUSED_AGAIN_AFTER_MS,
  );
}

function keyOf({ name, currency }: NamedBalance): string {
  return `${currency}:${name}`;
}
