/**
 * Reads a PaymentIntent, as a list, a retrieve or an event snapshot shows it, into a payment. Total: any value gives an
 * answer, none throws, because an event's snapshot was written years ago by a version nobody checked.
 * What decides about money is never guessed; `client_secret` and whatever else is not needed never leaves this file.
 */
import { PAYMENT } from '../core/kinds/payment.js';
import type { FoundPayment } from '../core/posting/payment.js';

export type IntentReading =
  | FoundPayment
  | { readonly kind: 'not_succeeded'; readonly id: string }
  /** Without an id nothing can be stored, counted or looked up: the answer itself is broken. */
  | { readonly kind: 'no_id' };

/** The field is not what it must be; the text states why. */
type Field<T> = { readonly value: T } | { readonly problem: string };

/** 9999-12-31T23:59:59Z: the last second that an ISO date with four digits of year can show. */
const CREATED_SECONDS_MAX = 253_402_300_799;

/** Nothing that becomes another letter in upper case: `ſ` is an S there, and `uſd` would be dollars. */
const CURRENCY = /^[\x21-\x7e]{1,16}$/;

/** @param value one PaymentIntent, parsed from JSON and not trusted in any way */
export function readPaymentIntent(value: unknown): IntentReading {
  if (!isRecord(value)) return { kind: 'no_id' };
  const id = value.id;
  if (!isIntentId(id)) return { kind: 'no_id' };
  const { status } = value;
  if (typeof status === 'string' && status !== '' && status !== 'succeeded') return { kind: 'not_succeeded', id };

  const created = readCreated(value.created);
  const amountReceived = readAmount(value.amount_received);
  const currency = readCurrency(value.currency);
  const { livemode } = value;
  const customer = readCustomer(value);
  const charge = readCharge(value);
  const metadata = readMetadata(value.metadata);
  const description = value.description === null || value.description === undefined ? null : textOf(value.description);
  const unreadable = (problem: string): FoundPayment => ({
    kind: 'unreadable',
    id,
    created: 'value' in created ? created.value : null,
    problem,
    known: {
      ...('value' in amountReceived ? { amountReceived: amountReceived.value } : {}),
      ...('value' in currency ? { currency: currency.value } : {}),
      ...('value' in customer ? { customerId: customer.value } : {}),
      ...('value' in charge ? { chargeId: charge.value } : {}),
      description,
      ...('value' in metadata ? { metadata: metadata.value } : {}),
    },
  });
  if (status !== 'succeeded') return unreadable(expected('status', status, 'a status'));
  if ('problem' in created) return unreadable(created.problem);
  if ('problem' in amountReceived) return unreadable(amountReceived.problem);
  if ('problem' in currency) return unreadable(currency.problem);
  if (typeof livemode !== 'boolean') return unreadable(expected('livemode', livemode, 'true or false'));
  if ('problem' in customer) return unreadable(customer.problem);
  if ('problem' in charge) return unreadable(charge.problem);
  if ('problem' in metadata) return unreadable(metadata.problem);
  return {
    kind: 'payment',
    id,
    amountReceived: amountReceived.value,
    currency: currency.value,
    created: created.value,
    livemode,
    customerId: customer.value,
    chargeId: charge.value,
    description,
    metadata: metadata.value,
  };
}

/** Whether this can be a PaymentIntent's id: it becomes a reference in the ledger and part of a path in requests. */
export function isIntentId(value: unknown): value is string {
  return isObjectId(value) && value.startsWith(PAYMENT.idPrefix) && value.length > PAYMENT.idPrefix.length;
}

/** Whether this can be the id of any object: it becomes a cursor in requests, and part of messages. */
export function isObjectId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_]{1,200}$/.test(value);
}

/** Stripe's `created`: Unix time in whole seconds. */
export function readCreated(value: unknown): Field<Date> {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= CREATED_SECONDS_MAX
    ? { value: new Date(value * 1_000) }
    : { problem: expected('created', value, 'Unix time in whole seconds') };
}

/** A JSON object, neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readAmount(value: unknown): Field<bigint> {
  // Beyond 2^53 the JSON parser has already rounded: the number in hand is not the one that was sent.
  return typeof value === 'number' && Number.isSafeInteger(value)
    ? { value: BigInt(value) }
    : { problem: expected('amount_received', value, 'a whole number of minor units below 2^53') };
}

/** Only the form: whether the currency is known is decided by mapping, which parks it by name. */
function readCurrency(value: unknown): Field<string> {
  return typeof value === 'string' && CURRENCY.test(value)
    ? { value }
    : { problem: expected('currency', value, 'a currency code') };
}

/**
 * Id, object, deleted object (`{id, deleted: true}`), or none; `customer_account` stands in under Accounts v2. Stripe
 * always states whose a payment is, with null for a guest: without its field that would be guessed.
 */
function readCustomer(intent: Readonly<Record<string, unknown>>): Field<string | null> {
  if (intent.customer === undefined && (intent.customer_account ?? null) === null) {
    return { problem: expected('customer', undefined, 'an id, an object with an id, or null') };
  }
  const customer = readReference('customer', intent.customer);
  if ('problem' in customer || customer.value !== null) return customer;
  return readReference('customer_account', intent.customer_account);
}

function readCharge(intent: Readonly<Record<string, unknown>>): Field<string | null> {
  const latest = readReference('latest_charge', intent.latest_charge ?? firstOldCharge(intent.charges));
  if ('problem' in latest || latest.value === null) return latest;
  return isObjectId(latest.value) ? latest : { problem: expected('latest_charge', latest.value, 'the id of a charge') };
}

/** Before 2022-11-15 the attempts stood in `charges`, newest first. */
function firstOldCharge(charges: unknown): unknown {
  return isRecord(charges) && Array.isArray(charges.data) ? charges.data[0] : null;
}

/** An expandable field: an id, an object with an id, or null. A missing field is an answer without it: null. */
function readReference(name: string, value: unknown): Field<string | null> {
  if (value === null || value === undefined) return { value: null };
  const id = isRecord(value) ? value.id : value;
  return typeof id === 'string' && id !== ''
    ? { value: id }
    : { problem: expected(name, value, 'an id, an object with an id, or null') };
}

/** Own keys only, as pairs: a merchant may name a key `__proto__`. */
function readMetadata(value: unknown): Field<ReadonlyArray<readonly [string, string]>> {
  if (value === null || value === undefined) return { value: [] };
  if (!isRecord(value)) return { problem: expected('metadata', value, 'an object') };
  return { value: Object.entries(value).map(([key, entry]) => [key, textOf(entry)] as const) };
}

/** Stripe sends strings. Anything else is kept as its JSON text, so that words around money never hold the money back. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? `(${typeof value})`;
  } catch (error) {
    // Nested deeper than the stack, or nothing that JSON knows. The text stays deterministic, as the posting must.
    return `(${typeof value} that is no JSON: ${error instanceof RangeError ? 'too deep' : 'not serialisable'})`;
  }
}

/** Names the type and never the content of a text: it may be a customer's. */
function expected(field: string, value: unknown, wanted: string): string {
  return `${field} holds ${shapeOf(value)}; ${wanted} is expected`;
}

function shapeOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  // The client reads numbers of more digits than it can hold as infinite ones.
  if (value === Number.POSITIVE_INFINITY) return 'a number of too many digits';
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}
