/**
 * Identities in Blnk and the balances that belong to them. Every request here may be sent again: an identity's id is ours, so that a
 * second one is refused as there already, and a link or a mark is set to a value. Over connections of its own, so that no post
 * waits for one of them.
 */
import type { IdentityAnswer, IdentityLedger } from '../accounts/identity-ports.js';
import { MARK_KEY } from '../core/accounts/identity.js';
import type { FoundBalance } from '../core/accounts/link-balances.js';
import { SyncError } from '../core/base/errors.js';
import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import { isLimit } from './access-error.js';
import type { BlnkAnswer } from './answer.js';
import { type ConnectionOptions, createConnection } from './connection.js';
import { isLedgerId } from './ledger-row.js';
import { type LookUps, limitReached, ROWS_MAX, unreadable } from './look-ups.js';
import type { Route, Routes } from './routes.js';

export interface BlnkIdentities extends IdentityLedger {
  /** Those of the balances that are there, by their ids. */
  balancesOfIds(balanceIds: readonly string[]): Promise<FoundBalance[]>;
  /** Takes no new requests and waits for those in flight. */
  close(): Promise<void>;
}

/** Opens no connection yet. @throws SyncError fatal when the address or the instance id cannot be used */
export function createIdentities(options: ConnectionOptions): BlnkIdentities {
  const { routes, transport, lookUps } = createConnection(options);
  const send = async (route: Route, body: object): Promise<IdentityAnswer> =>
    readIdentityAnswer(await lookUps.ask(route, JSON.stringify(body)), route);
  let mayMark = true;
  let takesOwnIds = false;
  return {
    async createIdentity({ identityId, fields, mark }) {
      if (!takesOwnIds) refuseOldCore(await lookUps.ask(routes.identity(NOBODY), '{"category":"nobody"}'), routes);
      takesOwnIds = true;
      return send(routes.identities, { identity_id: identityId, ...fields, meta_data: { [MARK_KEY]: mark } });
    },
    updateIdentity: (identityId, fields) => send(routes.identity(identityId), fields),
    linkBalance: (balanceId, identityId) => send(routes.balanceIdentity(balanceId), { identity_id: identityId }),
    async markBalance(balanceId, mark) {
      if (!mayMark) return DONE;
      try {
        return await send(routes.metadata(balanceId), { meta_data: { [MARK_KEY]: mark } });
      } catch (error) {
        if (!isUnknownResource(error, routes)) throw error;
        mayMark = false;
        return DONE;
      }
    },
    balancesOfNames: (names) => balancesOfNames(lookUps, names),
    balancesOfIds: (balanceIds) => balancesOfIds(lookUps, balanceIds),
    close: () => transport.close(),
  };
}

/** No customer of ours: a change of it writes nothing, and shows what kind of Core answers. */
const NOBODY = 'idt_00000000-0000-0000-0000-000000000000';

/**
 * A Core before 0.14.2 ignores an id of ours and makes another identity each time. One of before 0.15.0 is told by its refusals, which
 * have no codes; the two versions between are refused with them.
 *
 * @throws SyncError fatal; transient when it is neither of the two answers
 */
function refuseOldCore({ status, code, json, message }: BlnkAnswer, { origin }: Routes): void {
  if (status === 404 && code !== null) return;
  if (status !== 400 || code !== null || !NOT_FOUND.test(textMemberOf(json, 'error') ?? '')) {
    throw unreadable(`whether Blnk takes ids of ours is not seen: ${message}`);
  }
  throw new SyncError(
    `The Blnk Core at ${origin} is too old for BLNK_IDENTITIES: it would make another identity each time. Update it to 0.15.0 or newer, its data stays; or set BLNK_IDENTITIES=off. It answered: ${message}`,
    { kind: 'fatal', code: 'blnk_core_too_old' },
  );
}

const DONE: IdentityAnswer = { kind: 'done' };

/**
 * A Core gives the route of metadata to its master key alone: of any other it says that it knows no such resource. The link says the
 * same as the mark, which is left out then.
 */
function isUnknownResource(error: unknown, { style }: Routes): boolean {
  return style === 'core' && error instanceof SyncError && error.message.includes('AUTH_UNKNOWN_RESOURCE');
}

function readIdentityAnswer(answer: BlnkAnswer, route: Route): IdentityAnswer {
  const { status, json, message } = answer;
  const said = `${route.method} ${route.url} answered: ${message}`;
  if (status === 200 || status === 201) {
    // The good status of something in between says nothing.
    if (json === undefined) throw unreadable(said);
    return DONE;
  }
  if (isAlreadyThere(answer)) return DONE;
  if (isLimit(answer)) throw limitReached(answer, route);
  if (status === 404 || (status === 400 && NOT_FOUND.test(message))) return { kind: 'missing', message: said };
  return status === 400 || status === 422 ? { kind: 'refused', message: said } : { kind: 'later', message: said };
}

/** PostgreSQL's code for a key that exists, below Core; its words on Cores that show no codes. */
function isAlreadyThere({ status, json, code }: BlnkAnswer): boolean {
  if (status !== 400 && status !== 409) return false;
  const details = memberOf(memberOf(json, 'error_detail'), 'details');
  if (code?.startsWith('IDT_') === true && textMemberOf(details, 'Code') === UNIQUE_VIOLATION) return true;
  return ALREADY_THERE.test(textMemberOf(json, 'error') ?? '');
}

const UNIQUE_VIOLATION = '23505';
const ALREADY_THERE = /^(?:[A-Z_]+: )?Identity already exists: idt_/;
/** A Core before 0.15.0 answers with 400 to nearly everything. */
const NOT_FOUND = /\bwith ID '[^']*' not found$/;

async function balancesOfNames(
  lookUps: LookUps,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly FoundBalance[]>> {
  const found = new Map<string, FoundBalance[]>(names.map((name) => [name, []]));
  const filters = [{ field: 'indicator', operator: 'in', values: names }] as const;
  const seen = new Set<string>();
  for (const row of await lookUps.listRows('balances', { filters })) {
    const balance = readBalance(row);
    const ofName = found.get(textMemberOf(row, 'indicator') ?? '');
    if (ofName === undefined) {
      throw unreadable(`the balance ${balance.balanceId} was listed although it was not asked for`);
    }
    // Pages shift while balances are made: a row may come twice.
    if (!seen.has(balance.balanceId)) ofName.push(balance);
    seen.add(balance.balanceId);
  }
  return found;
}

async function balancesOfIds(lookUps: LookUps, balanceIds: readonly string[]): Promise<FoundBalance[]> {
  const found: FoundBalance[] = [];
  for (let at = 0; at < balanceIds.length; at += ROWS_MAX) {
    const values = balanceIds.slice(at, at + ROWS_MAX);
    const filters = [{ field: 'balance_id', operator: 'in', values }] as const;
    const rows = await lookUps.listRows('balances', { filters, rowsMax: values.length });
    const balances = new Map(rows.map(readBalance).map((balance) => [balance.balanceId, balance]));
    found.push(...values.flatMap((id) => balances.get(id) ?? []));
  }
  return found;
}

function readBalance(row: unknown): FoundBalance {
  const balanceId = memberOf(row, 'balance_id');
  const currency = textMemberOf(row, 'currency');
  if (!isLedgerId(balanceId) || currency === null) throw unreadable('a balance without id or currency was listed');
  const metadata: unknown = memberOf(row, 'meta_data');
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  return {
    balanceId,
    currency,
    identityId: textMemberOf(row, 'identity_id') || null,
    metadata: isObject ? { ...metadata } : null,
  };
}
