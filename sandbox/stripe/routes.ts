// The endpoints that the stand-in has: their names (for counters, limits and faults), the permission each asks for, and
// how each answers. Everything is a GET; what changes state is in control.ts and never on Stripe's paths.

import type { Permission } from './access.js';
import { CUSTOMER_EVENTS } from './customer-book.js';
import { type ListParameters, readExpandOnly, readListParameters } from './query.js';
import { agedOut, unknownCursor, unknownObject } from './refusal.js';
import { renderAccount } from './render-account.js';
import { customerObject } from './render-customer.js';
import type { Entry, FeedName } from './trace.js';
import type { World } from './world.js';

export interface Route {
  readonly name: string;
  readonly permission: Permission;
  /** The JSON of a 200; throws a Refusal. */
  readonly answer: (world: World, request: { search: URLSearchParams; account: string }) => string;
}

/** The route of a path below `/v1/`, if there is one. */
export function routeOf(path: string): Route | undefined {
  const [, version, resource, id, ...rest] = path.split('/');
  if (version !== 'v1' || resource === undefined || rest.length > 0) return undefined;
  if (id === undefined) return COLLECTIONS.get(resource);
  const single = SINGLES.get(resource);
  return single === undefined || id === '' ? undefined : single(id);
}

const NOUNS: Readonly<Record<FeedName, string>> = {
  payment_intents: 'payment_intent',
  charges: 'charge',
  events: 'event',
};
const PERMISSIONS: Readonly<Record<FeedName, Permission>> = {
  payment_intents: 'rak_payment_intent_read',
  charges: 'rak_charge_read',
  events: 'rak_event_read',
};
const EXPANDABLE: Readonly<Record<FeedName, readonly string[]>> = {
  payment_intents: ['latest_charge'],
  charges: [],
  events: [],
};

const COLLECTIONS: ReadonlyMap<string, Route> = new Map([
  ['payment_intents', listRoute('payment_intents')],
  ['charges', listRoute('charges')],
  ['events', listRoute('events')],
  [
    'account',
    {
      name: 'account.retrieve',
      permission: 'rak_accounts_kyc_basic_read',
      answer: (_world: World, request: { account: string }) => JSON.stringify(renderAccount(request.account)),
    },
  ],
]);

const SINGLES: ReadonlyMap<string, (id: string) => Route> = new Map([
  ['payment_intents', (id: string) => retrieveRoute('payment_intents', id)],
  ['charges', (id: string) => retrieveRoute('charges', id)],
  ['events', (id: string) => retrieveRoute('events', id)],
  ['customers', customerRoute],
]);

function listRoute(feed: FeedName): Route {
  return {
    name: `${feed}.list`,
    permission: PERMISSIONS[feed],
    answer: (world, { search }) => {
      const asked = readListParameters(search, { types: feed === 'events', expandable: EXPANDABLE[feed] });
      if (asked.types?.every((type) => CUSTOMER_EVENTS.some((one) => one === type)) === true) {
        const to = Math.min(asked.to, world.clock.nowSeconds());
        const { objects, hasMore } = world.customers.events({ ...asked, to });
        return `{"object":"list","data":[${objects.join(',')}],"has_more":${hasMore},"url":"/v1/events"}`;
      }
      const page = world.feeds[feed].page({
        from: feed === 'events' ? Math.max(asked.from, world.oldestEventSecond()) : asked.from,
        to: Math.min(asked.to, world.clock.nowSeconds()),
        limit: asked.limit,
        types: asked.types,
        accept: (entry) => world.isVisible(feed, entry),
        ...cursorOf(world, feed, asked),
      });
      // Added up, not joined: the text is then copied only once, when it becomes bytes.
      let objects = '';
      for (const entry of page.entries) {
        objects += (objects === '' ? '' : ',') + world.render(feed, entry, asked.expand);
      }
      return `{"object":"list","data":[${objects}],"has_more":${page.hasMore},"url":"/v1/${feed}"}`;
    },
  };
}

function cursorOf(
  world: World,
  feed: FeedName,
  asked: ListParameters,
): { cursor: Entry | undefined; direction: 'older' | 'newer' } {
  const id = asked.startingAfter ?? asked.endingBefore;
  const direction = asked.endingBefore === null ? 'older' : 'newer';
  if (id === null) return { cursor: undefined, direction };
  const param = asked.endingBefore === null ? 'starting_after' : 'ending_before';
  const target = world.find(feed, id);
  if (target === 'missing') throw unknownCursor(NOUNS[feed], id, param);
  if (target === 'aged_out') throw agedOut(id, param);
  return { cursor: target, direction };
}

function retrieveRoute(feed: FeedName, id: string): Route {
  return {
    name: `${feed}.retrieve`,
    permission: PERMISSIONS[feed],
    answer: (world, { search }) => {
      const expand = readExpandOnly(search, EXPANDABLE[feed]);
      const entry = world.find(feed, id);
      if (entry === 'missing' || entry === 'aged_out')
        throw unknownObject(NOUNS[feed], id, feed === 'payment_intents' ? 'intent' : 'id');
      return world.render(feed, entry, expand);
    },
  };
}

function customerRoute(id: string): Route {
  return {
    name: 'customers.retrieve',
    permission: 'rak_customer_read',
    answer: (world, { search }) => {
      readExpandOnly(search, []);
      const changed = world.customers.find(id);
      if (changed !== undefined) return JSON.stringify(changed);
      if (!world.population.isCustomer(id)) throw unknownObject('customer', id);
      return JSON.stringify(customerObject({ id, livemode: world.options.livemode }));
    },
  };
}
