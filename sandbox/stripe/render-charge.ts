// Charges as Stripe shows them: one per payment attempt. Typed as the SDK's own, so a field that Stripe renames or adds
// breaks the build here and not a test somewhere.

import type Stripe from 'stripe';
import { type ChargeStanding, type IntentPlan, type Standing, shownCustomer } from './life.js';
import { customerIdOf } from './render-customer.js';

/** The charge of one attempt, as it stands. */
export function renderCharge(
  id: string,
  of: { plan: IntentPlan; standing: Standing; charge: ChargeStanding },
): Stripe.Charge {
  const { plan, standing, charge } = of;
  const failed = charge.status === 'failed';
  return {
    id,
    object: 'charge',
    amount: plan.amount,
    amount_captured: charge.amountCaptured,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    // Null at first with asynchronous capture: https://docs.stripe.com/payments/payment-intents/asynchronous-capture
    balance_transaction: null,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: 'SANDBOX SHOP',
    captured: charge.captured,
    created: charge.created,
    currency: plan.currency,
    customer: customerIdOf(shownCustomer(plan, standing)),
    description: plan.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: failed ? 'card_declined' : null,
    failure_message: failed ? 'Your card was declined.' : null,
    fraud_details: {},
    livemode: plan.livemode,
    metadata: plan.metadata,
    on_behalf_of: null,
    outcome: failed ? DECLINED : AUTHORIZED,
    paid: charge.status === 'succeeded',
    payment_intent: plan.id,
    payment_method: `pm_${id.slice(3)}`,
    payment_method_details: { type: plan.paymentMethodType },
    receipt_email: null,
    receipt_number: null,
    receipt_url: failed ? null : `https://pay.stripe.com/receipts/payment/${id}`,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: charge.status,
    transfer_data: null,
    transfer_group: null,
  };
}

const AUTHORIZED: Stripe.Charge.Outcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: null,
  network_status: 'approved_by_network',
  reason: null,
  risk_level: 'normal',
  risk_score: 12,
  seller_message: 'Payment complete.',
  type: 'authorized',
};

const DECLINED: Stripe.Charge.Outcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: '05',
  network_status: 'declined_by_network',
  reason: 'generic_decline',
  risk_level: 'normal',
  risk_score: 31,
  seller_message: 'The bank did not return any further details with this decline.',
  type: 'issuer_declined',
};
