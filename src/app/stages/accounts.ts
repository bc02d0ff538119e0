/** Composition: the mirror's own ledger and its balances (`BLNK_ACCOUNTS=ledger`), joined to their tables and to Blnk. Ahead of posting. */
import { v5 as uuidOf } from 'uuid';
import type { NamedBalance } from '../../accounts/balance-ports.js';
import { type CheckPorts, checkLedger } from '../../accounts/check-ledger.js';
import { type BalanceMaker, type BalancePorts, createBalanceMaker } from '../../accounts/make-balances.js';
import { ROWS_MAX, unreadable } from '../../blnk/look-ups.js';
import type { CollectStore } from '../../collect/ports.js';
import type { CheckedCurrency } from '../../core/accounts/account-facts.js';
import { balanceMarkOf, ledgerMarkOf, nameOfMark, soughtLedgerMark } from '../../core/accounts/balance-mark.js';
import { customerOf, firstFieldsOf, identityIdOf, markOf } from '../../core/accounts/identity.js';
import { SyncError } from '../../core/base/errors.js';
import { MINUTE_MS } from '../../core/base/window.js';
import type { Mirror } from '../../core/posting/mirror.js';
import type { Lane } from '../../core/posting/posting.js';
import { ownBalancesOf } from '../../core/posting/source-shards.js';
import { createBalanceStore } from '../../db/accounts/balance-store.js';
import { createCheckStore, isCheckDue, postedOutOf } from '../../db/accounts/check-store.js';
import { keptIdentityId } from '../../db/accounts/identity-store.js';
import { createLedgerStore } from '../../db/accounts/ledger-store.js';
import { backoffMs } from '../../post/backoff.js';
import { type BackgroundTask, DONE, type TaskResult } from '../../worker/background-tasks.js';
import type { Context } from '../context.js';
import { BALANCES_IN_FLIGHT_MAX } from '../vendors.js';

export interface AccountsParts {
  readonly mirror: Mirror;
  /** Throws SyncError while the ledger does not look like the one that was posted to. */
  confirmLedger(): Promise<void>;
  /** Told of lanes whose postings can go on now; waits for nothing. */
  wakeLanes(lanes: readonly Lane[]): void;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Accounts {
  /** Collecting's store, after each page of which the balances of its payments are wanted. */
  wanting(store: CollectStore): CollectStore;
  readonly tasks: readonly BackgroundTask[];
}

/** As many as one look at the ledger shows on a page or two. A payment waits for its whole batch. */
const BATCH = 100;
/** Balances between two looks whether the ledger is the right one. */
const PAGE = 3_000;

export function createAccountsKeeping(context: Context, parts: AccountsParts): Accounts {
  const { config, database, timings, events } = context;
  if (config.accounts.mode !== 'ledger') return { wanting: (store) => store, tasks: [] };
  const { mirror } = parts;
  const store = context.decorate('balanceStore', createBalanceStore(database.sql, mirror));
  const maker = createMaker(context, parts);
  const run = async (): Promise<TaskResult> => {
    let balances = 0;
    for (let goesOn = true; goesOn; ) {
      const made = await maker.turn();
      balances += made.mapped;
      goesOn = made.goesOn;
    }
    if (balances > 0) events.balancesMade({ balances });
    return { kind: 'done', counts: { balances } };
  };
  return {
    wanting: (collected) => ({
      ...collected,
      async storePage(run, page) {
        const outcome = await collected.storePage(run, page);
        // The page is stored: what is not noted here is found among what is pending.
        if (outcome.stored > 0) await store.want(balancesOf(page.postings)).catch(() => {});
        return outcome;
      },
    }),
    tasks: [
      { name: 'balances ahead', everyMs: timings.accounts.everyMs, run },
      {
        ...{ name: 'balances check', everyMs: Math.min(timings.accounts.checkEveryMs, MINUTE_MS) },
        async run() {
          if (!(await isCheckDue(database.sql, timings.accounts.checkEveryMs))) return DONE;
          await parts.confirmLedger();
          await checkAccounts(context, mirror);
          return DONE;
        },
      },
    ],
  };
}

/** The whole ledger is looked at. Null: there is none yet. Throws SyncError when Blnk cannot be asked. */
export async function checkAccounts(context: Context, mirror: Mirror): Promise<CheckedCurrency[] | null> {
  const { database, vendors } = context;
  const store = createLedgerStore(database.sql, mirror.mirrorId);
  // With the name that it has now, and whatever else carries its mark.
  const ledgerId = await store.use(await vendors.accounts.findLedgers(soughtLedgerMark(mirror)));
  if (ledgerId === null) return null;
  const ports: CheckPorts = {
    store: createBalanceStore(database.sql, mirror),
    check: createCheckStore(database.sql, mirror.mirrorId),
    blnk: vendors.accounts,
    nameOf: (metadata) => nameOfMark(metadata, mirror),
    outOfSource: () => outOfSource(vendors, mirror),
    postedHere: () => postedOutOf(database.sql, ownBalancesOf(mirror)),
    isSourceShared: async () =>
      (await vendors.accounts.otherMirrorAt(await sourceIds(vendors, mirror), mirror.mirrorId)) !== null,
  };
  return checkLedger(ports, ledgerId);
}

async function sourceIds({ ledgerSide }: Context['vendors'], mirror: Mirror): Promise<string[]> {
  const ids: string[] = [];
  for (const name of ownBalancesOf(mirror)) ids.push(...(await ledgerSide.balancesOf(name)).values());
  return ids;
}

async function outOfSource({ accounts, ledgerSide }: Context['vendors'], mirror: Mirror): Promise<Map<string, bigint>> {
  const sums = new Map<string, bigint>();
  for (const name of ownBalancesOf(mirror)) {
    const ids = [...(await ledgerSide.balancesOf(name))];
    for (let at = 0; at < ids.length; at += ROWS_MAX) {
      const some = ids.slice(at, at + ROWS_MAX);
      const balances = await accounts.balancesOf(some.map(([, id]) => id));
      for (const [currency, id] of some) {
        const amount = balances.get(id)?.amount ?? null;
        if (amount === null) throw unreadable(`the balance ${id} of the source was not listed with a whole amount`);
        sums.set(currency, (sums.get(currency) ?? 0n) - amount);
      }
    }
  }
  return sums;
}

/** The maker by itself, with its ports. */
export function createMaker(context: Context, parts: AccountsParts): BalanceMaker {
  const { config, timings, random, clock, database, vendors } = context;
  const { mirror, signal, confirmLedger, wakeLanes } = parts;
  const { againAfterMs, leaseMs, readEveryMs, backoff } = timings.accounts;
  const ports: BalancePorts = {
    ledgerStore: context.decorate('ledgerStore', createLedgerStore(database.sql, mirror.mirrorId)),
    store: context.decorate('balanceStore', createBalanceStore(database.sql, mirror)),
    blnk: vendors.accounts,
    markOf: (name) => balanceMarkOf(name, mirror),
    nameOf: (metadata) => nameOfMark(metadata, mirror),
    identityFor: (name) => identityFor(context, mirror, name),
    ...{ confirmLedger, signal },
    onMapped(balances) {
      const currencies = new Set(balances.map(({ currency }) => currency));
      wakeLanes(ownBalancesOf(mirror).flatMap((source) => [...currencies].map((currency) => ({ source, currency }))));
    },
    backoffMs: (attempts) => backoffMs(attempts, random, backoff),
    monotonicMs: clock.monotonicMs,
  };
  return createBalanceMaker(ports, {
    ...{ batch: BATCH, balancesMax: PAGE, inFlightMax: BALANCES_IN_FLIGHT_MAX },
    ...{ leaseMs, readEveryMs, againAfterMs, name: config.accounts.ledgerName },
    ...{ mark: ledgerMarkOf(mirror), sought: soughtLedgerMark(mirror) },
  });
}

/**
 * The same identity as the stage beside posting makes, which finds it there. A balance waits for none: without one it is linked later.
 */
async function identityFor(
  { config, database, vendors }: Context,
  mirror: Mirror,
  name: string,
): Promise<string | null> {
  const customer = config.identities === 'off' ? null : customerOf(name, mirror);
  if (customer === null) return null;
  const identityId = await keptIdentityId(database.sql, customer, identityIdOf(customer, mirror, uuidOf));
  try {
    const answer = await vendors.identities.createIdentity({
      ...{ identityId, fields: firstFieldsOf(customer), mark: markOf(customer, mirror) },
    });
    return answer.kind === 'done' ? identityId : null;
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    return null;
  }
}

function balancesOf(postings: Parameters<CollectStore['storePage']>[1]['postings']): NamedBalance[] {
  return postings.flatMap(({ preparation }) => {
    if (preparation.kind !== 'prepared') return [];
    const { destination: name, currency } = preparation.transaction;
    return [{ name, currency }];
  });
}
