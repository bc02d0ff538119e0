/** Composition: identities of customers, joined to their tables, to Blnk and, with `full`, to Stripe. Beside posting, which waits for none of it. */
import { v5 as uuidOf } from 'uuid';
import { createPostedReferences, findCustomers, type PostedReferences } from '../../accounts/find-customers.js';
import { type IdentityPorts, keepIdentities } from '../../accounts/keep-identities.js';
import { identityIdOf, markOf, ownIdentityIds } from '../../core/accounts/identity.js';
import { DAY_MS } from '../../core/base/window.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { beginWalkWhenDue, createCustomerFinder, noteIdentitiesMode } from '../../db/accounts/customer-finder.js';
import { createIdentityStore } from '../../db/accounts/identity-store.js';
import { backoffMs } from '../../post/backoff.js';
import type { BackgroundTask } from '../../worker/background-tasks.js';
import type { Context } from '../context.js';
import { createDetailReading } from './read-details.js';

export interface IdentityParts {
  readonly mirror: Mirror;
  /** Throws SyncError while the ledger does not look like the one that was posted to. */
  confirmLedger(): Promise<void>;
  /** Whether this worker posts just now. */
  isPosting(): boolean;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Identities {
  /** What this worker has posted. */
  readonly posted: PostedReferences;
  /** Null: they are off. */
  readonly task: BackgroundTask | null;
  /** To be called once, before the first turn. */
  begin(): Promise<void>;
}

/** Posting comes first: a Core that does both answers each post later. */
const IN_FLIGHT_MAX = { whilePosting: 1, otherwise: 4 };
/** Few, so that how many are in flight follows what is posted. */
const BATCH = 25;
/** Customers between two looks at what may be read and whether the ledger is the right one. */
const PAGE = 500;
const WALK_EVERY_MS = DAY_MS;

export function createIdentityKeeping(context: Context, parts: IdentityParts): Identities {
  const { config, database, timings } = context;
  const { mirror, signal } = parts;
  const { identities: mode } = config;
  const begin = () => noteIdentitiesMode(database.sql, mode);
  if (mode === 'off') return { posted: { add() {}, take: () => [] }, task: null, begin };
  const posted = createPostedReferences();
  const finder = createCustomerFinder(database.sql, {
    identityIdOf: (customer) => identityIdOf(customer, mirror, uuidOf),
    withDetails: mode === 'full',
  });
  const ports = keepingPorts(context, parts);
  const details = mode === 'full' ? createDetailReading(context, { signal }) : null;
  const beginDetails = async () => (await details?.begin()) ?? null;
  const options = { batch: BATCH, customersMax: PAGE, leaseMs: timings.identities.leaseMs };
  let hasMissedNames = false;
  const run = async (): ReturnType<BackgroundTask['run']> => {
    await beginWalkWhenDue(database.sql, WALK_EVERY_MS);
    let fault: unknown = null;
    let done = 0;
    for (let goesOn = true; goesOn && !signal.aborted; ) {
      // Identities are made without Stripe; names come when it may be read again, to whoever a walk finds without.
      const beginning = fault === null ? beginDetails() : Promise.resolve(null);
      const customers = await beginning.catch((error: unknown) => {
        fault = error;
        return null;
      });
      if (customers !== null && hasMissedNames) await finder.noteWalk('');
      hasMissedNames = customers === null && details !== null;
      const isWalking = await findCustomers(finder, posted, { mirror, page: PAGE });
      const kept = await keepIdentities({ ...ports, customers }, options);
      done += kept.done;
      goesOn = isWalking || kept.goesOn;
    }
    if (done > 0) context.events.identitiesKept({ customers: done });
    if (fault !== null) throw fault;
    return { kind: 'done', counts: { customers: done } };
  };
  return { posted, begin, task: { name: 'identities', everyMs: timings.identities.everyMs, run } };
}

function keepingPorts(context: Context, parts: IdentityParts): Omit<IdentityPorts, 'customers'> {
  const { database, events, random, timings, vendors } = context;
  const { mirror, signal, isPosting, confirmLedger } = parts;
  return {
    store: context.decorate('identityStore', createIdentityStore(database.sql)),
    ledger: vendors.identities,
    ...{ signal, confirmLedger },
    markOf: (customer) => markOf(customer, mirror),
    ownIdsOf: (customer) => ownIdentityIds(customer, mirror, uuidOf),
    inFlightMax: () => (isPosting() ? IN_FLIGHT_MAX.whilePosting : IN_FLIGHT_MAX.otherwise),
    backoffMs: (attempts) => backoffMs(attempts, random, timings.identities.backoff),
    onParked: ({ reason, detail }) => events.identityParked({ reason, error: detail }),
  };
}
