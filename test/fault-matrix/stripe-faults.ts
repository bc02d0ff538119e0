/** The rows that only Stripe can give: its own errors, and answers that contradict each other. */

import { answerWith, type Handler } from '../support/http-proxy.js';
import { answer, answerWithout, type Json, rewritten, rewrittenJson } from './acts.js';
import type { StripeColumn } from './stripe-columns.js';
import type { Fault } from './wire-faults.js';

type StripeFault = Fault<StripeColumn>;

export const FROM_STRIPE: readonly StripeFault[] = [
  stripe('400 of Stripe', 400, {}),
  stripe('400 `rate_limit`', 400, { code: 'rate_limit' }),
  stripe('401 of Stripe', 401, {}),
  stripe('401 `api_key_expired`', 401, { code: 'api_key_expired' }),
  stripe('402 of Stripe', 402, { type: 'card_error' }),
  stripe('403, a permission is missing', 403, {}),
  stripe('404 `resource_missing`', 404, { code: 'resource_missing' }, 'unreadable_payment'),
  stripe('409 `idempotency_key_in_use`', 409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }),
  stripe('429 `lock_timeout`', 429, { code: 'lock_timeout' }),
  {
    title: '429 `rate_limit` with its reason',
    act: () => stripeError(429, { code: 'rate_limit' }, { 'stripe-rate-limited-reason': 'endpoint-rate' }),
  },
  stripe('500 of Stripe', 500, { type: 'api_error' }),
  {
    title: '500, `Stripe-Should-Retry: false`',
    act: () => stripeError(500, { type: 'api_error' }, { 'stripe-should-retry': 'false' }),
  },
];

export const CONTRADICTORY: readonly StripeFault[] = [
  {
    title: 'empty page that says there are more',
    act: () => answer(200, '{"object":"list","data":[],"has_more":true}'),
  },
  { title: 'page that is not newest first, or another object', act: () => rewrittenJson(turned) },
  { title: 'the same first page for ever', act: () => samePageForEver },
  { title: 'objects of the other mode', act: () => rewrittenJson(otherMode), mayPark: 'wrong_livemode' },
  { title: 'objects without their ids', act: () => rewrittenJson(withoutIds) },
  { title: 'without a `Date`', act: () => answerWithout('date') },
];

/** What was created within the last minutes is not shown yet, or not as it is. */
export const LAGGING: StripeFault = {
  title: 'look-ups lag by five minutes',
  brief: true,
  act: () =>
    rewritten((given) => ({ ...given, body: JSON.stringify(older(JSON.parse(given.body), given.headers.date)) })),
};

const LAG_SECONDS = 300;

function stripe(title: string, status: number, error: Readonly<Record<string, string>>, mayPark?: string): StripeFault {
  return { title, act: () => stripeError(status, error), ...(mayPark === undefined ? {} : { mayPark }) };
}

function stripeError(
  status: number,
  error: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Handler {
  const body = { error: { type: 'invalid_request_error', message: 'Stripe says no.', ...error } };
  return answer(status, JSON.stringify(body), {
    'content-type': 'application/json',
    'request-id': 'req_1',
    ...headers,
  });
}

function mapObjects(json: unknown, change: (objects: readonly Json[]) => readonly Json[]): unknown {
  const { data } = json as Json;
  return Array.isArray(data) ? { ...(json as Json), data: change(data as Json[]) } : change([json as Json])[0];
}

function turned(json: unknown): unknown {
  return mapObjects(json, (objects) => {
    // So that a page of one object is out of order, too.
    const [first] = objects;
    if (first === undefined) return objects;
    const other = { ...first, id: `${first.id}0` };
    return objects.length === 1 && !('created' in first) ? [other] : [{ ...other, created: 1 }, ...objects];
  });
}

/** Whatever cursor is asked with, the page is the first one and promises more. */
const samePageForEver: Handler = async ({ path, response, forward }) => {
  const given = await forward({ path: path.replace(/[?&]starting_after=[^&]*/, '') });
  const json = JSON.parse(given.body) as Json;
  answerWith(response, { ...given, body: JSON.stringify('has_more' in json ? { ...json, has_more: true } : json) });
};

function otherMode(json: unknown): unknown {
  return mapObjects(json, (objects) =>
    objects.map((object) => {
      const { data } = object;
      const inner = typeof data === 'object' && data !== null ? (data as Json).object : undefined;
      return {
        ...object,
        livemode: true,
        ...(inner === undefined ? {} : { data: { ...(data as Json), object: { ...(inner as Json), livemode: true } } }),
      };
    }),
  );
}

function withoutIds(json: unknown): unknown {
  return mapObjects(json, (objects) => objects.map(({ id: _id, ...object }) => object));
}

function older(json: unknown, date: string | undefined): unknown {
  const shownUpTo = Date.parse(date ?? '') / 1_000 - LAG_SECONDS;
  const isShown = ({ created }: Json) => typeof created !== 'number' || created <= shownUpTo;
  if ('data' in (json as Json)) return mapObjects(json, (objects) => objects.filter(isShown));
  return isShown(json as Json) ? json : { ...(json as Json), status: 'processing' };
}
