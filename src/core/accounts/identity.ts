/**
 * What a customer's identity in Blnk is: its id, its body, and our mark on everything that belongs to the customer. A pure function
 * of the account, its mode and the customer, so that a request whose answer was lost is sent again and makes nothing twice.
 */

import { capText, cleanText } from '../posting/metadata.js';
import type { Mirror } from '../posting/mirror.js';
import { isOwnBalance } from '../posting/source-shards.js';

/** `off`: none are made. `ids`: with the customer's id alone. `full`: with the name and the e-mail address as well. */
export const IDENTITIES_MODES = ['off', 'ids', 'full'] as const;

/** What is said of any other value. */
export const IDENTITIES_ALLOWED = `allowed is one of ${IDENTITIES_MODES.join(', ')}`;

export type IdentitiesMode = (typeof IDENTITIES_MODES)[number];

/** The one key of `meta_data` that is ours. Blnk merges keys of the top level alone, so it is always sent whole. */
export const MARK_KEY = 'stripe_blnk_sync';

/** Says of an identity or balance whose it is. Values are strings: Core keeps numbers as float64. */
export type Mark = Readonly<Record<string, string>>;

/** Of the names that our UUIDs are made of (RFC 9562, version 5). Never changed: the ids are in ledgers. */
export const UUID_NAMESPACE = 'f5f23e63-297b-5040-88d3-2abf45db3186';

/** What a core without packages is given: the UUID of a name in a namespace. */
export type NameToUuid = (name: string, namespace: string) => string;

export type IdentityOwner = Pick<Mirror, 'mirrorId' | 'stripeAccount' | 'livemode'>;

/**
 * The account's, not the mirror's: a new mirror over the same ledger finds the identities that are there. Only where the account
 * cannot be read does the mirror stand for it.
 */
export function identityIdOf(customer: string, owner: IdentityOwner, uuidOf: NameToUuid): string {
  const account = owner.stripeAccount ?? owner.mirrorId;
  return `idt_${uuidOf([account, modeOf(owner), customer].join('/'), UUID_NAMESPACE)}`;
}

/** All ids that this mirror may have given the customer's identity: by the account, and by itself before it could read the account. */
export function ownIdentityIds(customer: string, owner: IdentityOwner, uuidOf: NameToUuid): string[] {
  const owners = owner.stripeAccount === null ? [owner] : [owner, { ...owner, stripeAccount: null }];
  return owners.map((one) => identityIdOf(customer, one, uuidOf));
}

export function markOf(customer: string, owner: IdentityOwner): Mark {
  return markAs({ role: 'customer', customer }, owner);
}

/** The mark of whatever is the mirror's. @param role what it is to the mirror */
export function markAs(role: Mark, owner: IdentityOwner): Mark {
  const account: Mark = owner.stripeAccount === null ? {} : { account: owner.stripeAccount };
  return { mirror: owner.mirrorId, ...role, ...account, mode: modeOf(owner) };
}

/** Whether metadata carries exactly this mark; whatever stands beside it is somebody else's. */
export function isMarked(metadata: Readonly<Record<string, unknown>> | null, mark: Mark): boolean {
  const found = metadata?.[MARK_KEY];
  if (typeof found !== 'object' || found === null) return false;
  const entries = Object.entries(found);
  return entries.length === Object.keys(mark).length && entries.every(([key, value]) => mark[key] === value);
}

/** Texts of an identity, by Core's names for them. */
export type IdentityFields = Readonly<Record<string, string>>;

/** Of every identity. The id is a name under which people find it; the type is one that Core has, and says nothing. */
export function firstFieldsOf(customer: string): IdentityFields {
  return { identity_type: 'individual', category: 'stripe_customer', other_names: customer };
}

/** A customer as Stripe has it now; null: it was deleted. */
export interface CustomerDetails {
  readonly name: string | null;
  readonly email: string | null;
}

/** What stands where Stripe has nothing (any more): Core takes no empty text, and a field that is left out stays as it was. */
export const NOTHING_THERE = '-';

/** Of Core's columns none has a limit; Stripe's own are 256 for names and 512 for addresses. */
const FIELD_BYTES_MAX = 1_000;

/** Both fields, always: what is left out would stay. A name is not split, which would be a guess. */
export function detailFieldsOf(details: CustomerDetails | null): IdentityFields {
  return { first_name: fieldOf(details?.name ?? null), email_address: fieldOf(details?.email ?? null) };
}

function fieldOf(text: string | null): string {
  const cleaned = cleanText(text ?? '').trim();
  return cleaned === '' ? NOTHING_THERE : capText(cleaned, FIELD_BYTES_MAX);
}

/**
 * The customer that a payment was posted to; null when its destination is none: the balance of guests, or one of the mirror's
 * own, to which a correction gives money back.
 */
export function customerOf(
  destination: string,
  mirror: Pick<Mirror, 'source' | 'sourceShards' | 'guestDestination'>,
): string | null {
  if (destination === mirror.guestDestination || isOwnBalance(destination, mirror)) return null;
  return destination.startsWith('@') && destination.length > 1 ? destination.slice(1) : null;
}

/** The name of a customer's balances, one for each currency. */
export function balanceNameOf(customer: string): string {
  return `@${customer}`;
}

export function modeOf({ livemode }: Pick<Mirror, 'livemode'>): 'live' | 'test' {
  return livemode ? 'live' : 'test';
}
