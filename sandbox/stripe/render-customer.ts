// Customers in the shapes that a PaymentIntent may carry: an id, the whole object, a deleted one, or none.

import type Stripe from 'stripe';
import type { Kind } from './kind.js';

/** The value of `customer` on a payment of that kind. */
export function customerShape(
  shape: Kind['customer'],
  customer: { id: string; livemode: boolean },
): Stripe.PaymentIntent['customer'] {
  switch (shape) {
    case 'id':
    case 'account_and_customer':
      return customer.id;
    case 'object':
      return customerObject(customer);
    case 'deleted':
      return deletedCustomer(customer.id);
    case 'account':
    case 'guest':
      return null;
    default:
      return shape satisfies never;
  }
}

/** The id behind any shape of `customer`. */
export function customerIdOf(customer: Stripe.PaymentIntent['customer']): string | null {
  return customer === null || typeof customer === 'string' ? customer : customer.id;
}

function deletedCustomer(id: string): Stripe.DeletedCustomer {
  return { id, object: 'customer', deleted: true };
}

export function customerObject(options: { id: string; livemode: boolean }): Stripe.Customer {
  return {
    id: options.id,
    object: 'customer',
    address: null,
    balance: 0,
    created: 1_500_000_000,
    currency: 'usd',
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: `${options.id}@example.com`,
    invoice_prefix: options.id.slice(-8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: options.livemode,
    metadata: {},
    name: 'Jenny Rosen',
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}
