/**
 * Makes the identities of customers in Blnk, links their balances and marks both: whatever is due, a batch at a time. Each step can
 * be repeated (an identity's id and body follow from the customer; a link and a mark are set, not added), so that a lost answer, a
 * crash or a second worker makes nothing twice. Posting waits for none of it.
 */
import { balanceNameOf, detailFieldsOf, firstFieldsOf, type Mark } from '../core/accounts/identity.js';
import {
  type BalanceSteps,
  balanceSteps,
  type FoundBalance,
  type IdentityOutcome,
  outcomeOf,
} from '../core/accounts/link-balances.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { mapInParallel } from '../core/base/in-parallel.js';
import { DAY_MS } from '../core/base/window.js';
import type {
  CustomerReader,
  DueIdentity,
  IdentityAnswer,
  IdentityEnd,
  IdentityLedger,
  IdentityStore,
} from './identity-ports.js';

export interface IdentityPorts {
  readonly store: IdentityStore;
  readonly ledger: IdentityLedger;
  /** Null: name and e-mail address are not kept. */
  readonly customers: CustomerReader | null;
  markOf(customer: string): Mark;
  /** Of all identities that this mirror may have made of the customer. */
  ownIdsOf(customer: string): readonly string[];
  /** Throws SyncError while the ledger does not look like the one that was posted to. */
  confirmLedger(): Promise<void>;
  /** How many requests may be in flight now: few while this worker posts. */
  inFlightMax(): number;
  /** After so many tries in a row that came to nothing. */
  backoffMs(attempts: number): number;
  /** Of a customer that gets no further until a person acts. */
  onParked(parked: Extract<IdentityOutcome, { kind: 'parked' }>): void;
  /** Aborted when the worker stops: what is in flight ends, nothing more begins. */
  readonly signal: AbortSignal;
}

export interface KeepOptions {
  /** Customers of one claim, 100 at most: their balances are asked for in one question. */
  readonly batch: number;
  /** Of one call: whoever has more to do looks first whether it may go on. */
  readonly customersMax: number;
  /** How long a batch is for nobody else. Who takes longer, or is killed, only lets another one repeat what was done. */
  readonly leaseMs: number;
}

const PARKED_AGAIN_AFTER_MS = DAY_MS;

export interface Kept {
  /** Customers with whom nothing is left to do. */
  readonly done: number;
  /** More may be due. */
  readonly goesOn: boolean;
}

/**
 * Works until nothing is due, or enough was done. Throws SyncError when Blnk, Stripe or the database cannot be worked with now; what
 * was claimed and not looked at is due again then.
 */
export async function keepIdentities(ports: IdentityPorts, options: KeepOptions): Promise<Kept> {
  const { store, signal } = ports;
  const { batch: limit, customersMax, leaseMs } = options;
  const failures = createFailures();
  let isConfirmed = false;
  let done = 0;
  for (let taken = 0; taken < customersMax && !signal.aborted; taken += limit) {
    const claimed = await store.claim({ limit, leaseMs });
    if (claimed.length === 0) return { done, goesOn: false };
    const left = new Set(claimed);
    try {
      if (!isConfirmed) await ports.confirmLedger();
      isConfirmed = true;
      const balances = await balancesOf(ports.ledger, claimed);
      await mapInParallel(claimed, ports.inFlightMax(), async (due) => {
        if (signal.aborted) return;
        const found = balances.get(balanceNameOf(due.customer)) ?? [];
        const outcome = await keepOne(ports, due, found).catch((error: unknown) => failures.judge(due, error));
        if (outcome.kind === 'done') failures.forget();
        await store.end(due, endOf(ports, due, outcome));
        left.delete(due);
        failures.throwWhenOfAll();
        if (outcome.kind === 'done') done += 1;
        if (outcome.kind === 'parked') ports.onParked(outcome);
      });
    } finally {
      await store.release([...left]);
    }
  }
  return { done, goesOn: true };
}

/** So many customers, none of whom got on meanwhile, and it is not the customer that fails. */
const FAILING_MAX = 3;

/** A fault that one customer alone meets must not keep all others from their turn. */
function createFailures() {
  const failing = new Set<string>();
  let ofAll: SyncError | null = null;
  return {
    judge({ customer }: DueIdentity, error: unknown): IdentityOutcome {
      if (!(error instanceof SyncError)) throw error;
      failing.add(customer);
      if (error.kind !== 'transient' || failing.size >= FAILING_MAX) ofAll = error;
      return { kind: 'later', error: describeError(error) };
    },
    forget: () => failing.clear(),
    /** Once it is noted at the customer that met it, where `status` finds it. */
    throwWhenOfAll() {
      if (ofAll !== null) throw ofAll;
    },
  };
}

/** Of those who have some that are not linked: for the others nothing is asked. */
async function balancesOf(
  ledger: IdentityLedger,
  claimed: readonly DueIdentity[],
): Promise<ReadonlyMap<string, readonly FoundBalance[]>> {
  const names = claimed.filter(({ unlinked }) => unlinked.length > 0).map(({ customer }) => balanceNameOf(customer));
  return names.length === 0 ? new Map() : ledger.balancesOfNames(names);
}

async function keepOne(
  ports: IdentityPorts,
  due: DueIdentity,
  balances: readonly FoundBalance[],
): Promise<IdentityOutcome> {
  const { customer, identityId } = due;
  const mark = ports.markOf(customer);
  if (!due.isCreated) {
    const answer = await ports.ledger.createIdentity({ identityId, fields: firstFieldsOf(customer), mark });
    if (answer.kind !== 'done') return failureOf(answer);
    await ports.store.noteCreated(customer, true);
  }
  const plan = balanceSteps(due.unlinked, balances, { ids: [identityId, ...ports.ownIdsOf(customer)], mark });
  const linking = await linkBalances(ports, due, plan, mark);
  if (linking.kind !== 'done') return linking;
  const written =
    ports.customers === null || !due.wantsDetails ? DONE : await writeDetails(ports, ports.customers, due);
  return written.kind === 'done' ? outcomeOf(plan) : written;
}

const DONE: IdentityOutcome = { kind: 'done' };

async function linkBalances(
  { ledger, store }: IdentityPorts,
  { customer, identityId }: DueIdentity,
  { steps }: BalanceSteps,
  mark: Mark,
): Promise<IdentityOutcome> {
  for (const { balanceId, currency, link, mark: isUnmarked } of steps) {
    if (link) {
      const answer = await ledger.linkBalance(balanceId, identityId);
      // The identity may be what is missing: somebody took it away, or a ledger was restored. It is made again.
      if (answer.kind === 'missing') await store.noteCreated(customer, false);
      if (answer.kind !== 'done') return failureOf(answer);
    }
    if (isUnmarked) {
      const answer = await ledger.markBalance(balanceId, mark);
      if (answer.kind !== 'done') return failureOf(answer);
    }
    await store.noteLinked(customer, { currency, balanceId });
  }
  return DONE;
}

async function writeDetails(
  { ledger, store }: IdentityPorts,
  customers: CustomerReader,
  due: DueIdentity,
): Promise<IdentityOutcome> {
  const { customer, identityId } = due;
  const { reading, asOf } = await customers.readCustomer(customer);
  if (reading.kind !== 'missing') {
    const details = reading.kind === 'found' ? reading.details : null;
    const answer = await ledger.updateIdentity(identityId, detailFieldsOf(details));
    if (answer.kind === 'missing') await store.noteCreated(customer, false);
    if (answer.kind !== 'done') return failureOf(answer);
  }
  // Of an unknown time every change is later.
  await store.noteDetails(due, asOf ?? new Date(0));
  return DONE;
}

function failureOf(answer: Exclude<IdentityAnswer, { kind: 'done' }>): IdentityOutcome {
  return answer.kind === 'refused'
    ? { kind: 'parked', reason: 'refused_by_blnk', detail: answer.message }
    : { kind: 'later', error: answer.message };
}

function endOf({ backoffMs }: IdentityPorts, { attempts }: DueIdentity, outcome: IdentityOutcome): IdentityEnd {
  switch (outcome.kind) {
    case 'done':
      return outcome;
    case 'later':
      return { ...outcome, dueInMs: backoffMs(attempts) };
    case 'parked':
      return { ...outcome, dueInMs: PARKED_AGAIN_AFTER_MS };
    default:
      return outcome satisfies never;
  }
}
