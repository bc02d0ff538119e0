/**
 * Payment to ledger transaction, versions 1 and 2: a pure function of the payment as first stored and the mirror row.
 * No clock, no configuration. A released version is never changed; a new rule is a new version beside it,
 * because a posting that is prepared anew (retry, repair) must come out as it did the first time.
 */
import { exponentOf, precisionOf } from '../base/currencies.js';
import { utcDay } from '../base/window.js';
import { PAYMENT } from '../kinds/payment.js';
import { capMetadata, capText, cleanText } from './metadata.js';
import type { Payment } from './payment.js';
import type { Preparation } from './posting.js';
import { isOwnBalance, type OwnBalances, sourceOf } from './source-shards.js';

/**
 * The mapping version that a new mirror gets. Version 2 is version 1 with a source that is spread over several balances: code
 * that knows one source alone refuses it.
 */
export function newMappingVersion({ sourceShards }: Pick<OwnBalances, 'sourceShards'>): number {
  return sourceShards === 1 ? 1 : 2;
}

/** What mapping needs of the mirror row. */
export interface MappingRules extends OwnBalances {
  readonly mappingVersion: number;
  readonly mirrorId: string;
  readonly livemode: boolean;
  /** Balance for payments without a customer, e.g. `@stripe_guests`. */
  readonly guestDestination: string;
}

/**
 * Limit of the description in bytes of PostgreSQL JSON text. With at most META_DATA_BYTES_MAX of metadata the row stays
 * below the 7,962 bytes that Blnk Core can store; a larger row fails for ever.
 */
const DESCRIPTION_BYTES_MAX = 1_500;

/** Stripe's own ids are far shorter; merchants could once choose customer ids themselves. */
const CUSTOMER_ID_LENGTH_MAX = 200;

/** A transaction for a payment beside the payment's own: what it has otherwise. All else is the same. */
export interface Variant {
  readonly reference: string;
  /** Minor units that the ledger has too little (positive), or too much: then they go back to the source. Never zero. */
  readonly correctedBy?: bigint;
}

/** @returns the transaction to post, or the reason why this payment must be parked. */
export function preparePayment(payment: Payment, rules: MappingRules): Preparation {
  return prepareVariant(payment, rules, { reference: payment.id });
}

/** The same for a replacement or a correction of the payment's transaction. */
export function prepareVariant(payment: Payment, rules: MappingRules, variant: Variant): Preparation {
  if (rules.mappingVersion !== newMappingVersion(rules)) {
    throw new RangeError(
      `mapping version ${rules.mappingVersion} with ${rules.sourceShards} source balances is not known; this code knows ` +
        'version 1 with one, and version 2 with several',
    );
  }
  const currency = payment.currency.toUpperCase();
  const exponent = exponentOf(currency);
  if (payment.livemode !== rules.livemode) {
    return rejected('wrong_livemode', `livemode is ${payment.livemode}, this mirror's is ${rules.livemode}`);
  }
  if (exponent === undefined) return rejected('unknown_currency', `currency is ${JSON.stringify(payment.currency)}`);
  if (payment.amountReceived <= 0n) {
    return rejected('amount_not_positive', `amount_received is ${payment.amountReceived}`);
  }
  if (exponent === 3 && payment.amountReceived % 10n !== 0n) {
    return rejected('three_decimal_amount', `amount_received is ${payment.amountReceived} ${currency}`);
  }
  if (payment.customerId !== null && !isUsableCustomerId(payment.customerId)) {
    return rejected('unreadable_payment', `the customer id has ${payment.customerId.length} characters or holds a NUL`);
  }
  const destination = payment.customerId === null ? rules.guestDestination : `@${payment.customerId}`;
  if (isOwnBalance(destination, rules) || (payment.customerId !== null && destination === rules.guestDestination)) {
    return rejected('same_balance', `the customer's balance would be ${destination}`);
  }
  const source = sourceOf(payment.id, rules);
  const { reference, correctedBy } = variant;
  const takesBack = correctedBy !== undefined && correctedBy < 0n;
  const amount = correctedBy === undefined ? payment.amountReceived : takesBack ? -correctedBy : correctedBy;
  const role = correctedBy !== undefined ? 'correction' : reference === payment.id ? 'original' : 'replacement';
  const [from, to] = takesBack ? [destination, source] : [source, destination];
  const precision = precisionOf(exponent);
  // Written out: nested spreads would cost more than the rest of the preparation. The order of the keys is the order of the bytes.
  const rest = {
    precision,
    currency,
    reference,
    source: from,
    destination: to,
    description: correctedBy === undefined ? descriptionOf(payment) : correctionText(payment, takesBack),
    allow_overdraft: true,
    skip_queue: true,
    effective_date: payment.created.toISOString().replace('.000Z', 'Z'),
    meta_data: metaDataOf(payment, rules),
  };
  return {
    kind: 'prepared',
    transaction: {
      precision,
      currency,
      reference,
      source: from,
      destination: to,
      object: PAYMENT.object,
      role,
      // Of what goes back too, whose source is a customer's balance: a lane for each customer would be a request for each.
      lane: { source, currency },
      amount,
      effectiveDate: payment.created,
      // Core reads `precise_amount` only as a JSON integer literal; a bigint has no other way into JSON.
      body: `{"precise_amount":${amount},${JSON.stringify(rest).slice(1)}`,
    },
  };
}

function descriptionOf(payment: Payment): string {
  const text = cleanText(payment.description ?? '').trim();
  return text === '' ? `Stripe payment ${payment.id}` : capText(text, DESCRIPTION_BYTES_MAX);
}

function correctionText({ id }: Payment, takesBack: boolean): string {
  return `Correction of Stripe payment ${id}: the ledger had too ${takesBack ? 'much' : 'little'}`;
}

/**
 * Flat `stripe_…` keys, because Core's filter sees one level only and indexes it. Values are strings: Core keeps numbers
 * as float64. The merchant's own metadata stays one level down, where a key like `inflight` has no effect.
 */
function metaDataOf(payment: Payment, rules: MappingRules): Record<string, unknown> {
  const own = {
    [PAYMENT.metadataKey]: payment.id,
    ...(payment.customerId === null ? {} : { stripe_customer_id: payment.customerId }),
    ...(payment.chargeId === null ? {} : { stripe_charge_id: payment.chargeId }),
    stripe_livemode: String(payment.livemode),
    stripe_day: utcDay(payment.created),
    stripe_mirror: rules.mirrorId,
  };
  const { entries, cut } = capMetadata(payment.metadata, own);
  return {
    ...own,
    ...(entries.length === 0 ? {} : { stripe_metadata: Object.fromEntries(entries) }),
    ...(cut === 'nothing' ? {} : { stripe_metadata_cut: cut }),
  };
}

function isUsableCustomerId(id: string): boolean {
  return id.length > 0 && id.length <= CUSTOMER_ID_LENGTH_MAX && cleanText(id) === id;
}

function rejected(reason: Extract<Preparation, { kind: 'rejected' }>['reason'], detail: string): Preparation {
  return { kind: 'rejected', reason, detail };
}
