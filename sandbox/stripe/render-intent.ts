// PaymentIntents as Stripe shows them, as JSON text. What never differs is serialised once: a page of 100 is asked for
// far more often than anything else here, and the server must cost next to nothing beside the software under test.
// Both halves are typed from the SDK's PaymentIntent, so together they always make a whole one.

import type Stripe from 'stripe';
import { type IntentPlan, type Standing, shownCustomer } from './life.js';
import { renderCharge } from './render-charge.js';

/** The intent as JSON. `chargeId` names the charge of an attempt by its slot. */
export function renderIntent(
  plan: IntentPlan,
  standing: Standing,
  options: { chargeId: (slot: number) => string; expand?: ReadonlySet<string> },
): string {
  const varying = varyingFields(plan, standing, options);
  return joinObjects(JSON.stringify(varying), CONSTANT_JSON);
}

/**
 * The intent as an old API version froze it: before 2022-11-15 there was no `latest_charge`, the attempts stood in
 * `charges` (https://docs.stripe.com/upgrades#2022-11-15).
 */
export function renderOldIntent(
  plan: IntentPlan,
  standing: Standing,
  options: { chargeId: (slot: number) => string },
): string {
  const { latest_charge: _newer, customer_account: _newest, ...varying } = varyingFields(plan, standing, options);
  const charges: Stripe.ApiList<Stripe.Charge> = {
    object: 'list',
    data: standing.charges
      .map((charge) => renderCharge(options.chargeId(charge.slot), { plan, standing, charge }))
      .reverse(),
    has_more: false,
    url: `/v1/charges?payment_intent=${plan.id}`,
  };
  const old: Omit<Varying, 'latest_charge' | 'customer_account'> & { charges: typeof charges } = {
    ...varying,
    charges,
  };
  return joinObjects(JSON.stringify(old), CONSTANT_JSON);
}

type Constant = Pick<
  Stripe.PaymentIntent,
  | 'object'
  | 'allowed_payment_method_types'
  | 'amount_details'
  | 'application'
  | 'application_fee_amount'
  | 'automatic_payment_methods'
  | 'confirmation_method'
  | 'excluded_payment_method_types'
  | 'managed_payments'
  | 'on_behalf_of'
  | 'payment_method_configuration_details'
  | 'payment_method_options'
  | 'payment_record'
  | 'processing'
  | 'receipt_email'
  | 'review'
  | 'setup_future_usage'
  | 'shipping'
  | 'source'
  | 'statement_descriptor'
  | 'statement_descriptor_suffix'
  | 'transfer_data'
  | 'transfer_group'
>;

type Varying = Omit<Stripe.PaymentIntent, keyof Constant>;

const CONSTANT: Constant = {
  object: 'payment_intent',
  allowed_payment_method_types: null,
  amount_details: { tip: {} },
  application: null,
  application_fee_amount: null,
  automatic_payment_methods: { allow_redirects: 'always', enabled: true },
  confirmation_method: 'automatic',
  excluded_payment_method_types: null,
  managed_payments: { enabled: false },
  on_behalf_of: null,
  payment_method_configuration_details: null,
  payment_method_options: {
    card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
  },
  payment_record: null,
  processing: null,
  receipt_email: null,
  review: null,
  setup_future_usage: null,
  shipping: null,
  source: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
};
const CONSTANT_JSON = JSON.stringify(CONSTANT);

function varyingFields(
  plan: IntentPlan,
  standing: Standing,
  options: { chargeId: (slot: number) => string; expand?: ReadonlySet<string> },
): Varying {
  const charge = standing.charges.at(-1);
  const chargeId = charge === undefined ? null : options.chargeId(charge.slot);
  const attempted = chargeId !== null && standing.status !== 'requires_payment_method';
  return {
    id: plan.id,
    amount: plan.amount,
    amount_capturable: standing.amountCapturable,
    amount_received: standing.amountReceived,
    canceled_at: standing.canceledAt,
    cancellation_reason: standing.canceledAt === null ? null : 'abandoned',
    capture_method: plan.captureMethod,
    client_secret: `${plan.id}_secret_${plan.id.slice(16)}${plan.id.slice(3, 16)}`,
    created: plan.created,
    currency: plan.currency,
    customer: shownCustomer(plan, standing),
    customer_account: plan.customerAccount,
    description: standing.edit.description === undefined ? plan.description : standing.edit.description,
    last_payment_error: standing.lastAttemptFailed ? lastError(chargeId) : null,
    latest_charge:
      charge === undefined || chargeId === null || !isExpanded(plan, options.expand)
        ? chargeId
        : renderCharge(chargeId, { plan, standing, charge }),
    livemode: plan.livemode,
    metadata: standing.edit.metadata ?? plan.metadata,
    next_action: standing.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: {} } : null,
    payment_method: attempted ? `pm_${chargeId.slice(3)}` : null,
    payment_method_types: [plan.paymentMethodType],
    status: standing.status,
  };
}

function isExpanded(plan: IntentPlan, expand: ReadonlySet<string> | undefined): boolean {
  return plan.latestCharge === 'object' || expand?.has('latest_charge') === true;
}

function lastError(chargeId: string | null): Stripe.PaymentIntent.LastPaymentError {
  return {
    ...(chargeId === null ? {} : { charge: chargeId }),
    code: 'card_declined',
    decline_code: 'generic_decline',
    doc_url: 'https://stripe.com/docs/error-codes/card-declined',
    message: 'Your card was declined.',
    type: 'card_error',
  };
}

function joinObjects(first: string, second: string): string {
  return `${first.slice(0, -1)},${second.slice(1)}`;
}
