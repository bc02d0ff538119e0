/**
 * Customers as Stripe has them, for identities in Blnk: one by its id, and which ones changed. Of a customer nothing leaves this file but
 * name and e-mail address.
 */
import type { CustomerChange, CustomerFeed, CustomerReader } from '../accounts/identity-ports.js';
import { SyncError } from '../core/base/errors.js';
import { unixSeconds } from '../core/base/window.js';
import type { StripeClient } from './client.js';
import { readList, unreadableAnswer } from './read-list.js';
import { isRecord, readCreated } from './read-payment.js';

export interface StripeCustomers extends CustomerReader, CustomerFeed {
  /** One small request: for a customer that nobody has, because the permission is looked at first. */
  mayRead(): Promise<boolean>;
}

const NOBODY = 'cus_stripe_blnk_sync_permission_check';

const CHANGES = ['customer.updated', 'customer.deleted'] as const;

const PAGE_OBJECTS_MAX = 100;

export function createStripeCustomers({ client }: { readonly client: StripeClient }): StripeCustomers {
  const retrieve = (id: string) =>
    client.request('customer', (stripe, options) => stripe.customers.retrieve(id, {}, options));
  return {
    async mayRead() {
      try {
        await retrieve(NOBODY);
        return true;
      } catch (error) {
        if (isCode(error, 'stripe_resource_missing')) return true;
        if (isCode(error, 'stripe_permission_missing')) return false;
        throw error;
      }
    },

    async readCustomer(id) {
      try {
        const { body, vendorNow } = await retrieve(id);
        if (!isRecord(body) || body.id !== id) throw unreadableAnswer(`something else than the customer ${id}`);
        if (body.deleted === true) return { reading: { kind: 'deleted' }, asOf: vendorNow };
        const details = { name: textOf(body.name), email: textOf(body.email) };
        return { reading: { kind: 'found', details }, asOf: vendorNow };
      } catch (error) {
        if (!isCode(error, 'stripe_resource_missing')) throw error;
        return { reading: { kind: 'missing' }, asOf: null };
      }
    },

    async changes({ from, after }) {
      const { body, vendorNow } = await client.request('events', (stripe, options) =>
        stripe.events.list(
          {
            ...{ types: [...CHANGES], created: { gte: unixSeconds(from) }, limit: PAGE_OBJECTS_MAX },
            ...(after === null ? {} : { starting_after: after }),
          },
          options,
        ),
      );
      const { objects, hasMore, lastId } = readList(body);
      return { changes: objects.map(readChange), next: hasMore ? lastId : null, now: vendorNow };
    },
  };
}

function readChange(value: unknown): CustomerChange {
  const isChange = isRecord(value) && CHANGES.some((type) => type === value.type);
  const object = isChange && isRecord(value.data) ? value.data.object : undefined;
  const created = isChange ? readCreated(value.created) : undefined;
  if (!isRecord(object) || typeof object.id !== 'string' || created === undefined || 'problem' in created) {
    throw unreadableAnswer('an event that is no change of a customer');
  }
  return { customer: object.id, at: created.value };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isCode(error: unknown, code: SyncError['code']): boolean {
  return error instanceof SyncError && error.code === code;
}
