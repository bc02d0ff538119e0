// The account that owns the key.

import type Stripe from 'stripe';

export function renderAccount(id: string): Stripe.Account {
  return {
    id,
    object: 'account',
    business_profile: null,
    business_type: 'company',
    capabilities: { card_payments: 'active', transfers: 'active' },
    charges_enabled: true,
    country: 'US',
    created: 1_500_000_000,
    default_currency: 'usd',
    details_submitted: true,
    email: 'sandbox@example.com',
    metadata: {},
    payouts_enabled: true,
    settings: null,
    type: 'standard',
  };
}
