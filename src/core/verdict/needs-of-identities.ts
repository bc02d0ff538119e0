/** What the identities of customers need. Payments are posted without them, so nothing here says that one is missing. Pure. */
import { IDENTITY_REASONS } from '../accounts/link-balances.js';
import { withoutFullStop } from '../base/errors.js';
import { formatCount } from '../base/time-text.js';
import type { VerdictFacts } from './facts.js';
import { type Need, need, utc } from './need.js';

export function needsOfIdentities({ identities }: VerdictFacts): Need[] {
  if (identities === null || identities.mode === 'off') return [];
  const { parked, failing, mode, customersRefusedSince } = identities;
  const needs = parked.map(({ reason, count }) =>
    need(
      'identities_parked',
      `${customersText(count)} without a complete identity in Blnk: ${IDENTITY_REASONS[reason]}. They are looked at again once a ` +
        'day. Which ones: select customer, reason_detail from stripe_blnk_sync.identities where reason is not null. Their payments are posted all the same.',
    ),
  );
  if (mode === 'full' && customersRefusedSince !== null) {
    needs.push(
      need(
        'stripe_customers_refused',
        `The Stripe key has not been allowed to read customers since ${utc(customersRefusedSince)}: identities keep the names that they have. Make a ` +
          'key with "Customers: Read" and give it as STRIPE_API_KEY, or set BLNK_IDENTITIES=ids.',
      ),
    );
  }
  if (failing !== null) {
    needs.push(
      need(
        'identities_waiting',
        `${customersText(failing.count)} wait for their identity in Blnk and are retried automatically: ${withoutFullStop(failing.error)}.`,
      ),
    );
  }
  return needs;
}

function customersText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'customer' : 'customers'}`;
}
