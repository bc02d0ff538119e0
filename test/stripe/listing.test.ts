/**
 * Stripe's side of a proof: a window of PaymentIntents, whole or not at all. Against the stand-in with ties and history,
 * and against pages that no sound Stripe gives.
 */
import { describe, expect, it } from 'vitest';
import type { FeedPage, PageRequest, PaymentFeeds } from '../../src/collect/ports.js';
import { SyncError } from '../../src/core/base/errors.js';
import type { Window } from '../../src/core/base/window.js';
import type { FoundPayment } from '../../src/core/posting/payment.js';
import { createStripeSide } from '../../src/stripe/listing.js';

const at = (second: number) => new Date(Date.UTC(2026, 9, 1) + second * 1_000);
const WINDOW = { from: at(0), to: at(1_000) };

interface Intent {
  readonly id: string;
  readonly second: number;
}

const intents = (count: number, secondOf: (index: number) => number): Intent[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `pi_${String(index).padStart(4, '0')}`,
    second: secondOf(index),
  }));

function paymentOf({ id, second }: Intent): FoundPayment {
  return {
    ...{ kind: 'payment', id, amountReceived: 5n, currency: 'usd', created: at(second), livemode: false },
    ...{ customerId: null, chargeId: null, description: null, metadata: [] },
  };
}

function pageOf(objects: readonly Intent[], hasMore: boolean): FeedPage {
  return {
    payments: objects.map((intent) => ({ payment: paymentOf(intent), seenAt: at(intent.second) })),
    hasMore,
    lastId: objects.at(-1)?.id ?? null,
    newest: objects[0] === undefined ? null : at(objects[0].second),
    oldest: objects.length === 0 ? null : at(objects.at(-1)?.second ?? 0),
    vendorNow: at(5_000),
    requests: 1,
  };
}

/** Stripe as it lists: newest first, pages of 100, by cursor. A test may delete from `held` between two pages. */
function stripeOf(held: Intent[], answer?: (request: PageRequest) => FeedPage | undefined) {
  const asked: PageRequest[] = [];
  const paymentIntents = async (request: PageRequest): Promise<FeedPage> => {
    asked.push(request);
    const scripted = answer?.(request);
    if (scripted !== undefined) return scripted;
    const sorted = [...held].sort((a, b) => b.second - a.second || (a.id < b.id ? 1 : -1));
    const fitting = sorted.filter(
      ({ second }) => at(second) >= request.from && (!request.to || at(second) < request.to),
    );
    const place = request.after === null ? 0 : fitting.findIndex(({ id }) => id === request.after) + 1;
    if (request.after !== null && place === 0) {
      throw new SyncError('the cursor is gone', { kind: 'transient', code: 'cursor_gone' });
    }
    const page = fitting.slice(place, place + 100);
    return pageOf(page, place + 100 < fitting.length);
  };
  const payment: PaymentFeeds['payment'] = async (id) => {
    const found = held.find((intent) => intent.id === id);
    return { reading: found === undefined ? { kind: 'missing' } : paymentOf(found), requests: 1 };
  };
  return { asked, side: createStripeSide({ feeds: { paymentIntents, payment } as PaymentFeeds }) };
}

async function list(
  side: ReturnType<typeof createStripeSide>,
  window: Window = WINDOW,
  between: (pages: number) => void = () => {},
): Promise<string[]> {
  const ids: string[] = [];
  let pages = 0;
  for await (const page of side.listSucceeded(window)) {
    ids.push(...page.payments.map(({ id }) => id));
    pages += 1;
    between(pages);
  }
  return ids;
}

const idsOf = (held: readonly Intent[]) => held.map(({ id }) => id).sort();

describe('a window of payments', () => {
  it.each([0, 1, 100, 101, 350])(
    'of %i is listed to its end, each once, in as many requests as pages',
    async (count) => {
      const held = intents(count, (index) => index);
      const { side, asked } = stripeOf([...held, { id: 'pi_before', second: -1 }, { id: 'pi_at_end', second: 1_000 }]);
      expect((await list(side)).sort()).toEqual(idsOf(held));
      expect(asked).toHaveLength(Math.max(1, Math.ceil(count / 100)));
    },
  );

  it('keeps the clock and the cost of each page', async () => {
    const pages = [];
    for await (const page of stripeOf(intents(150, (index) => index)).side.listSucceeded(WINDOW)) pages.push(page);
    expect(pages.map(({ vendorNow, requests }) => [vendorNow, requests])).toEqual([
      [at(5_000), 1],
      [at(5_000), 1],
    ]);
  });

  it('does not take what was created before a bound within a second', async () => {
    const { side } = stripeOf([{ id: 'pi_of_the_second', second: 10 }], () =>
      pageOf([{ id: 'pi_x', second: 10 }], false),
    );
    expect(await list(side, { from: new Date(at(10).getTime() + 500), to: at(20) })).toEqual([]);
  });

  it.each([
    ['every second', (index: number) => index],
    ['40 in each second', (index: number) => Math.floor(index / 40)],
    ['all in one second', () => 7],
  ])('is whole although cursors vanish between pages: %s', async (_, secondOf) => {
    const held = intents(350, secondOf);
    const gone: string[] = [];
    const { side } = stripeOf(held);
    const ids = await list(side, WINDOW, (pages) => {
      if (pages > 2) return;
      // What the next request would begin after is deleted, as test data can be.
      const sorted = [...held].sort((a, b) => b.second - a.second || (a.id < b.id ? 1 : -1));
      const last = sorted[pages * 100 - 1];
      if (last === undefined) return;
      held.splice(held.indexOf(last), 1);
      gone.push(last.id);
    });
    expect(gone.length).toBe(2);
    expect(idsOf(held).filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is given up when every cursor vanishes', async () => {
    const { side, asked } = stripeOf([], ({ after }) => {
      if (after !== null) throw new SyncError('the cursor is gone', { kind: 'transient', code: 'cursor_gone' });
      return pageOf(
        intents(100, () => 7),
        true,
      );
    });
    await expect(list(side)).rejects.toMatchObject({ code: 'cursor_gone' });
    expect(asked.length).toBeLessThan(20);
  });

  it('is given up when a page cannot be read', async () => {
    const refused = new SyncError('refused', { kind: 'fatal', code: 'stripe_permission_missing' });
    const { side } = stripeOf(
      intents(150, (index) => index),
      ({ after }) => {
        if (after !== null) throw refused;
        return undefined;
      },
    );
    await expect(list(side)).rejects.toBe(refused);
  });

  it.each([
    ['newer than the page before', (index: number) => 500 + index],
    ['beyond the end', () => 1_000],
    ['before the beginning', () => -5],
  ])('is refused with a page %s', async (_, secondOf) => {
    const { side } = stripeOf(
      intents(150, (index) => index),
      ({ after }) => (after === null ? undefined : pageOf(intents(3, secondOf).reverse(), false)),
    );
    await expect(list(side)).rejects.toMatchObject({ code: 'stripe_answer_unreadable' });
  });

  it('is refused when the same page comes for ever', async () => {
    const { side, asked } = stripeOf([], () =>
      pageOf(
        intents(100, () => 7),
        true,
      ),
    );
    await expect(list(side)).rejects.toMatchObject({ code: 'stripe_answer_unreadable' });
    expect(asked.length).toBe(2);
  });
});

it('one intent is read as it is now, or is missing', async () => {
  const { side } = stripeOf([{ id: 'pi_1', second: 1 }]);
  expect(await side.readIntent('pi_1')).toMatchObject({ kind: 'payment', id: 'pi_1' });
  expect(await side.readIntent('pi_2')).toEqual({ kind: 'missing' });
});
