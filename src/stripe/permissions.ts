/**
 * What a restricted key must be allowed to read, in Stripe's words, and the link that makes such a key.
 * The link's parameters are not documented, but Stripe's own tools and many others hand out such links.
 */
import { SyncError } from '../core/base/errors.js';
import type { StripeEndpoint } from './endpoint.js';

const PERMISSIONS = {
  payment_intents: { title: 'PaymentIntents: Read', name: 'rak_payment_intent_read' },
  events: { title: 'Events: Read', name: 'rak_event_read' },
  charges: { title: 'Charges: Read', name: 'rak_charge_read' },
  customers: { title: 'Customers: Read', name: 'rak_customer_read' },
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** Undefined for the account: nothing depends on reading it. */
export function permissionOf(endpoint: StripeEndpoint): Permission | undefined {
  switch (endpoint) {
    case 'payment_intents':
    case 'payment_intent':
      return 'payment_intents';
    case 'events':
      return 'events';
    case 'charges':
    case 'charge':
      return 'charges';
    case 'customer':
      return 'customers';
    case 'account':
      return undefined;
    default:
      return endpoint satisfies never;
  }
}

/** Opens Stripe's form for a new restricted key with the three permissions filled in, and that for customers where it is wanted. */
export function newKeyLink({
  livemode,
  customers = false,
}: {
  readonly livemode: boolean;
  readonly customers?: boolean;
}): string {
  const order: Permission[] = ['payment_intents', 'charges', 'events'];
  if (customers) order.push('customers');
  const wanted = order.map((permission) => `permissions[]=${PERMISSIONS[permission].name}`).join('&');
  return `https://dashboard.stripe.com${livemode ? '' : '/test'}/apikeys/create?name=stripe-blnk-sync&${wanted}`;
}

/** The refusal that a person can act on: which permission is missing, and where to get a key that has it. */
export function permissionMissing(
  missing: readonly Permission[],
  options: { readonly livemode: boolean; readonly vendorMessage?: string },
): SyncError {
  const titles = missing.map((permission) => `"${PERMISSIONS[permission].title}" (${PERMISSIONS[permission].name})`);
  const what = titles.length === 0 ? 'what was asked for' : titles.join(' and ');
  const said = options.vendorMessage === undefined ? '' : ` Stripe says: ${options.vendorMessage}`;
  return new SyncError(
    `STRIPE_API_KEY may not read ${what}. Make a key that may: ${newKeyLink({ ...options, customers: missing.includes('customers') })}${said}`,
    {
      kind: 'fatal',
      code: 'stripe_permission_missing',
    },
  );
}
