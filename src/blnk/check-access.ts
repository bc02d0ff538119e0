/**
 * What is asked before the first post: the address, the key, what the key may do, and whether this Core is one that can be
 * worked with. Nothing is written, and no trial post is made: a Core up to 0.15.2 books what is marked `dry_run`.
 */
import { SyncError } from '../core/base/errors.js';
import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import { isBlocked, isLimit } from './access-error.js';
import type { BlnkAnswer } from './answer.js';
import { findBalances, findByReference } from './find-rows.js';
import { readLedgerRow } from './ledger-row.js';
import { type LookUps, limitReached, unreadable } from './look-ups.js';
import type { Filter, Route, Routes } from './routes.js';

/** No payment can have these references: ours begin with an object id of Stripe. */
const NOBODYS_REFERENCES = ['stripe-blnk-sync:permission-check', 'stripe-blnk-sync:permission-check:2'];
const NOBODYS_BALANCES = ['@stripe-blnk-sync:permission-check', '@stripe-blnk-sync:permission-check:2'];

/** Before it, lists of more than one value failed, or there was no look-up by filter at all. */
const CORE_VERSION_MIN = '0.13.4';

/** What the answers to these questions show besides. */
export interface AccessFacts {
  /** As a Core does since 0.15.0; earlier ones apply it to nothing. */
  readonly refusesEmptyBulks: boolean;
}

/** @throws SyncError fatal when address, key, permission or Core cannot be worked with, transient when nobody answers */
export async function checkAccess(lookUps: LookUps, routes: Routes): Promise<AccessFacts> {
  try {
    await findByReference(lookUps, NOBODYS_REFERENCES, readLedgerRow);
  } catch (error) {
    throw (await tooOld(error, { lookUps, routes })) ?? error;
  }
  // A Core's own API keys have a permission of their own for balances.
  await findBalances(lookUps, { indicators: NOBODYS_BALANCES, currency: 'USD' });
  return checkPosting(lookUps, routes.bulk);
}

/**
 * A bulk without transactions writes nothing, and only what would have posted it reports that it is empty: Core since 0.15.0
 * refuses it, earlier ones apply it to nothing. Any other answer, however friendly, comes from somewhere before that.
 */
async function checkPosting(lookUps: LookUps, route: Route): Promise<AccessFacts> {
  const answer = await lookUps.ask(route, EMPTY_BULK);
  if (isEmptyBulk(answer)) return { refusesEmptyBulks: answer.status === 400 };
  if (isLimit(answer)) throw limitReached(answer, route);
  const said = `${route.method} ${route.url} answered: ${answer.message}`;
  if (answer.json === undefined || answer.status < 400 || PASSING.includes(answer.status)) {
    throw unreadable(`could not confirm that this key may post; ${said}`);
  }
  throw new SyncError(
    `Could not confirm that the key in BLNK_API_KEY may post: an empty bulk should be refused as empty, but was refused for another reason. Use a key and an instance that accept transactions. ${said}`,
    { kind: 'fatal', code: 'blnk_posting_refused' },
  );
}

const EMPTY_BULK = '{"atomic":false,"skip_queue":true,"transactions":[]}';

/** Conflicts and locks of the moment; 429 and all above 499 were asked again already. */
const PASSING: readonly number[] = [408, 409, 423, 425];

function isEmptyBulk(answer: BlnkAnswer): boolean {
  if (answer.status === 400) return answer.code === 'TXN_BULK_EMPTY';
  return (
    answer.status === 201 &&
    textMemberOf(answer.json, 'status') === 'applied' &&
    memberOf(answer.json, 'transaction_count') === 0
  );
}

/**
 * Core states its version nowhere. Before 0.13 it has no filter, but takes bulks; up to 0.13.3 its filter may answer to one value, and
 * fail at two.
 */
async function tooOld(
  error: unknown,
  { lookUps, routes }: { readonly lookUps: LookUps; readonly routes: Routes },
): Promise<SyncError | null> {
  if (routes.style !== 'core' || !(error instanceof SyncError)) return null;
  const lacks = await whatItLacks(error, { lookUps, routes }).catch(() => null);
  if (lacks === null) return null;
  return new SyncError(
    `The Blnk Core at ${routes.origin} is too old: it ${lacks}. The smallest version that can be worked with is ${CORE_VERSION_MIN}; update the Core, its data stays. ${error.message}`,
    { kind: 'fatal', code: 'blnk_core_too_old' },
  );
}

async function whatItLacks(
  error: SyncError,
  { lookUps, routes }: { readonly lookUps: LookUps; readonly routes: Routes },
): Promise<string | null> {
  const isAnswered = async (values: readonly string[], status: number): Promise<boolean> => {
    const filters: Filter[] = [{ field: 'reference', operator: 'in', values }];
    const { route, body } = routes.filter('transactions', { filters, rowsMax: values.length, place: null });
    return (await lookUps.ask(route, body)).status === status;
  };
  if (error.code === 'blnk_route_missing') {
    const isCore = NO_ROUTE_OF_CORE.test(error.message) && isEmptyBulk(await lookUps.ask(routes.bulk, EMPTY_BULK));
    return isCore ? 'cannot be asked for transactions by a filter' : null;
  }
  if (error.code !== 'blnk_look_up_refused') return null;
  // Twice the one and once the other: a fault that passed is no age.
  const isBroken =
    (await isAnswered(NOBODYS_REFERENCES.slice(0, 1), 200)) && (await isAnswered(NOBODYS_REFERENCES, 400));
  return isBroken ? 'answers to one reference, and fails at a list of two' : null;
}

/** What Core answers where it has no route; pages of somebody in between are longer. */
const NO_ROUTE_OF_CORE = /: 404 404 page not found$/;

/**
 * Of a balance that nobody has: whether the key may ask comes before whether there is one. Null when Blnk itself has not said.
 */
export async function mayReadBalances(lookUps: LookUps, routes: Routes): Promise<boolean | null> {
  try {
    const answer = await lookUps.ask(
      routes.balanceAt('stripe-blnk-sync-permission-check', '2020-01-01T00:00:00Z'),
      null,
    );
    return isBlocked(answer) || isLimit(answer) ? null : true;
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    if (error.code === 'blnk_scope_missing' || error.code === 'blnk_forbidden') return false;
    // A Core that answers "not found" without a code: it was reached.
    return error.code === 'blnk_route_missing' ? true : null;
  }
}
